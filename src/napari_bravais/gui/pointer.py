"""Mouse and keyboard on the canvas: clicks, drags of the ring or the edge, arrow keys, hovering."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import numpy as np
from napari.layers import Labels, Layer

from napari_bravais.gui.layers import pixel_at
from napari_bravais.gui.scene import Scene
from napari_bravais.gui.settings import SWIPE

#: Screen pixels that the mouse may move between press and release of a click.
_STILL = 4

#: Screen pixels from the ring's centre, or from the edge, at which the mouse takes hold of it.
_GRIP = 16

#: Steps (rows, columns) of the keys.
_KEYS = {"Left": (0, -1), "Right": (0, 1), "Up": (-1, 0), "Down": (1, 0)}

#: Pixels that a key walks with Shift.
_STRIDE = 10


class Pointer:
    """Tells which pixels the user points at.

    Parameters
    ----------
    viewer
        The napari viewer.
    scene
        The scene that it shows.
    pointed
        Called with each pixel (row, column) that is clicked, dragged to, or walked to.
    hovered
        Called with the pixel under the cursor; returns what to add to the status line.
    undo, redo
        Called when the usual keys are pressed.
    """

    def __init__(
        self,
        viewer,
        scene: Scene,
        pointed: Callable[[tuple[int, int]], None],
        hovered: Callable[[tuple[int, int]], str],
        undo: Callable[[], None],
        redo: Callable[[], None],
    ):
        self._viewer, self._scene = viewer, scene
        self._pointed, self._hovered = pointed, hovered
        self._commands = {"Control-Z": undo, "Control-Shift-Z": redo}
        viewer.mouse_drag_callbacks.append(self._on_press)
        viewer.events.status.connect(self._on_status, position="last")
        for key, step in _KEYS.items():
            self._bind(key, step)
            self._bind(f"Shift-{key}", tuple(_STRIDE * count for count in step))
        self._bind_commands(viewer)
        viewer.layers.events.inserted.connect(self._on_layer)

    def release(self) -> None:
        """Leave the viewer alone from now on."""
        with suppress(ValueError):
            self._viewer.mouse_drag_callbacks.remove(self._on_press)
        self._viewer.events.status.disconnect(self._on_status)
        self._viewer.layers.events.inserted.disconnect(self._on_layer)
        for bound in (self._viewer, *filter(_unpainted, self._viewer.layers)):
            for key in self._commands:
                bound.bind_key(key, None)
        for key in _KEYS:
            self._viewer.bind_key(key, None)
            self._viewer.bind_key(f"Shift-{key}", None)

    def _bind(self, key: str, step: tuple[int, int]) -> None:
        def walk(viewer) -> None:
            self._walk(step)

        self._viewer.bind_key(key, walk, overwrite=True)

    def _bind_commands(self, bound) -> None:
        for key, command in self._commands.items():
            bound.bind_key(key, lambda _, command=command: command(), overwrite=True)

    def _on_layer(self, event) -> None:
        """Take keys from layers of labels that nobody paints: napari would undo that."""
        if _unpainted(event.value):
            self._bind_commands(event.value)

    def _walk(self, step: tuple[int, int]) -> None:
        """Go some pixels on from the ring, or begin in the middle; stop at the rim."""
        if self._scene.scan is None:
            return
        shape = self._scene.scan["navigation_shape"]
        start = self._scene.pixel
        if start is None:
            self._pointed((shape[0] // 2, shape[1] // 2))
            return
        pixel = tuple(
            min(max(at + by, 0), length - 1)
            for at, by, length in zip(start, step, shape, strict=True)
        )
        if pixel != start:
            self._pointed(pixel)

    def _pixel_at(self, position) -> tuple[int, int] | None:
        scan = self._scene.scan
        return None if scan is None else pixel_at(position, scan["step"], scan["navigation_shape"])

    def _on_press(self, viewer, event) -> Iterator[None]:
        """Tell of clicks and drags, but not of those that move the view or edit a layer."""
        active = viewer.layers.selection.active
        if event.button != 1 or (active is not None and active.mode != "pan_zoom"):
            return
        follow = self._follower(event)
        if follow is not None:
            with self._still_view():
                follow(event.position)
                yield
                while event.type == "mouse_move":
                    follow(event.position)
                    yield
            return
        pressed, start = event.position, event.pos
        yield
        while event.type == "mouse_move":
            if max(abs(event.pos - start)) > _STILL:
                return
            yield
        self._point(pressed)

    def _follower(self, event) -> Callable | None:
        """Return what follows the mouse: the edge, the ring, or nothing."""
        if self._scene.scan is None:
            return None
        shift = "Shift" in event.modifiers
        step = self._scene.scan["step"]
        if self._scene.arrangement.view == SWIPE:
            edge = (self._scene.arrangement.edge * self._width - 0.5) * step[1]
            if shift or abs(event.position[-1] - edge) * self._zoom < _GRIP:
                return self._swipe
        if shift:
            return self._point
        if self._scene.pixel is not None:
            away = np.subtract(event.position[-2:], np.multiply(self._scene.pixel, step))
            if np.hypot(*away) * self._zoom < _GRIP:
                return self._point
        return None

    @property
    def _zoom(self) -> float:
        """Screen pixels a unit of length."""
        return self._viewer.scene.camera.zoom

    @property
    def _width(self) -> int:
        return self._scene.scan["navigation_shape"][1]

    def _point(self, position) -> None:
        pixel = self._pixel_at(position)
        if pixel is not None and pixel != self._scene.pixel:
            self._pointed(pixel)

    def _swipe(self, position) -> None:
        column = position[-1] / self._scene.scan["step"][1] + 0.5
        self._scene.move_edge(column / self._width)

    @contextmanager
    def _still_view(self) -> Iterator[None]:
        """Keep the view from being dragged along."""
        camera = self._viewer.scene.camera
        before, camera.mouse_pan = camera.mouse_pan, False
        try:
            yield
        finally:
            camera.mouse_pan = before

    def _on_status(self, event) -> None:
        """Add to what napari says of the pixel under the cursor."""
        status = event.value
        if not isinstance(status, dict):
            return
        pixel = self._pixel_at(self._viewer.cursor.position)
        if pixel is None:
            return
        if self._scene.is_cut_away(pixel):
            place = status["coordinates"].partition(":")[0]
            self._viewer.status = status | {"coordinates": f"{place}: beyond the edge"}
            return
        text = self._hovered(pixel)
        if text and text not in status["coordinates"]:
            self._viewer.status = status | {"coordinates": f"{status['coordinates']}, {text}"}


def _unpainted(layer: Layer) -> bool:
    """Whether a layer is a map that nobody paints."""
    return isinstance(layer, Labels) and not layer.editable
