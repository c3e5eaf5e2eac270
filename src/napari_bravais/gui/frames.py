"""Frames of napari's canvas without work that is done twice, or that nothing has asked for."""

from functools import partial
from weakref import WeakSet

import numpy as np
from napari._qt.containers.qt_layer_model import QtLayerListModel
from napari._vispy.canvas import VispyCanvas
from napari._vispy.overlays import base
from vispy.color import Color
from vispy.scene.visuals import Rectangle
from vispy.visuals.transforms import BaseTransform, ChainTransform, STTransform


class Box(Rectangle):
    """What lies behind a title or a scale bar: a square that its transform stretches.

    napari's changes its corners whenever a scale bar gets longer, whereupon vispy links its shaders
    anew: four times for each turn of the mouse's wheel where four maps stand side by side.

    Parameters
    ----------
    center, border_width
        As napari gives them: no others are known.
    """

    def __init__(self, center: tuple[float, float], border_width: float):
        super().__init__(center=center, border_width=border_width)
        self.unfreeze()
        self._stretch, self._place = STTransform(), None
        self.freeze()

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self._stretch.scale[0]

    @width.setter
    def width(self, width: float) -> None:
        self._stretch.scale = width, self.height

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self._stretch.scale[1]

    @height.setter
    def height(self, height: float) -> None:
        self._stretch.scale = self.width, height

    @property
    def center(self) -> tuple[float, float]:
        """Centre (x, y) in pixels, where `transform` leaves it."""
        return tuple(self._stretch.translate[:2])

    @center.setter
    def center(self, center: tuple[float, float]) -> None:
        self._stretch.translate = center

    @property
    def color(self) -> Color:
        """Colour of the area."""
        return self._color

    @color.setter
    def color(self, color) -> None:
        if Color(color, clip=True) != self._color:
            Rectangle.color.fset(self, color)

    @property
    def transform(self) -> BaseTransform:
        """From pixels about the centre to the canvas."""
        return self._transform

    @transform.setter
    def transform(self, place: BaseTransform) -> None:
        if place is not self._place:
            self._place = place
            Rectangle.transform.fset(self, ChainTransform(place, self._stretch))


def draw_once() -> None:
    """Let napari bring its panes, camera and titles up to date before a frame, not after it.

    After it, each turn of the mouse's wheel takes two frames, the first with scale bars of the last
    zoom, and new panes are drawn as if they were a pixel wide. And let vispy find where a mouse is
    pressed without a picture drawn for that: of all that napari shows only its panes listen.
    """
    parts = "on_draw", "_get_viewbox_at", "_current_viewbox_size"
    if not all(hasattr(VispyCanvas, name) for name in parts) or base.Rectangle is Box:
        return  # another napari, or another window of the process
    bring_up_to_date = VispyCanvas.on_draw
    watched: WeakSet[VispyCanvas] = WeakSet()

    def prepare(canvas: VispyCanvas, event) -> None:
        canvas._scene_canvas._update_pending = True  # nobody need ask for this frame again
        _lay_out(canvas)
        resized = not np.allclose(canvas._last_viewbox_size, canvas._current_viewbox_size)
        bring_up_to_date(canvas, event)
        if resized:  # the space between panes depends on their size
            _lay_out(canvas)
            bring_up_to_date(canvas, event)

    def after_frame(canvas: VispyCanvas, event=None) -> None:
        if event is None or canvas not in watched:
            bring_up_to_date(canvas, event)
        if canvas not in watched:
            watched.add(canvas)
            scene = canvas._scene_canvas
            scene.events.draw.connect(partial(prepare, canvas), position="first")
            scene.visual_at = lambda position: canvas._get_viewbox_at(position)[0]

    VispyCanvas.on_draw = after_frame
    base.Rectangle = Box


def _lay_out(canvas: VispyCanvas) -> None:
    """Tell panes their size and place, as vispy does when it draws them."""
    if canvas.viewer.canvas.grid.enabled and canvas.grid_views:
        canvas.grid._update_child_widget_dim()


#: Events of a layer that its line in the layer list shows.
_LISTED = frozenset(("thumbnail", "visible", "name", "loaded", "locked"))


def list_what_shows() -> None:
    """Let napari draw a layer's line in its list anew for what that shows alone.

    It draws all lines whenever the view is zoomed.
    """
    take_notice = getattr(QtLayerListModel, "_process_event", None)
    if take_notice is None or hasattr(take_notice, "plain"):
        return

    def take_notice_of_some(model: QtLayerListModel, event) -> None:
        if event.type in _LISTED:
            take_notice(model, event)

    take_notice_of_some.plain = take_notice
    QtLayerListModel._process_event = take_notice_of_some
