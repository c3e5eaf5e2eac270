"""A figure of one pattern: as it is, with what the network looked at, and the probabilities."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from napari_bravais.io.figures import format_of, print_style
from napari_bravais.io.files import replacing
from napari_bravais.lattices import LATTICES

_DPI = 200

#: Heights in inches: of what stands over the figure, and of a row of pictures with their titles.
_HEAD, _ROW = 0.45, 2.3


def save_pattern_figure(
    pattern: np.ndarray,
    overlay: np.ndarray,
    probabilities: np.ndarray,
    explained: str,
    lines: list[str],
    path: str | Path,
    held: Sequence[tuple[str, np.ndarray]] = (),
) -> Path:
    """Save a pattern, the same with Grad-CAM over it, and the probabilities of the 14 lattices.

    Parameters
    ----------
    pattern, overlay
        RGB, shape (rows, columns, 3), uint8.
    probabilities
        Shape (14,).
    explained
        Pearson symbol of the lattice that the overlay speaks for.
    lines
        What stands over the figure: where the pixel is, what the network answers.
    path
        File to write; its extension says the format, as for `save_figure`. It appears, or is
        replaced, only when the figure is complete.
    held
        Title and RGB of pictures below: the pattern beside what a known material would show.

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
    rows = [[("Pattern", pattern), (f"Grad-CAM for {explained}", overlay)], held]
    rows = [row for row in rows if row]
    height = _HEAD + _ROW * len(rows)
    with print_style(), replacing(path) as temporary:
        figure = Figure((7.1, height), _DPI)
        FigureCanvasAgg(figure)
        figure.text(0.02, 1 - 0.05 / height, "\n".join(lines), va="top", linespacing=1.5)
        for number, row in enumerate(rows):
            low, tall = (_ROW * (len(rows) - number - 1) + 0.08) / height, (_ROW - 0.18) / height
            for place, (title, picture) in enumerate(row):
                axes = figure.add_axes((0.02 + 0.33 * place, low, 0.31, tall))
                axes.imshow(picture, interpolation="nearest")
                axes.set_title(title, loc="left", fontsize=8, pad=3)
                axes.axis("off")
        low, tall = (height - _HEAD - _ROW + 0.28) / height, (_ROW - 0.38) / height
        _draw_bars(figure.add_axes((0.72, low, 0.26, tall)), probabilities, explained)
        figure.savefig(temporary, format=file_format, dpi=_DPI)
    return path


def _draw_bars(axes, probabilities: np.ndarray, explained: str) -> None:
    places = np.arange(len(LATTICES))
    axes.barh(
        places,
        probabilities,
        color=[lattice.colour for lattice in LATTICES],
        edgecolor="black",
        linewidth=0.3,
    )
    axes.set_yticks(places, [lattice.pearson for lattice in LATTICES])
    for label, lattice in zip(axes.get_yticklabels(), LATTICES, strict=True):
        label.set(fontstyle="italic", fontweight="bold" if lattice.pearson == explained else None)
    axes.set(xlim=(0, 1), ylim=(len(LATTICES) - 0.4, -0.6))
    axes.tick_params(width=0.4, length=2)
    axes.set_title("Probability", loc="left", fontsize=8, pad=3)
