"""Phases of the map, found and shown in a real window."""

import csv
from dataclasses import replace

import numpy as np
from napari._qt.utils import QImg2array
from qtpy.QtCore import Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog, QLabel

from napari_bravais.gui.classes import phase_classes
from napari_bravais.gui.settings import BRUKER
from napari_bravais.lattices import lattice
from napari_bravais.mapping.pattern_centre import PatternCentre
from napari_bravais.mapping.pooled_map import PooledPhase
from tests.gui.window import shown_colours, wait_until


def find(window, elements=""):
    panel = window.panel.phases
    panel.elements_edit.clear()
    QTest.keyClicks(panel.elements_edit, elements)
    window.press(panel.find_button)
    wait_until(lambda: panel.find_button.isEnabled(), "the phases")
    return window.controller.phases.found


def test_phases_stand_beside_the_map_with_lattice_material_and_area(mapped, tmp_path, monkeypatch):
    mapped.panel.compare.phases_edit.clear()
    panel, export = mapped.panel.phases, mapped.panel.export
    mapped.controller.phases.clear()
    assert panel.hint_label.isVisibleTo(panel) and not export.phases_button.isEnabled()
    found = find(mapped, "Si, O, Ti")
    assert not panel.hint_label.isVisibleTo(panel)
    inspect = mapped.panel.inspect
    mapped.controller.inspect((40, 5))
    assert inspect.phase_label.text() == "Phase 1: hP hexagonal, perhaps quartz"
    assert inspect.phase_label.isVisibleTo(inspect)
    assert [phase.lattice.pearson for phase in found.phases] == ["hP", "tP"]
    said = mapped.panel.phases.result_label.text()
    for text in ("quartz", "rutile", "hexagonal", "tetragonal", "67.7 %", "32.3 %"):
        assert text in said, text
    assert mapped.controller.scene.arrangement.shown >= {"Bravais lattices", "Phases"}
    layer = mapped.viewer.layers["Phases"]
    numbers = np.asarray(found.numbers)
    np.testing.assert_array_equal(layer.data, np.where(numbers >= 0, numbers + 1, 255))
    for name in ("Electron image", "Bravais lattices"):
        mapped.panel.compare.shown_changed.emit(name, False)
    assert mapped.panel.compare.phases_edit.text() == "quartz, rutile"
    assert find(mapped, "Si, Xx") is found  # they stay
    assert mapped.said("Xx: no element's symbol")
    colours = shown_colours(mapped)
    seen = [
        colours.get(tuple(bytes.fromhex(entry.colour[1:])), 0)
        for entry in phase_classes(found.phases)[:2]
    ]
    assert abs(seen[0] / sum(seen) - found.phases[0].fraction) < 0.02

    # what they were found in has changed
    mapped.controller.display.change(quality_threshold=0.6)
    assert "was changed since" in mapped.panel.phases.result_label.text()
    assert mapped.controller.phases.current is None and not export.phases_button.isEnabled()
    assert not inspect.phase_label.isVisibleTo(inspect)
    mapped.controller.display.undo()
    assert "was changed since" not in mapped.panel.phases.result_label.text()

    figure = tmp_path / "phases.svg"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(figure), ""))
    mapped.press(export.phases_button)
    wait_until(lambda: mapped.said("phases.svg"), "the figure")
    drawn = figure.read_text()
    assert "1: perhaps quartz, SiO2" in drawn and "2: perhaps rutile, TiO2" in drawn

    mapped.controller.exporting.save_all(tmp_path / "all")
    wait_until(lambda: (tmp_path / "all" / "phases.csv").exists(), "the files")
    wait_until(lambda: mapped.panel.export.all_button.isEnabled(), "the export")
    assert "1: perhaps quartz" in (tmp_path / "all" / "phases.svg").read_text()
    with (tmp_path / "all" / "phases.csv").open() as file:
        assert [row["lattice"] for row in csv.DictReader(file)] == ["hP", "tP"]

    # they come back with the map
    mapped.open_sample()
    wait_until(lambda: mapped.controller.phase_map is None, "the scan without a map")
    assert "quartz" not in mapped.panel.phases.result_label.text()
    mapped.viewer.open(tmp_path / "all", plugin="napari-bravais")
    wait_until(lambda: mapped.controller.phases.found is not None, "the saved phases")
    assert mapped.panel.phases.result_label.text() == said
    assert mapped.controller.phases.current is mapped.controller.phases.found
    np.testing.assert_array_equal(mapped.controller.phases.found.numbers, numbers)
    np.testing.assert_array_equal(
        mapped.viewer.layers["Phases"].data, np.where(numbers >= 0, numbers + 1, 255)
    )

    # and if they are damaged, the map comes without them
    (tmp_path / "all" / "grains.tif").write_bytes(b"not an image")
    mapped.open_sample()
    wait_until(lambda: mapped.controller.phase_map is None, "the scan without a map")
    mapped.viewer.open(tmp_path / "all", plugin="napari-bravais")
    wait_until(lambda: mapped.controller.phase_map is not None, "the saved map")
    assert mapped.controller.phases.found is None and "Phases" not in mapped.names


def test_a_new_map_forgets_the_phases_and_the_search_can_be_cancelled(mapped):
    found = find(mapped)
    panel = mapped.panel.phases
    assert not panel.map_button.isVisibleTo(panel)
    # as of a scan that stores another pattern centre, or none
    centre = PatternCentre(0.54, 0.28, 0.63)
    better = replace(found, pattern_centre=centre, note="found by matching")
    mapped.controller.phases.show(better)
    assert panel.map_button.isVisibleTo(panel)
    window_map = mapped.map(panel.map_button)
    assert window_map.mapped.all()
    assert window_map.provenance["pattern_centre"] == [0.54, 0.28, 0.63]
    assert mapped.controller.display.settings.pattern_centre == BRUKER
    assert not panel.map_button.isVisibleTo(panel)
    assert "Phases" not in mapped.names and not panel.result_label.isVisibleTo(panel)
    mapped.press(panel.find_button)
    mapped.press(panel.cancel_button)
    wait_until(lambda: panel.find_button.isEnabled(), "the end")
    assert mapped.controller.phases.found is None
    mapped.press(panel.find_button)
    wait_until(lambda: mapped.controller.phases.request is not None, "the request")
    mapped.press(panel.cancel_button)
    wait_until(lambda: panel.find_button.isEnabled(), "the end")
    assert mapped.controller.phases.found is None and "Phases" not in mapped.names
    mapped.open_sample()  # no other test must find a map by that pattern centre


def test_the_symmetry_of_phases_by_their_spheres(window, rutile_scan):
    panel = window.panel.phases
    window.open(rutile_scan)
    window.map()
    assert not panel.symmetry_button.isEnabled()  # no phases yet
    found = find(window, "Si O Ti")
    window.press(panel.symmetry_button)
    wait_until(lambda: panel.progress_bar.text().startswith("phase 1: steps"), "the first phase")
    wait_until(lambda: panel.progress_bar.text().endswith(" left"), "how long it will take")
    window.click(10, 10)  # is answered meanwhile
    assert panel.progress_bar.isVisible() and not panel.find_button.isEnabled()

    def said() -> list[str]:
        return [shown.text() for shown in panel.spheres.findChildren(QLabel) if shown.text()]

    wait_until(said, "the symmetry of rutile")
    assert "Phase 1: tetragonal (tP, tI), Laue group 4/mmm" in said()[0]
    (sphere,) = (s for s in panel.spheres.findChildren(QLabel) if not s.pixmap().isNull())
    picture = QImg2array(sphere.pixmap().toImage())
    red, green, blue = picture[..., :3].astype(int).reshape(-1, 3).T
    assert ((red - blue > 100) & (red - green > 60)).sum() > 60  # the axes' symbols
    assert np.unique(red[(red == green) & (green == blue)]).size > 100  # bands, in grey
    window.press(panel.cancel_button)
    wait_until(lambda: panel.find_button.isEnabled(), "the end")
    assert len(said()) == 1 and not panel.progress_bar.isVisible()
    QTimer.singleShot(0, lambda: window.controller.phases.show(found))  # as when found again
    wait_until(lambda: not panel.spheres.findChildren(QLabel), "no sphere of other phases")


def test_phases_of_one_lattice_have_colours_of_their_own():
    cubic = np.eye(14)[lattice("cF").index]
    phases = [PooledPhase(i, 10, 2, 0.2, 2, cubic) for i in range(5)]
    colours = [entry.colour for entry in phase_classes(phases)]
    assert colours[0] == lattice("cF").colour and len(set(colours)) == 6


def test_an_error_goes_when_the_next_action_starts(mapped):
    notice = mapped.panel.notice
    find(mapped, "Xx")
    assert notice.isVisible()
    panel = mapped.panel.phases
    panel.elements_edit.setText("Si O Ti")
    mapped.press(panel.find_button)
    assert not notice.isVisible()
    mapped.press(panel.cancel_button)
    wait_until(lambda: panel.find_button.isEnabled(), "the end")
    # Enter does what the button does; what goes wrong with the action itself is told after that
    edit = panel.elements_edit
    edit.setText("Yy")
    QTest.keyClick(edit, Qt.Key.Key_Return)
    wait_until(lambda: mapped.said("Yy: no element's symbol"), "the error")
    assert notice.isVisible()
    mapped.panel.compare.phases_edit.clear()
    mapped.press(mapped.panel.compare.hough_button)
    assert not notice.isVisible()
