"""kikuchipy's signals, already in memory or lazy, as scans."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_bravais.io.scan import Scan, ScanError
from napari_bravais.io.stored import CHUNK_BYTES, background_shown

if TYPE_CHECKING:
    from kikuchipy.signals import EBSD


def scan_from_signal(signal: "EBSD") -> Scan:
    """Return a kikuchipy signal as a scan.

    Parameters
    ----------
    signal
        Patterns with up to two navigation axes. Nothing is copied; what is lazy stays lazy.

    Returns
    -------
    Scan
        A line of patterns becomes a map of one row.

    Raises
    ------
    ScanError
        If the signal has more than two navigation axes, or its signal axes are no pattern's.
    """
    import dask.array as da

    shape = signal.data.shape
    if not 2 <= len(shape) <= 4 or signal.axes_manager.signal_dimension != 2:
        raise ScanError(f"a signal of shape {shape} is no scan: scans are (rows, columns, h, w)")
    patterns = signal.data.reshape((1,) * (4 - len(shape)) + shape)
    if not isinstance(patterns, da.Array):
        pattern_bytes = max(1, patterns[0, 0].nbytes)
        rows = max(1, CHUNK_BYTES // (pattern_bytes * patterns.shape[1]))
        patterns = da.from_array(patterns, chunks=(rows, *patterns.shape[1:]), name=False)
    step, unit = _step(signal)
    title = signal.metadata.get_item("General.title", "") or "kikuchipy signal"
    energy = signal.metadata.get_item("Acquisition_instrument.SEM.beam_energy", None)
    return Scan(
        patterns=patterns.rechunk({2: -1, 3: -1}),
        step=step,
        step_unit=unit,
        detector=signal.detector,
        beam_energy=float(energy) if energy else None,
        path=Path(title),
        provenance={"file": title, "format": "kikuchipy signal"},
        static_background=background_shown(patterns, _background(signal)),
    )


def _step(signal: "EBSD") -> tuple[tuple[float, float], str]:
    """Return step (y, x) and its unit; a line has its one step in both directions."""
    axes = [axis for axis in signal.axes_manager.navigation_axes if axis.scale > 0]
    units = {str(axis.units) for axis in axes}
    unit = {"um": "um", "µm": "um", "μm": "um", "nm": "nm", "mm": "mm"}.get(" ".join(units))
    if unit is None:
        return (1.0, 1.0), "px"
    x, y = float(axes[0].scale), float(axes[-1].scale)
    return (y, x), unit


def _background(signal: "EBSD") -> np.ndarray | None:
    background = signal.static_background
    return None if background is None else np.asarray(background)
