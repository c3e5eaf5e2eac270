"""Panes of napari's grid without work that is done twice: it took most of a change of layout."""

from collections.abc import Callable
from weakref import WeakKeyDictionary, WeakSet

from napari._vispy.canvas import VispyCanvas
from napari.layers import Layer

#: What napari does that is done otherwise here; a napari without one of these is left alone.
_OURS = (
    "_init_or_update_grid",
    "_update_scenegraph",
    "_update_overlay_canvas_positions",
    "_update_layer_overlays",
)


def spare_panes(rebuilt: Callable[[VispyCanvas], None]) -> None:
    """Let napari keep its grids, and see to titles once a change of the layout.

    A grid that it had before is taken up again for the same rows and columns: to make a new one
    takes it half a tenth of a second.

    Parameters
    ----------
    rebuilt
        Called with the canvas whenever its scene has been built anew, before it is drawn.
    """
    plain = [getattr(VispyCanvas, name, None) for name in _OURS]
    if None in plain or hasattr(plain[0], "kept"):  # by another window of this process
        return
    make, update, place, see_to = plain
    kept: WeakKeyDictionary[VispyCanvas, dict] = WeakKeyDictionary()
    changing: WeakSet[VispyCanvas] = WeakSet()

    def take_up(canvas: VispyCanvas) -> None:
        shape = canvas.viewer.canvas.grid.actual_shape(canvas.viewer.layers)
        if canvas.grid.grid_size == shape:
            return
        grids, last = kept.setdefault(canvas, {}), canvas.grid
        last.visible = False  # it stays where it is: to take it out takes as long as to rebuild it
        if canvas.grid_views:
            grids[last.grid_size] = last, canvas.grid_views, canvas.grid_cameras
        canvas.grid_views, canvas.grid_cameras = [], []
        if shape in grids:
            canvas.grid, canvas.grid_views, canvas.grid_cameras = grids[shape]
            canvas.grid.visible = True
        else:
            make(canvas)
            last.parent = canvas.central_widget

    def update_once(canvas: VispyCanvas, event=None) -> None:
        changing.add(canvas)
        try:
            update(canvas, event)
        finally:
            changing.discard(canvas)
            rebuilt(canvas)
            canvas._defer_canvas_overlay_position_update()  # until the next frame

    def place_later(canvas: VispyCanvas, event=None) -> None:
        if canvas not in changing:
            place(canvas, event)

    def see_to_later(canvas: VispyCanvas, layer: Layer) -> None:
        # after several changes at once all layers that stay are seen to
        if not canvas._pause_scene_graph or layer not in canvas.viewer.layers:
            see_to(canvas, layer)

    take_up.kept = kept
    ours = take_up, update_once, place_later, see_to_later
    for name, better in zip(_OURS, ours, strict=True):
        setattr(VispyCanvas, name, better)
