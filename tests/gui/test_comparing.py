"""The Compare section when things go wrong, and from one scan to the next."""

import shutil
from dataclasses import replace

import h5py
import numpy as np

from napari_bravais.io.exports import export
from napari_bravais.io.sample_data import quartz_rutile_sample_path
from napari_bravais.mapping.pattern_centre import PatternCentre
from tests.gui.window import wait_until
from tests.vendor_files import forget_pattern_centre


def test_a_map_that_does_not_open_leaves_what_is_said_of_the_other(mapped, tmp_path):
    comparing, label = mapped.controller.comparing, mapped.panel.compare.result_label
    export("map", mapped.controller.phase_map, tmp_path / "same.npz")
    comparing.open(tmp_path / "same.npz")
    wait_until(lambda: "100.0 % of what both name agree" in label.text(), "the comparison")
    before, other = label.text(), comparing.other
    (tmp_path / "damaged.ang").write_text("no map")
    comparing.open(tmp_path / "damaged.ang")
    wait_until(lambda: mapped.said("damaged.ang"), "the error")
    assert label.text() == before and label.isVisible() and comparing.other is other
    # nor does indexing that fails, or is cancelled
    for name in ("no such phase", "nowhere.cif"):
        comparing.index([name])
        assert mapped.said(name)  # at once
        assert label.text() == before
    (tmp_path / "damaged.cif").write_text("no crystal")
    comparing.index([str(tmp_path / "damaged.cif")])
    assert label.text() != before
    wait_until(lambda: mapped.said("damaged.cif"), "the error")
    assert label.text() == before
    comparing.index(["quartz"])
    mapped.press(mapped.panel.compare.cancel_button)
    assert label.text() == before
    # what is compared when the user has removed the map, or closed the window, comes too late
    scene = mapped.controller.scene
    scene.remove("Difference")
    scene.remove("Other map")
    comparing._show_found(comparing.comparison)
    assert "Difference" not in mapped.names


def test_maps_that_name_no_pixel_both_have_nothing_to_compare(mapped, tmp_path):
    nothing = replace(mapped.controller.phase_map, quality_threshold=1.0)
    export("map", nothing, tmp_path / "nothing.npz")
    mapped.controller.comparing.open(tmp_path / "nothing.npz")
    label = mapped.panel.compare.result_label
    wait_until(lambda: "nothing to compare" in label.text(), "the comparison")
    assert "nan" not in label.text()


def test_another_scan_begins_without_the_last_ones_history_and_phases(mapped, tmp_path):
    display, section = mapped.controller.display, mapped.panel.compare
    section.phases_edit.clear()
    section.propose_phases(["quartz", "rutile"])
    display.change(smoothing=2, level="crystal systems")
    display.undo()
    display.change(quality_threshold=0.6)
    mapped.settle()
    assert mapped.panel.map.undo_button.isEnabled()
    mapped.open_sample("nickel")
    buttons = mapped.panel.map.undo_button, mapped.panel.map.redo_button
    assert not any(button.isEnabled() for button in buttons)
    now = display.settings
    display.undo()
    assert display.settings == now
    assert section.phases_edit.text() == ""
    # what the user has typed stays
    section.phases_edit.setText("nickel")
    mapped.open_sample("nickel")
    assert section.phases_edit.text() == "nickel"
    section.phases_edit.clear()


def test_a_scan_that_stores_no_pattern_centre_is_indexed_by_the_one_found(shared, tmp_path):
    path, names = tmp_path / "no_centre.h5", ("pcx", "pcy", "pcz")
    shutil.copy(quartz_rutile_sample_path(), path)
    with h5py.File(path, "r+") as file:
        scan = file["Scan 1/EBSD"]
        true = [float(np.mean(scan["Header"][name][()])) for name in names]
        forget_pattern_centre(scan["Header"])
        patterns = scan["Data/patterns"][()].reshape(48, 72, 60, 60)[:4, :4]
        del scan["Data/patterns"], scan["CrystalMap"]
        scan["Data/patterns"] = patterns.reshape(-1, 60, 60)
        scan["Header/n_rows"][...], scan["Header/n_columns"][...] = patterns.shape[:2]
    shared.open(path)
    section, comparing = shared.panel.compare, shared.controller.comparing
    section.phases_edit.setText("quartz, rutile")
    shared.press(section.hough_button)
    assert shared.said("stores no pattern centre")  # at once
    # as once phases were found, by one that was sought
    shared.controller.phases.located.emit(PatternCentre(*true))
    shared.press(section.hough_button)
    wait_until(lambda: getattr(comparing.other, "source", "") == "Hough indexing", "the map")
    assert (comparing.other.labels >= 0).mean() > 0.5
    shared.open_sample()
