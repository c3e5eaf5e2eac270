"""The inspected pixel beside what known materials would show, in a real window."""

import shutil

import h5py
import numpy as np
from napari._qt.utils import QImg2array
from qtpy.QtWidgets import QRadioButton
from skimage.io import imread

from napari_bravais.gui.settings import HELD, NOT_HELD
from napari_bravais.io.sample_data import quartz_rutile_sample_path
from napari_bravais.lattices import lattice
from tests.gui.window import choose, wait_until
from tests.vendor_files import forget_pattern_centre


def held(window):
    """Wait until the pixel is held against materials; return what is said of them."""
    wait_until(lambda: window.controller.inspector.request is None, "the answer")
    wait_until(lambda: window.controller.holding.request is None, "the materials")
    return window.panel.inspect.held.text.text()


def drawn(view) -> np.ndarray:
    """Return what a picture's widget shows, in grey levels from 0 to 1, its middle square."""
    picture = QImg2array(view.grab().toImage())[..., 0] / 255
    side = min(picture.shape)
    left = (picture.shape[1] - side) // 2
    return picture[:side, left : left + side]


def likeness(view, image: np.ndarray) -> float:
    """Return the correlation of what is drawn with an image."""
    shown = drawn(view)
    rows = (np.arange(len(shown)) + 0.5) * len(image) // len(shown)
    scaled = image[np.ix_(rows.astype(int), rows.astype(int))]
    return np.corrcoef(shown.ravel(), scaled.ravel())[0, 1]


def test_a_pixel_is_shown_beside_what_known_materials_would_show(mapped, tmp_path):
    section, holding = mapped.panel.inspect, mapped.controller.holding
    mapped.controller.inspect((20, 30))
    mapped.answered()
    assert not section.held.isVisible()
    choose(section.controls["known"].widget, HELD)
    said = held(mapped)
    assert said.startswith("Held against 80 known materials: hP hexagonal, 100%")
    assert "None of them: 0%" in said
    materials = section.held.findChildren(QRadioButton)
    assert materials[0].text().startswith("quartz   ·   hP") and materials[0].isChecked()
    # the first is scrolled into sight
    wait_until(lambda: not section.held.expected.visibleRegion().isEmpty(), "the pictures")
    expected = holding._answer.arrays["expected"][0]
    assert likeness(section.held.expected, expected) > 0.9
    assert likeness(section.held.own, mapped.controller.inspector.shown.prepared) > 0.9
    # both are of one orientation: what a user should see
    assert likeness(section.held.own, expected) > 0.3 > likeness(section.held.own, expected[::-1])

    # and what a figure shows
    mapped.controller.inspector.save(tmp_path / "held.png")
    wait_until(lambda: (tmp_path / "held.png").exists(), "the figure")
    assert "quartz (hP)" in section.held.shown[1][0]
    height, width = imread(tmp_path / "held.png").shape[:2]
    assert height > 0.6 * width  # a second row of pictures

    # to explain another lattice is no reason to hold the pixel once more
    before = holding._answer
    section.lattice_chosen.emit("cF")
    held(mapped)
    assert holding._answer is before
    # another pixel is of another material, and the newest wins
    mapped.controller.inspect((5, 5))
    mapped.answered()
    assert not section.held.own.isVisible()
    phase_map = mapped.controller.phase_map
    rutile = phase_map.labels == lattice("tP").index
    best = np.argmax(np.where(rutile, phase_map.quality, 0))
    mapped.controller.inspect(tuple(map(int, np.unravel_index(best, phase_map.shape))))
    assert "tP primitive tetragonal" in held(mapped)
    choose(section.controls["known"].widget, NOT_HELD)
    assert not section.held.isVisible()


def test_without_a_pattern_centre_it_is_said_how_to_get_one(shared, tmp_path):
    path = tmp_path / "no_centre.h5"
    shutil.copy(quartz_rutile_sample_path(), path)
    with h5py.File(path, "r+") as file:
        forget_pattern_centre(file["Scan 1/EBSD/Header"])
    shared.open(path)
    shared.reset()
    shared.controller.display.change(known=HELD)
    shared.controller.inspect((20, 30))
    assert "Find phases looks for it" in held(shared)
    # given by hand, it is known
    shared.controller.display.change(pattern_centre="Bruker", pc_x=0.486, pc_y=0.268, pc_z=0.583)
    assert held(shared).startswith("Held against")
