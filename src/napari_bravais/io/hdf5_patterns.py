"""Patterns in HDF5 files, read in bounded memory however the file's own chunks lie.

HDF5 decompresses whole chunks. Where a chunk holds many patterns, those of a block would be
decompressed again for each of its neighbours, and a chunk that holds a scan would not fit into
memory at all.
"""

import math
import threading
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_bravais.io.scan import ScanError
from napari_bravais.io.stored import StoredPatterns

if TYPE_CHECKING:
    import h5py

#: Compressed chunks of this size are kept in memory while the patterns in them are asked for.
KEPT_BYTES = 48 * 2**20

#: Larger ones than this cannot be read at all, but for those that can be inflated bit by bit.
_MOST_BYTES = 2**30

#: No file holds more bytes than this many times its own: deflate's limit is 1032.
_MOST_COMPRESSION = 1100

#: Bytes that are inflated at once, and between two places where inflating can be taken up again.
_STEP, _STRIDE = 2**20, 32 * 2**20


class HDF5Patterns(StoredPatterns):
    """Patterns in an HDF5 dataset of shape (n, h, w).

    The file is opened for each block, so that no handle stays open, blocks can be read in other
    processes, and threads wait for one another in h5py alone.
    """

    def __init__(
        self,
        path: Path,
        shape: Sequence[int],
        dtype: np.dtype,
        order: np.ndarray | None,
        dataset: str,
    ) -> None:
        super().__init__(path, shape, dtype, order)
        size = path.stat().st_size
        if math.prod(self.shape) * self.dtype.itemsize > _MOST_COMPRESSION * size:
            raise ScanError(
                f"{path} is incomplete or damaged: {self.shape[0]} x {self.shape[1]} patterns of "
                f"{self.shape[2]} x {self.shape[3]} pixels cannot be in a file of {size} bytes"
            )
        self._dataset = dataset
        self._forget()

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[int, np.ndarray] | None = None
        self._deflated: dict[int, DeflatedChunk] = {}

    def __getstate__(self) -> dict[str, Any]:
        kept_here = {"_lock", "_kept", "_deflated"}
        return {name: value for name, value in self.__dict__.items() if name not in kept_here}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state
        self._forget()

    def read_run(self, start: int, stop: int) -> np.ndarray:
        """Read consecutive patterns."""
        import h5py

        try:
            with self._lock, h5py.File(self.path, "r") as file:
                return self._read_from(file[self._dataset], start, stop)
        except (OSError, KeyError, zlib.error) as error:
            raise ScanError(
                f"{self.path} is damaged: patterns {start} to {stop - 1} cannot be read ({error})"
            ) from error

    def _read_from(self, dataset: "h5py.Dataset", start: int, stop: int) -> np.ndarray:
        """Read patterns in the way that the dataset's chunks ask for."""
        length = dataset.chunks[0] if dataset.chunks else 1
        slab_bytes = length * self.dtype.itemsize * math.prod(self.shape[2:])
        if length == 1 or not dataset.id.get_create_plist().get_nfilters():
            return dataset[start:stop]
        if slab_bytes <= KEPT_BYTES:
            read = self._read_kept
        elif self._can_be_inflated(dataset):
            read = self._read_inflated
        elif math.prod(dataset.chunks) * self.dtype.itemsize <= _MOST_BYTES:
            return dataset[start:stop]
        else:
            raise ScanError(
                f"{self.path} keeps {length} patterns in one compressed chunk, which cannot be "
                f"read in parts; h5repack -l {self._dataset}:CHUNK=64x"
                f"{self.shape[2]}x{self.shape[3]} makes a file of it that can"
            )
        parts = []
        while start < stop:
            end = min(stop, (start // length + 1) * length)
            parts.append(read(dataset, length, start, end))
            start = end
        return np.concatenate(parts) if len(parts) > 1 else parts[0]

    def _read_kept(self, dataset: "h5py.Dataset", length: int, start: int, stop: int) -> np.ndarray:
        """Read from a row of chunks that is kept for the next block."""
        first = start // length * length
        if self._kept is None or self._kept[0] != first:
            self._kept = None  # so that two never are in memory
            self._kept = first, dataset[first : first + length]
        return self._kept[1][start - first : stop - first].copy()

    def _can_be_inflated(self, dataset: "h5py.Dataset") -> bool:
        """Whether chunks hold whole patterns, compressed with deflate alone."""
        from h5py import h5z

        properties = dataset.id.get_create_plist()
        filters = {properties.get_filter(i)[0] for i in range(properties.get_nfilters())}
        if self.dtype.itemsize == 1:
            filters.discard(h5z.FILTER_SHUFFLE)  # which does nothing to single bytes
        return (
            filters == {h5z.FILTER_DEFLATE}
            and dataset.chunks[1:] == self.shape[2:]
            and dataset.dtype == self.dtype
            and dataset.file.userblock_size == 0
        )

    def _read_inflated(
        self, dataset: "h5py.Dataset", length: int, start: int, stop: int
    ) -> np.ndarray:
        """Read from a chunk without ever holding the whole of it."""
        first = start // length * length
        pattern_bytes = self.dtype.itemsize * self.shape[2] * self.shape[3]
        if first not in self._deflated:
            facts = dataset.id.get_chunk_info_by_coord((first, 0, 0))
            if facts.byte_offset is None or facts.filter_mask:
                raise OSError("a chunk is missing or stored as no other is")
            chunk = DeflatedChunk(self.path, facts.byte_offset, facts.size, length * pattern_bytes)
            self._deflated = {first: chunk}
        content = self._deflated[first].read(
            (start - first) * pattern_bytes, (stop - start) * pattern_bytes
        )
        return np.frombuffer(content, self.dtype).reshape(stop - start, *self.shape[2:])


class DeflatedChunk:
    """Bytes in a file, compressed with deflate, of which parts can be read.

    Parameters
    ----------
    path
        The file.
    offset, size
        Where in it the compressed bytes begin, and how many there are.
    length
        How many bytes they are when inflated.
    """

    def __init__(self, path: Path, offset: int, size: int, length: int) -> None:
        self._path, self._offset, self._size, self._length = path, offset, size, length
        # where inflating can be taken up: bytes given out, bytes taken in, and the inflater there
        self._places = [(0, 0, zlib.decompressobj())]
        self._last = self._places[0]

    def read(self, start: int, length: int) -> bytes:
        """Return ``length`` inflated bytes from ``start`` on.

        Raises
        ------
        OSError, zlib.error
            If they are not there, or damaged.
        """
        nearest = self._places[bisect_right(self._places, start, key=lambda place: place[0]) - 1]
        if nearest[0] <= self._last[0] <= start:
            nearest = self._last
        given, taken, inflater = nearest
        inflater = inflater.copy()
        wanted = bytearray()
        with self._path.open("rb") as file:
            while given < start + length:
                file.seek(self._offset + taken)
                raw = file.read(min(_STEP, self._size - taken))
                until = start if given < start else start + length
                part = inflater.decompress(raw, min(_STEP, until - given))
                taken += len(raw) - len(inflater.unconsumed_tail)
                if not part and not raw:
                    raise OSError("its compressed chunk ends too early")
                if given >= start:
                    wanted += part
                given += len(part)
                if given - self._places[-1][0] >= _STRIDE:
                    self._places.append((given, taken, inflater.copy()))
            self._last = given, taken, inflater
            if given == self._length:
                inflater = inflater.copy()
                file.seek(self._offset + taken)
                # checks the sum of all bytes
                beyond = inflater.decompress(file.read(self._size - taken), 1)
                if beyond or not inflater.eof:
                    raise OSError("its compressed chunk has no end")
        return bytes(wanted)
