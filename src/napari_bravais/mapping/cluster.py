"""A scan on several machines: blocks of it, classified by the workers of a Dask scheduler.

Dask sends functions and results between its processes as pickles, so a scheduler should be one
that only its owner can reach, as those are that dask-jobqueue starts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING

from napari_bravais.io.scan import Scan, ScanError, open_scan
from napari_bravais.mapping.averaging import averaged
from napari_bravais.mapping.engine import Block, MapChunk, map_block, provenance, read_block
from napari_bravais.mapping.pattern_centre import PatternCentre, with_pattern_centre
from napari_bravais.model.classifier import Classifier, ModelError

if TYPE_CHECKING:
    from distributed import Client

#: Blocks at each of a worker's threads: the one under way and the one that it takes up next.
_BLOCKS_A_THREAD = 2

#: Seconds to wait for the scheduler and for the first of its workers.
_PATIENCE = 60

_loading = Lock()


class ClusterError(Exception):
    """A Dask scheduler or its workers cannot do the work; the message says why."""


@dataclass(frozen=True)
class _Job:
    """What a worker needs to know, and what has to be there as it is here."""

    scan: str
    scan_size: int | None
    model: str
    checksums: tuple[str, str | None]
    runtime: str
    device: str
    versions: tuple[tuple[str, str], ...]
    pattern_centre: tuple[float, float, float] | None
    averaged: bool


def iter_phase_map_on(
    scheduler: str, scan: Scan, classifier: Classifier, blocks: Iterable[Block]
) -> Iterator[MapChunk]:
    """Classify blocks of a scan on the workers of a Dask scheduler.

    Each worker opens the scan and loads the model once. The blocks of a worker that is lost are
    given to others.

    Parameters
    ----------
    scheduler
        Its address, for example ``"tcp://10.0.0.1:8786"``.
    scan, classifier
        The scan and what reads it; the workers find their files under the same paths.
    blocks
        Blocks of the scan.

    Yields
    ------
    MapChunk
        One a block, in the order in which they are finished.

    Raises
    ------
    ClusterError
        If the scheduler cannot be reached, has no workers, or its workers die of the work or have
        another device or other versions.
    ScanError, ModelError
        If a worker cannot read the scan or load the model.
    """
    job = _Job(
        str(scan.path),
        scan.provenance.get("size_bytes"),
        str(classifier.path),
        (classifier.checksum, classifier.index_checksum),
        classifier.runtime,
        classifier.device,
        tuple(provenance(scan, classifier)["versions"].items()),
        scan.pattern_centre,
        scan.averaged,
    )
    try:
        with _connected(scheduler) as client:
            yield from _finished(client, job, blocks)
    except (ScanError, ModelError, ClusterError, GeneratorExit):
        raise
    except Exception as error:  # a dozen kinds, for what can befall a network
        raise ClusterError(f"{scheduler}: the work broke off: {error}") from error


def _connected(scheduler: str) -> "Client":
    """Return a client of a scheduler that has workers."""
    try:
        from distributed import Client
        from distributed.comm import resolve_address
    except ModuleNotFoundError as error:
        raise ClusterError(
            "Dask's distributed is not installed: pip install 'napari-bravais[cluster]'"
        ) from error
    try:
        resolve_address(scheduler)
        client = Client(scheduler, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, ImportError) as error:
        raise ClusterError(f"{scheduler}: no Dask scheduler answers there ({error})") from error
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except TimeoutError as error:
        client.close()
        raise ClusterError(f"{scheduler}: the scheduler has no workers") from error
    return client


def _finished(client: "Client", job: _Job, blocks: Iterable[Block]) -> Iterator[MapChunk]:
    """Keep the workers busy with a few blocks each; yield what they finish."""
    from distributed import as_completed

    waiting = iter(blocks)

    def more(count: int) -> list:
        return [client.submit(_map, job, block, pure=False) for block in islice(waiting, count)]

    under_way = as_completed(more(_at_once(client)), loop=client.loop)
    for future in under_way:
        chunk = future.result()
        future.release()
        # workers come and go
        for new in more(1 + max(0, _at_once(client) - under_way.count() - 1)):
            under_way.add(new)
        yield chunk


def _at_once(client: "Client") -> int:
    return _BLOCKS_A_THREAD * max(1, sum(client.nthreads().values()))


def _map(job: _Job, block: Block) -> MapChunk:
    """Read and classify a block; this runs on a worker."""
    with _loading:  # a worker's threads load it once
        scan, classifier = _opened(job)
    return map_block(scan, classifier, block, read_block(scan, block))


@lru_cache(maxsize=1)
def _opened(job: _Job) -> tuple[Scan, Classifier]:
    scan = open_scan(job.scan)
    if scan.provenance.get("size_bytes") != job.scan_size:
        raise ScanError(f"{job.scan} is another file on a worker than here")
    if job.pattern_centre not in (None, scan.pattern_centre):  # it was given by hand
        scan = with_pattern_centre(scan, PatternCentre(*job.pattern_centre))
    if job.averaged:
        scan = averaged(scan)
    classifier = Classifier.load(job.model, job.runtime)
    if (classifier.checksum, classifier.index_checksum) != job.checksums:
        raise ModelError(f"{job.model} is another model on a worker than here")
    here = classifier.device, tuple(provenance(scan, classifier)["versions"].items())
    if here != (job.device, job.versions):
        raise ClusterError(
            f"a worker has {here}, this machine {(job.device, job.versions)}: they would not "
            "give the same map"
        )
    return scan, classifier
