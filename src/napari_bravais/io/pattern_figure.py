"""A figure of one pattern: as it is, with what the network looked at, and the probabilities."""

from pathlib import Path

import numpy as np

from napari_bravais.io.figures import format_of, print_style
from napari_bravais.io.files import replacing
from napari_bravais.lattices import LATTICES

_DPI = 200


def save_pattern_figure(
    pattern: np.ndarray,
    overlay: np.ndarray,
    probabilities: np.ndarray,
    explained: str,
    lines: list[str],
    path: str | Path,
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
        figure = Figure((7.1, 2.75), _DPI)
        FigureCanvasAgg(figure)
        figure.text(0.02, 0.98, "\n".join(lines), va="top", linespacing=1.5)
        titles = ("Pattern", f"Grad-CAM for {explained}")
        for number, (picture, title) in enumerate(zip((pattern, overlay), titles, strict=True)):
            axes = figure.add_axes((0.02 + 0.33 * number, 0.03, 0.31, 0.75))
            axes.imshow(picture, interpolation="nearest")
            axes.set_title(title, loc="left", fontsize=8, pad=3)
            axes.axis("off")
        _draw_bars(figure.add_axes((0.72, 0.1, 0.26, 0.68)), probabilities, explained)
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
