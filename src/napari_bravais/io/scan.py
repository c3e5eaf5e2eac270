"""Opening EBSD scans through kikuchipy: ``open_scan(path) -> Scan``."""

import math
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import dask.array as da
    import numpy as np
    from kikuchipy.detectors import EBSDDetector


#: An averaged pattern that is wanted by itself takes about as long as so many in a row.
_AVERAGED_FROM = 40


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
        Position (y, x) of the centre of the image's first pixel relative to the centre of the
        scan's first, in the scan's unit.
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
    static_background
        What the detector shows without any pattern, shape (h, w), where the file stores it and
        its patterns still show it; else None.
    """

    patterns: "da.Array"
    step: tuple[float, float]
    step_unit: str
    detector: "EBSDDetector | None"
    beam_energy: float | None
    path: Path
    provenance: dict[str, Any] = field(default_factory=dict)
    electron_images: tuple[ElectronImage, ...] = ()
    static_background: "np.ndarray | None" = None

    @property
    def navigation_shape(self) -> tuple[int, int]:
        """Rows and columns of the map (ny, nx)."""
        return self.patterns.shape[:2]

    @property
    def averaged(self) -> bool:
        """Whether its patterns are averaged (`napari_bravais.mapping.averaging`)."""
        return bool(self.provenance.get("averaged"))

    @cached_property
    def pattern_centre(self) -> "tuple[float, float, float] | None":
        """Mean pattern centre (pcx, pcy, pcz) that the file stores, Bruker's convention.

        None if it stores none: files whose software never set one hold zeros, ones or kikuchipy's
        middle of the detector.
        """
        import numpy as np

        if self.detector is None:
            return None
        centres = np.reshape(self.detector.pc, (-1, 3))
        x, y, z = (float(value) for value in np.nanmean(centres, axis=0))
        unset = (x, y, z) in ((0.5, 0.5, 0.5), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
        return None if unset or not np.isfinite(x + y + z) or z <= 0 else (x, y, z)

    @cached_property
    def pattern_centres(self) -> "np.ndarray | None":
        """Pattern centre of every pixel, shape (ny, nx, 3), Bruker's convention; None if unknown.

        Each pixel's own where the file stores as many, else their mean.
        """
        import numpy as np

        if self.pattern_centre is None:
            return None
        shape = (*self.navigation_shape, 3)
        stored = np.asarray(self.detector.pc, float)
        if stored.shape == shape and np.isfinite(stored).all():
            return stored
        return np.broadcast_to(self.pattern_centre, shape)

    def patterns_at(self, rows: "np.ndarray", columns: "np.ndarray") -> "np.ndarray":
        """Return the patterns of some pixels, shape (n, h, w).

        Parameters
        ----------
        rows, columns
            Of each, shape (n,).

        Raises
        ------
        ScanError
            If they cannot be read.
        """
        import numpy as np

        # a whole chunk is fast to read, but slow to average
        if self.averaged and len(rows) * _AVERAGED_FROM < math.prod(self.navigation_shape):
            each = (self.patterns[place] for place in zip(rows, columns, strict=True))
            return np.stack([one.compute(scheduler="synchronous") for one in each])
        return self.patterns.vindex[rows, columns].compute(scheduler="synchronous")

    def known_at(self, *pixels) -> "tuple[np.ndarray | None, np.ndarray | None]":
        """Return what a `Classifier` is told of some pixels beside their patterns.

        Parameters
        ----------
        pixels
            Index of the navigation axes: slices, numbers, or arrays of rows and columns.

        Returns
        -------
        tuple
            The static background, shape (h, w), and the pattern centres, shape (n, 3), in the
            pixels' order; each None if it is not known.
        """
        centres = self.pattern_centres
        own = None if centres is None else centres[pixels].reshape(-1, 3)
        return self.static_background, own

    @property
    def signal_shape(self) -> tuple[int, int]:
        """Rows and columns of a pattern (h, w)."""
        return self.patterns.shape[2:]


def open_scan(path: str | Path) -> Scan:
    """Open an EBSD scan; its patterns are read from the file when they are computed.

    Formats: HDF5 of kikuchipy, Bruker, EDAX, Oxford Instruments (h5oina) and EMsoft (simulated
    patterns), EDAX ``.up1`` and ``.up2``, Oxford ``.ebsp``, NORDIF ``.dat``, a directory of images
    whose names end in the map's column and row, like ``pattern_x5y10.tif``, or else in the order of
    one row, and an image of one pattern.

    Parameters
    ----------
    path
        The file, or the directory of images. Of several scans in a file the first is taken;
        ``provenance`` names them all.

    Returns
    -------
    Scan

    Raises
    ------
    ScanError
        If there is no such file, or it is not an intact scan on a rectangular grid. Damage that
        shows only when patterns are read raises it from ``patterns.compute()``.
    """
    path = Path(path).absolute()
    if not path.exists():
        raise ScanError(f"{path} does not exist")
    if not (path.is_file() or path.is_dir()):  # a pipe would be waited for, for ever
        raise ScanError(f"{path} is not a file")
    file_format, read = _format(path)
    try:
        with _quiet():
            scan = read(path)
    except ScanError:
        raise
    except PermissionError as error:
        raise ScanError(f"{path} may not be read: permission denied") from error
    except Exception as error:  # each of kikuchipy's readers raises its own on damaged input
        raise ScanError(f"{path} is {_fault(error, file_format)}") from error
    facts = path.stat()
    return replace(
        scan,
        provenance={
            "file": path.name,
            "format": file_format,
            **scan.provenance,
            "size_bytes": facts.st_size,
            "modified": datetime.fromtimestamp(facts.st_mtime, UTC).isoformat(),
            "reader": f"kikuchipy {version('kikuchipy')}",
        },
    )


def _format(path: Path) -> tuple[str, Callable[[Path], Scan]]:
    """Return the name of a file's format, by its suffix, and the function that reads it."""
    from napari_bravais.io import hdf5, readers

    formats = {
        **dict.fromkeys((".h5", ".hdf5", ".h5ebsd", ".h5oina"), ("HDF5", hdf5.read_hdf5)),
        **dict.fromkeys((".up1", ".up2"), ("EDAX binary", readers.read_edax_binary)),
        ".ebsp": ("Oxford Instruments ebsp", readers.read_oxford_binary),
        ".dat": ("NORDIF", readers.read_nordif),
        **dict.fromkeys(readers.IMAGE_SUFFIXES, ("image", readers.read_image)),
    }
    if path.is_dir():
        return "directory of images", readers.read_image_directory
    if path.suffix.lower() not in formats:
        raise ScanError(
            f"{path} is not an EBSD scan: scans are directories of images or files that end in "
            f"{', '.join(formats)}"
        )
    return formats[path.suffix.lower()]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back warnings about files that their reader can do nothing about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _fault(error: Exception, file_format: str) -> str:
    """Say in a few words what a reader's exception means."""
    reason = " ".join(str(error).split()).strip("'\". ")
    if "square grids" in reason:
        return "on a hexagonal grid; only rectangular grids are supported"
    if "rectangular region" in reason:
        return "of a region of interest that is not rectangular, which is not supported"
    fault = f"truncated, damaged or not a scan in {file_format} format"
    if isinstance(error, IndexError | struct.error):  # ran off the end, says nothing more
        return fault
    return f"{fault} ({type(error).__name__}: {reason})"
