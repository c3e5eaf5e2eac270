"""Scans and maps as napari layers."""

from math import ceil, isnan

import numpy as np
import pandas as pd
from napari.layers import Image, Labels, Points
from napari.utils.colormaps import DirectLabelColormap

from napari_bravais.gui.classes import NOT_MAPPED, classes_of
from napari_bravais.gui.derived import DerivedMap
from napari_bravais.gui.settings import AS_FITS, IN_A_COLUMN, IN_A_ROW, LATTICES_LEVEL
from napari_bravais.io.scan import ElectronImage
from napari_bravais.lattices import LATTICES, Lattice
from napari_bravais.mapping.phase_map import PhaseMap
from napari_bravais.mapping.shown_map import MapClass

#: Maps this much smaller are nearly as large.
_NEARLY = 0.75

#: Name of the layer with the map.
MAP_NAME = "Bravais lattices"


def title(lattice: Lattice) -> str:
    """Return a lattice in words, for example ``"hP hexagonal"``."""
    return f"{lattice.pearson} {lattice.name}".strip()


def image_layer(image: ElectronImage, unit: str) -> Image:
    """Return an electron image as a layer, registered to the map.

    Parameters
    ----------
    image
        The image.
    unit
        Unit of its step and offset.
    """
    return Image(
        image.data,
        name=image.name[:1].upper() + image.name[1:],
        rgb=image.data.ndim == 3,
        scale=image.step,
        translate=image.offset,
        units=map_units(unit),
        interpolation2d="nearest",
    )


def map_layer(derived: DerivedMap) -> Labels:
    """Return a layer that shows a map in its classes' colours.

    Parameters
    ----------
    derived
        The map; pixels that are not mapped are transparent.
    """
    step, unit = derived.phase_map.step, derived.phase_map.step_unit
    layer = labels_layer(MAP_NAME, derived.values, step, unit, class_colours(derived.classes))
    layer.features = hover_texts(derived.classes)
    return layer


def labels_layer(
    name: str,
    values: np.ndarray,
    step: tuple[float, float],
    unit: str,
    colours: DirectLabelColormap,
) -> Labels:
    """Return a layer that shows a copy of a map's values in their colours; it cannot be edited."""
    layer = Labels(
        values.copy(),
        name=name,
        scale=step,
        units=map_units(unit),
        opacity=1.0,
        colormap=colours,
    )
    layer.editable = False
    return layer


def number_layer(name: str, data: np.ndarray, phase_map: PhaseMap, colours: str) -> Image:
    """Return a layer that shows a number in [0, 1] for each pixel of a map."""
    return Image(
        data.copy(),
        name=name,
        scale=phase_map.step,
        units=map_units(phase_map.step_unit),
        colormap=colours,
        contrast_limits=(0, 1),
        interpolation2d="nearest",
    )


def class_colours(
    classes: tuple[MapClass, ...], hidden: frozenset[str] = frozenset()
) -> DirectLabelColormap:
    """Return the colours of a map's layer; classes that are hidden are transparent."""
    colours = {
        entry.value: "transparent" if entry.key in hidden else entry.colour for entry in classes
    }
    return DirectLabelColormap(
        color_dict=colours | {NOT_MAPPED: "transparent", None: "transparent"}
    )


def hover_texts(classes: tuple[MapClass, ...], kind: str = "lattice") -> pd.DataFrame:
    """Return what napari says of the pixels of a map's layer, each being of a class of a kind."""
    return pd.DataFrame(
        {
            "index": [NOT_MAPPED, *(entry.value for entry in classes)],
            kind: ["not mapped", *(entry.title for entry in classes)],
        }
    )


def warm_up() -> None:
    """Let napari compile what it colours labels with: seconds, to be spent in a thread.

    Otherwise the window stands still for as long at its first map.
    """
    class_colours(classes_of(LATTICES_LEVEL)).map(np.zeros((1, 1), np.uint8))


class Marks(Points):
    """Points that are as large on the screen at any zoom: a view is fitted to where they are.

    napari takes their size, which is larger than any map, for a part of what is shown.
    """

    @property
    def _extent_data_augmented(self) -> np.ndarray:
        return self._extent_data

    @property
    def _type_string(self) -> str:
        return "points"


def ring_layer(name: str, step: tuple[float, float], unit: str, diameter: float) -> Points:
    """Return a layer for a ring that is as large at any zoom; `set_ring` places it.

    Parameters
    ----------
    name
        Name of the layer.
    step, unit
        Step of the map, and its unit.
    diameter
        Of the ring, in the screen's pixels.
    """
    return Marks(
        np.empty((0, 2)),
        name=name,
        ndim=2,
        scale=step,
        units=map_units(unit),
        symbol="disc",
        size=1e4,
        # the size is always the upper limit: as large at any zoom
        canvas_size_limits=(2, diameter),
        face_color="transparent",
    )


def set_ring(layer: Points, pixel: tuple[int, int]) -> None:
    """Place the ring on a pixel (row, column)."""
    fresh = len(layer.data) == 0
    events = layer.events
    # it changes neither the extent nor what the layer list shows: napari need not work them out
    with layer._block_refresh(), events.data.blocker(), events.features.blocker():
        layer.data = [pixel, pixel]
    layer.refresh(thumbnail=False, highlight=False, extent=False)
    if fresh:
        # a white ring in a black one shows on every colour
        layer.border_color = ["black", "white"]
        layer.border_width = [0.2, 0.1]
        layer.selected_data = set()


def pixel_at(
    position: tuple[float, float], step: tuple[float, float], shape: tuple[int, int]
) -> tuple[int, int] | None:
    """Return the pixel (row, column) at a position, None outside the map.

    Parameters
    ----------
    position
        Position (y, x) in world coordinates; pixel (0, 0) is centred on the origin.
    step
        Step (y, x) of the map.
    shape
        Rows and columns of the map.
    """
    row, column = (round(at / length) for at, length in zip(position[-2:], step, strict=True))
    return (row, column) if 0 <= row < shape[0] and 0 <= column < shape[1] else None


def certainty(derived: DerivedMap, pixel: tuple[int, int]) -> str:
    """Return what to say of a pixel (row, column) beyond its class; empty if not mapped."""
    quality, confidence = derived.phase_map.quality[pixel], derived.confidence[pixel]
    if isnan(quality) or isnan(confidence):
        return ""
    text = f"probability {confidence:.0%}, quality {quality:.2f}"
    if quality < derived.threshold:
        best = int(derived.phase_map.probabilities[pixel].argmax())
        text = f"likeliest {title(LATTICES[best])}, {text}"
    return text


def grid_shape(
    extent: tuple[float, float],
    canvas_size: tuple[int, int],
    places: int = 2,
    grid: str = AS_FITS,
) -> tuple[int, int]:
    """Return rows and columns that show some maps of one extent as large as can be.

    Parameters
    ----------
    extent
        Height and width of each map.
    canvas_size
        Height and width of the canvas.
    places
        How many maps.
    grid
        One of the settings' grids.
    """
    if grid in (IN_A_ROW, IN_A_COLUMN):
        return (1, places) if grid == IN_A_ROW else (places, 1)
    height, width = canvas_size

    def scale(columns: int) -> float:
        return min(height / ceil(places / columns) / extent[0], width / columns / extent[1])

    enough = _NEARLY * max(map(scale, range(1, places + 1)))
    # beside each other is easier to compare than over each other
    columns = max(columns for columns in range(1, places + 1) if scale(columns) >= enough)
    return ceil(places / columns), columns


def map_units(unit: str) -> tuple[str, str]:
    """Return the unit as napari knows it, for both axes."""
    return ("pixel" if unit == "px" else unit,) * 2
