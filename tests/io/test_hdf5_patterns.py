"""HDF5 files whose own chunks lie badly: read right, in bounded memory, not twice."""

import zlib
from copy import deepcopy

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_bravais.io import hdf5_patterns
from napari_bravais.io.hdf5_patterns import DeflatedChunk, HDF5Patterns
from napari_bravais.io.scan import ScanError

N, SIDE = 600, 12


@pytest.fixture
def patterns():
    return np.random.default_rng(0).integers(0, 9, (N, SIDE, SIDE), dtype=np.uint8)


def stored(path, patterns, **storage):
    with h5py.File(path, "w") as file:
        file.create_dataset("patterns", data=patterns, **storage)
    return HDF5Patterns(path, (20, 30, SIDE, SIDE), patterns.dtype, None, "patterns")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    "storage",
    [
        {},
        {"chunks": (1, SIDE, SIDE)},
        {"chunks": (N, SIDE, SIDE)},
        {"chunks": (1, SIDE, SIDE), "compression": "gzip"},
        {"chunks": (N, SIDE, SIDE), "compression": "gzip"},
        {"chunks": (N, SIDE, SIDE), "compression": "gzip", "shuffle": True},
        {"chunks": (250, SIDE, SIDE), "compression": "gzip"},
        {"chunks": (250, 5, 7), "compression": "gzip"},
        {"chunks": (250, SIDE, SIDE), "compression": "lzf", "fletcher32": True},
    ],
)
@pytest.mark.parametrize("kept_bytes", [0, 2**20])
def test_patterns_are_the_same_however_they_are_stored(
    tmp_path, monkeypatch, patterns, storage, dtype, kept_bytes
):
    monkeypatch.setattr(hdf5_patterns, "KEPT_BYTES", kept_bytes)
    monkeypatch.setattr(hdf5_patterns, "_STEP", 1000)
    monkeypatch.setattr(hdf5_patterns, "_STRIDE", 5000)
    scan = stored(tmp_path / "scan.h5", patterns.astype(dtype), **storage)
    for first, last in ((0, 40), (40, 90), (240, 260), (599, 600), (3, 7), (0, 600)):
        np.testing.assert_array_equal(scan.read_run(first, last), patterns[first:last])
    np.testing.assert_array_equal(scan[5:7, 3:9], patterns.reshape(20, 30, SIDE, SIDE)[5:7, 3:9])
    again = deepcopy(scan)  # as it goes to another process
    np.testing.assert_array_equal(again.read_run(7, 9), patterns[7:9])


def test_a_chunk_is_decompressed_once(tmp_path, monkeypatch, patterns):
    scan = stored(tmp_path / "scan.h5", patterns, chunks=(200, SIDE, SIDE), compression="gzip")
    reads = []
    whole = h5py.Dataset.__getitem__
    monkeypatch.setattr(
        h5py.Dataset, "__getitem__", lambda self, key: reads.append(key) or whole(self, key)
    )
    for start in range(0, N, 20):
        scan.read_run(start, start + 20)
    assert reads == [slice(0, 200), slice(200, 400), slice(400, 600)]


def test_what_cannot_be_read_in_parts_is_told(tmp_path, monkeypatch, patterns):
    monkeypatch.setattr(hdf5_patterns, "KEPT_BYTES", 0)
    monkeypatch.setattr(hdf5_patterns, "_MOST_BYTES", 1000)
    scan = stored(tmp_path / "scan.h5", patterns, chunks=(N, SIDE, SIDE), compression="lzf")
    with pytest.raises(ScanError, match=r"scan\.h5 keeps 600 patterns in one compressed chunk"):
        scan.read_run(0, 3)


@pytest.mark.parametrize("kept_bytes", [0, 2**20])
def test_damage_inside_a_compressed_chunk_is_told(tmp_path, monkeypatch, patterns, kept_bytes):
    monkeypatch.setattr(hdf5_patterns, "KEPT_BYTES", kept_bytes)
    scan = stored(tmp_path / "scan.h5", patterns, chunks=(N, SIDE, SIDE), compression="gzip")
    with h5py.File(tmp_path / "scan.h5") as file:
        chunk = file["patterns"].id.get_chunk_info(0)
    content = bytearray((tmp_path / "scan.h5").read_bytes())
    middle = chunk.byte_offset + chunk.size // 2
    content[middle : middle + 400] = bytes(400)
    (tmp_path / "scan.h5").write_bytes(content)
    with pytest.raises(ScanError, match=r"scan\.h5 is damaged: patterns 0 to 599 cannot be read"):
        scan.read_run(0, 600)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    content=st.binary(min_size=1, max_size=3000),
    reads=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=8),
)
def test_any_part_of_a_deflated_chunk_can_be_read(tmp_path, monkeypatch, content, reads):
    monkeypatch.setattr(hdf5_patterns, "_STEP", 64)
    monkeypatch.setattr(hdf5_patterns, "_STRIDE", 200)
    deflated = zlib.compress(content)
    (tmp_path / "chunk").write_bytes(b"before" + deflated + b"behind")
    chunk = DeflatedChunk(tmp_path / "chunk", 6, len(deflated), len(content))
    for fractions in reads:
        start, stop = sorted(round(fraction * len(content)) for fraction in fractions)
        assert chunk.read(start, stop - start) == content[start:stop]
    longer = DeflatedChunk(tmp_path / "chunk", 6, len(deflated), len(content) + 1)
    with pytest.raises(OSError, match="too early"):
        longer.read(len(content), 1)
