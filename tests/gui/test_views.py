"""Two maps over each other: the edge that is swiped across, and which title is shown where."""

import napari
import numpy as np
from napari._qt.utils import QImg2array
from napari._vispy.canvas import VispyCanvas
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from vispy import gloo
from vispy.gloo.program import Program

from napari_bravais.gui import shaders
from napari_bravais.gui.edge import EDGE
from tests.gui.window import choose, wait_until


def test_the_edge_of_a_swipe_is_seen_and_titles_stand_on_their_side(mapped):
    display, scene, viewer = mapped.controller.display, mapped.controller.scene, mapped.viewer
    mapped.controller.arranger._arrange(pair=("Electron image", "Bravais lattices"))
    active = viewer.layers.selection.active
    titles = {
        name: scene.places[name].layer.name_overlay
        for name in ("Electron image", "Bravais lattices")
    }
    display.change(view="swipe")
    scene.move_edge(0.25)
    edge = viewer.layers[EDGE]
    assert viewer.layers.selection.active == active
    assert edge.translate[-1] == 17.5 * 2  # left of column 18, in micrometres
    assert [str(title.position) for title in titles.values()] == ["top_left", "top_right"]

    def line() -> bool:
        """Whether the canvas shows a line of white and black dashes where the edge is."""
        pixels = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
        height, width = pixels.shape[:2]
        x = round(width / 2 + (edge.translate[-1] - 71) * viewer.scene.camera.zoom)
        near = pixels[height // 2 - 100 : height // 2 + 100, x - 3 : x + 4]
        white, black = (near > 250).all(-1).mean(0), (near < 5).all(-1).mean(0)
        # where a dash ends, its colour runs into the next one
        return ((white + black > 0.8) & (white > 0.3) & (black > 0.3)).any()

    QTest.qWait(300)
    assert line()
    scene.move_edge(0.75)
    QTest.qWait(300)
    assert line()

    display.change(view="flicker")
    assert not edge.visible
    assert [title.visible for title in titles.values()] == [False, True]
    scene.flick()
    assert [title.visible for title in titles.values()] == [True, False]
    display.change(view="side by side")
    assert all(title.visible and str(title.position) == "top_left" for title in titles.values())


def test_a_layout_that_was_shown_before_comes_back_as_it_was_without_reading_shaders(mapped):
    compare, viewer = mapped.panel.compare, mapped.viewer

    def picture() -> np.ndarray:
        QTest.qWait(700)  # the panes settle
        return viewer.screenshot(canvas_only=True, flash=False)

    def pictures() -> list[np.ndarray]:
        """Return what is shown with a third map, and without it again."""
        found = []
        for on in (True, False):
            compare.shown_changed.emit("Confidence", on)
            found.append(picture())
        return found

    three, two = pictures()
    assert (three != two).mean() > 0.05
    known = len(Program._parse_variables_from_code.known)
    # edges of pixels may fall on the other side of the screen's
    assert (np.array(pictures()) != [three, two]).mean() < 0.005
    assert len(Program._parse_variables_from_code.known) == known


def test_one_scale_bar_follows_the_zoom_in_the_same_frame(mapped):
    compare, viewer = mapped.panel.compare, mapped.viewer
    choose(compare.controls["grid"].widget, "in a row")
    compare.shown_changed.emit("Confidence", True)
    QTest.qWait(700)  # the panes settle
    canvas = viewer.window._qt_viewer.canvas

    frames = []

    def keep(event) -> None:
        """Keep which pixels are white at the bottom of each of three panes."""
        picture = gloo.read_pixels()[-60:, :, :3]
        frames.append([(pane > 200).all(axis=-1) for pane in np.array_split(picture, 3, axis=1)])

    def frames_of(change) -> list[list[np.ndarray]]:
        """Return the first frame, and those of the third of a second after it."""
        frames.clear()
        change()
        wait_until(lambda: frames, "a frame")
        QTest.qWait(300)
        return frames.copy()

    def zoom_out() -> None:
        viewer.scene.camera.zoom /= 1.5

    def with_bar() -> list[bool]:
        return [bool(white.any()) for white in frames_of(canvas.native.update)[-1]]

    canvas._scene_canvas.events.draw.connect(keep, position="last")
    wait_until(lambda: with_bar() == [False, False, True], "the scale bar, in the last pane alone")
    before = frames[-1]
    numbers = []
    for _ in range(3):
        first, *others = frames_of(zoom_out)
        settled = frames_of(canvas.native.update)[-1]
        assert all(np.array_equal(*whites) for whites in zip(first, settled, strict=True))
        assert (first[2] != before[2]).mean() > 0.01
        before = settled
        numbers.append(1 + len(others))
    assert min(numbers) == 1  # whatever else happens in the window may ask for one now and then
    canvas._scene_canvas.events.draw.disconnect(keep)
    compare.shown_changed.emit("Confidence", False)
    choose(compare.controls["grid"].widget, "as large as fits")


def test_new_panes_have_their_size_in_their_first_frame(mapped):
    canvas = mapped.viewer.window._qt_viewer.canvas
    VispyCanvas._init_or_update_grid.kept.clear()  # as if there had never been three panes
    sizes = []

    def measure(event) -> None:
        sizes.append((*canvas.grid_views[0].rect.size, canvas.grid_cameras[0].zoom))

    canvas._scene_canvas.events.draw.connect(measure, position="last")
    mapped.panel.compare.shown_changed.emit("Confidence", True)
    QTest.qWait(700)
    canvas._scene_canvas.events.draw.disconnect(measure)
    mapped.panel.compare.shown_changed.emit("Confidence", False)
    assert len(sizes) > 1 and len(canvas.grid_views) >= 2
    np.testing.assert_allclose(sizes, sizes[-1:] * len(sizes), rtol=0.01)


def test_a_view_that_is_fitted_shows_the_scan_whatever_marks_are_on_it(mapped):
    mapped.click(0.5, 0.5)  # a ring
    zoom = mapped.viewer.scene.camera.zoom
    mapped.viewer.reset_view()  # napari's own button
    assert 0.8 < mapped.viewer.scene.camera.zoom / zoom < 1.25


def test_a_window_without_a_scan_rests(mapped):
    viewer = napari.Viewer()
    frames = []
    QTest.qWait(500)
    scene = viewer.window._qt_viewer.canvas._scene_canvas
    scene.events.draw.connect(lambda event: frames.append(event))
    scene.update()
    QTest.qWait(500)
    viewer.close()
    assert len(frames) == 1


def test_the_usual_keys_undo_while_the_map_has_the_keyboard(mapped):
    display, canvas = mapped.controller.display, mapped.viewer.window._qt_viewer.canvas.native
    before, control = display.settings, Qt.KeyboardModifier.ControlModifier
    mapped.panel.map.setting_changed.emit("smoothing", 2)
    mapped.settle()
    for layer in (mapped.viewer.layers["Bravais lattices"], None):
        mapped.viewer.layers.selection.active = layer
        canvas.setFocus()
        QTest.keyClick(canvas, Qt.Key.Key_Z, control)
        mapped.settle()
        assert display.settings == before
        QTest.keyClick(canvas, Qt.Key.Key_Z, control | Qt.KeyboardModifier.ShiftModifier)
        mapped.settle()
        assert display.settings.smoothing == 2


def test_beyond_the_edge_of_a_swipe_the_status_line_does_not_speak_of_the_hidden_map(mapped):
    mapped.controller.arranger._arrange(pair=("Electron image", "Bravais lattices"))
    mapped.controller.display.change(view="swipe")
    mapped.viewer.layers.selection.active = mapped.viewer.layers["Bravais lattices"]
    QTest.qWait(500)

    def said(x: float) -> str:
        QTest.mouseMove(mapped.canvas, mapped.canvas_point(0, x, 0.9))
        QTest.qWait(300)
        return mapped.viewer.status["coordinates"]

    assert "beyond the edge" in said(0.2) and "not mapped" not in said(0.25)
    assert "probability" in said(0.8)


def test_the_screen_shows_a_picture_in_every_view_and_while_they_change(mapped):
    canvas = mapped.viewer.window._qt_viewer.canvas.native
    mapped.controller.arranger._arrange(pair=("Electron image", "Bravais lattices"))

    def contrast() -> float:
        """Return the deviation of what the screen itself shows where the canvas is.

        The canvas may have a picture that Qt does not show.
        """
        place = canvas.rect().translated(canvas.mapToGlobal(QPoint(0, 0)))
        shown = canvas.screen().grabWindow(0).copy(place)
        return QImg2array(shown.toImage())[..., :3].std()

    QTest.qWait(500)
    assert contrast() > 30
    for view in ("swipe", "blend", "flicker", "side by side", "blend", "side by side"):
        canvas.update()  # a frame that is due when the layout changes
        mapped.panel.compare.setting_changed.emit("view", view)
        for _ in range(20):
            QTest.qWait(25)
            assert contrast() > 30, view


def test_more_maps_than_panes_share_a_pane(mapped):
    compare, viewer = mapped.panel.compare, mapped.viewer
    choose(compare.controls["grid"].widget, "in a row")
    compare.shown_changed.emit("Confidence", False)
    QTest.qWait(300)
    viewer.canvas.grid.shape = 1, 2
    viewer.layers["Confidence"].visible = True
    QTest.qWait(300)
    viewer.layers["Confidence"].visible = False
    compare.shown_changed.emit("Confidence", True)
    choose(compare.controls["grid"].widget, "as large as fits")


def test_soon_after_a_change_of_the_layout_all_of_it_is_drawn(mapped, monkeypatch):
    monkeypatch.setattr(shaders, "_SPELL", 0.005)  # a few visuals at a time
    monkeypatch.setattr(shaders, "_SETTLING", 60)  # and no end to that

    def picture(wait: int) -> np.ndarray:
        """Return what is on the screen; a screenshot would have all be drawn first."""
        QTest.qWait(wait)
        canvas = mapped.viewer.window._qt_viewer.canvas.native
        return QImg2array(canvas.grabFramebuffer())[..., :3].astype(int)

    compare = mapped.panel.compare
    for name in ("Confidence", "Pattern quality"):
        compare.shown_changed.emit(name, True)
        QTest.qWait(300)
    for view in ("swipe", "side by side"):
        compare.setting_changed.emit("view", view)
        QTest.qWait(300)
    soon = picture(4000)
    shaders.build_by_spells().end()
    later = picture(300)
    # titles and scale bars are among the last, and are small
    assert (np.abs(soon - later).max(axis=-1) > 60).mean() < 0.0005
    assert (later > 200).all(axis=-1).mean() > 0.002
    for name in ("Confidence", "Pattern quality"):
        compare.shown_changed.emit(name, False)
