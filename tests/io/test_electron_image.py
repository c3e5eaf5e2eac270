"""Electron images: those stored in files, and the virtual one."""

import dask.array as da
import h5py
import numpy as np
import pytest

from napari_bravais.io.electron_image import (
    forward_scatter_image,
    resampled,
    virtual_colour,
    virtual_forward_scatter,
)
from napari_bravais.io.scan import ElectronImage, Scan, open_scan


def scan_of(patterns, tmp_path) -> Scan:
    return Scan(
        da.from_array(patterns, chunks=(1, -1, -1, -1)), (2.0, 0.5), "um", None, None, tmp_path
    )


def test_oxford_images_lie_where_the_file_says(oxford_scan):
    scan = open_scan(oxford_scan)
    images = {image.name: image for image in scan.electron_images}
    assert set(images) == {"FSE Lower Centre", "BSE Electron Image 2", "SE Electron Image 1"}
    for image in images.values():
        np.testing.assert_allclose(image.step, (0.75, 0.75))
        # The map's corner is 2 image pixels below and 4 right of the image's: 1.5 and 3 um.
        corner = np.array(image.offset) + (np.array(scan.step) - image.step) / 2
        np.testing.assert_allclose(corner, (-1.5, -3.0))
        assert not image.virtual
    np.testing.assert_array_equal(images["SE Electron Image 1"].data, np.arange(96).reshape(8, 12))
    assert forward_scatter_image(scan).name == "FSE Lower Centre"


@pytest.mark.parametrize(("missing", "best"), [("FSE", "BSE Electron Image 2"), ("BSE", "FSE")])
def test_the_best_stored_image_is_taken(oxford_scan, missing, best):
    with h5py.File(oxford_scan, "r+") as file:
        del file[f"1/Electron Image/Data/{missing}"]
    assert forward_scatter_image(open_scan(oxford_scan)).name.startswith(best)


def test_oxford_image_with_no_place_is_left_out(oxford_scan):
    with h5py.File(oxford_scan, "r+") as file:
        del file["1/EBSD/Header/Relative Offset"]
    scan = open_scan(oxford_scan)
    assert scan.electron_images == ()
    assert forward_scatter_image(scan).virtual


def test_bruker_image_is_placed_by_the_beam(bruker_scan):
    with h5py.File(bruker_scan, "r+") as file:
        scan = file["Scan 0/EBSD"]
        del scan["Header/SEM Image"], file["Scan 0/SEM"]
        scan["Header/SEM Image"] = np.repeat(np.arange(400).reshape(20, 20, 1) % 251, 3, axis=2)
        rows, columns = np.divmod(np.arange(9), 3)
        scan["Data/Y BEAM"][...], scan["Data/X BEAM"][...] = 4 + 3 * rows, 5 + 2 * columns
    (image,) = open_scan(bruker_scan).electron_images
    assert image.data.shape == (20, 20)
    np.testing.assert_allclose(image.step, (0.5, 0.75))
    np.testing.assert_allclose(image.offset, (-4 * 0.5, -5 * 0.75))


def test_images_on_the_maps_grid(bruker_scan, kikuchipy_data):
    for path in (bruker_scan, kikuchipy_data / "edax_h5ebsd" / "patterns.h5"):
        scan = open_scan(path)
        (image,) = scan.electron_images
        assert (image.step, image.offset) == (scan.step, (0.0, 0.0))
        assert image.data.shape == scan.navigation_shape
        assert forward_scatter_image(scan) is image


def test_virtual_image_sees_the_bottom_centre_alone(tmp_path):
    patterns = np.random.default_rng(0).integers(0, 255, (4, 5, 30, 36), np.uint8)
    grey = np.arange(20, dtype=np.uint8).reshape(4, 5)
    patterns[:, :, 20:, 12:24] = grey[..., None, None]
    image = virtual_forward_scatter(scan_of(patterns, tmp_path))
    assert (image.name, image.virtual) == ("Virtual forward-scatter", True)
    assert (image.step, image.offset) == ((2.0, 0.5), (0.0, 0.0))
    assert image.data.dtype == np.uint8
    assert (np.diff(image.data.ravel().astype(int)) > 0).all()
    assert (image.data.min(), image.data.max()) == (0, 255)


def test_dead_rows_leave_the_virtual_image_its_contrast(tmp_path):
    grey = np.random.default_rng(0).normal(120, 4, (50, 40)).astype(np.float32)
    grey[17:19] = 0
    image = virtual_forward_scatter(scan_of(np.repeat(grey[..., None, None], 9, 2), tmp_path))
    assert (image.data[17:19] == 0).all()
    assert np.delete(image.data, (17, 18), axis=0).std() > 25


@pytest.mark.parametrize("fill", [7.0, np.nan])
def test_virtual_image_of_no_contrast(tmp_path, fill):
    image = virtual_forward_scatter(scan_of(np.full((2, 3, 8, 8), fill), tmp_path))
    np.testing.assert_array_equal(image.data, np.zeros((2, 3)))


def test_virtual_image_of_tiny_patterns(tmp_path):
    image = virtual_forward_scatter(scan_of(np.arange(6.0).reshape(2, 3, 1, 1), tmp_path))
    assert image.data[0, 0] == 0
    assert image.data[1, 2] == 255


def test_the_colour_image_shows_three_regions_of_each_pattern(tmp_path):
    patterns = np.zeros((2, 3, 9, 9), np.uint8)
    patterns[0, 0, 6:, :3], patterns[0, 1, 6:, 3:6], patterns[0, 2, 6:, 6:] = 90, 90, 90
    image = virtual_colour(scan_of(patterns, tmp_path))
    assert image.data.shape == (2, 3, 3) and image.virtual
    np.testing.assert_array_equal(image.data[0] > 0, np.eye(3, dtype=bool))
    assert not image.data[1].any()


def test_an_image_that_was_moved_is_resampled_on_the_map():
    data = np.zeros((4, 6))
    data[1, 2] = 8.0
    image = ElectronImage("SE", data, (1.0, 1.0))
    down = np.array([[1.0, 0, 2.0], [0, 1.0, -1.0], [0, 0, 1.0]])  # two rows down, one to the left
    moved = resampled(image, down, (4, 6), (1.0, 1.0))
    assert np.argwhere(moved.data == 8.0).tolist() == [[3, 1]]
    assert moved.data.sum() == 8.0 and moved.step == (1.0, 1.0)
