"""What the viewer shows of a scan: its layers, where they stand, clicks and hovering."""

from collections.abc import Callable, Iterator
from contextlib import suppress

from napari.layers import Image, Labels, Points

from napari_bravais.gui.layers import (
    certainty,
    grid_shape,
    image_layer,
    map_layer,
    paint,
    pixel_at,
    ring_layer,
    set_ring,
)
from napari_bravais.io.scan import ElectronImage
from napari_bravais.mapping.messages import Message
from napari_bravais.mapping.phase_map import PhaseMap

#: Mark in the metadata of a layer that stands in for one still to come.
PLACEHOLDER = "napari-bravais: opening"

#: Screen pixels that the mouse may move between press and release of a click.
_STILL = 4

#: Each place in the grid holds an image or a map, and the ring upon it.
_LAYERS_A_PLACE = 2


class Scene:
    """The layers of the scan that is open.

    Parameters
    ----------
    viewer
        The napari viewer.
    clicked
        Called with the pixel (row, column) that was clicked.
    """

    def __init__(self, viewer, clicked: Callable[[tuple[int, int]], None]):
        self._viewer = viewer
        self._clicked = clicked
        self._scan: Message | None = None
        self._image: Image | None = None
        self._map: Labels | None = None
        self._rings: list[Points] = []
        self._pixel: tuple[int, int] | None = None
        self._phase_map: PhaseMap | None = None
        viewer.mouse_drag_callbacks.append(self._on_press)
        viewer.events.status.connect(self._on_status, position="last")

    def release(self) -> None:
        """Leave the viewer alone from now on; layers stay."""
        with suppress(ValueError):
            self._viewer.mouse_drag_callbacks.remove(self._on_press)
        self._viewer.events.status.disconnect(self._on_status)

    def show_scan(self, scan: Message, image: ElectronImage) -> None:
        """Show a scan's electron image; what was there before is hidden, or goes if it is empty."""
        self._put_away()
        self._scan, self._phase_map, self._map = scan, None, None
        self._image = image_layer(image, scan["step_unit"])
        self._viewer.canvas.grid.enabled = False
        self._viewer.canvas.overlays.scale_bar.visible = scan["step_unit"] != "px"
        self._insert(0, self._image, "Clicked pixel")
        self._viewer.reset_view(layers=[self._image])

    def show_map(self, phase_map: PhaseMap) -> None:
        """Show a map beside the image, in place of any earlier one."""
        self._phase_map = phase_map
        if self._map is not None and self._map in self._viewer.layers:
            paint(self._map, phase_map)
            self._map.refresh()
            return
        self._remove(self._rings[1:])
        self._map = map_layer(phase_map)
        self._insert(_LAYERS_A_PLACE, self._map, "Clicked pixel on the map")
        grid = self._viewer.canvas.grid
        grid.stride = _LAYERS_A_PLACE
        grid.shape = grid_shape(phase_map.extent, self._viewer.canvas.size)
        grid.spacing = 0.02
        grid.enabled = True
        self._viewer.canvas.overlays.scale_bar.gridded = True
        self._viewer.reset_view(layers=[self._image])

    def paint(self, rows: slice, columns: slice) -> None:
        """Take over a rectangle of the map; `refresh` shows it."""
        paint(self._map, self._phase_map, rows, columns)

    def refresh(self) -> None:
        """Show what was painted."""
        if self._map is not None:
            self._map.refresh()

    def mark(self, pixel: tuple[int, int]) -> None:
        """Set the rings on a pixel (row, column)."""
        self._pixel = pixel
        for ring in self._rings:
            set_ring(ring, pixel)

    def _insert(self, at: int, layer: Image | Labels, ring: str) -> None:
        """Add a layer and its ring; standing first, the two share a place in the grid."""
        scan = self._scan
        mark = ring_layer(ring, scan["step"], scan["step_unit"])
        self._viewer.layers.insert(at, layer)
        self._viewer.layers.insert(at + 1, mark)
        if self._pixel is not None:
            set_ring(mark, self._pixel)
        self._rings.append(mark)
        self._viewer.layers.selection.active = layer

    def _put_away(self) -> None:
        """Take the last scan's layers out of the way; a map is never thrown away."""
        self.drop_placeholders()
        self._remove(self._rings if self._map is not None else [*self._rings, self._image])
        self._rings, self._pixel = [], None
        for layer in (self._image, self._map):
            if layer is not None:
                layer.visible = False

    def drop_placeholders(self) -> None:
        """Remove what stood in for a scan that was to be opened."""
        self._remove([layer for layer in self._viewer.layers if PLACEHOLDER in layer.metadata])

    def _remove(self, layers: list) -> None:
        """Remove those layers that the user has not removed already."""
        for layer in [layer for layer in layers if layer in self._viewer.layers]:
            self._viewer.layers.remove(layer)

    def _pixel_at(self, position) -> tuple[int, int] | None:
        if self._scan is None:
            return None
        return pixel_at(position, self._scan["step"], self._scan["navigation_shape"])

    def _on_press(self, viewer, event) -> Iterator[None]:
        """Tell of clicks, but neither of drags nor of those that edit a layer."""
        active = viewer.layers.selection.active
        if event.button != 1 or (active is not None and active.mode != "pan_zoom"):
            return
        pressed, start = event.position, event.pos
        yield
        while event.type == "mouse_move":
            if max(abs(event.pos - start)) > _STILL:
                return
            yield
        pixel = self._pixel_at(pressed)
        if pixel is not None:
            self._clicked(pixel)

    def _on_status(self, event) -> None:
        """Add the probability to what napari says of the pixel under the cursor."""
        status = event.value
        if not isinstance(status, dict) or self._phase_map is None:
            return
        pixel = self._pixel_at(self._viewer.cursor.position)
        # not "is": napari hands out proxies of its layers
        if self._viewer.layers.selection.active != self._map or pixel is None:
            return
        text = certainty(self._phase_map, pixel)
        if text and text not in status["coordinates"]:
            self._viewer.status = status | {"coordinates": f"{status['coordinates']}, {text}"}
