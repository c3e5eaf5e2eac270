"""Figures for print: forward-scatter image and lattice map side by side, with legend."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_bravais.io.figure_layout import LEGEND_PITCH, LEGEND_ROW, Layout, lay_out, nice_length
from napari_bravais.io.files import replacing
from napari_bravais.io.scan import ElectronImage
from napari_bravais.mapping.phase_map import PhaseMap, colour_table, percentage, written_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Formats by file extension.
FORMATS = {".png": "png", ".tif": "tiff", ".tiff": "tiff", ".svg": "svg", ".pdf": "pdf"}

_STYLE = {
    # the font that comes with matplotlib stands first, so that every machine draws the same figure
    "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
    "font.size": 7,
    "text.parse_math": False,  # names out of files are drawn as they are
    "axes.linewidth": 0.4,
    "axes.titlesize": 8,
    "svg.fonttype": "none",
    "svg.hashsalt": "napari-bravais",
    "pdf.fonttype": 42,
}
# no dates, so that the same map gives the same bytes
_METADATA = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}

# lengths in inches
_BAR_THICKNESS, _BAR_PADDING, _BAR_INSET = 0.03, 0.04, 0.07
_SWATCH, _SYMBOL, _NAME, _FRACTION = 0.115, 0.19, 0.42, 2.2


def save_figure(phase_map: PhaseMap, image: ElectronImage | None, path: str | Path) -> Path:
    """Save the map beside an image of the same area, with legend, fractions and scale bar.

    Parameters
    ----------
    phase_map
        The map.
    image
        Image of the scanned area, drawn with the map's extent and registration; None draws the
        map alone.
    path
        File to write; its extension says the format: ``.png``, ``.tif``, ``.svg`` or ``.pdf``.
        It appears, or is replaced, only when the figure is complete.

    Returns
    -------
    pathlib.Path
        ``path``.

    Raises
    ------
    ValueError
        If the extension is none of these.
    OSError
        If the file cannot be written.
    """
    path = Path(path)
    file_format = FORMATS.get(path.suffix.lower())
    if file_format is None:
        raise ValueError(f"{path}: a figure is saved as {', '.join(FORMATS)}")
    with _style(), replacing(path) as temporary:
        figure = _draw(phase_map, image)
        figure.savefig(
            temporary, format=file_format, dpi=figure.dpi, metadata=_METADATA.get(file_format)
        )
    return path


@contextmanager
def _style() -> Iterator[None]:
    """Draw in this module's style, whatever the user's matplotlibrc says."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def _draw(phase_map: PhaseMap, image: ElectronImage | None) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    titles = ["Bravais lattices"] if image is None else [_title(image), "Bravais lattices"]
    legend = _legend_rows(phase_map)
    layout = lay_out(phase_map.shape[1], phase_map.extent, titles, len(legend))
    # a hundredth of a dot keeps rounding from losing the last one
    figure = Figure([(dots + 0.01) / layout.dpi for dots in layout.size], layout.dpi)
    FigureCanvasAgg(figure)
    panels = [_add_axes(figure, layout, corner, layout.panel) for corner in layout.corners]
    if image is not None:
        _draw_image(panels[0], image, phase_map)
    _draw_map(panels[-1], phase_map)
    height, width = phase_map.extent
    for axes, title in zip(panels, titles, strict=True):
        axes.set_title(title, loc="left", pad=3)
        axes.set(xticks=[], yticks=[], xlim=(0, width), ylim=(height, 0), aspect="auto")
        _draw_scale_bar(axes, phase_map, layout)
    _draw_legend(_add_axes(figure, layout, layout.legend, layout.legend_size), legend, layout)
    return figure


def _title(image: ElectronImage) -> str:
    name = image.name if len(image.name) <= 30 else image.name[:29] + "…"
    return name[:1].upper() + name[1:]


def _add_axes(
    figure: "Figure", layout: Layout, corner: tuple[int, int], size: tuple[int, int]
) -> "Axes":
    page_width, page_height = layout.size
    left, bottom = corner[0], page_height - corner[1] - size[1]
    return figure.add_axes(
        (left / page_width, bottom / page_height, size[0] / page_width, size[1] / page_height)
    )


def _draw_image(axes: "Axes", image: ElectronImage, phase_map: PhaseMap) -> None:
    """Draw the image where it belongs on the map, whose outer corner is the origin."""
    data = np.asarray(image.data, float)
    low, high = np.nanpercentile(data, [0.5, 99.5])
    # offsets are from the centre of the map's first pixel to the centre of the image's
    top, left = (
        offset + (map_step - step) / 2
        for offset, map_step, step in zip(image.offset, phase_map.step, image.step, strict=True)
    )
    bottom, right = top + data.shape[0] * image.step[0], left + data.shape[1] * image.step[1]
    axes.imshow(
        np.clip((data - low) / (high - low or 1), 0, 1),
        cmap="gray",
        vmin=0,
        vmax=1,
        extent=(left, right, bottom, top),
        zorder=3,  # above the frame, which must not hide the outer pixels
    )


def _draw_map(axes: "Axes", phase_map: PhaseMap) -> None:
    height, width = phase_map.extent
    colours = colour_table()[phase_map.labels + 1]
    colours[~phase_map.mapped] = 255
    axes.imshow(colours, interpolation="nearest", extent=(0, width, height, 0), zorder=3)


def _draw_scale_bar(axes: "Axes", phase_map: PhaseMap, layout: Layout) -> None:
    """Draw a white bar in a dark box in the lower left corner; upright if the map is."""
    from matplotlib.patches import Rectangle

    height, width = phase_map.extent
    upright = width < height / 3
    along = height if upright else width
    length = nice_length(along / 4)
    if phase_map.step_unit == "px" and along >= 3:
        length = max(length, 1.0)
    bar = round(length / along * layout.panel[1 if upright else 0])
    thickness, padding, inset = (
        round(inches * layout.dpi) for inches in (_BAR_THICKNESS, _BAR_PADDING, _BAR_INSET)
    )

    def on_axes(along: float, across: float) -> tuple[float, float]:
        x, y = (across, along) if upright else (along, across)
        return x / layout.panel[0], y / layout.panel[1]

    def block(corner: tuple[int, int], size: tuple[int, int], **style) -> None:
        style |= {"transform": axes.transAxes, "linewidth": 0, "antialiased": False}
        axes.add_patch(Rectangle(on_axes(*corner), *on_axes(*size), **style))

    label = axes.text(
        0, 0, f"{length:g} {written_unit(phase_map.step_unit)}", color="white", zorder=6
    )
    label_size = label.get_window_extent()
    room = max(bar, ceil(label_size.width))
    box = room + 2 * padding, thickness + ceil(label_size.height) + 3 * padding
    block((inset, inset), box, facecolor="black", alpha=0.65, zorder=5)
    start = inset + padding + (room - bar) // 2, inset + padding
    block(start, (bar, thickness), facecolor="white", zorder=6)
    x, y = on_axes(inset + padding + room / 2, inset + 2 * padding + thickness)
    label.set(transform=axes.transAxes, x=x, y=y, rotation=90 if upright else 0)
    label.set(ha="left" if upright else "center", va="center" if upright else "bottom")


def _legend_rows(phase_map: PhaseMap) -> list[tuple[str, str, str, str]]:
    """Return colour, Pearson symbol, name and area fraction of each row."""
    rows = [
        (lattice.colour, lattice.pearson, lattice.name, percentage(fraction))
        for lattice, _, fraction in phase_map.fractions()
    ]
    if not phase_map.mapped.all():
        rows.append(
            ("white", "", "not mapped (of all pixels)", percentage(1 - phase_map.mapped.mean()))
        )
    return rows


def _draw_legend(axes: "Axes", rows: list[tuple[str, str, str, str]], layout: Layout) -> None:
    """Draw swatch, Pearson symbol, name and area fraction of each lattice."""
    from matplotlib.patches import Rectangle

    lines = ceil(len(rows) / layout.legend_columns)
    width, height = (dots / layout.dpi for dots in layout.legend_size)
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    for index, (colour, symbol, name, fraction) in enumerate(rows):
        column, line = divmod(index, lines)
        x, y = column * LEGEND_PITCH, line * LEGEND_ROW
        swatch = Rectangle((x, y), _SWATCH, _SWATCH, facecolor=colour, edgecolor="black")
        swatch.set(linewidth=0.4, clip_on=False)
        axes.add_patch(swatch)
        y += _SWATCH / 2
        axes.text(x + _SYMBOL, y, symbol, va="center_baseline", fontstyle="italic")
        axes.text(x + _NAME, y, name, va="center_baseline")
        axes.text(x + _FRACTION, y, fraction, va="center_baseline", ha="right")
