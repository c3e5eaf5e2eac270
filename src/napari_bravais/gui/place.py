"""An image or map in the viewer, with what belongs to it."""

from dataclasses import dataclass

import numpy as np
from napari.layers import Image, Labels, Points

from napari_bravais.gui.layers import set_ring


@dataclass
class Place:
    """An image or map, and the ring upon it.

    Attributes
    ----------
    layer
        The layer that shows it.
    ring
        The layer of the ring.
    data
        What the layer shows; the layer itself holds a copy, of which a part may be cut away.
    pixel
        Where the ring is to be (row, column); None before the first click.
    drawn
        Where it is.
    cut
        Columns left of this one are cut away.
    """

    layer: Image | Labels
    ring: Points
    data: np.ndarray
    pixel: tuple[int, int] | None = None
    drawn: tuple[int, int] | None = None
    cut: int = 0

    def paint(self, rows: slice, columns: slice) -> None:
        """Take over a rectangle of the data; ``layer.refresh()`` shows it."""
        self.layer.data[rows, columns] = self.data[rows, columns]
        left = slice(columns.start, max(columns.start, min(self.cut, columns.stop)))
        self.layer.data[rows, left] = 0 if isinstance(self.layer, Labels) else np.nan

    def cut_off(self, columns: int) -> None:
        """Cut the columns left of one away."""
        if columns != self.cut:
            self.cut = columns
            self.paint(slice(0, self.data.shape[0]), slice(0, self.data.shape[1]))
            self.layer.refresh()

    def show(self, visible: bool, opacity: float, ring: bool) -> None:
        """Show or hide layer and ring."""
        # napari does all its work again, also for no change
        if self.layer.opacity != opacity:
            self.layer.opacity = opacity
        for layer, wanted in ((self.layer, visible), (self.ring, visible and ring)):
            if layer.visible != wanted:
                layer.visible = wanted
        self.mark(self.pixel)

    def entitle(self, visible: bool, right: bool = False) -> None:
        """Show the title, on the left or on the right, or hide it."""
        self.layer.name_overlay.position = "top_right" if right else "top_left"
        self.layer.name_overlay.visible = visible

    def mark(self, pixel: tuple[int, int] | None) -> None:
        """Set the ring on a pixel: now, or when it is seen next."""
        self.pixel = pixel
        if self.ring.visible and pixel not in (None, self.drawn):
            set_ring(self.ring, pixel)
            self.drawn = pixel
