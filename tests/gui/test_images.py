"""Electron images: those of vendors' files, and a picture laid over the map and aligned by hand."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

from tests.gui.window import Window, choose, wait_until


@pytest.fixture(scope="module")
def vendor_files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("vendors")
    # kikuchipy, which makes them, must not be loaded in the window's process
    subprocess.run(
        [sys.executable, "-m", "tests.vendor_files", str(folder)],
        cwd=Path(__file__).parents[2],
        check=True,
    )
    return folder


def names_of_images(window: Window) -> list[str]:
    box = window.panel.scan.image_box
    return [box.itemText(index) for index in range(box.count())]


def shown_image(window: Window, name: str):
    wait_until(lambda: window.viewer.layers[0].name == name, f"the image {name}")
    return window.viewer.layers[0]


def test_oxford_images_are_chosen_and_lie_where_the_file_says(shared, vendor_files):
    shared.open(vendor_files / "oxford.h5oina")
    stored = {"FSE Lower Centre", "BSE Electron Image 2", "SE Electron Image 1"}
    virtual = ["Virtual forward-scatter", "Virtual forward-scatter, colour"]
    assert set(names_of_images(shared)[:-2]) == stored
    assert names_of_images(shared)[-2:] == virtual
    step = np.array(shared.controller.scene.scan["step"])
    assert shown_image(shared, "FSE Lower Centre").visible
    for name in ("SE Electron Image 1", "BSE Electron Image 2"):
        choose(shared.panel.scan.image_box, name)
        layer = shown_image(shared, name)
        assert tuple(layer.scale) == (0.75, 0.75)
        # the map's corner is 1.5 um below and 3 um right of the image's
        corner = layer.translate - layer.scale / 2
        np.testing.assert_allclose(corner, -step / 2 - (1.5, 3.0))
    np.testing.assert_array_equal(layer.data, np.arange(96)[::-1].reshape(8, 12))
    choose(shared.panel.scan.image_box, virtual[1])
    layer = shown_image(shared, virtual[1])
    assert layer.rgb and layer.data.shape == (3, 3, 3)


@pytest.mark.parametrize("name", ["bruker.h5", "edax.h5"])
def test_images_of_bruker_and_edax_stand_on_the_maps_grid(shared, vendor_files, name):
    shared.open(vendor_files / name)
    stored, *virtual = names_of_images(shared)
    assert len(virtual) == 2 and not stored.startswith("Virtual")
    layer, scan = shared.viewer.layers[0], shared.controller.scene.scan
    assert layer.name == stored and layer.visible
    assert layer.data.shape == tuple(scan["navigation_shape"])
    assert tuple(layer.scale) == tuple(scan["step"])
    assert tuple(layer.translate) == (0, 0)


def write_halves(path: Path) -> None:
    """Write a picture, finer than the map, whose right half is bright."""
    data = np.zeros((96, 144), np.uint8)
    data[:, 72:] = 200
    if path.suffix == ".tif":
        tifffile.imwrite(path, data)
    else:
        Image.fromarray(data).save(path)


@pytest.mark.parametrize("name", ["sem.tif", "sem.png"])
def test_a_picture_is_laid_over_the_map_and_aligned_with_the_mouse(
    mapped, tmp_path, monkeypatch, name
):
    write_halves(tmp_path / name)
    controller, panel = mapped.controller, mapped.panel
    answer = (str(tmp_path / name), "")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: answer)
    mapped.press(panel.scan.add_image_button)
    layer = shown_image(mapped, name.capitalize())
    map_extent = mapped.viewer.layers["Bravais lattices"].extent.world
    half = np.array(layer.scale) / 2
    step = np.array(controller.scene.scan["step"])
    np.testing.assert_allclose(layer.extent.world[0] - half, map_extent[0] - step / 2)
    np.testing.assert_allclose(layer.extent.world[1] + half, map_extent[1] + step / 2)
    assert [(row > 100).sum() for row in controller.images.current.data[:2]] == [72, 72]

    controller.display.change(view="blend")
    mapped.press(panel.scan.align_button)
    assert layer.mode == "transform"
    height, width = mapped.viewer.canvas.size
    start, by = QPoint(width // 2 + 30, height // 2 + 30), QPoint(60, 0)
    QTest.mouseMove(mapped.canvas, start)
    QTest.mousePress(mapped.canvas, Qt.MouseButton.LeftButton, pos=start)
    for part in range(7):  # the canvas leaves out moves that follow too soon
        QTest.mouseMove(mapped.canvas, start + by * min(part / 5, 1))
        QTest.qWait(60)
    QTest.mouseRelease(mapped.canvas, Qt.MouseButton.LeftButton, pos=start + by)
    mapped.press(panel.scan.align_button)
    assert layer.mode == "pan_zoom"
    moved = layer.affine.translate[-1]
    assert moved == pytest.approx(60 / mapped.viewer.scene.camera.zoom, rel=0.1)
    # what figures show follows: the bright half begins as many of its columns further on
    bright = (controller.images.current.data[48] > 100).sum()
    assert bright == pytest.approx(72 - moved / layer.scale[-1], abs=1)

    controller.images.choose("Virtual forward-scatter")
    shown_image(mapped, "Virtual forward-scatter")
    controller.display.change(view="side by side")


def test_a_picture_that_is_none_is_told(mapped, tmp_path):
    (tmp_path / "broken.tif").write_bytes(b"II*\0nothing")
    before = mapped.viewer.layers[0]
    mapped.controller.images.add(tmp_path / "broken.tif")
    assert mapped.said("broken.tif cannot be shown")
    assert mapped.viewer.layers[0] == before
