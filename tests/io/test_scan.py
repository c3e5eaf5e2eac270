"""Opening scans: every format, and every fault with one clear error."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import h5py
import imageio.v3 as iio
import numpy as np
import pytest

from napari_bravais.io.sample_data import nickel_sample_path, quartz_rutile_sample_path
from napari_bravais.io.scan import ScanError, open_scan
from tests.vendor_files import forget_pattern_centre


def fault(path) -> str:
    """Return the message of the error that opening a file raises, which must name it."""
    with pytest.raises(ScanError) as error:
        open_scan(path)
    message = str(error.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_the_real_nickel_scan(nickel):
    scan = open_scan(nickel_sample_path())
    assert scan.navigation_shape == (3, 3)
    assert scan.signal_shape == (60, 60)
    assert (scan.step, scan.step_unit, scan.beam_energy) == ((1.5, 1.5), "um", 20.0)
    assert scan.detector.shape == (60, 60)
    assert scan.provenance["scans_in_file"] == ["Scan 1", "Scan 2"]
    assert json.loads(json.dumps(scan.provenance)) == scan.provenance
    np.testing.assert_array_equal(scan.patterns, nickel)


def test_the_sample_scan_is_found_and_opens():
    scan = open_scan(quartz_rutile_sample_path())
    assert scan.navigation_shape == (48, 72)
    assert scan.step_unit == "um"


@pytest.mark.parametrize(
    ("name", "unit", "beam_energy", "has_detector"),
    [
        ("edax_h5ebsd/patterns.h5", "um", None, True),
        ("edax_binary/edax_binary.up1", "px", None, False),
        ("oxford_binary/patterns.ebsp", "um", None, False),
        ("nordif/Pattern.dat", "um", 20.0, True),
    ],
)
def test_formats_that_kikuchipy_ships(
    kikuchipy_data, nickel, name, unit, beam_energy, has_detector
):
    scan = open_scan(kikuchipy_data / name)
    assert (scan.step_unit, scan.beam_energy) == (unit, beam_energy)
    assert scan.step == ((1.5, 1.5) if unit == "um" else (1.0, 1.0))
    assert (scan.detector is not None) == has_detector
    np.testing.assert_array_equal(scan.patterns.compute().reshape(nickel.shape), nickel)


def test_emsoft_patterns_are_in_one_row(kikuchipy_data):
    path = kikuchipy_data / "emsoft_ebsd" / "simulated_ebsd.h5"
    scan = open_scan(path)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(scan.patterns[0], file["EMData/EBSD/EBSDPatterns"])
    assert (scan.step_unit, scan.beam_energy) == ("px", 20.0)


def test_vendor_hdf5(bruker_scan, oxford_scan, nickel):
    bruker, oxford = open_scan(bruker_scan), open_scan(oxford_scan)
    np.testing.assert_array_equal(bruker.patterns, nickel)
    with h5py.File(oxford_scan) as file:
        stored = file["1/EBSD/Data/Processed Patterns"][()]
    np.testing.assert_array_equal(oxford.patterns.compute().reshape(stored.shape), stored)
    for scan in (bruker, oxford):
        assert (scan.step, scan.step_unit, scan.beam_energy) == ((1.5, 1.5), "um", 20.0)


def test_oxford_file_with_unprocessed_patterns_alone(oxford_scan):
    with h5py.File(oxford_scan, "r+") as file:
        del file["1/EBSD/Data/Processed Patterns"]
        stored = file["1/EBSD/Data/Unprocessed Patterns"][()]
    patterns = open_scan(oxford_scan).patterns.compute()
    np.testing.assert_array_equal(patterns.reshape(stored.shape), stored)


def test_bruker_region_is_put_in_map_order(tmp_path, nickel):
    from kikuchipy.data._dummy_files.bruker_h5ebsd import create_dummy_bruker_h5ebsd_roi_file

    create_dummy_bruker_h5ebsd_roi_file(tmp_path / "region.h5")
    scan = open_scan(tmp_path / "region.h5")
    with h5py.File(tmp_path / "region.h5") as file:
        rows, columns = file["Scan 0/EBSD/SEM/IY"][()], file["Scan 0/EBSD/SEM/IX"][()] - 1
        stored = file["Scan 0/EBSD/Data/RawPatterns"][()]
    np.testing.assert_array_equal(scan.patterns.compute()[rows, columns], stored)
    assert scan.navigation_shape == (3, 2)


@pytest.mark.parametrize("name", ["map_x{x}y{y}.tif", "p-{x}-{y}.png"])
def test_directory_of_images(tmp_path, nickel, name):
    for y, x in np.ndindex(3, 2):
        iio.imwrite(tmp_path / name.format(x=x + 9, y=y), nickel[y, x])
    iio.imwrite(tmp_path / "background.tif", nickel[0, 0])
    scan = open_scan(tmp_path)
    np.testing.assert_array_equal(scan.patterns, nickel[:, :2])
    assert scan.step_unit == "px"


def test_edax_up2_on_a_square_grid(tmp_path, nickel):
    path = tmp_path / "scan.up2"
    patterns = nickel[:2].astype(np.uint16) * 200
    header = np.array([3, 60, 60, 42], "<u4").tobytes() + b"\0" + np.array([3, 2], "<u4").tobytes()
    steps = np.array([0.5, 0.25]).tobytes()
    path.write_bytes(header + b"\0" + steps + patterns.tobytes())
    scan = open_scan(path)
    assert scan.step == (0.25, 0.5)
    np.testing.assert_array_equal(scan.patterns, patterns)
    path.write_bytes(header + b"\1" + steps + patterns.tobytes())
    assert "hexagonal" in fault(path)
    path.write_bytes(header + b"\0" + steps + patterns.tobytes()[:-1])
    assert "truncated" in fault(path)


def kikuchipy_file(path, patterns, ny, nx, **storage):
    """Write patterns, shape (n, h, w), in place of those of the nickel scan."""
    shutil.copy(nickel_sample_path(), path)
    with h5py.File(path, "r+") as file:
        group = file["Scan 1/EBSD"]
        header = group["Header"]
        header["n_rows"][...], header["n_columns"][...] = ny, nx
        header["pattern_height"][...], header["pattern_width"][...] = patterns.shape[1:]
        forget_pattern_centre(header)
        del group["Data/patterns"]
        group["Data"].create_dataset("patterns", data=patterns, **storage)
    return path


@pytest.mark.parametrize("chunks", [(1, 32, 32), (4096, 32, 32), None])
def test_chunks_do_not_follow_the_file(tmp_path, monkeypatch, chunks):
    monkeypatch.setattr("napari_bravais.io.stored.CHUNK_BYTES", 2**19)
    patterns = np.random.default_rng(0).integers(0, 255, (4096, 32, 32), np.uint8)
    scan = open_scan(kikuchipy_file(tmp_path / "big.h5", patterns, 64, 64, chunks=chunks))
    assert scan.patterns.chunks == ((8,) * 8, (64,), (32,), (32,))
    assert len(dict(scan.patterns.__dask_graph__())) < 20
    expected = patterns.reshape(64, 64, 32, 32)
    np.testing.assert_array_equal(scan.patterns, expected)
    np.testing.assert_array_equal(scan.patterns[5:30, 7:9, 3:8], expected[5:30, 7:9, 3:8])
    np.testing.assert_array_equal(scan.patterns[40, -1], expected[40, -1])


@pytest.mark.parametrize("shape", [(1, 6), (6, 1), (1, 1)])
def test_a_line_scan_keeps_four_axes(tmp_path, nickel, shape):
    patterns = nickel.reshape(9, 60, 60)[: shape[0] * shape[1]]
    scan = open_scan(kikuchipy_file(tmp_path / "line.h5", patterns, *shape))
    assert scan.patterns.shape == (*shape, 60, 60)
    assert scan.step == (1.5, 1.5)
    np.testing.assert_array_equal(scan.patterns.compute().reshape(patterns.shape), patterns)


def test_what_does_not_exist(tmp_path):
    assert "does not exist" in fault(tmp_path / "none.h5")


def test_what_is_no_scan(tmp_path, nickel):
    (tmp_path / "notes.txt").write_text("hello")
    assert "not an EBSD scan" in fault(tmp_path / "notes.txt")
    iio.imwrite(
        tmp_path / "photograph.png", np.random.default_rng(0).integers(0, 9, (5, 5, 3), "u1")
    )
    assert "is no pattern" in fault(tmp_path / "photograph.png")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["temperature"] = [1.0]
    assert "not an EBSD scan" in fault(tmp_path / "other.h5")
    (tmp_path / "labels.zarr").mkdir()
    (tmp_path / "labels.zarr" / "zarr.json").write_text("{}")
    assert "holds no images" in fault(tmp_path / "labels.zarr")


def test_images_without_positions_are_patterns_of_one_row(tmp_path, nickel):
    names = ("Ni 2.tif", "Ni 9.tif", "Ni 10.tif", "Zr.tif")
    for name, pattern in zip(names, nickel.reshape(-1, 60, 60), strict=False):
        iio.imwrite(tmp_path / name, pattern)
    scan = open_scan(tmp_path)
    np.testing.assert_array_equal(scan.patterns, nickel.reshape(1, 9, 60, 60)[:, :4])
    one = open_scan(tmp_path / "Ni 9.tif")
    np.testing.assert_array_equal(one.patterns, nickel.reshape(9, 1, 1, 60, 60)[1])


@pytest.mark.parametrize("suffix", [".h5", ".h5oina", ".up1", ".up2", ".ebsp", ".dat"])
@pytest.mark.parametrize("content", [b"", b"These are my notes of Tuesday.\n" * 40])
def test_text_under_a_scans_suffix(tmp_path, suffix, content):
    path = tmp_path / f"notes{suffix}"
    path.write_bytes(content)
    assert "hexagonal" not in fault(path)


@pytest.mark.parametrize(
    "name",
    [
        "kikuchipy_h5ebsd/patterns.h5",
        "edax_binary/edax_binary.up1",
        "oxford_binary/patterns.ebsp",
        "nordif/Pattern.dat",
    ],
)
@pytest.mark.parametrize("kept", [0.02, 0.55, 0.95])
def test_truncated_files(tmp_path, kikuchipy_data, name, kept):
    source = kikuchipy_data / name
    path = tmp_path / source.name
    path.write_bytes(source.read_bytes()[: int(kept * source.stat().st_size)])
    if source.suffix == ".dat":
        shutil.copy(source.with_name("Setting.txt"), tmp_path)
    message = fault(path)
    assert "truncated" in message or "damaged" in message


def test_fewer_patterns_than_promised(tmp_path, nickel):
    path = kikuchipy_file(tmp_path / "short.h5", nickel.reshape(9, 60, 60)[:7], 3, 3)
    assert "incomplete" in fault(path)


def test_empty_scans(tmp_path, nickel):
    flat = nickel.reshape(9, 60, 60)
    assert "empty scan" in fault(kikuchipy_file(tmp_path / "no-map.h5", flat[:0], 0, 3))
    assert "no patterns" in fault(kikuchipy_file(tmp_path / "no-height.h5", flat[:, :0], 3, 3))


def test_hdf5_without_patterns(bruker_scan):
    with h5py.File(bruker_scan, "r+") as file:
        del file["Scan 0/EBSD/Data/RawPatterns"]
    assert "stores no patterns" in fault(bruker_scan)


def test_grids_that_are_not_rectangular(bruker_scan, tmp_path, nickel, kikuchipy_data):
    from kikuchipy.data._dummy_files.bruker_h5ebsd import (
        create_dummy_bruker_h5ebsd_nonrectangular_roi_file,
    )

    with h5py.File(bruker_scan, "r+") as file:
        file["Scan 0/EBSD/Header/Grid Type"][()] = b"hexagonal"
    assert "hexagonal" in fault(bruker_scan)
    shutil.copy(kikuchipy_data / "edax_h5ebsd" / "patterns.h5", tmp_path / "edax.h5")
    with h5py.File(tmp_path / "edax.h5", "r+") as file:
        file["Scan 1/EBSD/Header/Grid Type"][()] = b"HexGrid"
    assert "hexagonal" in fault(tmp_path / "edax.h5")
    create_dummy_bruker_h5ebsd_nonrectangular_roi_file(tmp_path / "region.h5")
    assert "not rectangular" in fault(tmp_path / "region.h5")
    folder = tmp_path / "images"
    folder.mkdir()
    for x, y in ((0, 0), (1, 0), (0, 1)):
        iio.imwrite(folder / f"p_x{x}y{y}.png", nickel[y, x])
    assert "not a rectangular map" in fault(folder)


def test_damage_that_shows_when_patterns_are_read(tmp_path, nickel):
    for x in range(3):
        iio.imwrite(tmp_path / f"p_x{x}y0.png", nickel[0, x][: 60 - x])
    scan = open_scan(tmp_path)
    with pytest.raises(ScanError, match=r"p_x1y0\.png is not like the other patterns"):
        scan.patterns.compute()


def test_importing_is_light():
    code = (
        "import sys, napari_bravais.io.scan, napari_bravais.io.sample_data; "
        "print([m for m in ('kikuchipy', 'hyperspy', 'dask', 'h5py') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_static_background_is_kept_while_the_patterns_show_it(tmp_path):
    import kikuchipy as kp

    signal = kp.data.nickel_ebsd_small()
    background = open_scan(nickel_sample_path()).static_background
    np.testing.assert_array_equal(background, signal.static_background)
    signal.remove_static_background()
    assert signal.static_background is not None
    signal.save(tmp_path / "removed.h5")
    assert open_scan(tmp_path / "removed.h5").static_background is None


def test_a_tiff_that_stores_white_as_zero_is_turned(tmp_path):
    import tifffile

    pattern = np.arange(400, dtype=np.uint8).reshape(20, 20)
    for column in range(2):
        tifffile.imwrite(tmp_path / f"p_x{column}y0.tif", 255 - pattern, photometric="miniswhite")
    np.testing.assert_array_equal(open_scan(tmp_path).patterns[0, 1].compute(), pattern)


def test_a_pattern_centre_is_known_where_the_file_stores_one():
    from kikuchipy.detectors import EBSDDetector

    def with_centre(centre):
        return replace(nickel, detector=EBSDDetector(shape=(60, 60), pc=centre))

    nickel = open_scan(nickel_sample_path())
    background, centres = nickel.known_at(slice(0, 2), slice(1, 3))
    assert background is nickel.static_background
    stored = np.reshape(nickel.detector.pc, (3, 3, 3))
    np.testing.assert_array_equal(centres, stored[:2, 1:].reshape(4, 3))
    np.testing.assert_allclose(nickel.pattern_centre, stored.mean(axis=(0, 1)))
    one = with_centre((0.5, 0.3, 0.6))
    np.testing.assert_allclose(one.known_at(2, 1)[1], [(0.5, 0.3, 0.6)])
    for unset in ((0.5, 0.5, 0.5), (0, 1, 0), (0, 0, 0)):
        assert with_centre(unset).known_at(0, 0)[1] is None
    assert replace(nickel, detector=None).known_at(0, 0)[1] is None
