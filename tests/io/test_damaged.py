"""Damaged scans by the hundred: each is read, or one clear error, soon and in little memory."""

import resource
import time

import h5py
import imageio.v3 as iio
import numpy as np
import pytest

from napari_bravais.io.electron_image import forward_scatter_image
from napari_bravais.io.scan import ScanError, open_scan
from napari_bravais.mapping.engine import map_phases
from tests.io.damage import damaged_scans, intact_scans
from tests.io.test_scan import kikuchipy_file

FORMATS = [
    *("kikuchipy", "edax", "emsoft", "bruker", "oxford"),
    *("up1", "up2", "ebsp", "nordif", "images"),
]


@pytest.fixture(scope="module")
def intact(tmp_path_factory, kikuchipy_data):
    return intact_scans(tmp_path_factory.mktemp("intact"), kikuchipy_data)


def peak_memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def read(path) -> str | None:
    """Open a scan and read it whole; return what the error says, None if there is none."""
    try:
        scan = open_scan(path)
        forward_scatter_image(scan)
        scan.patterns.compute(scheduler="synchronous")
    except ScanError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_scan_is_read_or_one_clear_error(tmp_path, intact, name):
    assert read(intact[name]) is None
    refused = 0
    for what, path in damaged_scans(intact[name], tmp_path, seed=0, times=3):
        memory, start = peak_memory_mb(), time.process_time()
        said = read(path)
        assert time.process_time() - start < 5, what
        assert peak_memory_mb() - memory < 300, what
        if said is not None:
            refused += 1
            assert path.name in said and "\n" not in said and len(said) < 500, what
    assert refused


def test_huge_claimed_sizes_cost_nothing(tmp_path, nickel):
    path = kikuchipy_file(tmp_path / "huge.h5", nickel.reshape(9, 60, 60), 3, 3)
    assert read(path) is None  # which loads kikuchipy
    with h5py.File(path, "r+") as file:
        group = file["Scan 1/EBSD"]
        group["Header/n_rows"][...] = group["Header/n_columns"][...] = 2**30
        del group["Data/patterns"]
        group["Data"].create_dataset(
            "patterns", (2**60, 60, 60), np.uint8, chunks=(1, 60, 60), maxshape=(None, 60, 60)
        )
    memory = peak_memory_mb()
    with pytest.raises(ScanError, match=r"huge\.h5"):
        open_scan(path)
    assert peak_memory_mb() - memory < 100


@pytest.mark.parametrize("name", ["my scan.h5", "Übergang Straße.h5", "🔬 nickel 鎳.h5", "a\nb.h5"])
def test_any_name_will_do(tmp_path, nickel, name):
    path = kikuchipy_file(tmp_path / name, nickel.reshape(9, 60, 60), 3, 3)
    np.testing.assert_array_equal(open_scan(path).patterns, nickel)
    path.write_bytes(path.read_bytes()[:5000])
    assert name in read(path)


def test_symlink_loops_and_devices_are_errors(tmp_path):
    loop = tmp_path / "loop.h5"
    loop.symlink_to(loop)
    assert "loop.h5" in read(loop)
    zero = tmp_path / "zero.dat"
    zero.symlink_to("/dev/zero")
    assert "zero.dat is not a file" in read(zero)
    inner = tmp_path / "images"
    inner.mkdir()
    (inner / "p_x0y0.png").symlink_to(inner / "p_x0y0.png")
    assert "p_x0y0.png" in read(inner)


def test_one_bad_image_is_named(tmp_path, nickel):
    for x in range(3):
        iio.imwrite(tmp_path / f"p_x{x}y0.png", nickel[0, x])
    (tmp_path / "p_x1y0.png").write_bytes(b"not an image")
    scan = open_scan(tmp_path)
    with pytest.raises(ScanError, match=r"p_x1y0\.png cannot be read as an image"):
        scan.patterns.compute()


def test_pixels_without_a_pattern_are_not_classified(tmp_path, classifier, nickel):
    patterns = nickel.reshape(9, 60, 60).astype(np.float64)
    patterns[1], patterns[3], patterns[4], patterns[5] = np.nan, np.inf, -np.inf, 1e308
    patterns[7], patterns[8] = 0, 77
    result = map_phases(
        open_scan(kikuchipy_file(tmp_path / "holes.h5", patterns, 3, 3)), classifier
    )
    assert (result.labels.ravel() == -1).tolist() == [i in {1, 3, 4, 5, 7, 8} for i in range(9)]
    assert np.isfinite(result.probabilities).all() and np.isfinite(result.quality).all()
