"""Patterns that stay in their file until a block of them is asked for."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_bravais.io.scan import ScanError

if TYPE_CHECKING:
    import dask.array as da

# Large enough that a file is read in long runs, small enough that a block, its neighbour read
# ahead and the work on both fit anywhere and that cancelling is quick.
CHUNK_BYTES = 16 * 2**20


def lazy(patterns: Any, chunks: tuple[int, ...]) -> "da.Array":
    """Return what gives patterns when it is indexed, shape (ny, nx, h, w), as a Dask array."""
    import dask.array as da

    return da.from_array(
        patterns,
        chunks=chunks,
        name=False,
        asarray=True,
        # so that Dask asks for no more than was asked for, a pixel's pattern for example
        fancy=True,
        inline_array=True,
        meta=np.empty((0,) * 4, patterns.dtype),
    )


class StoredPatterns(ABC):
    """Patterns in a file, as an array of shape (ny, nx, h, w) that Dask can cut blocks from.

    The file is read in the blocks that are asked for, however its own chunks lie: the task graph
    is one task a block.

    Parameters
    ----------
    path
        File or directory, for messages.
    shape
        Map rows, map columns, pattern rows and pattern columns.
    dtype
        Type of the intensities.
    order
        Position in the file of each map pixel, in reading order; None if they are stored so.

    Raises
    ------
    ScanError
        If the map or the pattern has no pixels.
    """

    ndim = 4

    def __init__(
        self,
        path: Path,
        shape: Sequence[int],
        dtype: np.dtype,
        order: np.ndarray | None = None,
    ) -> None:
        self.path = path
        self.shape = tuple(int(size) for size in shape)
        self.dtype = np.dtype(dtype)
        self._order = order
        ny, nx, h, w = self.shape
        if min(ny, nx) < 1:
            raise ScanError(f"{path} is an empty scan: its map is {ny} x {nx} pixels")
        if min(h, w) < 1:
            raise ScanError(f"{path} holds no patterns: their size is {h} x {w} pixels")
        if self.dtype.kind not in "uif":
            raise ScanError(f"{path} holds no patterns: their values are of type {self.dtype}")

    @abstractmethod
    def read_run(self, start: int, stop: int) -> np.ndarray:
        """Read consecutive patterns.

        Parameters
        ----------
        start, stop
            First position in the file, and the one after the last.

        Returns
        -------
        numpy.ndarray
            Shape (stop - start, h, w).
        """

    def __getitem__(self, index: tuple[Any, ...]) -> np.ndarray:
        rows, columns, *signal = index
        ny, nx = self.shape[:2]
        pixels = np.arange(ny)[rows][..., np.newaxis] * nx + np.arange(nx)[columns]
        if isinstance(columns, int | np.integer):
            pixels = pixels[..., 0]
        positions = pixels if self._order is None else self._order[pixels]
        patterns = self._read(positions.ravel())
        return patterns.reshape(pixels.shape + patterns.shape[1:])[(..., *signal)]

    def lazy(self) -> "da.Array":
        """Return the patterns as a Dask array in chunks of whole patterns."""
        ny, nx, h, w = self.shape
        patterns_a_chunk = max(1, CHUNK_BYTES // (h * w * self.dtype.itemsize))
        rows = min(ny, max(1, patterns_a_chunk // nx))
        columns = min(nx, patterns_a_chunk)
        return lazy(self, (rows, columns, h, w))

    def _read(self, positions: np.ndarray) -> np.ndarray:
        """Read patterns at positions in the file, in as few runs as they make."""
        by_position = np.argsort(positions, kind="stable")
        ascending = positions[by_position]
        runs = np.split(ascending, np.flatnonzero(np.diff(ascending) != 1) + 1)
        patterns = np.empty((positions.size, *self.shape[2:]), self.dtype)
        done = 0
        for run in runs:
            if run.size:
                target = by_position[done : done + run.size]
                patterns[target] = self.read_run(int(run[0]), int(run[-1]) + 1)
            done += run.size
        return patterns


class BinaryPatterns(StoredPatterns):
    """Patterns in a binary file, in records of one layout.

    They are read, not mapped into memory: a file that is cut short or pulled away under a memory
    map ends the process.

    Parameters
    ----------
    path
        The file.
    navigation_shape
        Map rows and columns.
    record
        Layout of a record; its field ``pattern`` is a pattern, shape (h, w).
    offset
        Bytes before the first record.
    order
        As for `StoredPatterns`.
    """

    def __init__(
        self,
        path: Path,
        navigation_shape: Sequence[int],
        record: np.dtype,
        offset: int,
        order: np.ndarray | None = None,
    ) -> None:
        dtype, signal_shape = record["pattern"].subdtype
        super().__init__(path, (*navigation_shape, *signal_shape), dtype, order)
        self._record, self._offset = record, offset

    def read_run(self, start: int, stop: int) -> np.ndarray:
        """Read consecutive patterns."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset + start * self._record.itemsize)
                records = np.fromfile(file, self._record, stop - start)
        except OSError as error:
            raise ScanError(
                f"{self.path}: patterns {start} to {stop - 1} cannot be read ({error.strerror})"
            ) from error
        if len(records) < stop - start:
            raise ScanError(f"{self.path} is truncated: pattern {start + len(records)} is missing")
        return records["pattern"]


class ImagePatterns(StoredPatterns):
    """Patterns in image files, one a file, listed in the map's reading order."""

    def __init__(
        self, path: Path, shape: Sequence[int], dtype: np.dtype, files: Sequence[Path]
    ) -> None:
        super().__init__(path, shape, dtype)
        self._files = files

    def read_run(self, start: int, stop: int) -> np.ndarray:
        """Read consecutive patterns."""
        return np.stack([self._read_image(file) for file in self._files[start:stop]])

    def _read_image(self, file: Path) -> np.ndarray:
        image = read_grey_image(file)
        if image.shape != self.shape[2:] or image.dtype != self.dtype:
            raise ScanError(
                f"{file} is not like the other patterns of its scan: {image.dtype} of shape "
                f"{image.shape} instead of {self.dtype} of shape {self.shape[2:]}"
            )
        return image


def background_shown(patterns: "da.Array", background: np.ndarray | None) -> np.ndarray | None:
    """Return a static background if patterns still show it, else None.

    Files keep the background also where it has been removed from their patterns, and to remove it
    once more would print its negative on them.

    Parameters
    ----------
    patterns
        Patterns, shape (ny, nx, h, w); nine at most are read.
    background
        Background, shape (h, w), or None.
    """
    if background is None or background.shape != patterns.shape[2:] or np.ptp(background) == 0:
        return None
    some = patterns[:3, :3].compute(scheduler="synchronous").astype(float)
    mean = some.mean(axis=(0, 1))
    if np.ptp(mean) == 0 or np.corrcoef(mean.ravel(), background.ravel())[0, 1] < 0.8:
        return None
    return np.asarray(background)


def read_grey_image(file: Path) -> np.ndarray:
    """Read one pattern, shape (h, w), from an image file.

    Raises
    ------
    ScanError
        If the file is no image, or one in colour.
    """
    import imageio.v3 as iio

    if not file.is_file():
        raise ScanError(f"{file} is not a file")
    try:
        image = np.asarray(iio.imread(file))
        if file.suffix.lower() in (".tif", ".tiff") and _stores_white_as_zero(file):
            image = np.iinfo(image.dtype).max - image
    except Exception as error:  # each image format raises its own
        raise ScanError(f"{file} cannot be read as an image") from error
    # Some programs write grey patterns as RGB with three equal channels.
    if image.ndim == 3 and image.shape[2] in (3, 4) and np.ptp(image[..., :3], axis=2).max() == 0:
        image = image[..., 0]
    if image.ndim != 2:
        raise ScanError(f"{file} is no pattern: its shape is {image.shape}, not rows by columns")
    return image


def _stores_white_as_zero(file: Path) -> bool:
    from tifffile import PHOTOMETRIC, TiffFile

    with TiffFile(file) as tiff:
        return tiff.pages[0].photometric == PHOTOMETRIC.MINISWHITE
