"""``MapStore``: a map that grows on disk, block by block, and outlives whatever ends its making."""

import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from napari_bravais.io.scan import Scan
from napari_bravais.lattices import LATTICES
from napari_bravais.mapping.engine import (
    Block,
    MapChunk,
    block_shape,
    digest_of,
    map_attributes,
    map_blocks,
    provenance,
    read_block,
)
from napari_bravais.mapping.phase_map import PhaseMap
from napari_bravais.model.classifier import Classifier

#: Name of the store in the directory that `bravais map` writes to.
STORE = "map.zarr"

#: Changes when the stores of earlier versions cannot be gone on with.
_FORMAT = 1


class StoreError(Exception):
    """A store cannot be used or written to; the message names it and the reason."""


class MapStore:
    """A Zarr group that holds a map as far as it is made.

    Its arrays are ``probabilities``, ``quality`` and ``digests`` (checksums of the raw patterns,
    one a block), with one chunk a block. Zarr writes a chunk under another name first and renames
    it, and a block's ``quality`` is written last, so a block is either finished or not there.

    Parameters
    ----------
    path
        The store.
    group
        Its open Zarr group.
    scan
        The scan that it is of.
    """

    def __init__(self, path: Path, group: Any, scan: Scan):
        self.path = path
        self._about = group.attrs["about"]
        self._arrays = {name: group[name] for name in ("probabilities", "digests", "quality")}
        self._block_shape = block_shape(scan)
        self._blocks = map_blocks(scan)
        self.unfinished = [block for block in self._blocks if not self._is_finished(block)]

    @classmethod
    def open(cls, path: str | Path, scan: Scan, classifier: Classifier) -> "MapStore":
        """Open the store of a map, to begin it or to go on with it.

        Parameters
        ----------
        path
            The store, a directory; made if it is not there.
        scan, classifier
            What the map is of, and what makes it.

        Returns
        -------
        MapStore
            Its ``unfinished`` blocks are what remains to be done.

        Raises
        ------
        StoreError
            If the store is of another scan, model or runtime, is no store of a map, or cannot be
            written to.
        ScanError
            If the scan has to be compared with the store's, and cannot be read.
        """
        import zarr

        path = Path(path)
        if not path.exists():
            _create(path, scan, classifier)
        try:
            group = zarr.open_group(path, mode="r+")
            identity, made = group.attrs["identity"], group.attrs["about"]["provenance"]["scan"]
        except Exception as error:  # Zarr raises a dozen kinds for what is no such store
            raise StoreError(f"{path} is no store of a map, or damaged") from error
        _require_same(path, identity, _identity(scan, classifier))
        store = cls(path, group, scan)
        if not _untouched(scan, made):
            store._compare(scan)
        return store

    def write(self, chunk: MapChunk) -> None:
        """Write a block.

        Raises
        ------
        StoreError
            If there is no room for it, or the store may not be written to.
        """
        place = chunk.rows, chunk.columns
        with _plainly(self.path):
            self._arrays["probabilities"][place] = chunk.probabilities
            self._arrays["digests"][self._number(place)] = chunk.digest
            self._arrays["quality"][place] = chunk.quality

    def load(self) -> PhaseMap:
        """Return the map as far as it is made.

        Raises
        ------
        StoreError
            If a block has been damaged.
        """
        phase_map = PhaseMap.empty(self._arrays["quality"].shape, **self._about)
        phase_map.step = tuple(phase_map.step)
        try:
            # block by block: read at once, Zarr would hold the whole map twice
            for block in self._blocks:
                phase_map.probabilities[block] = self._arrays["probabilities"][block]
                phase_map.quality[block] = self._arrays["quality"][block]
        except Exception as error:
            raise StoreError(f"{self.path} is damaged: {error}") from error
        return phase_map

    def _is_finished(self, block: Block) -> bool:
        """Whether a block is there, whole; one damaged by a power cut is done again."""
        try:
            floats = self._arrays["probabilities"][block], self._arrays["quality"][block]
            digest = self._arrays["digests"][self._number(block)]
        except Exception:
            return False
        return digest != 0 and not any(np.isnan(part).any() for part in floats)

    def _compare(self, scan: Scan) -> None:
        """Hold the scan's patterns against those that the finished blocks were made of."""
        for block in self._blocks:
            if block in self.unfinished:
                continue
            if digest_of(read_block(scan, block)) != self._arrays["digests"][self._number(block)]:
                raise StoreError(
                    f"{self.path} holds a map of another scan: its patterns in row "
                    f"{block[0].start} are not those of {scan.path}; to begin anew, remove it "
                    "(bravais map --fresh does)"
                )

    def _number(self, block: Block) -> tuple[int, int]:
        """Row and column of a block among the blocks."""
        return tuple(
            part.start // size for part, size in zip(block, self._block_shape, strict=True)
        )


def remove_store(path: Path) -> None:
    """Remove a store, if there is one.

    Raises
    ------
    StoreError
        If what is there is no store of a map.
    """
    if not path.exists():
        return
    if not (path / "zarr.json").is_file():
        raise StoreError(f"{path} is no store of a map, so it is not removed")
    old = path.with_name(f".{path.name}.old")
    with _plainly(path):
        shutil.rmtree(old, ignore_errors=True)
        os.replace(path, old)  # at once: half a store would be none that could be removed
        shutil.rmtree(old)


def _create(path: Path, scan: Scan, classifier: Classifier) -> None:
    """Make a store in which nothing is finished; it appears when it is complete."""
    import zarr
    from zarr.codecs import ZstdCodec

    new = path.with_name(f".{path.name}.new")
    shape, chunks = scan.navigation_shape, block_shape(scan)
    kinds = {
        "probabilities": ((*shape, len(LATTICES)), (*chunks, len(LATTICES)), np.float32, np.nan),
        "quality": (shape, chunks, np.float32, np.nan),
        "digests": (_block_counts(shape, chunks), (1, 1), np.uint32, 0),
    }
    attributes = {
        "identity": _identity(scan, classifier),
        "about": map_attributes(scan, classifier),
    }
    with _plainly(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(new, ignore_errors=True)  # of a process that was killed right here
        group = zarr.create_group(new, attributes=attributes)
        for name, (array_shape, chunk_shape, dtype, fill) in kinds.items():
            group.create_array(
                name,
                shape=array_shape,
                chunks=chunk_shape,
                dtype=dtype,
                fill_value=fill,
                compressors=ZstdCodec(level=1, checksum=True),
                # a chunk that is there is finished, whatever is in it
                config={"write_empty_chunks": True},
            )
        os.replace(new, path)


def _block_counts(shape: tuple[int, int], blocks: tuple[int, int]) -> tuple[int, int]:
    return tuple(math.ceil(size / block) for size, block in zip(shape, blocks, strict=True))


def _identity(scan: Scan, classifier: Classifier) -> dict[str, Any]:
    """Return what has to be the same for blocks to belong to one map, JSON-able."""
    background = scan.static_background
    averaged = ["averaged"] if scan.averaged else []
    return {
        "format": _FORMAT,
        "map's shape": list(scan.navigation_shape),
        "patterns": [*scan.signal_shape, str(scan.patterns.dtype), *averaged],
        "block size": list(block_shape(scan)),
        "static background": None if background is None else digest_of(background),
        "pattern centre": scan.pattern_centre and [round(x, 6) for x in scan.pattern_centre],
        "step": [*scan.step, scan.step_unit],
        "model": [classifier.checksum, classifier.index_checksum],
        "runtime": {"device": classifier.device, **provenance(scan, classifier)["versions"]},
    }


def _require_same(path: Path, stored: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Refuse a store whose identity is another."""
    if stored == wanted:
        return
    what = next(key for key in {**wanted, **stored} if stored.get(key) != wanted.get(key))
    raise StoreError(
        f"{path} holds a map of another scan, model or runtime: {what} there "
        f"{_in_words(stored.get(what))}, here {_in_words(wanted.get(what))}; to begin anew, remove "
        "it (bravais map --fresh does)"
    )


def _in_words(fact: Any) -> str:
    if isinstance(fact, dict):
        fact = [f"{key} {value}" for key, value in fact.items()]
    return ", ".join(map(str, fact)) if isinstance(fact, list) else str(fact)


def _untouched(scan: Scan, made: dict[str, Any]) -> bool:
    """Whether the scan's file is the one that was read then, by its size and time of change."""
    keys = ("size_bytes", "modified")
    if not all(key in made for key in keys) or scan.path.is_dir():
        return False
    return all(scan.provenance.get(key) == made[key] for key in keys)


@contextmanager
def _plainly(path: Path) -> Iterator[None]:
    """Say which store it was that could not be written, and that what it holds is kept."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}; what is finished is kept, and "
            "the same command goes on from there"
        ) from error
