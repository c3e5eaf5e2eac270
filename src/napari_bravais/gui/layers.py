"""Scans and maps as napari layers."""

from math import isnan

import numpy as np
import pandas as pd
from napari.layers import Image, Labels, Points
from napari.utils.colormaps import DirectLabelColormap

from napari_bravais.io.scan import ElectronImage
from napari_bravais.lattices import LATTICES, NOT_CLASSIFIED, UNCLASSIFIED, Lattice
from napari_bravais.mapping.phase_map import PhaseMap

#: Value of pixels that are not mapped (yet); napari leaves it transparent.
NOT_MAPPED = 0

#: Value of pixels that are not classified; lattices have their index + 1.
_UNCLASSIFIED_VALUE = len(LATTICES) + 1

_ENTRIES = {lattice.index + 1: lattice for lattice in LATTICES} | {
    _UNCLASSIFIED_VALUE: UNCLASSIFIED
}


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
        units=_units(unit),
        interpolation2d="nearest",
    )


def map_layer(phase_map: PhaseMap) -> Labels:
    """Return a layer that shows a map in the lattices' colours.

    Parameters
    ----------
    phase_map
        The map; pixels that are not mapped are transparent.
    """
    layer = Labels(
        np.zeros(phase_map.shape, np.uint8),
        name="Bravais lattices",
        scale=phase_map.step,
        units=_units(phase_map.step_unit),
        opacity=1.0,
        features=pd.DataFrame(
            {
                "index": [NOT_MAPPED, *_ENTRIES],
                "lattice": ["not mapped", *(title(entry) for entry in _ENTRIES.values())],
            }
        ),
        colormap=_colormap(),
    )
    layer.editable = False
    paint(layer, phase_map)
    return layer


def warm_up() -> None:
    """Let napari compile what it colours labels with: seconds, to be spent in a thread.

    Otherwise the window stands still for as long at its first map.
    """
    _colormap().map(np.zeros((1, 1), np.uint8))


def paint(
    layer: Labels,
    phase_map: PhaseMap,
    rows: slice = slice(None),
    columns: slice = slice(None),
) -> None:
    """Bring a rectangle of the layer up to date; ``layer.refresh()`` shows it."""
    part = PhaseMap(
        phase_map.probabilities[rows, columns],
        phase_map.quality[rows, columns],
        quality_threshold=phase_map.quality_threshold,
    )
    values = np.where(part.labels == NOT_CLASSIFIED, _UNCLASSIFIED_VALUE, part.labels + 1)
    layer.data[rows, columns] = np.where(part.mapped, values, NOT_MAPPED)


def ring_layer(name: str, step: tuple[float, float], unit: str) -> Points:
    """Return a layer for a ring that is as large at any zoom; `set_ring` places it."""
    return Points(
        np.empty((0, 2)),
        name=name,
        ndim=2,
        scale=step,
        units=_units(unit),
        symbol="disc",
        size=1e4,
        canvas_size_limits=(2, 28),  # the size is always the upper limit: as large at any zoom
        face_color="transparent",
    )


def set_ring(layer: Points, pixel: tuple[int, int]) -> None:
    """Place the ring on a pixel (row, column)."""
    # a white ring in a black one shows on every colour
    layer.data = [pixel, pixel]
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


def certainty(phase_map: PhaseMap, pixel: tuple[int, int]) -> str:
    """Return what to say of a pixel (row, column) beyond its lattice; empty if not mapped."""
    quality = phase_map.quality[pixel]
    if isnan(quality):
        return ""
    probabilities = phase_map.probabilities[pixel]
    text = f"probability {probabilities.max():.0%}, quality {quality:.2f}"
    if quality < phase_map.quality_threshold:
        text = f"likeliest {title(LATTICES[int(probabilities.argmax())])}, {text}"
    return text


def grid_shape(extent: tuple[float, float], canvas_size: tuple[int, int]) -> tuple[int, int]:
    """Return rows and columns that show two maps side by side, or one over the other, larger.

    Parameters
    ----------
    extent
        Height and width of the map.
    canvas_size
        Height and width of the canvas.
    """
    height, width = canvas_size
    beside = min(height / extent[0], width / 2 / extent[1])
    over = min(height / 2 / extent[0], width / extent[1])
    return (1, 2) if beside >= over else (2, 1)


def _colormap() -> DirectLabelColormap:
    return DirectLabelColormap(
        color_dict={value: entry.colour for value, entry in _ENTRIES.items()}
        | {NOT_MAPPED: "transparent", None: "transparent"}
    )


def _units(unit: str) -> tuple[str, str]:
    """Return the unit as napari knows it, for both axes."""
    return ("pixel" if unit == "px" else unit,) * 2
