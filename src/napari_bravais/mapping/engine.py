"""A whole scan, block by block: ``iter_phase_map`` and ``map_phases``."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from zlib import crc32

import numpy as np

from napari_bravais.io.scan import Scan
from napari_bravais.mapping.phase_map import PhaseMap
from napari_bravais.model.classifier import Classifier

#: Patterns between two answers; under a second's work, so that a cancelled map stops at once.
BLOCK_PATTERNS = 512

#: Largest block of raw patterns, so that memory does not depend on the detector either.
BLOCK_BYTES = 16 * 2**20

#: Blocks that are classified at a time: while one waits for its last patterns, or the chunk before
#: is stored, the network reads the other.
AT_A_TIME = 2

#: Blocks that are read meanwhile.
READ_AHEAD = 1

#: A rectangle of a map: its rows and its columns.
Block = tuple[slice, slice]


@dataclass(frozen=True)
class MapChunk:
    """A rectangle of a map.

    Attributes
    ----------
    rows, columns
        Where it lies in the map.
    probabilities
        Probability of each lattice, shape (rows, columns, 14), float32.
    quality
        Pattern quality, shape (rows, columns), float32.
    digest
        Checksum of the raw patterns that were read, by which a broken-off map that goes on
        recognises its scan.
    """

    rows: slice
    columns: slice
    probabilities: np.ndarray
    quality: np.ndarray
    digest: int = 0


def block_shape(scan: Scan, most: int | None = None) -> tuple[int, int]:
    """Return rows and columns of the blocks in which a scan is read, classified and stored.

    Parameters
    ----------
    scan
        The scan.
    most
        Patterns in a block at most; `BLOCK_PATTERNS` by default.
    """
    pattern_bytes = math.prod(scan.signal_shape) * scan.patterns.dtype.itemsize
    most = max(1, min(most or BLOCK_PATTERNS, BLOCK_BYTES // pattern_bytes))
    columns = scan.navigation_shape[1]
    width = math.ceil(columns / math.ceil(columns / most))
    return min(scan.navigation_shape[0], most // width), width


def map_blocks(scan: Scan, most: int | None = None) -> list[Block]:
    """Return the blocks, as of `block_shape`, that cover a scan once, in reading order."""
    (ny, nx), (height, width) = scan.navigation_shape, block_shape(scan, most)
    return [
        (slice(top, min(top + height, ny)), slice(left, min(left + width, nx)))
        for top in range(0, ny, height)
        for left in range(0, nx, width)
    ]


def read_block(scan: Scan, block: Block) -> np.ndarray:
    """Read the patterns of a block, shape (rows, columns, h, w).

    Raises
    ------
    ScanError
        If they cannot be read.
    """
    return scan.patterns[block].compute(scheduler="synchronous")


def map_block(scan: Scan, classifier: Classifier, block: Block, patterns: np.ndarray) -> MapChunk:
    """Classify the patterns of a scan's block, shape (rows, columns, h, w)."""
    shape = patterns.shape[:2]
    probabilities, quality = classifier.assess(
        patterns.reshape(-1, *patterns.shape[2:]), *scan.known_at(*block)
    )
    return MapChunk(
        *block,
        probabilities.reshape(*shape, -1),
        quality.reshape(shape),
        digest_of(patterns),
    )


def digest_of(patterns: np.ndarray) -> int:
    """Return a checksum of raw patterns (CRC-32)."""
    return crc32(np.ascontiguousarray(patterns))


def iter_phase_map(
    scan: Scan,
    classifier: Classifier,
    blocks: Iterable[Block] | None = None,
    at_a_time: int = AT_A_TIME,
) -> Iterator[MapChunk]:
    """Classify a scan block by block, reading the next ones while the network works.

    Parameters
    ----------
    scan
        The scan; a few blocks of it are in memory at a time.
    classifier
        What reads the patterns.
    blocks
        Which blocks, of `map_blocks`; all by default.
    at_a_time
        How many are classified at a time. With 1 the network rests while a chunk is taken, and
        whoever takes it has the processor.

    Yields
    ------
    MapChunk
        One a block.

    Raises
    ------
    ScanError
        If patterns cannot be read.
    """
    with ThreadPoolExecutor(1, "read") as readers, ThreadPoolExecutor(at_a_time, "map") as mappers:
        waiting = iter(map_blocks(scan) if blocks is None else blocks)
        reading, mapping = deque(), deque()

        def map_read(block: Block, patterns: Future[np.ndarray]) -> MapChunk:
            return map_block(scan, classifier, block, patterns.result())

        try:
            while True:
                for block in islice(waiting, at_a_time + READ_AHEAD - len(reading) - len(mapping)):
                    reading.append((block, readers.submit(read_block, scan, block)))
                while reading and len(mapping) < at_a_time:
                    mapping.append(mappers.submit(map_read, *reading.popleft()))
                if not mapping:
                    return
                yield mapping.popleft().result()
        finally:
            mappers.shutdown(wait=False, cancel_futures=True)
            readers.shutdown(wait=True, cancel_futures=True)


def map_phases(
    scan: Scan,
    classifier: Classifier,
    progress: Callable[[int, int], None] | None = None,
    *,
    store: str | Path | None = None,
    scheduler: str | None = None,
) -> PhaseMap:
    """Map the Bravais lattices of a scan.

    Parameters
    ----------
    scan
        The scan.
    classifier
        What reads the patterns.
    progress
        Called with the patterns done and the patterns in all after each block.
    store
        A Zarr store in which the map grows. If the map broke off, however it did, the same call
        goes on from there. By default nothing is kept before the whole map is returned.
    scheduler
        Address of a Dask scheduler whose workers shall do the work; by default it is done here.

    Returns
    -------
    PhaseMap
        Pixels whose pattern shows too little, by the classifier's threshold, are not classified.

    Raises
    ------
    ScanError
        If patterns cannot be read.
    StoreError
        If the store is of another scan, model or runtime, or cannot be written.
    ClusterError
        If the scheduler cannot be reached, or its workers cannot do the work.
    """
    if store is None:
        result = PhaseMap.empty(scan.navigation_shape, **map_attributes(scan, classifier))
        blocks = map_blocks(scan)

        def keep(chunk: MapChunk) -> None:
            result.probabilities[chunk.rows, chunk.columns] = chunk.probabilities
            result.quality[chunk.rows, chunk.columns] = chunk.quality
    else:
        from napari_bravais.mapping.store import MapStore

        kept = MapStore.open(store, scan, classifier)
        blocks = kept.unfinished
        keep = kept.write
    if scheduler is None:
        chunks = iter_phase_map(scan, classifier, blocks)
    else:
        from napari_bravais.mapping.cluster import iter_phase_map_on

        chunks = iter_phase_map_on(scheduler, scan, classifier, blocks)
    total = math.prod(scan.navigation_shape)
    done = total - sum(_pixels(block) for block in blocks)
    report = progress or (lambda done, total: None)
    report(done, total)
    with closing(chunks):
        for chunk in chunks:
            keep(chunk)
            done += chunk.quality.size
            report(done, total)
    return result if store is None else kept.load()


def map_attributes(scan: Scan, classifier: Classifier) -> dict:
    """Return the attributes of a scan's `PhaseMap` but for its arrays, JSON-able."""
    return {
        "step": scan.step,
        "step_unit": scan.step_unit,
        "quality_threshold": classifier.quality_threshold,
        "provenance": provenance(scan, classifier),
    }


def provenance(scan: Scan, classifier: Classifier) -> dict:
    """Record what makes a map: the scan, the model and its checksum, the device, versions."""
    packages = ("napari-bravais", "numpy", "kikuchipy")
    return {
        "scan": scan.provenance,
        "pattern_centre": scan.pattern_centre and [round(x, 4) for x in scan.pattern_centre],
        "model": classifier.name,
        "model_sha256": classifier.checksum,
        "index_sha256": classifier.index_checksum,
        "model_card": classifier.card,
        "device": classifier.device,
        "versions": {**{name: version(name) for name in packages}, **classifier.versions},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _pixels(block: Block) -> int:
    return math.prod(part.stop - part.start for part in block)
