"""A figure of assembled spheres with their rotation axes, in stereographic projection."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_bravais.io.figures import format_of, print_style
from napari_bravais.io.files import replacing
from napari_bravais.mapping.assembly.assembled_phase import AssembledPhase
from napari_bravais.mapping.assembly.symmetry import Symmetry
from napari_bravais.mapping.sphere import Sphere, values_at

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Pixels across a sphere, and the blur of what is drawn, in pixels of the assembled sphere.
_SIZE = 700
_BLUR = 0.7

#: Least weight of a pixel that is drawn.
_SEEN = 0.5

#: Symbols of rotation axes, as in the International Tables, and what they are called.
_MARKS = {2: "d", 3: "^", 4: "s", 6: "h"}
_CALLED = {2: "twofold", 3: "threefold", 4: "fourfold", 6: "sixfold"}

#: Spheres beside each other.
_ACROSS = 3

#: Colour of axes' symbols, and their size in points squared, in print.
_COLOUR = "#D55E00"
_MARK = 28
_DPI = 300


def save_spheres(assembled: list[AssembledPhase], path: str | Path) -> Path:
    """Save a figure of the spheres of some phases, beside each other.

    Parameters
    ----------
    assembled
        The phases, at least one.
    path
        File to write; its extension says the format, as for `save_figure`. It appears, or is
        replaced, only when the figure is complete.

    Returns
    -------
    pathlib.Path
        ``path``.

    Raises
    ------
    ValueError
        If the extension is no format of figures.
    OSError
        If the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    path = Path(path)
    file_format = format_of(path)
    with print_style(), replacing(path) as temporary:
        columns = min(len(assembled), _ACROSS)
        rows = -(-len(assembled) // columns)
        figure = Figure((2.6 * columns, 3.0 * rows), _DPI)
        FigureCanvasAgg(figure)
        for number, one in enumerate(assembled):
            row, column = divmod(number, columns)
            left, bottom = (column + 0.04) / columns, 1 - (row + 0.89) / rows
            axes = figure.add_axes((left, bottom, 0.92 / columns, 0.92 * 2.6 / 3.0 / rows))
            _draw(axes, one, _MARK)
            _label(axes, one)
        figure.savefig(temporary, format=file_format, dpi=_DPI)
    return path


def sphere_picture(one: AssembledPhase, size: int) -> np.ndarray:
    """Draw a phase's sphere with its axes, for a screen.

    Parameters
    ----------
    one
        The phase.
    size
        Side of the picture in pixels.

    Returns
    -------
    numpy.ndarray
        RGBA, shape (size, size, 4), uint8; clear outside the sphere.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with print_style():
        figure = Figure((2.4, 2.4), size / 2.4, facecolor="none")
        canvas = FigureCanvasAgg(figure)
        _draw(figure.add_axes((0, 0, 1, 1)), one, 2.5 * _MARK)
        canvas.draw()
        return np.array(canvas.buffer_rgba())


def stereogram(sphere: Sphere, symmetry: Symmetry, size: int) -> np.ndarray:
    """Return a stereographic projection of the upper hemisphere, shape (size, size).

    Parameters
    ----------
    sphere
        What is drawn, in all places that are the same by symmetry.
    symmetry
        Its symmetry: the main axis towards the viewer, another one to the right.
    size
        Pixels across.

    Returns
    -------
    numpy.ndarray
        NaN outside the circle and where nothing was seen.
    """
    places = (np.arange(size) + 0.5) * 2 / size - 1
    right, up = np.meshgrid(places, -places)
    square = right**2 + up**2
    directions = np.stack([2 * right, 2 * up, 1 - square], axis=-1) / (1 + square)[..., None]
    blurred = sphere.blurred(_BLUR)
    inside = square < 1
    seen = directions[inside] @ symmetry.frame
    total, weight = (
        sum(values_at(each, seen @ turn.T) for turn in symmetry.rotations)
        for each in (blurred.total, blurred.weight)
    )
    drawn = np.full((size, size), np.nan)
    drawn[inside] = np.where(weight > _SEEN, total / np.maximum(weight, _SEEN), np.nan)
    return drawn


def _draw(axes: "Axes", one: AssembledPhase, mark_size: float) -> None:
    symmetry = one.symmetry
    drawn = stereogram(one.sphere, symmetry, _SIZE)
    low, high = np.nanpercentile(drawn, (1, 99))
    extent = (-1, 1, -1, 1)
    axes.imshow(drawn, cmap="gray", vmin=low, vmax=high, extent=extent, interpolation="bilinear")
    turn = np.linspace(0, 2 * np.pi, 200)
    axes.plot(np.cos(turn), np.sin(turn), color="black", linewidth=0.6)
    for fold, mark in _MARKS.items():
        own = [symmetry.frame @ axis for axis, order in symmetry.axes if order == fold]
        # an axis has two ends; at the rim both are seen
        ends = [d for axis in own for d in (axis, -axis) if d[2] > -0.03]
        if ends:
            x, y, z = np.transpose(ends)
            axes.scatter(
                x / (1 + z),
                y / (1 + z),
                mark_size,
                _COLOUR,
                marker=mark,
                edgecolors="white",
                linewidths=0.5,
                label=f"{_CALLED[fold]} axis",
                clip_on=False,
                zorder=3,
            )
    axes.set(xlim=(-1.04, 1.04), ylim=(-1.04, 1.04), aspect="equal")
    axes.axis("off")


def _label(axes: "Axes", one: AssembledPhase) -> None:
    """Say above a sphere what it is, and below what its axes are called."""
    symmetry, number = one.symmetry, one.phase.number + 1
    what = "no symmetry found"
    if symmetry.laue_group:
        what = f"{symmetry.name}, Laue group {symmetry.laue_group}"
    axes.set_title(f"Phase {number}: {what}", fontsize=8, pad=3)
    if symmetry.axes:
        axes.legend(
            loc="upper center",
            bbox_to_anchor=(0.5, 0.0),
            ncols=3,
            frameon=False,
            fontsize=6,
            handletextpad=0.1,
            columnspacing=0.8,
        )
