"""A whole scan, block by block: ``iter_phase_map`` and ``map_phases``."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import pairwise

import numpy as np

from napari_bravais.io.scan import Scan
from napari_bravais.mapping.phase_map import PhaseMap
from napari_bravais.model.classifier import Classifier

#: Patterns between two answers; under a second's work, so that a cancelled map stops at once.
BLOCK_PATTERNS = 512


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
    """

    rows: slice
    columns: slice
    probabilities: np.ndarray
    quality: np.ndarray


def iter_phase_map(scan: Scan, classifier: Classifier) -> Iterator[MapChunk]:
    """Classify a scan block by block, reading ahead while the network works.

    Parameters
    ----------
    scan
        The scan; one of its chunks and the one read ahead are in memory at a time.
    classifier
        What reads the patterns.

    Yields
    ------
    MapChunk
        Rectangles that cover the map once.
    """
    regions = list(_chunk_regions(scan))

    def read(region):
        rows, columns = region
        return scan.patterns[rows, columns].compute(scheduler="synchronous")

    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as reader:
        coming = reader.submit(read, regions[0])
        for number, (rows, columns) in enumerate(regions):
            patterns = coming.result()
            if number + 1 < len(regions):
                coming = reader.submit(read, regions[number + 1])
            for block_rows, block_columns in _blocks(patterns.shape[:2]):
                block = patterns[block_rows, block_columns]
                shape = block.shape[:2]
                probabilities, quality = classifier.assess(
                    block.reshape(-1, *block.shape[2:]), scan.static_background
                )
                yield MapChunk(
                    _shifted(block_rows, rows.start),
                    _shifted(block_columns, columns.start),
                    probabilities.reshape(*shape, -1),
                    quality.reshape(shape),
                )


def map_phases(
    scan: Scan,
    classifier: Classifier,
    progress: Callable[[int, int], None] | None = None,
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

    Returns
    -------
    PhaseMap
        Pixels whose pattern shows too little, by the classifier's threshold, are not classified.
    """
    phase_map = PhaseMap.empty(
        scan.navigation_shape,
        step=scan.step,
        step_unit=scan.step_unit,
        quality_threshold=classifier.quality_threshold,
        provenance=provenance(scan, classifier),
    )
    done = 0
    for chunk in iter_phase_map(scan, classifier):
        phase_map.probabilities[chunk.rows, chunk.columns] = chunk.probabilities
        phase_map.quality[chunk.rows, chunk.columns] = chunk.quality
        done += chunk.quality.size
        if progress is not None:
            progress(done, phase_map.quality.size)
    return phase_map


def provenance(scan: Scan, classifier: Classifier) -> dict:
    """Record what makes a map: the scan, the model and its checksum, the device, versions."""
    packages = ("napari-bravais", "keras", "numpy", "kikuchipy")
    return {
        "scan": scan.provenance,
        "model": classifier.name,
        "model_sha256": classifier.checksum,
        "device": classifier.device,
        "versions": {package: version(package) for package in packages},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _chunk_regions(scan: Scan) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of each of the scan's chunks, in reading order."""
    edges = [np.cumsum((0, *sizes)).tolist() for sizes in scan.patterns.chunks[:2]]
    for top, bottom in pairwise(edges[0]):
        for left, right in pairwise(edges[1]):
            yield slice(top, bottom), slice(left, right)


def _blocks(shape: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    """Cut a chunk, shape (rows, columns), into rectangles of at most ``BLOCK_PATTERNS``."""
    width = min(shape[1], BLOCK_PATTERNS)
    height = max(1, BLOCK_PATTERNS // width)
    for top in range(0, shape[0], height):
        for left in range(0, shape[1], width):
            yield (
                slice(top, min(top + height, shape[0])),
                slice(left, min(left + width, shape[1])),
            )


def _shifted(part: slice, by: int) -> slice:
    return slice(part.start + by, part.stop + by)
