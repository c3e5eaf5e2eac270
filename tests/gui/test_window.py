"""A real napari window on the sample scan, looked at through its layers and its pixels."""

import itertools
import os
import shutil
import signal
import sys

import h5py
import numpy as np
import pytest
from napari._app_model import get_app_model
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractButton, QApplication, QComboBox, QLabel, QSlider

from napari_bravais.gui.notices import tell_done, tell_error
from napari_bravais.gui.reader import get_reader
from napari_bravais.io.sample_data import nickel_sample_path, quartz_rutile_sample_path
from napari_bravais.lattices import LATTICES
from napari_bravais.mapping.comparison import map_title
from napari_bravais.mapping.phase_map import colour_table
from tests.gui.window import Window, shown_colours, wait_until
from tests.vendor_files import forget_pattern_centre


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
    said = window.panel.map.progress_bar.format()
    assert said.startswith("Stopped at ") and said.endswith(" of 3,456 patterns")
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
    mapped.click(0.5, 0.5, place)
    row, column = mapped.controller.scene.pixel
    assert abs(row - 24) <= 1 and abs(column - 36) <= 1  # the map's middle
    assert "quality" in panel.inspect.answer_label.text()
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

    # napari makes it in a thread of its own, of where the cursor has been until then
    wait_until(lambda: f"{best.pearson} {best.name}" in text(), "the status line")
    assert f"probability {probabilities.max():.0%}" in text()
    assert viewer.help.startswith("click a pixel")


def test_export_writes_figure_and_results(mapped, tmp_path):
    mapped.controller.exporting.save_figure(tmp_path / "map.png")
    wait_until(lambda: (tmp_path / "map.png").exists(), "the figure")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    wait_until(lambda: mapped.panel.export.all_button.isEnabled(), "the export to end")
    mapped.controller.exporting.save_all(tmp_path / "all")
    wait_until(lambda: mapped.panel.export.all_button.isEnabled(), "the export to end")
    assert {path.suffix for path in (tmp_path / "all").iterdir()} >= {".png", ".svg", ".tif"}
    assert mapped.said("Saved all in ")


def test_an_export_that_fails_is_told(mapped, tmp_path):
    mapped.controller.exporting.save_figure(tmp_path / "no folder" / "map.png")
    wait_until(lambda: mapped.said("map.png was not saved: "), "the error")
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


def test_another_scan_hides_the_map_but_keeps_it_under_its_scans_name(mapped):
    mapped.panel.verticalScrollBar().setValue(200)
    mapped.viewer.open_sample("napari-bravais", "nickel")
    wait_until(lambda: mapped.panel.scan.file_label.text().startswith("patterns.h5"), "nickel")
    wait_until(lambda: mapped.idle, "nickel")
    assert mapped.viewer.layers[0].visible  # the image of the new scan
    assert not mapped.viewer.layers["quartz_rutile.h5: Bravais lattices"].visible
    assert mapped.viewer.layers["quartz_rutile.h5: Bravais lattices"].data.all()
    assert mapped.panel.verticalScrollBar().value() == 0
    # its file stores a map, which waits for the network's
    comparing = mapped.controller.comparing
    wait_until(lambda: comparing.other is not None, "the stored map")
    assert not mapped.viewer.layers[map_title(comparing.other)].visible
    assert mapped.map().shape == (3, 3)
    wait_until(lambda: comparing.comparison is not None, "the comparison")
    assert mapped.viewer.layers[map_title(comparing.other)].visible


def test_a_map_is_not_lost_without_a_question(mapped):
    before = mapped.controller.phase_map
    mapped.press_map("Cancel")
    assert mapped.idle and mapped.controller.phase_map is before
    assert mapped.map() is not before


def test_a_killed_classifier_is_replaced(window, rutile_scan):
    window.open(rutile_scan)
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


def test_the_wheel_passes_over_controls_and_leaves_them_alone(window):
    section, settings = window.panel.map, window.controller.display.settings
    slider = section.controls["smoothing"].widget.findChild(QSlider)
    for control in (section.device.widget, slider):
        event = _wheel_turned(control)
        QApplication.sendEvent(control, event)
        assert not event.isAccepted()  # Qt hands it on, to scroll the panel
    assert window.controller.display.settings == settings
    bar = window.panel.verticalScrollBar()
    bar.setValue(bar.maximum())
    assert bar.maximum() > 0
    QApplication.sendEvent(window.panel.viewport(), _wheel_turned(window.panel.viewport()))
    assert bar.value() < bar.maximum()
    window.panel.scroll_to_top()


def _wheel_turned(control) -> QWheelEvent:
    """Return a turn of the wheel over a control, upwards."""
    middle = control.rect().center()
    return QWheelEvent(
        QPointF(middle),
        QPointF(control.mapToGlobal(middle)),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )


def test_the_view_fits_a_resized_window_until_the_user_moves_it(window):
    viewer, camera = window.viewer, window.viewer.scene.camera
    geometry = viewer.window.geometry()
    fitted = camera.zoom

    def resize(width, height):
        before = viewer.canvas.size
        viewer.window.resize(width, height)
        wait_until(lambda: viewer.canvas.size != before, "the canvas")

    resize(1180, 740)
    assert 0.5 * fitted < camera.zoom < 0.99 * fitted
    resize(*geometry[2:])
    assert camera.zoom == pytest.approx(fitted, rel=1e-3)
    camera.zoom *= 2
    resize(1180, 740)
    assert camera.zoom == pytest.approx(2 * fitted, rel=1e-3)
    resize(*geometry[2:])
    window.controller.scene.reset_view()
    assert camera.zoom == pytest.approx(fitted, rel=1e-3)


def test_what_went_wrong_stays_in_sight(window, tmp_path):
    panel, notice = window.panel, window.panel.notice
    width, top = panel.minimumWidth(), panel.viewport().geometry().top()
    missing = tmp_path / ("without-a-blank-" * 12) / "scan.h5"
    window.controller.open(missing)
    wait_until(notice.isVisible, "the notice")
    assert window.said("does not exist")
    shown = notice.text_label.text().replace("\u200b", "")
    assert str(missing) in shown and "does not exist" in shown
    panel.verticalScrollBar().setValue(panel.verticalScrollBar().maximum())
    QApplication.processEvents()
    assert 0 < notice.geometry().bottom() < panel.viewport().geometry().top()
    assert notice.text_label.height() > 3 * notice.fontMetrics().height()
    assert panel.minimumWidth() == width
    frame = panel.grab().toImage().pixelColor(panel.width() // 3, notice.y())
    assert frame.red() > 150 > frame.green() > frame.blue()

    QTest.mouseClick(notice.close_button, Qt.MouseButton.LeftButton)
    assert not notice.isVisible()
    tell_error("It failed.")
    assert notice.isVisible()
    tell_done("It went well.")
    assert not notice.isVisible()
    assert panel.viewport().geometry().top() == top
    panel.scroll_to_top()


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


def test_a_window_that_a_dock_made_too_wide_is_fitted_to_the_screen(window):
    top = window.viewer.window
    _, _, *usual = top.geometry()
    dock = top.add_plugin_dock_widget("napari-bravais")[0]
    dock.hide()
    top.resize(1505, 700)
    dock.show()
    wait_until(lambda: top.geometry()[2] <= 1280, "a window that fits")
    assert top.geometry()[3] == 700
    top.resize(*usual)


def test_closing_the_dock_ends_the_classifier(qapp):
    window = Window()
    pid = window.controller.service.pid
    window.viewer.window.remove_dock_widget(window.panel)
    assert window.controller.service.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    window.viewer.close()


def test_the_tab_key_goes_from_top_to_bottom(mapped):
    content = mapped.panel.widget()
    first = widget = mapped.panel.scan.heading
    walked = []
    while (widget := widget.nextInFocusChain()) is not first:
        takes_focus = widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isEnabled()
        if content.isAncestorOf(widget) and widget.isVisibleTo(content) and takes_focus:
            walked.append((widget.mapTo(content, widget.rect().center()).y(), widget))
    assert len(walked) > 30
    upwards = [(a, b) for a, b in itertools.pairwise(walked) if b[0] < a[0] - 15]
    assert upwards == []


def test_a_scan_of_one_row_is_mapped_and_inspected(shared, tmp_path):
    shutil.copy(nickel_sample_path(), tmp_path / "line.h5")
    with h5py.File(tmp_path / "line.h5", "r+") as file:
        header = file["Scan 1/EBSD/Header"]
        header["n_rows"][...], header["n_columns"][...] = 1, 9
        forget_pattern_centre(header)
        del file["Scan 2"]
    shared.open(tmp_path / "line.h5")
    assert shared.panel.scan.grid_label.text().startswith("1 × 9 pixels")
    assert shared.map().mapped.all()
    assert (shared.viewer.layers["Bravais lattices"].data > 0).all()
    shared.controller.inspect((0, 8))
    shared.answered()
    QTest.keyClick(shared.canvas, Qt.Key.Key_Left)
    assert shared.controller.scene.pixel == (0, 7)
    shared.answered()
    assert "quality" in shared.panel.inspect.answer_label.text()
