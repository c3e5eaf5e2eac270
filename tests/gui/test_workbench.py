"""The workbench around a map: thresholds, legend, comparison, saved results, exports."""

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import tifffile
import yaml
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

from napari_bravais.gui.layers import grid_shape
from napari_bravais.gui.settings import Settings, configuration
from napari_bravais.io.exports import export
from napari_bravais.io.results import load_result
from napari_bravais.io.sample_data import quartz_rutile_sample_path
from napari_bravais.io.vendor_maps import read_map
from napari_bravais.lattices import LATTICES, PEARSON_SYMBOLS
from napari_bravais.mapping.comparison import map_title
from napari_bravais.mapping.phase_map import colour_table, percentage
from napari_bravais.mapping.process import environment_of_nice
from tests.gui.window import choose, shown_colours, wait_until


def test_thresholds_smoothing_and_legend_act_at_once_and_are_undone(mapped):
    display, controller = mapped.controller.display, mapped.controller
    raw, before = controller.phase_map.probabilities.copy(), display.settings
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
    assert display.settings == before
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
    key = mapped.panel.compare.key_label
    assert key.isVisible() and "Agree" in key.text() and "named by neither" not in key.text()
    inside = (controller.comparing.comparison.difference == 2).mean()
    assert inside > 0 and percentage(inside) in key.text().split("Differ inside a grain")[1][:50]
    mapped.press(mapped.panel.compare.next_button)
    row, column = controller.scene.pixel
    assert 5 <= row < 15 and 5 <= column < 15
    mapped.panel.compare.show_key([("#ffffff", "One pixel", 0.0003)])
    assert "&lt;0.1 %" in key.text()  # no tag, which would not be seen


def test_the_other_map_follows_colours_systems_and_legend(mapped, tmp_path):
    controller, display = mapped.controller, mapped.controller.display
    comparing, before = controller.comparing, controller.comparing.other
    export("map", controller.phase_map, tmp_path / "same.npz")
    comparing.open(tmp_path / "same.npz")
    wait_until(lambda: comparing.other is not before, "the other map")
    layer = mapped.viewer.layers[map_title(comparing.other)]
    ours = mapped.viewer.layers["Bravais lattices"]
    np.testing.assert_array_equal(layer.data, ours.data)
    display.recolour("hP", "#123456")
    display.hide("tP")
    for name in ("hP", "tP"):
        value = PEARSON_SYMBOLS.index(name) + 1
        np.testing.assert_array_equal(layer.colormap.map(value), ours.colormap.map(value))
    hexagonal = np.ravel(layer.colormap.map(PEARSON_SYMBOLS.index("hP") + 1))
    assert hexagonal[0] == pytest.approx(0x12 / 255)
    display.change(level="crystal systems")
    for entry in display.derived.classes[:-1]:
        of_system = np.isin(comparing.other.labels, entry.members)
        np.testing.assert_array_equal(layer.data == entry.value, of_system)
    display.reset()
    mapped.settle()
    np.testing.assert_array_equal(layer.data, ours.data)


def test_the_inspected_pattern_is_saved_as_a_figure(mapped, tmp_path, monkeypatch):
    mapped.click(0.5, 0.5)
    row, column = mapped.controller.scene.pixel
    shown = mapped.controller.inspector.shown
    for name in ("pattern.png", "pattern.svg"):
        answer = (str(tmp_path / name), "PNG image (*.png)")
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args, answer=answer: answer)
        mapped.press(mapped.panel.inspect.save_button)
        wait_until(lambda name=name: (tmp_path / name).exists(), "the figure")
        wait_until(lambda name=name: mapped.said(f"Saved {name}"), "the news")
    drawing = (tmp_path / "pattern.svg").read_text()
    assert f"Row {row}, column {column}" in drawing
    assert f"Grad-CAM for {shown.explained}" in drawing
    picture = np.asarray(Image.open(tmp_path / "pattern.png").convert("RGB")).astype(int)
    height, width = picture.shape[:2]
    left, middle = (
        picture[height // 2 :, width * a // 100 : width * b // 100] for a, b in ((4, 32), (37, 65))
    )
    # the pattern is grey, the glow over it is not, and the likeliest lattice has its colour's bar
    assert np.ptp(left, axis=-1).max() == 0
    assert np.ptp(middle, axis=-1).max() > 20
    bar = tuple(int(shown.likeliest.colour[i : i + 2], 16) for i in (1, 3, 5))
    assert bar in colours_of(tmp_path / "pattern.png")


@pytest.mark.parametrize(
    ("canvas", "places", "shape"),
    [
        ((750, 537), 2, (2, 1)),  # a window of 1280x800: beside each other they were half as large
        ((750, 537), 4, (2, 2)),  # hardly smaller than four over each other
        ((900, 1300), 2, (1, 2)),
        ((900, 1300), 1, (1, 1)),
    ],
)
def test_the_grid_shows_maps_as_large_as_fits(canvas, places, shape):
    assert grid_shape((48, 72), canvas, places) == shape


def test_panes_are_titled_and_laid_out_as_chosen(mapped):
    viewer, controls = mapped.viewer, mapped.panel.compare.controls
    titles = [layer.name for layer in viewer.layers if layer.name_overlay.visible]
    assert {"Virtual forward-scatter", "Bravais lattices", "Confidence"} <= set(titles)
    for text, shape in (("in a row", (1, 2)), ("in a column", (2, 1))):
        choose(controls["grid"].widget, text)
        assert viewer.canvas.grid.shape == shape
        QTest.qWait(300)
        room = np.array(viewer.canvas.viewbox_size(viewer.layers))
        needed = np.array(mapped.controller.scene.extent) * viewer.scene.camera.zoom
        assert 0.8 < (needed / room).max() <= 1
    choose(controls["grid"].widget, "as large as fits")


def test_a_saved_result_opens_again_with_its_scan_and_settings(mapped, tmp_path):
    controller = mapped.controller
    raw = controller.phase_map.probabilities.copy()
    controller.display.change(smoothing=1, quality_threshold=0.5)
    wait_until(lambda: not controller.display._queue, "the settings")
    shown = mapped.viewer.layers["Bravais lattices"].data.copy()
    controller.exporting.save_all(tmp_path)
    wait_until(lambda: mapped.panel.export.all_button.isEnabled(), "the export")
    controller.display.reset()
    mapped.open_sample()
    wait_until(lambda: controller.phase_map is None, "the scan without a map")
    mapped.viewer.open(tmp_path, plugin="napari-bravais")
    wait_until(lambda: controller.phase_map is not None, "the saved map")
    np.testing.assert_array_equal(controller.phase_map.probabilities, raw)
    assert controller.display.settings.smoothing == 1
    np.testing.assert_array_equal(mapped.viewer.layers["Bravais lattices"].data, shown)
    assert mapped.panel.map.progress_bar.format() == "3,456 of 3,456 patterns"  # nothing ran
    controller.inspect((3, 3))
    wait_until(lambda: controller.inspector.request is None, "the answer")
    controller.display.reset()


def test_a_result_whose_scan_has_moved_asks_where_it_is(mapped, tmp_path, monkeypatch):
    controller = mapped.controller
    asked = []

    def answer(parent, title):
        asked.append(title)
        return str(quartz_rutile_sample_path()), ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", answer)
    centre = {"pattern_centre": "EDAX", "pc_x": 0.4, "pc_y": 0.7, "pc_z": 0.62}
    gone = {
        "scan": {"file": "gone.h5"},
        "scan_path": str(tmp_path / "gone.h5"),
        "given_centre": centre,
    }
    lost = replace(controller.phase_map, provenance=gone)
    raw = lost.probabilities.copy()
    export("map", lost, tmp_path / "lost.npz")
    mapped.open_sample()
    wait_until(lambda: controller.phase_map is None, "the scan without a map")
    mapped.viewer.open(tmp_path / "lost.npz", plugin="napari-bravais")
    wait_until(lambda: controller.phase_map is not None, "the saved map")
    assert asked == ["Where is gone.h5?"]
    # the pixels are explained with the pattern centre that they were mapped with
    assert {name: getattr(controller.display.settings, name) for name in centre} == centre
    np.testing.assert_array_equal(controller.phase_map.probabilities, raw)


def test_the_manifest_says_what_the_settings_say():
    manifest = yaml.safe_load((Path(__file__).parents[2] / "napari.yaml").read_text())
    assert manifest["contributions"]["configurations"] == configuration()


def test_layers_that_the_user_removes_are_forgotten(mapped):
    controller = mapped.controller
    mapped.viewer.layers.remove("Bravais lattices")
    wait_until(lambda: "Clicked pixel on bravais lattices" not in mapped.names, "the ring to go")
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
    controller.exporting.save_all(tmp_path / "all")
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


def test_figures_are_laid_out_as_chosen_in_the_panel(mapped, tmp_path):
    section, controller = mapped.panel.export, mapped.controller
    boxes = {name: control.widget for name, control in section.controls.items()}

    def exported(name: str) -> Path:
        controller.exporting.save_figure(tmp_path / name)
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


def test_a_noisy_scan_is_read_once_its_patterns_are_averaged(shared, tmp_path):
    part, path = np.s_[4:28, 8:40], tmp_path / "noisy.h5"
    truth = tifffile.imread(quartz_rutile_sample_path().with_name("quartz_rutile_truth.tif"))
    truth = truth[part].astype(int) - 1
    shutil.copy(quartz_rutile_sample_path(), path)
    with h5py.File(path, "r+") as file:
        scan = file["Scan 1/EBSD"]
        patterns = scan["Data/patterns"][()].reshape(48, 72, 60, 60)[part].astype(float)
        patterns += np.random.default_rng(0).normal(0, 22, patterns.shape)
        del scan["Data/patterns"], scan["CrystalMap"]
        scan["Data/patterns"] = patterns.clip(0, 255).astype(np.uint8).reshape(-1, 60, 60)
        scan["Header/n_rows"][...], scan["Header/n_columns"][...] = patterns.shape[:2]
    shared.open(path)
    box = shared.panel.scan.controls["averaging"].widget
    quartz = tuple(colour_table()[PEARSON_SYMBOLS.index("hP") + 1].tolist())
    alone, few = shared.map(), shown_colours(shared).get(quartz, 0)
    advice = shared.panel.map.advice_label
    assert advice.isVisible() and "averaged (NLPAR)" in advice.text()
    choose(box, "averaged (NLPAR)")
    together, many = shared.map(), shown_colours(shared).get(quartz, 0)
    right = [(one.labels == truth)[truth >= 0].mean() for one in (alone, together)]
    assert right[0] < 0.3 and right[1] > 0.8
    assert not advice.isVisible()
    assert many > 3 * few and many > 50_000
    shared.click(0.5, 0.5)
    # what is read is shown, too: its noise is less than what was put in
    pixel = shared.controller.inspector.shown.pixel
    assert shared.controller.inspector.shown.pattern.std() < patterns[pixel].std() - 5
    shared.open_sample()
    assert box.currentText() == "each by itself"


def test_hough_indexing_takes_a_pattern_centre_tells_how_far_it_is_and_is_cancelled(shared):
    section, comparing = shared.panel.compare, shared.controller.comparing
    controls = shared.panel.scan.controls | section.controls
    widgets = {name: control.widget for name, control in controls.items()}
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
    assert shared.map().provenance["pattern_centre"] == [0.4221, 0.2179, 0.4954]
    widgets["optimise"].setValue(2)
    shared.press(section.hough_button)
    assert section.progress_bar.isVisible() and not section.hough_button.isEnabled()
    (indexing,) = comparing._running
    usual = os.getpriority(os.PRIO_PROCESS, shared.controller.service.pid)
    assert usual > os.getpriority(os.PRIO_PROCESS, 0)
    wait_until(
        lambda: os.getpriority(os.PRIO_PROCESS, indexing.processId()) == usual,
        "the priority of the classifier's process",
    )
    environment = set(indexing.processEnvironment().toStringList())
    assert environment == {f"{name}={value}" for name, value in environment_of_nice().items()}
    wait_until(lambda: "Pattern centre: (" in section.result_label.text(), "the pattern centre")
    x, y, z = (float(part) for part in re.findall(r"0\.\d+", section.result_label.text())[:3])
    assert "in EDAX's convention; on 2 patterns" in section.result_label.text()
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
