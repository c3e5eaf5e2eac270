"""Hough indexing by PyEBSDIndex, block by block: ``iter_hough_map`` and ``hough_map``."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from napari_bravais.io.scan import Scan
from napari_bravais.mapping.engine import map_blocks, read_block
from napari_bravais.mapping.indexed_map import NOT_INDEXED, NOT_MAPPED, CrystalPhase, IndexedMap
from napari_bravais.mapping.pattern_centre import PatternCentre, stored_pattern_centre
from napari_bravais.mapping.reflectors import indexing_space_group, strongest_reflectors

if TYPE_CHECKING:
    from orix.crystal_map import Phase

#: Title of the maps made here.
SOURCE = "Hough indexing"


class HoughError(Exception):
    """A scan cannot be indexed; the message says what is missing."""


@dataclass(frozen=True)
class HoughSettings:
    """How patterns are indexed.

    Attributes
    ----------
    reflectors
        Families of planes a phase, at most; the strongest by structure factor are taken.
    bands
        Bands looked for in a pattern.
    least_bands
        A pattern of which fewer bands fit is not indexed.
    worst_fit
        A pattern whose bands lie further from the expected, in degrees, is not indexed.
    sample_tilt, detector_tilt
        Tilts in degrees; the file's, else 70 and 0, where None.
    use_opencl
        Whether to find bands on a GPU where PyOpenCL sees one.
    """

    reflectors: int = 12
    bands: int = 9
    least_bands: int = 5
    worst_fit: float = 2.0
    sample_tilt: float | None = None
    detector_tilt: float | None = None
    use_opencl: bool = True


@dataclass(frozen=True)
class HoughChunk:
    """A rectangle of a Hough-indexed map.

    Attributes
    ----------
    rows, columns
        Where it lies in the map.
    phase_index
        Place of each pixel's phase in the list, shape (rows, columns), int16; -1 not indexed.
    rotations
        Orientations as quaternions, shape (rows, columns, 4).
    scores
        ``"fit"`` (mean deviation of the bands, degrees), ``"bands"`` (how many fit),
        ``"confidence"`` (of the vote) and ``"pattern_quality"``, each of shape (rows, columns).
    """

    rows: slice
    columns: slice
    phase_index: np.ndarray
    rotations: np.ndarray
    scores: dict[str, np.ndarray]


#: The scores of a Hough map, and what PyEBSDIndex calls them.
_SCORES = {"fit": "fit", "bands": "nmatch", "confidence": "cm", "pattern_quality": "pq"}


class HoughIndexer:
    """Indexes patterns of one scan.

    Parameters
    ----------
    scan
        The scan.
    phases
        The phases to look for.
    centre
        Pattern centre; the file's own if None, pixel by pixel where it stores so many.
    settings
        How to index.

    Raises
    ------
    HoughError
        If there is no phase or no pattern centre, or a phase shows too few planes.
    """

    def __init__(
        self,
        scan: Scan,
        phases: Sequence["Phase"],
        centre: PatternCentre | None,
        settings: HoughSettings,
    ) -> None:
        from pyebsdindex.ebsd_index import EBSDIndexer

        if not phases:
            raise HoughError("no phase is named to index by")
        self.settings = settings
        self.signal_shape = scan.signal_shape
        self._background = scan.static_background
        self.centres = _centres(scan, centre)
        tilts = _tilts(scan, settings)
        self.indexer = EBSDIndexer(
            phaselist=[_bands_of(phase, settings.reflectors) for phase in phases],
            # kikuchipy's convention: Bruker's pattern centre, EDAX's sample frame
            vendor="KIKUCHIPY",
            PC=self.centres.reshape(-1, 3).mean(axis=0),
            sampleTilt=tilts[0],
            camElev=tilts[1],
            patDim=self.signal_shape,
            nBands=settings.bands,
            # the phases are judged alike: none is left out because an earlier one fits well
            nband_earlyexit=settings.bands + 1,
            useCPU=not settings.use_opencl,
        )

    def prepared(self, patterns: np.ndarray) -> np.ndarray:
        """Take the background out of patterns, shape (n, h, w), and bring them to one contrast."""
        from scipy.ndimage import gaussian_filter

        flat = patterns.astype(np.float32)
        if self._background is not None:
            flat /= np.maximum(self._background, 1e-3 * self._background.max())
        width = min(self.signal_shape) / 8
        flat -= gaussian_filter(flat, (0, width, width))
        flat /= flat.std(axis=(1, 2), keepdims=True) + 1e-6
        return np.clip(np.nan_to_num(flat), -4, 4)

    def index(self, patterns: np.ndarray, centres: np.ndarray) -> np.ndarray:
        """Index prepared patterns; return PyEBSDIndex's best solutions, shape (n,)."""
        found, *_ = self.indexer.index_pats(patterns, PC=centres, verbose=0)
        return found[-1]

    def accepted(self, found: np.ndarray) -> np.ndarray:
        """Return where solutions are good enough."""
        return (
            (found["phase"] >= 0)
            & (found["nmatch"] >= self.settings.least_bands)
            & (found["fit"] <= self.settings.worst_fit)
        )

    def quality_of_fit(self, patterns: np.ndarray, centre: PatternCentre) -> tuple[float, int]:
        """Return the mean deviation of the bands, in degrees, and how many patterns are indexed."""
        found = self.index(patterns, np.array(centre.bruker(self.signal_shape)))
        good = self.accepted(found)
        return (float(found["fit"][good].mean()) if good.any() else math.nan), int(good.sum())


def iter_hough_map(
    scan: Scan,
    phases: Sequence["Phase"],
    centre: PatternCentre | None = None,
    settings: HoughSettings | None = None,
) -> Iterator[HoughChunk]:
    """Index a scan block by block; to cancel, close the generator.

    Parameters
    ----------
    scan
        The scan; a block of it is in memory at a time.
    phases
        The phases to look for, with space group, unit cell and, for good reflectors, atoms.
    centre
        Pattern centre; the file's own by default.
    settings
        How to index.

    Yields
    ------
    HoughChunk
        Rectangles that cover the map once.

    Raises
    ------
    HoughError
        If there is no phase or no pattern centre, or a phase cannot be indexed by.
    ScanError
        If patterns cannot be read.
    """
    indexer = HoughIndexer(scan, phases, centre, settings or HoughSettings())
    for rows, columns in map_blocks(scan):
        patterns = read_block(scan, (rows, columns))
        shape = patterns.shape[:2]
        prepared = indexer.prepared(patterns.reshape(-1, *patterns.shape[2:]))
        found = indexer.index(prepared, indexer.centres[rows, columns].reshape(-1, 3))
        phase = np.where(indexer.accepted(found), found["phase"], NOT_INDEXED)
        yield HoughChunk(
            rows,
            columns,
            phase.astype(np.int16).reshape(shape),
            found["quat"].astype(np.float32).reshape(*shape, 4),
            {name: found[key].astype(np.float32).reshape(shape) for name, key in _SCORES.items()},
        )


def empty_hough_map(
    scan: Scan,
    phases: Sequence["Phase"],
    centre: PatternCentre | None = None,
    settings: HoughSettings | None = None,
) -> IndexedMap:
    """Return a map in which nothing is indexed yet, to be filled by `insert`."""
    shape = scan.navigation_shape
    centre = centre or stored_pattern_centre(scan)
    return IndexedMap(
        phases=tuple(CrystalPhase.from_orix(phase) for phase in phases),
        phase_index=np.full(shape, NOT_MAPPED, np.int16),
        rotations=np.zeros((*shape, 4), np.float32),
        scores={name: np.full(shape, np.nan, np.float32) for name in _SCORES},
        step=scan.step,
        step_unit=scan.step_unit,
        source=SOURCE,
        provenance={
            "scan": scan.provenance,
            "method": "Hough indexing by PyEBSDIndex",
            "settings": asdict(settings or HoughSettings()),
            "pattern_centre": asdict(centre) if centre else None,
            "versions": {
                package: version(package) for package in ("napari-bravais", "pyebsdindex", "orix")
            },
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )


def insert(hough: IndexedMap, chunk: HoughChunk) -> None:
    """Put a chunk where it belongs in a map."""
    place = chunk.rows, chunk.columns
    hough.phase_index[place] = chunk.phase_index
    hough.rotations[place] = chunk.rotations
    for name, values in chunk.scores.items():
        hough.scores[name][place] = values


def hough_map(
    scan: Scan,
    phases: Sequence["Phase"],
    centre: PatternCentre | None = None,
    settings: HoughSettings | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> IndexedMap:
    """Index a scan.

    Parameters
    ----------
    scan, phases, centre, settings
        As for `iter_hough_map`.
    progress
        Called with the patterns done and the patterns in all after each block.

    Returns
    -------
    IndexedMap

    Raises
    ------
    HoughError
        If there is no phase or no pattern centre, or a phase cannot be indexed by.
    ScanError
        If patterns cannot be read.
    """
    result = empty_hough_map(scan, phases, centre, settings)
    done = 0
    for chunk in iter_hough_map(scan, phases, centre, settings):
        insert(result, chunk)
        done += chunk.phase_index.size
        if progress is not None:
            progress(done, result.phase_index.size)
    return result


def opencl_device() -> str | None:
    """Return the name of the GPU on which PyEBSDIndex finds bands; None if it uses the CPU."""
    from pyebsdindex import _pyopencl_installed

    if not _pyopencl_installed:
        return None
    import pyopencl as cl

    gpus = [d for p in cl.get_platforms() for d in p.get_devices(device_type=cl.device_type.GPU)]
    return gpus[0].name


def _bands_of(phase: "Phase", most: int):
    """Return PyEBSDIndex's library of a phase's bands.

    Not through kikuchipy, which merges reflectors by orix's point groups: these turn monoclinic
    crystals about c, their cells and PyEBSDIndex about b.
    """
    from pyebsdindex.tripletvote import addphase

    try:
        reflectors = strongest_reflectors(phase, most)
    except ValueError as error:
        raise HoughError(str(error)) from error
    if len(reflectors) < 2 or sum(entry.planes for entry in reflectors) < 4:
        raise HoughError(f"the phase {phase.name!r} shows too few planes to index by")
    return addphase(
        phasename=phase.name,
        spacegroup=indexing_space_group(phase.space_group.number),
        latticeparameter=phase.structure.lattice.abcABG(),
        polefamilies=np.array([entry.hkl for entry in reflectors]),
    )


def _centres(scan: Scan, centre: PatternCentre | None) -> np.ndarray:
    """Return each pixel's pattern centre in Bruker's convention, shape (ny, nx, 3)."""
    if centre is not None:
        return np.broadcast_to(centre.bruker(scan.signal_shape), (*scan.navigation_shape, 3))
    if scan.pattern_centres is None:
        raise HoughError(
            f"{scan.path.name} stores no pattern centre: give one by hand, or optimise one"
        )
    return scan.pattern_centres


def _tilts(scan: Scan, settings: HoughSettings) -> tuple[float, float]:
    """Return the tilts of sample and detector in degrees."""
    stored = (70.0, 0.0)
    if scan.detector is not None:
        stored = float(scan.detector.sample_tilt), float(scan.detector.tilt)
    wanted = settings.sample_tilt, settings.detector_tilt
    return tuple(file if hand is None else hand for hand, file in zip(wanted, stored, strict=True))
