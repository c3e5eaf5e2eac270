"""The line at the edge that is swiped across, to see what can be dragged."""

import numpy as np
from napari.layers import Points
from qtpy.QtCore import QTimer

from napari_bravais.gui.layers import Marks, map_units

#: Name of the line's layer.
EDGE = "Edge to drag"

#: Dots in the line: more than a screen has rows, so that they run into each other.
_DOTS = 2000

#: Dots in a dash.
_DASH = 50

#: Width of the line in pixels of the screen.
_WIDTH = 4

#: Milliseconds in which the line is drawn for the first time.
_DRAWN = 1000


class Edge:
    """A line of white and black dashes, which shows on every colour.

    It is made of dots, for these are as large on the screen at any zoom, and is moved as a whole,
    without being drawn anew.

    Parameters
    ----------
    viewer
        The napari viewer that shows it.
    """

    def __init__(self, viewer):
        self._viewer = viewer
        self._layer: Points | None = None

    def make(self, top: float, bottom: float, unit: str) -> None:
        """Make the line, from top to bottom in world coordinates; nothing shows yet.

        To make and remove its layer takes napari tenths of a second, and to draw it for the first
        time one: nobody should wait for them whenever the line is wanted. So it is drawn at once,
        transparent.
        """
        self._layer = _line(top, bottom, unit)
        self._viewer.layers.append(self._layer)
        QTimer.singleShot(_DRAWN, self._hide_if_transparent)

    def show(self, x: float) -> None:
        """Show the line at a position in world coordinates."""
        if self._layer in self._viewer.layers:
            self._layer.translate = (0, x)
            self._layer.opacity = 1
            self._set_visible(True)

    def hide(self) -> None:
        """Hide the line."""
        if self._layer in self._viewer.layers:
            self._set_visible(False)

    def remove(self) -> None:
        """Take the line away, for good."""
        if self._layer in self._viewer.layers:
            self._viewer.layers.remove(self._layer)
        self._layer = None

    def _hide_if_transparent(self) -> None:
        if self._layer in self._viewer.layers and not self._layer.opacity:
            self.hide()

    def _set_visible(self, visible: bool) -> None:
        if self._layer.visible != visible:  # napari does all its work again, also for no change
            self._layer.visible = visible


def _line(top: float, bottom: float, unit: str) -> Points:
    """Return a layer with a line at zero: dots, so many of a colour in turn."""
    dots = np.column_stack((np.linspace(top, bottom, _DOTS), np.zeros(_DOTS)))
    colours = np.where(np.arange(_DOTS) // _DASH % 2, "black", "white")
    return Marks(
        dots,
        name=EDGE,
        units=map_units(unit),
        symbol="square",
        # the size is always the upper limit: as wide at any zoom
        size=1e4,
        canvas_size_limits=(2, _WIDTH),
        face_color=colours,
        border_color=colours,  # a border is drawn, however thin
        antialiasing=0,
        opacity=0,
    )
