"""Figures for print: electron image and maps, with legend, area fractions and scale bar."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_bravais.io.figure_layout import Layout, lay_out
from napari_bravais.io.figure_parts import (
    LegendRow,
    Map,
    draw_colour_bar,
    draw_legend,
    draw_scale_bar,
    lattice_legend,
    legend_width,
)
from napari_bravais.io.files import replacing
from napari_bravais.io.scan import ElectronImage
from napari_bravais.mapping.indexed_map import IndexedMap
from napari_bravais.mapping.phase_map import colour_table, percentage

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Formats by file extension.
FORMATS = {".png": "png", ".tif": "tiff", ".tiff": "tiff", ".svg": "svg", ".pdf": "pdf"}

#: Ways to put map and electron image on the page.
LAYOUTS = ("side by side", "map", "overlay", "with confidence")

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

_OVERLAY_OPACITY = 0.5
_CONFIDENCE_COLOURS = "viridis"


@dataclass(frozen=True)
class FigureOptions:
    """How a figure is laid out.

    Attributes
    ----------
    width_mm
        Width of the page in millimetres; by default what the map needs, at most 180.
    dpi
        Dots an inch; by default 300 to 600, such that a map pixel is a whole number of dots.
    layout
        One of `LAYOUTS`: electron image and map side by side, the map alone, the map at half
        strength over the image, or image, map, and the probability of what the map shows.

    Raises
    ------
    ValueError
        If there is no such layout, or the size is none that a page can have.
    """

    width_mm: float | None = None
    dpi: float | None = None
    layout: str = "side by side"

    def __post_init__(self):
        if self.layout not in LAYOUTS:
            raise ValueError(f"{self.layout!r} is no layout; there are {', '.join(LAYOUTS)}")
        if self.width_mm is not None and not 20 <= self.width_mm <= 2000:
            raise ValueError(f"a figure is 20 to 2000 mm wide, not {self.width_mm:g}")
        if self.dpi is not None and not 20 <= self.dpi <= 2400:
            raise ValueError(f"a figure has 20 to 2400 dots an inch, not {self.dpi:g}")


@dataclass(frozen=True)
class _Panel:
    title: str
    paint: Callable[["Axes"], None]


def save_figure(
    shown: Map,
    image: ElectronImage | None,
    path: str | Path,
    options: FigureOptions | None = None,
) -> Path:
    """Save a map with an image of the same area, legend, fractions and scale bar.

    Parameters
    ----------
    shown
        The map.
    image
        Image of the scanned area, drawn with the map's extent and registration; None draws the
        map alone.
    path
        File to write; its extension says the format: ``.png``, ``.tif``, ``.svg`` or ``.pdf``.
        It appears, or is replaced, only when the figure is complete.
    options
        Size, resolution and layout.

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
    options = options or FigureOptions()
    title = shown.source if isinstance(shown, IndexedMap) else shown.title
    panels = [_map_panel(shown, title)]
    if image is not None and options.layout in ("side by side", "with confidence"):
        panels = [_image_panel(image, shown), *panels]
    # a map that was indexed has no probabilities
    if options.layout == "with confidence" and not isinstance(shown, IndexedMap):
        panels.append(_confidence_panel(shown))
    if image is not None and options.layout == "overlay":
        panels = [_overlay_panel(image, shown, f"{title} on {_title(image)}")]
    return _save(panels, shown, lattice_legend([shown], []), path, options)


def save_comparison_figure(
    first: Map,
    image: ElectronImage | None,
    second: Map,
    titles: tuple[str, str],
    path: str | Path,
    options: FigureOptions | None = None,
) -> Path:
    """Save two maps of one area with the electron image between them, as `save_figure` does.

    Parameters
    ----------
    first, second
        The maps.
    image
        Image of the scanned area, or None.
    titles
        The maps' titles.
    path, options
        As for `save_figure`; the layout is always side by side.
    """
    panels = [_map_panel(first, titles[0])]
    if image is not None:
        panels.append(_image_panel(image, first))
    panels.append(_map_panel(second, titles[1]))
    letters = [f"({letter})" for letter in "abc"[: len(panels)]]
    lettered = [
        _Panel(f"{letter} {panel.title}", panel.paint)
        for letter, panel in zip(letters, panels, strict=True)
    ]
    legend = lattice_legend([first, second], [letters[0], letters[-1]])
    return _save(lettered, first, legend, path, options or FigureOptions())


def save_code_figure(
    codes: np.ndarray,
    kinds: list[tuple[str, str]],
    title: str,
    like: Map,
    path: str | Path,
    options: FigureOptions | None = None,
) -> Path:
    """Save a map of codes, as the difference of two maps, with the share of each code.

    Parameters
    ----------
    codes
        Shape (ny, nx); places in ``kinds``.
    kinds
        Colour and title of each code.
    title
        What stands over the map.
    like
        A map of the same area, for its step.
    path, options
        As for `save_figure`.
    """
    table = np.array([list(bytes.fromhex(colour[1:])) for colour, _ in kinds], np.uint8)
    panel = _Panel(title, lambda axes: _paint(axes, table[codes], like))
    legend = [
        LegendRow(colour, "", name, (percentage(float((codes == code).mean())),))
        for code, (colour, name) in enumerate(kinds)
        if (codes == code).any()
    ]
    return _save([panel], like, legend, path, options or FigureOptions())


def _save(
    panels: list[_Panel],
    like: Map,
    legend: list[LegendRow],
    path: str | Path,
    options: FigureOptions,
) -> Path:
    path = Path(path)
    file_format = format_of(path)
    layout = lay_out(
        like.shape[1],
        like.extent,
        [panel.title for panel in panels],
        len(legend),
        page_width=options.width_mm and options.width_mm / 25.4,
        dpi=options.dpi,
        legend_width=legend_width(legend),
    )
    with print_style(), replacing(path) as temporary:
        figure = _draw(panels, like, legend, layout)
        figure.savefig(
            temporary, format=file_format, dpi=figure.dpi, metadata=_METADATA.get(file_format)
        )
    return path


def format_of(path: Path) -> str:
    """Return what matplotlib calls the format that a file's extension says.

    Raises
    ------
    ValueError
        If it is no format of figures.
    """
    file_format = FORMATS.get(path.suffix.lower())
    if file_format is None:
        raise ValueError(f"{path}: a figure is saved as {', '.join(FORMATS)}")
    return file_format


@contextmanager
def print_style() -> Iterator[None]:
    """Draw figures for print all in one style, whatever the user's matplotlibrc says."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def _draw(panels: list[_Panel], like: Map, legend: list[LegendRow], layout: Layout) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # a hundredth of a dot keeps rounding from losing the last one
    figure = Figure([(dots + 0.01) / layout.dpi for dots in layout.size], layout.dpi)
    FigureCanvasAgg(figure)
    height, width = like.extent
    for panel, corner in zip(panels, layout.corners, strict=True):
        axes = _add_axes(figure, layout, corner, layout.panel)
        panel.paint(axes)
        axes.set_title(panel.title, loc="left", pad=3)
        axes.set(xticks=[], yticks=[], xlim=(0, width), ylim=(height, 0), aspect="auto")
        draw_scale_bar(axes, like, layout)
    draw_legend(_add_axes(figure, layout, layout.legend, layout.legend_size), legend, layout)
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


def _map_panel(shown: Map, title: str) -> _Panel:
    return _Panel(title, lambda axes: _paint_classes(axes, shown))


def _image_panel(image: ElectronImage, like: Map) -> _Panel:
    return _Panel(_title(image), lambda axes: _draw_image(axes, image, like))


def _confidence_panel(shown: Map) -> _Panel:
    def paint(axes: "Axes") -> None:
        from matplotlib import colormaps

        confidence = np.where(_seen(shown), shown.confidence, np.float32(np.nan))
        colours = colormaps[_CONFIDENCE_COLOURS].with_extremes(bad="white")
        _paint(axes, confidence, shown, cmap=colours, vmin=0, vmax=1)
        draw_colour_bar(axes, _CONFIDENCE_COLOURS)

    return _Panel("Probability", paint)


def _overlay_panel(image: ElectronImage, shown: Map, title: str) -> _Panel:
    def paint(axes: "Axes") -> None:
        _draw_image(axes, image, shown)
        _paint_classes(axes, shown, _OVERLAY_OPACITY)

    return _Panel(title, paint)


def _draw_image(axes: "Axes", image: ElectronImage, like: Map) -> None:
    """Draw the image where it belongs on the map, whose outer corner is the origin."""
    data = np.asarray(image.data, np.float32)
    low, high = np.nanpercentile(data, [0.5, 99.5])
    # offsets are from the centre of the map's first pixel to the centre of the image's
    top, left = (
        offset + (map_step - step) / 2
        for offset, map_step, step in zip(image.offset, like.step, image.step, strict=True)
    )
    bottom, right = top + data.shape[0] * image.step[0], left + data.shape[1] * image.step[1]
    axes.imshow(
        np.clip((data - low) / (high - low or 1), 0, 1),
        cmap="gray",
        vmin=0,
        vmax=1,
        interpolation_stage="data",  # else Matplotlib makes a colour image of all of it first
        extent=(left, right, bottom, top),
        zorder=3,  # above the frame, which must not hide the outer pixels
    )


def _paint_classes(axes: "Axes", shown: Map, opacity: float = 1.0) -> None:
    """Paint a map in the colours of its classes; white, or nothing, where it shows none."""
    from matplotlib.colors import ListedColormap, NoNorm

    classes = [(*colour, opacity) for colour in colour_table(shown.classes) / 255]
    colours = ListedColormap([*classes, (1, 1, 1, opacity == 1)])
    nothing = len(shown.classes)
    places = np.where(_seen(shown), shown.labels + 1, nothing).astype(np.min_scalar_type(nothing))
    _paint(axes, places, shown, cmap=colours, norm=NoNorm())


def _seen(shown: Map) -> np.ndarray:
    """Return where a map is mapped and its class not hidden, shape (ny, nx)."""
    hidden = np.array([entry.key in shown.hidden for entry in shown.classes])
    return shown.mapped & ~hidden[shown.labels + 1]


def _paint(axes: "Axes", values: np.ndarray, like: Map, **colours) -> None:
    """Paint values, shape (ny, nx), coloured where they are drawn: that takes less memory."""
    height, width = like.extent
    axes.imshow(
        values,
        interpolation="nearest",
        interpolation_stage="data",
        extent=(0, width, height, 0),
        zorder=3,
        **colours,
    )
