"""The pattern centre: from the file, by hand, or optimised on chosen patterns."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from orix.crystal_map import Phase

    from napari_bravais.io.scan import Scan
    from napari_bravais.mapping.hough import HoughIndexer, HoughSettings

#: Whose way of giving a pattern centre.
CONVENTIONS = ("bruker", "edax", "oxford")

# How far about the first guess to start, in fractions of the detector.
_REACH = 0.04

# A mean deviation of the bands, in degrees, that only the right pattern centre gives.
_GOOD_FIT = 0.45


@dataclass(frozen=True)
class PatternCentre:
    """The point of the detector nearest to the beam's spot on the sample, and how near it is.

    Attributes
    ----------
    x, y, z
        Pattern centre in fractions of the detector, as ``convention`` has them. Bruker: x from
        the left in widths, y from the top in heights, z in heights. EDAX: x from the left in
        widths, y from the bottom in heights, z in the lesser of the two. Oxford Instruments: all
        in widths, y from the bottom.
    convention
        One of `CONVENTIONS`.

    Raises
    ------
    ValueError
        If the convention is none of these, or the detector lies behind the sample.
    """

    x: float
    y: float
    z: float
    convention: str = "bruker"

    def __post_init__(self):
        if self.convention not in CONVENTIONS:
            raise ValueError(
                f"{self.convention!r} is no convention of pattern centres; they are "
                f"{', '.join(CONVENTIONS)}"
            )
        if not self.z > 0:
            raise ValueError(f"a pattern centre's z is positive, not {self.z:g}")

    @classmethod
    def by(cls, facts: Sequence | None) -> "PatternCentre | None":
        """Return the pattern centre whose fields a message carries; None if it carries none."""
        return cls(*facts) if facts else None

    def bruker(self, signal_shape: tuple[int, int]) -> tuple[float, float, float]:
        """Return (x, y, z) in Bruker's convention for a detector of that shape (h, w)."""
        h, w = signal_shape
        if self.convention == "edax":
            return self.x, 1 - self.y, self.z * min(h, w) / h
        if self.convention == "oxford":
            return self.x, 1 - self.y * w / h, self.z * w / h
        return self.x, self.y, self.z

    def converted(self, convention: str, signal_shape: tuple[int, int]) -> "PatternCentre":
        """Return the same pattern centre in another convention."""
        h, w = signal_shape
        x, y, z = self.bruker(signal_shape)
        if convention == "edax":
            return PatternCentre(x, 1 - y, z * h / min(h, w), convention)
        if convention == "oxford":
            return PatternCentre(x, (1 - y) * h / w, z * h / w, convention)
        return PatternCentre(x, y, z, convention)

    def minus(self, other: "PatternCentre") -> np.ndarray:
        """Return by how much it differs from another one of the same convention, shape (3,)."""
        return np.array([self.x - other.x, self.y - other.y, self.z - other.z])

    def __str__(self) -> str:
        whose = "EDAX" if self.convention == "edax" else self.convention.capitalize()
        return f"({self.x:.4f}, {self.y:.4f}, {self.z:.4f}) in {whose}'s convention"


def stored_pattern_centre(scan: "Scan") -> PatternCentre | None:
    """Return the mean pattern centre that a scan's file stores; None if it stores none."""
    return None if scan.pattern_centre is None else PatternCentre(*scan.pattern_centre)


def with_pattern_centre(scan: "Scan", centre: PatternCentre) -> "Scan":
    """Return a scan with a pattern centre given by hand in place of what its file stores."""
    from kikuchipy.detectors import EBSDDetector

    known = scan.detector is not None
    detector = scan.detector.deepcopy() if known else EBSDDetector(shape=scan.signal_shape)
    detector.pc = centre.bruker(scan.signal_shape)
    return replace(scan, detector=detector)


def moved_to(scan: "Scan", centre: PatternCentre) -> "Scan":
    """Return a scan with all pattern centres moved by as much, so that this is their mean.

    One that stores none gets it everywhere.
    """
    stored = stored_pattern_centre(scan)
    if stored is None:
        return with_pattern_centre(scan, centre)
    detector = scan.detector.deepcopy()
    there, here = (np.array(one.bruker(scan.signal_shape)) for one in (centre, stored))
    detector.pc = detector.pc + there - here
    return replace(scan, detector=detector)


@dataclass(frozen=True)
class PatternCentreFit:
    """What optimising a pattern centre gave.

    Attributes
    ----------
    start, centre
        Pattern centre before and after, both in the convention of ``start``.
    fit_before, fit_after
        Mean angle between bands found and bands expected, in degrees, of the patterns indexed;
        NaN if none was.
    indexed_before, indexed_after
        How many of the patterns were indexed.
    pixels
        The patterns used, as (row, column).
    """

    start: PatternCentre
    centre: PatternCentre
    fit_before: float
    fit_after: float
    indexed_before: int
    indexed_after: int
    pixels: tuple[tuple[int, int], ...]


def optimise_pattern_centre(
    scan: "Scan",
    phases: Sequence["Phase"],
    start: PatternCentre,
    pixels: Sequence[tuple[int, int]],
    settings: "HoughSettings | None" = None,
) -> PatternCentreFit:
    """Find the pattern centre with which chosen patterns are indexed best.

    PyEBSDIndex's downhill simplex starts from ``start`` and, until it ends where all patterns are
    indexed well, as there are false valleys, from six points about it. The end where most patterns
    are indexed, and these best, is taken.

    Parameters
    ----------
    scan
        The scan.
    phases
        The phases that the patterns may show.
    start
        First guess.
    pixels
        The patterns, as (row, column).
    settings
        How to index.

    Returns
    -------
    PatternCentreFit

    Raises
    ------
    HoughError
        If the patterns cannot be indexed at all.
    """
    from napari_bravais.mapping.hough import HoughError, HoughIndexer, HoughSettings

    if not pixels:
        raise HoughError("no pattern was chosen to optimise the pattern centre on")
    indexer = HoughIndexer(scan, phases, start, settings or HoughSettings())
    patterns = scan.patterns_at(*np.transpose(pixels))
    patterns = indexer.prepared(patterns)
    with _one_thread():
        fit_before, indexed_before = indexer.quality_of_fit(patterns, start)
        best = _best_of(indexer, patterns, start.bruker(scan.signal_shape))
        centre = PatternCentre(*best).converted(start.convention, scan.signal_shape)
        fit_after, indexed_after = indexer.quality_of_fit(patterns, centre)
    if indexed_after == 0:
        raise HoughError(
            f"none of the {len(pixels)} patterns can be indexed near the pattern centre {start}"
        )
    return PatternCentreFit(
        *(start, centre, fit_before, fit_after, indexed_before, indexed_after),
        tuple((int(row), int(column)) for row, column in pixels),
    )


def _best_of(
    indexer: "HoughIndexer", patterns: np.ndarray, start: tuple[float, float, float]
) -> tuple[float, float, float]:
    """Go downhill from the start and, if that ends badly, from points about it."""
    from pyebsdindex import pcopt

    def badness(place: np.ndarray) -> tuple[int, float]:
        fit, indexed = indexer.quality_of_fit(patterns, PatternCentre(*place))
        return -indexed, fit

    best, least = np.array(start), (1, np.inf)
    shifts = [_REACH * sign * axis for axis in np.eye(3) for sign in (-1, 1)]
    for shift in (np.zeros(3), *shifts):
        end = pcopt.optimize(patterns, indexer.indexer, PC0=np.array(start) + shift)
        # the simplex knows no bounds
        if end[2] > 0 and (found := badness(end)) < least:
            best, least = end, found
        if least[0] == -len(patterns) and least[1] < _GOOD_FIT:
            break
    return tuple(float(value) for value in best)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let PyEBSDIndex work in one thread: a few patterns are not worth waking others."""
    import numba

    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(threads)


def good_pixels(scan: "Scan", count: int = 16) -> list[tuple[int, int]]:
    """Choose patterns to optimise a pattern centre on: sharp ones, all over the map.

    Parameters
    ----------
    scan
        The scan.
    count
        How many, at most. The map is cut into as many fields; a few patterns of each are read.

    Returns
    -------
    list of (row, column)
        The sharpest seen in each field, in reading order.
    """
    (ny, nx), side = scan.navigation_shape, max(1, round(count**0.5))
    fields = min(side, ny), min(max(1, count // min(side, ny)), nx)
    # a regular grid, two by two patterns a field, is read in one go
    step_y, step_x = (max(1, n // (2 * k)) for n, k in zip((ny, nx), fields, strict=True))
    top, left = step_y // 2, step_x // 2
    patterns = scan.patterns[top::step_y, left::step_x].compute(scheduler="synchronous")
    best: dict[tuple[int, int], tuple[float, tuple[int, int]]] = {}
    for i, j in np.ndindex(patterns.shape[:2]):
        row, column = top + i * step_y, left + j * step_x
        field = row * fields[0] // ny, column * fields[1] // nx
        found = _sharpness(patterns[i, j]), (row, column)
        best[field] = max(best.get(field, found), found)
    return [best[field][1] for field in sorted(best)]


def _sharpness(pattern: np.ndarray) -> float:
    """Return how much of a pattern's variation is as broad as a band, not noise."""
    from scipy.ndimage import gaussian_filter

    side = min(pattern.shape) / 60
    smooth = gaussian_filter(pattern.astype(float), 1.5 * side)
    return float((smooth - gaussian_filter(smooth, 6 * side)).std() / (pattern.mean() or 1))
