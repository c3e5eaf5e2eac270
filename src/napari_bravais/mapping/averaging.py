"""Noisy scans: each pattern averaged with those around it that show the same.

Non-local pattern averaging (NLPAR): Brewick, Wright and Rowenhorst 2019, doi
10.1016/j.ultramic.2019.02.013, as PyEBSDIndex has it. How much a neighbour counts falls with how
much more it differs than noise explains, so other grains beyond a boundary have no say.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_bravais.io.scan import Scan
from napari_bravais.io.stored import lazy

if TYPE_CHECKING:
    import dask.array as da

#: Pixels up and down, right and left, from which patterns are averaged.
REACH = 3

#: How much patterns may differ beyond noise (the paper's lambda).
_STRENGTH = 1.0

#: Side of the patterns, about, that are compared: larger ones are binned for that.
_COMPARED = 60

#: What is averaged at a time, about, in bytes.
_CHUNK_BYTES = 32 * 2**20


def averaged(scan: Scan) -> Scan:
    """Return a scan whose patterns are averaged with those around that show the same, lazily.

    Parameters
    ----------
    scan
        The scan. One of less than three rows or columns has no patterns around, and stays.

    Returns
    -------
    Scan
        Its patterns are float32, in the grey levels of the scan's; its provenance says so.
    """
    ny, nx, h, w = scan.patterns.shape
    if min(ny, nx) < 3:
        return scan
    # chunks not much smaller than what is read around them
    patterns_a_chunk = _CHUNK_BYTES // (4 * h * w)
    rows = min(ny, max(patterns_a_chunk // nx, 2 * REACH))
    columns = min(nx, max(patterns_a_chunk // rows, 2 * REACH))
    patterns = lazy(_Averaged(scan.patterns), (rows, columns, h, w))
    return replace(scan, patterns=patterns, provenance=scan.provenance | {"averaged": True})


class _Averaged:
    """An array that Dask can cut blocks from: averaged patterns of a lazy array."""

    ndim, dtype = 4, np.dtype(np.float32)

    def __init__(self, patterns: "da.Array") -> None:
        self._patterns, self.shape = patterns, patterns.shape
        self._reach = min(REACH, (min(patterns.shape[:2]) - 1) // 2)

    def __getitem__(self, index: tuple[Any, ...]) -> np.ndarray:
        rows, columns = (np.arange(n)[part] for n, part in zip(self.shape, index[:2], strict=False))
        # what lies between pixels far from each other is not wanted
        parts = [self._some(some, columns) for some in self._runs(rows)]
        mean = np.concatenate(parts) if rows.ndim else parts[0]
        return mean[(..., *index[2:])]

    def _runs(self, wanted: np.ndarray) -> list[np.ndarray]:
        """Cut rows or columns of the map into those near each other."""
        if not wanted.ndim:
            return [wanted]
        far = np.abs(np.diff(wanted)) > 2 * self._reach + 1
        return np.split(wanted, np.flatnonzero(far) + 1)

    def _some(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        parts = [self._block(rows, some) for some in self._runs(columns)]
        return np.concatenate(parts, axis=rows.ndim) if columns.ndim else parts[0]

    def _block(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        around = self._around(rows, self.shape[0]), self._around(columns, self.shape[1])
        read = self._patterns[around].compute(scheduler="synchronous")
        down, right = rows - around[0].start, columns - around[1].start
        wanted = tuple(slice(int(side.min()), int(side.max()) + 1) for side in (down, right))
        mean = _average(read, self._reach, wanted)
        return mean[down - wanted[0].start][..., right - wanted[1].start, :, :]

    def _around(self, wanted: np.ndarray, size: int) -> slice:
        """Return what has to be read for some rows or columns of the map.

        At the map's edge what is averaged reaches as much farther the other way; and the noise of
        each pattern is told by its neighbours.
        """
        reach, width = self._reach, 2 * self._reach + 1
        first = min(int(wanted.min()) - reach, size - width) - 1
        last = max(int(wanted.max()) + reach + 1, width) + 1
        return slice(max(0, first), min(size, last))


def _average(patterns: np.ndarray, reach: int, wanted: tuple[slice, slice]) -> np.ndarray:
    """Average those of some rows and columns of a block, shape (ny, nx, h, w)."""
    from pyebsdindex.nlpar_cpu import NLPAR

    ny, nx, h, w = patterns.shape
    flat = patterns.reshape(ny * nx, h * w).astype(np.float32)
    bins = max(1, round(min(h, w) / _COMPARED))
    compared = flat
    if bins > 1:
        cut = flat.reshape(ny * nx, h, w)[:, : h // bins * bins, : w // bins * bins]
        compared = cut.reshape(ny * nx, h // bins, bins, w // bins, bins).mean(axis=(2, 4))
        compared = compared.reshape(ny * nx, -1)
        flat = np.concatenate([compared, flat], axis=1)
    pixels = np.arange(compared.shape[1])
    everywhere = np.array([0, ny]), np.array([0, nx])
    noise, *_ = NLPAR.sigma_numba(compared, 1, ny, nx, *everywhere, pixels, False)
    rows, columns = wanted
    # first column and row, columns and rows
    part = [columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start]
    strength, nothing = np.float32(_STRENGTH), np.float32(0)
    mean = NLPAR.nlpar_nb(
        *(flat, strength, reach, nothing, noise, ny, nx, np.array(part), pixels, False, nothing)
    )
    return mean[:, -h * w :].reshape(ny, nx, h, w)[wanted]
