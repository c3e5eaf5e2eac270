"""What the viewer shows of a scan: its maps, beside or over each other, with a ring on each."""

from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from napari.layers import Image, Labels
from qtpy.QtCore import QTimer
from qtpy.QtGui import QGuiApplication

from napari_bravais.gui.edge import Edge
from napari_bravais.gui.frames import draw_once, list_what_shows
from napari_bravais.gui.layers import grid_shape, image_layer, ring_layer
from napari_bravais.gui.own_context import free_in_own_context
from napari_bravais.gui.panes import spare_panes
from napari_bravais.gui.place import Place
from napari_bravais.gui.settings import AS_FITS, BLEND, FLICKER, SIDE_BY_SIDE, SWIPE
from napari_bravais.gui.shaders import build_by_spells, remember_shaders
from napari_bravais.io.scan import ElectronImage
from napari_bravais.mapping.messages import Message

#: Mark in the metadata of a layer that stands in for one still to come.
PLACEHOLDER = "napari-bravais: opening"

#: The place of the electron image, which is always there.
IMAGE = "Electron image"

#: Diameter of the ring, in pixels of a screen of ordinary density.
_RING = 28

#: Milliseconds after a change of the grid at which its panes are told again where to look.
_SETTLING = (100, 500, 2000)

#: How many maps stand side by side in most windows.
_AT_FIRST = (2, 3, 4)

#: What napari's status line says of a map: its own words are about painting labels.
_HELP = "click a pixel to see its pattern, scroll to zoom, drag to move"

#: Each place in the grid holds an image or a map, and the ring upon it.
_LAYERS_A_PLACE = 2


@dataclass(frozen=True)
class Arrangement:
    """How maps stand to each other.

    Attributes
    ----------
    view
        One of the settings' views.
    grid
        One of the settings' grids: how maps stand side by side.
    shown
        Names of the maps that are shown side by side.
    pair
        Names of the two that are shown over each other.
    blend
        Opacity of the upper one, from 0 to 1.
    edge
        Where the edge lies that is swiped across, as a fraction of the map's width.
    """

    view: str = SIDE_BY_SIDE
    grid: str = AS_FITS
    shown: frozenset[str] = frozenset((IMAGE,))
    pair: tuple[str, str] = (IMAGE, IMAGE)
    blend: float = 0.5
    edge: float = 0.5


class Scene:
    """The layers of the scan that is open.

    Parameters
    ----------
    viewer
        The napari viewer.
    order
        Names of all maps that may come, from bottom to top.
    """

    def __init__(self, viewer, order: tuple[str, ...]):
        self._viewer = viewer
        self._order = (IMAGE, *order)
        self.scan: Message | None = None
        self.places: dict[str, Place] = {}
        self.arrangement = Arrangement()
        self.pixel: tuple[int, int] | None = None
        self._edge = Edge(viewer)
        free_in_own_context()
        remember_shaders()
        self._spells = build_by_spells()
        spare_panes(self._spells.begin)
        draw_once()
        list_what_shows()
        self._fitted = self._camera
        viewer.layers.events.removed.connect(self._forget)
        viewer.canvas.events.size.connect(self._fit_grid)

    def release(self) -> None:
        """Leave the viewer alone from now on; layers stay."""
        self._viewer.layers.events.removed.disconnect(self._forget)
        self._viewer.canvas.events.size.disconnect(self._fit_grid)

    @property
    def names(self) -> list[str]:
        """Names of the maps that are there, from bottom to top."""
        return [name for name in self._order if name in self.places]

    @property
    def extent(self) -> tuple[float, float]:
        """Height and width of the scanned area."""
        shape, step = self.scan["navigation_shape"], self.scan["step"]
        return shape[0] * step[0], shape[1] * step[1]

    def show_scan(self, scan: Message, image: ElectronImage) -> None:
        """Show a scan's electron image; what was there before is hidden, or goes if it is empty."""
        self.put_away()
        self.scan = scan
        self._viewer.canvas.overlays.scale_bar.visible = scan["step_unit"] != "px"
        rows, dy = scan["navigation_shape"][0], scan["step"][0]
        self._edge.make(-0.5 * dy, (rows - 0.5) * dy, scan["step_unit"])
        self.set_image(image)
        alone = Arrangement()
        self.arrange(replace(self.arrangement, shown=alone.shown, pair=alone.pair))
        self._make_panes()
        self.reset_view()

    def _make_panes(self) -> None:
        """Let napari make the panes that maps will want: now nobody waits for them."""
        grid, size = self._viewer.canvas.grid, self._viewer.canvas.size
        grid.stride = _LAYERS_A_PLACE
        for shape in {grid_shape(self.extent, size, n, self.arrangement.grid) for n in _AT_FIRST}:
            grid.shape, grid.enabled = shape, True
        grid.enabled = False

    def set_image(self, image: ElectronImage) -> None:
        """Show an electron image in place of the last one."""
        layer = image_layer(image, self.scan["step_unit"])
        self.set_map(IMAGE, layer, layer.data)

    def set_map(self, name: str, layer: Image | Labels, data: np.ndarray) -> None:
        """Take in a map, in place of an earlier one of its name; `arrange` says where it shows.

        Parameters
        ----------
        name
            Name of the map.
        layer
            Its layer.
        data
            What the layer shows; it may change later, to be followed by `paint`.
        """
        at = _LAYERS_A_PLACE * sum(
            self._order.index(other) < self._order.index(name) for other in self.names
        )
        layer.visible = False
        if name in self.places:
            old = self.places.pop(name)
            layer.visible, layer.opacity = old.layer.visible, old.layer.opacity
            self._remove([old.layer, old.ring])
        ring = ring_layer(
            f"Clicked pixel on {_in_words(layer)}",
            self.scan["step"],
            self.scan["step_unit"],
            _RING * QGuiApplication.primaryScreen().devicePixelRatio(),
        )
        layer.name_overlay.visible = True  # the title of its place in the grid
        ring.visible = layer.visible
        self._viewer.layers.insert(at, layer)
        self._viewer.layers.insert(at + 1, ring)
        layer.help = ring.help = _HELP
        self.places[name] = place = Place(layer, ring, data)
        place.mark(self.pixel)
        self._viewer.layers.selection.active = layer

    def remove(self, name: str) -> None:
        """Take a map away, if it is there."""
        if (place := self.places.get(name)) is not None:
            self._remove([place.layer, place.ring])

    def arrange(self, arrangement: Arrangement) -> None:
        """Show maps side by side or over each other."""
        self.arrangement = arrangement
        side = arrangement.view == SIDE_BY_SIDE
        lower, upper = self.pair
        seen = {
            name: name in (arrangement.shown if side else (lower, upper)) for name in self.places
        }
        grid = self._viewer.canvas.grid
        gridded = side and self._count_shown > 1
        stays = grid.enabled == gridded and (not gridded or grid.shape == self._best_shape)
        stays &= all(self.places[name].layer.visible == seen[name] for name in seen)
        with nullcontext() if stays else self._viewer.layers.batched_update():
            if not stays:
                # titles are moved at once, and would be sought in panes still to come
                grid.enabled = False
            for name, place in self.places.items():
                over = name == upper and upper != lower
                see_through = over and arrangement.view == BLEND
                opacity = arrangement.blend if see_through else 1.0
                place.show(seen[name], opacity, side or name == upper)
                swiped = over and arrangement.view == SWIPE
                place.cut_off(round(arrangement.edge * place.data.shape[1]) if swiped else 0)
                # of two titles each stands on its map's side; of two turns the upper one's is first
                place.entitle(over or upper == lower or arrangement.view != FLICKER, right=swiped)
            self._show_edge()
            if gridded:
                grid.stride, grid.shape = _LAYERS_A_PLACE, self._best_shape
                grid.spacing, grid.enabled = 0.02, True

    def _show_edge(self) -> None:
        """Show the edge that is swiped across, if there is one."""
        lower, upper = self.pair
        if self.arrangement.view != SWIPE or lower == upper:
            self._edge.hide()
        else:
            columns, dx = self.scan["navigation_shape"][1], self.scan["step"][1]
            self._edge.show((round(self.arrangement.edge * columns) - 0.5) * dx)

    @property
    def pair(self) -> tuple[str, str]:
        """Names of the two maps over each other, the lower one first."""
        known = [name if name in self.places else IMAGE for name in self.arrangement.pair]
        return tuple(sorted(known, key=self._order.index))

    def move_edge(self, edge: float) -> None:
        """Move the edge that is swiped across."""
        self.arrange(replace(self.arrangement, edge=min(max(edge, 0.0), 1.0)))

    def flick(self) -> None:
        """Let the other one of the two maps show, if they take turns."""
        lower, upper = self.pair
        both = lower != upper and {lower, upper} <= self.places.keys()  # none the user has removed
        if self.arrangement.view == FLICKER and both:
            layer = self.places[upper].layer
            layer.opacity = 0.0 if layer.opacity else 1.0
            self.places[upper].entitle(bool(layer.opacity))
            self.places[lower].entitle(not layer.opacity)

    def paint(self, name: str, rows: slice, columns: slice) -> None:
        """Take over a rectangle of a map; `refresh` shows it."""
        if name in self.places:
            self.places[name].paint(rows, columns)

    def repaint(self, name: str, data: np.ndarray) -> None:
        """Let a map show other data of its shape, and show it."""
        if (place := self.places.get(name)) is not None:
            place.data = data
            place.paint(slice(0, data.shape[0]), slice(0, data.shape[1]))
            place.layer.refresh()

    def refresh(self, name: str, *, thumbnail: bool) -> None:
        """Show what was painted, in the layer list too if wanted: it takes time to draw."""
        if name in self.places:
            self.places[name].layer.refresh(thumbnail=thumbnail, highlight=False, extent=False)

    def mark(self, pixel: tuple[int, int]) -> None:
        """Set the rings on a pixel (row, column)."""
        self.pixel = pixel
        for place in self.places.values():
            place.mark(pixel)

    @property
    def active(self):
        """The layer that is selected in the viewer."""
        return self._viewer.layers.selection.active

    def is_cut_away(self, pixel: tuple[int, int]) -> bool:
        """Whether the selected layer is a map whose pixel (row, column) a swipe cuts away."""
        active = self.active  # napari may have wrapped it
        return any(active == p.layer and pixel[1] < p.cut for p in self.places.values())

    def activate(self, name: str) -> None:
        """Select a map's layer, if it is there."""
        if name in self.places:
            self._viewer.layers.selection.active = self.places[name].layer

    def reset_view(self) -> None:
        """Fit the view to the scanned area."""
        if IMAGE in self.places:
            self._viewer.reset_view(layers=[self.places[IMAGE].layer])
            self._spells.put_off()
            self._fitted = self._camera
            for delay in _SETTLING:
                QTimer.singleShot(delay, self._tell_cameras)

    @property
    def _camera(self) -> np.ndarray:
        """Where the user looks: zoom and centre."""
        camera = self._viewer.scene.camera
        return np.array([camera.zoom, *camera.center])

    def _tell_cameras(self) -> None:
        """Let new panes be drawn once more.

        Before it is drawn for the first time, a pane takes itself for a few pixels wide, and its
        camera stays as it was set for that until the next drawing, which a change brings about.
        """
        self._viewer.scene.camera.zoom *= 1 + 1e-6

    def put_away(self) -> None:
        """Take the last scan's layers out of the way.

        A lattice map is never thrown away: it is kept with its image, hidden, under the name of
        its scan.
        """
        self.drop_placeholders()
        self._edge.remove()
        layers = [place.layer for place in self.places.values()]
        kept = [layer for layer in layers if isinstance(layer, Labels) and layer.data.any()]
        if kept and IMAGE in self.places:
            kept.append(self.places[IMAGE].layer)
        for place in list(self.places.values()):
            self._remove([place.ring] if place.layer in kept else [place.ring, place.layer])
        for layer in kept:
            layer.visible = False
            layer.name = f"{Path(self.scan['path']).name}: {layer.name}"
        # at the end, so that the next scan's places begin with the first layer
        for layer in [layer for layer in kept if layer in self._viewer.layers]:
            self._viewer.layers.move(self._viewer.layers.index(layer), len(self._viewer.layers))
        self.places, self.pixel = {}, None

    def say(self, text: str) -> None:
        """Say something in napari's status line, until the mouse moves over the canvas."""
        self._viewer.status = text

    def drop_placeholders(self) -> None:
        """Remove what stood in for a scan that was to be opened."""
        self._remove([layer for layer in self._viewer.layers if PLACEHOLDER in layer.metadata])

    @property
    def _count_shown(self) -> int:
        """How many maps stand side by side."""
        return len([name for name in self.places if name in self.arrangement.shown])

    @property
    def _best_shape(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        size, count = self._viewer.canvas.size, max(self._count_shown, 1)
        return grid_shape(self.extent, size, count, self.arrangement.grid)

    def _fit_grid(self, event=None) -> None:
        """Fit grid and view to the canvas's new size, the view unless the user has moved it."""
        if not self.places:
            return
        grid = self._viewer.canvas.grid
        if grid.enabled and grid.shape != self._best_shape:
            self.arrange(self.arrangement)
            self.reset_view()
        elif np.allclose(self._camera, self._fitted, rtol=1e-3):
            self.reset_view()

    def _forget(self, event) -> None:
        """Forget a map whose layer the user has removed, and remove its ring.

        The ring goes later: napari, which removes all that is selected, may be coming to it.
        """
        for name, place in list(self.places.items()):
            if place.layer == event.value:
                QTimer.singleShot(0, partial(self._remove, [self.places.pop(name).ring]))

    def _remove(self, layers: list) -> None:
        """Remove those layers that the user has not removed already."""
        for layer in [layer for layer in layers if layer in self._viewer.layers]:
            self._viewer.layers.remove(layer)


def _in_words(layer: Image | Labels) -> str:
    return layer.name[:1].lower() + layer.name[1:]
