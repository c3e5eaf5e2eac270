"""A real napari window on the sample scan, looked at through its layers and its pixels."""

import os
import re
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import h5py
import napari
import numpy as np
import pandas as pd
import pytest
import tifffile
import yaml
from napari._app_model import get_app_model
from napari.utils.notifications import notification_manager
from PIL import Image
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractButton, QApplication, QComboBox, QLabel, QSlider

from napari_bravais.gui.reader import get_reader
from napari_bravais.gui.settings import Settings, configuration
from napari_bravais.io.exports import export
from napari_bravais.io.results import load_result
from napari_bravais.io.sample_data import quartz_rutile_sample_path
from napari_bravais.io.vendor_maps import read_map
from napari_bravais.lattices import LATTICES, PEARSON_SYMBOLS
from napari_bravais.mapping.phase_map import PhaseMap, colour_table

PATIENCE = 120.0


def wait_until(true, what: str) -> None:
    """Let the window live until something is so."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"waited in vain for {what}"
        QApplication.processEvents()
        time.sleep(0.005)


class Window:
    """A viewer with the dock widget, and what a user does in it."""

    def __init__(self):
        self.viewer = napari.Viewer(show=True)
        self.viewer.window.resize(1280, 800)
        _, self.panel = self.viewer.window.add_plugin_dock_widget(
            "napari-bravais", "Bravais lattice map"
        )
        self.controller = self.panel.controller

    @property
    def idle(self) -> bool:
        return self.panel.map.map_button.isEnabled()

    @property
    def names(self) -> list[str]:
        return [layer.name for layer in self.viewer.layers]

    def open_sample(self, key: str = "quartz_rutile") -> None:
        self.controller.cancel()
        self.viewer.layers.clear()
        self.viewer.open_sample("napari-bravais", key)
        wait_until(lambda: "Virtual forward-scatter" in self.names, "the image")

    def press(self, button) -> None:
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def first_block(self) -> PhaseMap:
        """Start to map, and return the map that grows."""
        before = self.controller.phase_map
        self.press(self.panel.map.map_button)
        wait_until(
            lambda: (
                self.controller.phase_map is not before and self.controller.phase_map.mapped.any()
            ),
            "the first block",
        )
        return self.controller.phase_map

    def map(self) -> PhaseMap:
        before = self.controller.phase_map
        self.press(self.panel.map.map_button)
        wait_until(lambda: self.controller.phase_map is not before, "the map to begin")
        wait_until(lambda: self.idle, "the map")
        return self.controller.phase_map

    def canvas_point(self, place: int, x: float, y: float) -> QPoint:
        """Return a point, by fractions, of one of the two places of a grid of two rows."""
        height, width = self.viewer.canvas.size
        return QPoint(round(x * width), round((place + y) * height / 2))

    @property
    def canvas(self):
        return self.viewer.window._qt_viewer.canvas.native

    def said(self, text: str) -> bool:
        """Whether a notification with this text is the last one."""
        records = notification_manager.records
        return bool(records) and text in records[-1].message


@pytest.fixture(scope="module")
def shared(qapp):
    window = Window()
    yield window
    window.viewer.close()


@pytest.fixture
def window(shared):
    """The window with the sample scan open, and no map."""
    shared.open_sample()
    wait_until(lambda: shared.idle, "the scan")
    return shared


@pytest.fixture
def mapped(shared):
    """The window with the sample scan mapped; tests that use it leave the map alone."""
    phase_map = shared.controller.phase_map
    whole = phase_map is not None and phase_map.shape == (48, 72) and phase_map.mapped.all()
    if not whole or "Bravais lattices" not in shared.names:
        shared.open_sample()
        wait_until(lambda: shared.idle, "the scan")
        shared.map()
    return shared


def shown_colours(window: Window) -> dict[tuple[int, ...], int]:
    """Count the colours that the canvas shows."""
    pixels = window.viewer.screenshot(canvas_only=True, flash=False)[..., :3].reshape(-1, 3)
    colours, counts = np.unique(pixels, axis=0, return_counts=True)
    return dict(zip(map(tuple, colours.tolist()), counts.tolist(), strict=True))


def test_sample_opens_with_its_image_and_scale(window):
    assert window.names[:2] == [
        "Virtual forward-scatter",
        "Clicked pixel on virtual forward-scatter",
    ]
    image = window.viewer.layers[0]
    assert image.data.shape == (48, 72)
    assert tuple(image.scale) == (2.0, 2.0)
    assert {str(unit) for unit in image.units} == {"micrometer"}
    assert window.viewer.canvas.overlays.scale_bar.visible
    assert len(shown_colours(window)) > 50
    assert window.panel.scan.file_label.text().startswith("quartz_rutile.h5 (")
    assert window.panel.scan.grid_label.text() == "48 × 72 pixels, step 2 µm"
    assert window.panel.scan.pattern_label.text() == "patterns of 60 × 60 px, 20 kV"


def test_map_paints_labels_beside_the_image(mapped):
    phase_map = mapped.controller.phase_map
    labels = mapped.viewer.layers["Bravais lattices"]
    assert phase_map.mapped.all()
    expected = np.where(phase_map.labels < 0, len(LATTICES) + 1, phase_map.labels + 1)
    np.testing.assert_array_equal(labels.data, expected)
    assert tuple(labels.scale) == (2.0, 2.0)
    colours = shown_colours(mapped)
    area_of_pixel = 500 * 340 / phase_map.quality.size  # of the canvas, at the least
    for lattice, pixels, _ in phase_map.fractions():
        if pixels > 30:
            colour = tuple(colour_table()[lattice.index + 1].tolist())
            assert colours.get(colour, 0) > pixels * area_of_pixel / 2, lattice
    grid = mapped.viewer.canvas.grid
    assert grid.enabled
    assert grid.position(0, mapped.viewer.layers) != grid.position(2, mapped.viewer.layers)
    rows = mapped.panel.map.legend.texts
    assert len(rows) == len(phase_map.fractions())
    assert rows[-1].startswith("not classified")
    assert mapped.panel.map.progress_bar.value() == mapped.panel.map.progress_bar.maximum()


def test_cancel_keeps_what_is_painted_and_map_starts_afresh(window):
    window.first_block()
    window.press(window.panel.map.cancel_button)
    wait_until(lambda: window.idle, "the map to stop")
    cancelled = window.controller.phase_map
    labels = window.viewer.layers["Bravais lattices"]
    assert 0 < cancelled.mapped.sum() < cancelled.mapped.size
    np.testing.assert_array_equal(labels.data > 0, cancelled.mapped)
    assert window.panel.map.progress_bar.format().startswith("Stopped at ")
    again = window.map()
    assert again is not cancelled
    assert again.mapped.all()
    assert (window.viewer.layers["Bravais lattices"].data > 0).all()
    assert window.names.count("Bravais lattices") == 1


@pytest.mark.parametrize("place", [0, 1], ids=["on the image", "on the map"])
def test_click_shows_pattern_bars_and_ring(mapped, place):
    phase_map = mapped.controller.phase_map
    panel = mapped.panel
    mapped.controller.scene.pixel = None
    QTest.mouseMove(mapped.canvas, mapped.canvas_point(place, 0.5, 0.5))
    QTest.mouseClick(
        mapped.canvas, Qt.MouseButton.LeftButton, pos=mapped.canvas_point(place, 0.5, 0.5)
    )
    row, column = mapped.controller.scene.pixel
    assert abs(row - 24) <= 1 and abs(column - 36) <= 1  # the map's middle
    wait_until(lambda: "quality" in panel.inspect.answer_label.text(), "the answer")
    assert panel.inspect.pixel_label.text().startswith(f"Row {row}, column {column}")
    best = LATTICES[int(phase_map.probabilities[row, column].argmax())]
    assert f"{best.pearson} {best.name}" in panel.inspect.answer_label.text()
    np.testing.assert_allclose(
        panel.inspect.bars._probabilities, phase_map.probabilities[row, column], atol=1e-3
    )
    assert panel.inspect.bars._explained == best.pearson
    assert panel.inspect.pattern.image is not None
    for name in ("virtual forward-scatter", "bravais lattices"):
        assert mapped.viewer.layers[f"Clicked pixel on {name}"].data.tolist() == [[row, column]] * 2
    # the window never loads what must not be in one process with its graphics
    assert not {"tensorflow", "keras", "kikuchipy", "hyperspy"} & set(sys.modules)


def test_the_latest_click_wins_and_any_lattice_is_explained(window):
    window.controller.inspect((3, 4))
    window.controller.inspect((40, 60))
    wait_until(lambda: "quality" in window.panel.inspect.answer_label.text(), "the answer")
    assert window.panel.inspect.pixel_label.text().startswith("Row 40, column 60")
    first = window.panel.inspect.bars._explained
    other = "cF" if first != "cF" else "aP"
    box = window.panel.inspect.lattice_box
    box.setCurrentIndex(box.findData(other))
    box.activated.emit(box.currentIndex())
    wait_until(lambda: window.panel.inspect.bars._explained == other, "the other lattice")
    box.setCurrentIndex(0)


def test_a_drag_is_no_click_but_a_shaking_hand_is_allowed(window):
    point = window.canvas_point(0, 0.5, 0.9)  # there is one place yet: near the middle
    QTest.mousePress(window.canvas, Qt.MouseButton.LeftButton, pos=point)
    QTest.mouseMove(window.canvas, point + QPoint(30, 10))
    QTest.mouseRelease(window.canvas, Qt.MouseButton.LeftButton, pos=point + QPoint(30, 10))
    assert window.controller.scene.pixel is None
    QTest.mousePress(window.canvas, Qt.MouseButton.LeftButton, pos=point)
    QTest.mouseMove(window.canvas, point + QPoint(1, 1))
    QTest.mouseRelease(window.canvas, Qt.MouseButton.LeftButton, pos=point + QPoint(1, 1))
    assert window.controller.scene.pixel is not None


def test_hovering_says_lattice_and_probability(mapped):
    phase_map = mapped.controller.phase_map
    viewer = mapped.viewer
    QTest.mouseMove(mapped.canvas, mapped.canvas_point(1, 0.5, 0.5))
    viewer.mouse_over_canvas = True
    viewer.cursor.position = (20.0, 30.0)  # row 10, column 15
    probabilities = phase_map.probabilities[10, 15]
    best = LATTICES[int(probabilities.argmax())]

    def text() -> str:
        return viewer.status["coordinates"] if isinstance(viewer.status, dict) else viewer.status

    wait_until(lambda: "probability" in text(), "the status line")
    assert f"{best.pearson} {best.name}" in text()
    assert f"probability {probabilities.max():.0%}" in text()


def test_export_writes_figure_and_results(mapped, tmp_path):
    mapped.controller.export_figure(tmp_path / "map.png")
    wait_until(lambda: (tmp_path / "map.png").exists(), "the figure")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    wait_until(lambda: mapped.panel.export.all_button.isEnabled(), "the export to end")
    mapped.controller.export_all(tmp_path / "all")
    wait_until(lambda: mapped.panel.export.all_button.isEnabled(), "the export to end")
    assert {path.suffix for path in (tmp_path / "all").iterdir()} >= {".png", ".svg", ".tif"}
    assert mapped.said("Saved all in ")


def test_an_export_that_fails_is_told(mapped, tmp_path):
    mapped.controller.export_figure(tmp_path / "no folder" / "map.png")
    wait_until(lambda: mapped.said("map.png was not saved in "), "the error")
    assert mapped.panel.export.figure_button.isEnabled()


def test_a_damaged_file_is_told_and_the_scan_stays(window, tmp_path):
    path = tmp_path / "damaged.h5"
    path.write_bytes(quartz_rutile_sample_path().read_bytes()[:2000])
    window.viewer.open(path, plugin="napari-bravais")
    wait_until(lambda: window.said("damaged.h5"), "the error")
    assert window.idle
    assert window.panel.scan.file_label.text().startswith("quartz_rutile.h5 (")
    window.controller.inspect((1, 1))
    wait_until(lambda: "quality" in window.panel.inspect.answer_label.text(), "the answer")


def test_another_scan_hides_the_map_but_keeps_it(mapped):
    mapped.viewer.open_sample("napari-bravais", "nickel")
    wait_until(lambda: mapped.panel.scan.file_label.text().startswith("patterns.h5"), "nickel")
    wait_until(lambda: mapped.idle, "nickel")
    assert mapped.viewer.layers[0].visible  # the image of the new scan
    assert not mapped.viewer.layers["Bravais lattices"].visible
    assert mapped.map().shape == (3, 3)


def test_a_killed_classifier_is_replaced(window):
    window.first_block()
    painted = window.controller.phase_map.mapped.copy()
    os.kill(window.controller.service.pid, signal.SIGKILL)
    wait_until(lambda: window.idle, "the end")
    assert window.said("another one has been started")
    assert (window.viewer.layers["Bravais lattices"].data > 0)[painted].all()
    assert window.map().mapped.all()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_nothing_is_cut_off(mapped, theme):
    mapped.viewer.theme = theme
    QApplication.processEvents()
    panel = mapped.panel
    assert panel.widget().width() <= panel.viewport().width()
    for button in (panel.scan.open_button, panel.map.cancel_button, panel.export.all_button):
        right = button.mapTo(panel.viewport(), button.rect().topRight()).x()
        assert right <= panel.viewport().width()
    mapped.viewer.theme = "dark"


def test_every_control_has_a_tooltip(window):
    kinds = (QAbstractButton, QSlider, QComboBox)
    controls = [child for kind in kinds for child in window.panel.widget().findChildren(kind)]
    assert len(controls) >= 7
    assert [control for control in controls if not control.toolTip()] == []
    labels = window.panel.widget().findChildren(QLabel)
    assert [label.text() for label in labels if label.wordWrap() and not label.toolTip()] == []


def test_other_files_are_left_to_other_readers(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["data"] = np.zeros(3)
    (tmp_path / "photographs").mkdir()
    (tmp_path / "photographs" / "cat.png").touch()
    (tmp_path / "patterns").mkdir()
    (tmp_path / "patterns" / "scan_x0y0.png").touch()
    assert get_reader(str(tmp_path / "other.h5")) is None
    assert get_reader(str(tmp_path / "photographs")) is None
    assert get_reader(str(tmp_path / "patterns")) is not None
    assert get_reader(str(quartz_rutile_sample_path())) is not None
    assert get_reader([str(quartz_rutile_sample_path())] * 2) is None


def test_a_dropped_file_is_opened_and_the_menu_shows_the_dock(window):
    panel = window.panel
    panel.scan.clear()
    window.viewer.window._qt_viewer._qt_open(
        [str(quartz_rutile_sample_path())], stack=False, plugin="napari-bravais"
    )
    wait_until(lambda: panel.scan.file_label.text().startswith("quartz_rutile.h5 ("), "the scan")
    dock = window.viewer.window.add_plugin_dock_widget("napari-bravais")[0]
    dock.hide()
    get_app_model().commands.execute_command("napari-bravais.show").result()
    assert dock.isVisible()


def test_closing_the_dock_ends_the_classifier(qapp):
    window = Window()
    pid = window.controller.service.pid
    window.viewer.window.remove_dock_widget(window.panel)
    assert window.controller.service.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    window.viewer.close()


def test_thresholds_smoothing_and_legend_act_at_once_and_are_undone(mapped):
    display, controller = mapped.controller.display, mapped.controller
    raw = controller.phase_map.probabilities.copy()
    layer = mapped.viewer.layers["Bravais lattices"]
    answered = layer.data.copy()
    display.change(quality_threshold=0.7)
    wait_until(lambda: not np.array_equal(layer.data, answered), "the threshold")
    assert (layer.data == len(LATTICES) + 1).sum() == (controller.phase_map.quality < 0.7).sum()
    display.change(smoothing=2)
    wait_until(lambda: not display._queue, "the smoothing")
    best = display.derived.fractions()[0][0].key
    mapped.press(mapped.panel.map.legend.row(best).name)
    assert display.settings.hidden and best not in display.settings.hidden
    for _ in range(3):
        mapped.press(mapped.panel.map.undo_button)
    assert not mapped.panel.map.undo_button.isEnabled()
    wait_until(lambda: np.array_equal(layer.data, answered), "all to be undone")
    np.testing.assert_array_equal(controller.phase_map.probabilities, raw)


def test_crystal_systems_sum_the_probabilities_of_their_lattices(mapped):
    display = mapped.controller.display
    display.change(level="crystal systems")
    wait_until(lambda: not display._queue, "the systems")
    probabilities = mapped.controller.phase_map.probabilities
    systems = {entry.key: entry for entry in display.derived.classes}
    np.testing.assert_allclose(
        display.derived.confidence.max(),
        max(probabilities[..., list(s.members)].sum(-1).max() for s in systems.values()),
        rtol=1e-5,
    )
    assert "tetragonal" in " ".join(mapped.panel.map.legend.texts)
    display.reset()
    wait_until(lambda: not display._queue, "the lattices")


def test_arrow_keys_walk_and_stop_at_the_rim(mapped):
    mapped.controller.inspect((0, 70))
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Up):
        QTest.keyClick(mapped.canvas, key)
    assert mapped.controller.scene.pixel == (0, 71)
    wait_until(lambda: mapped.controller.inspector.request is None, "the answer")
    mapped.press(mapped.panel.inspect.pin_button)
    assert [pin.inspection.pixel for pin in mapped.panel.inspect.pins.pins] == [(0, 71)]
    mapped.panel.inspect.pins.clear()


def test_swipe_cuts_the_upper_map_and_blend_lets_the_image_through(mapped):
    display, scene = mapped.controller.display, mapped.controller.scene
    layer = mapped.viewer.layers["Bravais lattices"]
    display.change(view="swipe")
    scene.move_edge(0.25)
    assert not mapped.viewer.canvas.grid.enabled
    assert (layer.data[:, :18] == 0).all() and (layer.data[:, 18:] > 0).all()
    display.change(view="blend", blend=30)
    assert layer.opacity == pytest.approx(0.3) and (layer.data > 0).all()
    display.change(view="side by side", blend=50)
    assert mapped.viewer.canvas.grid.enabled and layer.opacity == 1


def test_another_map_is_compared_and_differences_are_visited(mapped, tmp_path):
    controller = mapped.controller
    other = replace(controller.phase_map, probabilities=controller.phase_map.probabilities.copy())
    other.probabilities[5:15, 5:15] = np.eye(14, dtype=np.float32)[13]
    export("map", other, tmp_path / "other.npz")
    controller.comparing.open(tmp_path / "other.npz")
    wait_until(lambda: controller.comparing.comparison is not None, "the comparison")
    assert "agree" in mapped.panel.compare.result_label.text()
    mapped.press(mapped.panel.compare.next_button)
    row, column = controller.scene.pixel
    assert 5 <= row < 15 and 5 <= column < 15


def test_a_saved_result_opens_again_with_its_scan_and_settings(mapped, tmp_path):
    controller = mapped.controller
    raw = controller.phase_map.probabilities.copy()
    controller.display.change(smoothing=1, quality_threshold=0.5)
    wait_until(lambda: not controller.display._queue, "the settings")
    shown = mapped.viewer.layers["Bravais lattices"].data.copy()
    controller.export_all(tmp_path)
    wait_until(lambda: mapped.panel.export.all_button.isEnabled(), "the export")
    controller.display.reset()
    mapped.open_sample()
    wait_until(lambda: mapped.idle and controller.phase_map is None, "the scan without a map")
    mapped.viewer.open(tmp_path, plugin="napari-bravais")
    wait_until(lambda: controller.phase_map is not None, "the saved map")
    np.testing.assert_array_equal(controller.phase_map.probabilities, raw)
    assert controller.display.settings.smoothing == 1
    np.testing.assert_array_equal(mapped.viewer.layers["Bravais lattices"].data, shown)
    controller.inspect((3, 3))
    wait_until(lambda: controller.inspector.request is None, "the answer")
    controller.display.reset()


def test_the_manifest_says_what_the_settings_say():
    manifest = yaml.safe_load((Path(__file__).parents[2] / "napari.yaml").read_text())
    assert manifest["contributions"]["configurations"] == configuration()


def test_layers_that_the_user_removes_are_forgotten(mapped):
    controller = mapped.controller
    mapped.viewer.layers.remove("Bravais lattices")
    assert "Clicked pixel on bravais lattices" not in mapped.names
    controller.display.change(smoothing=1)
    mapped.viewer.layers.clear()
    controller.display.change(view="swipe")
    controller.display.change(view="side by side")
    controller.display.reset()
    controller.inspect((2, 2))
    wait_until(lambda: controller.inspector.request is None, "the answer")
    assert controller.scene.places == {}


def colours_of(path: Path) -> set[tuple[int, ...]]:
    return {colour for _, colour in Image.open(path).convert("RGB").getcolors(2**24)}


def test_what_is_exported_and_saved_is_what_is_shown(mapped, tmp_path):
    controller, display = mapped.controller, mapped.controller.display
    layer = mapped.viewer.layers["Bravais lattices"]
    raw = controller.phase_map.probabilities.copy()
    display.change(level="crystal systems", smoothing=2, quality_threshold=0.6)
    mapped.panel.map.legend.colour_chosen.emit("tetragonal", "#123456")
    wait_until(lambda: not display._queue, "the settings")
    default = tuple(colour_table()[7 + 1].tolist())  # tP's, and that of its system
    controller.export_all(tmp_path / "all")
    wait_until(lambda: mapped.panel.export.all_button.isEnabled(), "the export")
    mapped.viewer.layers.selection = {layer}
    for name in ("labels.tif", "figure.png", "report.html", "pixels.csv", "map.npz", "crystal.h5"):
        mapped.viewer.layers.save(tmp_path / name, selected=True, plugin="napari-bravais")

    for name in ("labels.tif", "figure.png"):  # napari's Save and the panel write the same
        assert (tmp_path / name).read_bytes() == (tmp_path / "all" / name).read_bytes()
    labels = tifffile.imread(tmp_path / "labels.tif")
    np.testing.assert_array_equal(labels, np.where(layer.data > 14, 0, layer.data))
    with tifffile.TiffFile(tmp_path / "labels.tif") as file:
        colours = file.pages[0].colormap[:, : len(display.derived.classes)].T // 257
        assert "Crystal systems: 0 = not classified, 1 = triclinic" in file.pages[0].description
        assert "smoothing 2" in file.pages[0].description
    tetragonal = next(e.value for e in display.derived.classes if e.key == "tetragonal")
    assert colours[tetragonal].tolist() == [0x12, 0x34, 0x56]
    drawn = colours_of(tmp_path / "figure.png")
    assert (0x12, 0x34, 0x56) in drawn and default not in drawn
    display.hide("tetragonal")
    mapped.viewer.layers.save(tmp_path / "hidden.png", selected=True, plugin="napari-bravais")
    assert (0x12, 0x34, 0x56) not in colours_of(tmp_path / "hidden.png")

    table = pd.read_csv(tmp_path / "all" / "fractions.csv")
    shown = {entry.name: pixels for entry, pixels, _ in display.derived.fractions()}
    assert dict(zip(table["name"], table["pixels"], strict=True)) == shown
    pixels = pd.read_csv(tmp_path / "pixels.csv")
    assert (pixels["crystal system"] == "tetragonal").sum() == (layer.data == tetragonal).sum()
    np.testing.assert_allclose(pixels["confidence"], display.derived.confidence.ravel(), rtol=1e-4)
    report = (tmp_path / "report.html").read_text()
    for words in (
        "<td>nothing",
        "background:#123456",
        "shown: smoothing</td><td>2",
        "tetragonal=#123456",
        "0.6",
    ):
        assert words in report
    assert "tetragonal" in [phase.name for phase in read_map(tmp_path / "crystal.h5").phases]

    display.reset()
    wait_until(lambda: not display._queue, "the map as answered")
    for saved in (tmp_path / "all", tmp_path / "map.npz"):
        opened = load_result(saved)
        np.testing.assert_array_equal(opened.probabilities, raw)
        assert opened.quality_threshold == controller.phase_map.quality_threshold
        assert opened.provenance["window"]["smoothing"] == 2


def choose(box: QComboBox, text: str) -> None:
    """Choose from a box by the keyboard."""
    QTest.keyClick(box, Qt.Key.Key_Home)
    for _ in range(box.findText(text)):
        QTest.keyClick(box, Qt.Key.Key_Down)
    assert box.currentText() == text


def test_figures_are_laid_out_as_chosen_in_the_panel(mapped, tmp_path):
    section, controller = mapped.panel.export, mapped.controller
    boxes = {name: control.widget for name, control in section.controls.items()}

    def exported(name: str) -> Path:
        controller.export_figure(tmp_path / name)
        wait_until(lambda: section.figure_button.isEnabled(), "the figure")
        return tmp_path / name

    assert "mm" in boxes["figure_width"].toolTip() and "DPI" in boxes["figure_resolution"].toolTip()
    choose(boxes["figure_width"], "single column, 85 mm")
    choose(boxes["figure_resolution"], "300 DPI")
    assert Image.open(exported("single.png")).size[0] == round(85 / 25.4 * 300)
    assert not boxes["figure_free_width"].isVisible()
    choose(boxes["figure_width"], "free")
    assert boxes["figure_free_width"].isVisible()
    boxes["figure_free_width"].setValue(210)
    choose(boxes["figure_resolution"], "150 DPI")
    free = exported("free.png")
    assert Image.open(free).size[0] == round(210 / 25.4 * 150)
    layer = mapped.viewer.layers["Bravais lattices"]
    mapped.viewer.layers.selection = {layer}
    mapped.viewer.layers.save(tmp_path / "saved.png", selected=True, plugin="napari-bravais")
    assert (tmp_path / "saved.png").read_bytes() == free.read_bytes()

    titles = {}
    for layout in ("side by side", "map", "overlay"):
        choose(boxes["figure_layout"], layout)
        titles[layout] = exported(f"{layout}.svg").read_text()
    assert ">Virtual forward-scatter<" in titles["side by side"]
    assert "irtual forward-scatter" not in titles["map"]
    assert ">Bravais lattices on Virtual forward-scatter<" in titles["overlay"]
    defaults = {name: getattr(Settings(), name) for name in boxes}
    controller.display.change(**defaults)
    assert boxes["figure_layout"].currentText() == "side by side"


def test_hough_indexing_takes_a_pattern_centre_tells_how_far_it_is_and_is_cancelled(shared):
    section, comparing = shared.panel.compare, shared.controller.comparing
    widgets = {name: control.widget for name, control in section.controls.items()}
    shared.viewer.open_sample("napari-bravais", "nickel")
    wait_until(lambda: shared.panel.scan.file_label.text().startswith("patterns.h5"), "nickel")
    wait_until(lambda: shared.idle, "nickel")
    section.phases_edit.setText("nickel")
    assert not widgets["pc_x"].isVisible()
    choose(widgets["pattern_centre"], "EDAX")
    for name, number in (("pc_x", "0.4221"), ("pc_y", "0.7821"), ("pc_z", "0.4954")):
        assert widgets[name].isVisible()
        widgets[name].selectAll()
        QTest.keyClicks(widgets[name], number)
        QTest.keyClick(widgets[name], Qt.Key.Key_Return)
        line = widgets[name].lineEdit()
        assert line.text() == number
        assert line.fontMetrics().horizontalAdvance(number) < line.width()
    widgets["optimise"].setValue(4)
    shared.press(section.hough_button)
    assert section.progress_bar.isVisible() and not section.hough_button.isEnabled()
    wait_until(lambda: "Pattern centre: (" in section.result_label.text(), "the pattern centre")
    x, y, z = (float(part) for part in re.findall(r"0\.\d+", section.result_label.text())[:3])
    assert "in edax's convention; on 4 patterns" in section.result_label.text()
    np.testing.assert_allclose((x, y, z), (0.4221, 0.7821, 0.4954), atol=0.05)
    wait_until(lambda: getattr(comparing.other, "source", "") == "Hough indexing", "the map")
    assert (comparing.other.labels == PEARSON_SYMBOLS.index("cF")).all()
    assert not section.progress_bar.isVisible()

    shared.open_sample()
    wait_until(lambda: shared.idle and comparing.other is None, "the sample")
    # another scan has another pattern centre
    assert widgets["pattern_centre"].currentText() == "the file's own"
    section.phases_edit.setText("quartz, rutile")
    widgets["optimise"].setValue(0)
    shared.press(section.hough_button)
    (process,) = comparing._running
    pid = process.processId()
    wait_until(lambda: 0 < section.progress_bar.value() < 3456, "the first patterns")
    assert f"{section.progress_bar.value():,} of 3,456 patterns" in section.progress_bar.text()
    shared.press(section.cancel_button)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert section.hough_button.isEnabled() and not section.progress_bar.isVisible()
    assert section.result_label.text() == "" and comparing.other is None
