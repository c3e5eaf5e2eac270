"""Two maps over each other: the edge that is swiped across, and which title is shown where."""

from qtpy.QtTest import QTest

from napari_bravais.gui.edge import EDGE


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
    assert EDGE not in mapped.names
    assert [title.visible for title in titles.values()] == [False, True]
    scene.flick()
    assert [title.visible for title in titles.values()] == [True, False]
    display.change(view="side by side")
    assert all(title.visible and str(title.position) == "top_left" for title in titles.values())
