"""Opening EBSD scans through kikuchipy: ``open_scan(path) -> Scan``."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import dask.array as da
    import numpy as np
    from kikuchipy.detectors import EBSDDetector


class ScanError(Exception):
    """A file cannot be opened as a scan; the message names the file and the fault."""


@dataclass(frozen=True)
class ElectronImage:
    """An image of the scanned area, registered to the map.

    Attributes
    ----------
    name
        What it shows, for example ``"FSE lower centre"`` or ``"virtual forward-scatter"``.
    data
        Grey levels, shape (rows, columns), or RGB, shape (rows, columns, 3).
    step
        Height and width of one image pixel, in the scan's unit.
    offset
        Position (y, x) of the image's first pixel relative to the scan's first, in the scan's unit.
    virtual
        True if it was computed from the patterns because the file stores none.
    """

    name: str
    data: "np.ndarray"
    step: tuple[float, float]
    offset: tuple[float, float] = (0.0, 0.0)
    virtual: bool = False


@dataclass(frozen=True)
class Scan:
    """An EBSD scan: lazy patterns on a rectangular grid, and what the file says about them.

    Attributes
    ----------
    patterns
        Lazy patterns, shape (ny, nx, h, w): navigation axes first, signal axes last. A chunk
        holds whole patterns and, when computed, a few ten megabytes at most.
    step
        Step (y, x) between patterns, in ``step_unit``.
    step_unit
        ``"um"``, ``"nm"``, ..., or ``"px"`` where the file gives no unit.
    detector
        kikuchipy's detector, or None where the file says nothing of it.
    beam_energy
        Beam energy in keV, or None where the file does not say.
    path
        The file or directory, absolute.
    provenance
        Facts for records, JSON-able: file name, format, size in bytes, modification time, reader.
    electron_images
        Images of the scanned area stored in the file; empty if it stores none.
    """

    patterns: "da.Array"
    step: tuple[float, float]
    step_unit: str
    detector: "EBSDDetector | None"
    beam_energy: float | None
    path: Path
    provenance: dict[str, Any] = field(default_factory=dict)
    electron_images: tuple[ElectronImage, ...] = ()

    @property
    def navigation_shape(self) -> tuple[int, int]:
        """Rows and columns of the map (ny, nx)."""
        return self.patterns.shape[:2]

    @property
    def signal_shape(self) -> tuple[int, int]:
        """Rows and columns of a pattern (h, w)."""
        return self.patterns.shape[2:]


def open_scan(path: str | Path) -> Scan:
    """Open an EBSD scan lazily."""
    raise NotImplementedError
