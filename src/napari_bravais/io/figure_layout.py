"""Where the parts of a map figure stand on the page, and how long its scale bar is."""

from dataclasses import dataclass
from math import ceil, floor, log10

# lengths in inches
PAGE_WIDTH, TALLEST_PANEL = 7.1, 4.4
MARGIN, GAP, TITLE_HEIGHT, TITLE_CHARACTER = 0.08, 0.16, 0.2, 0.06
LEGEND_WIDTH, LEGEND_PITCH, LEGEND_ROW = 2.2, 2.37, 0.165
LEAST_DPI, MOST_DPI = 300, 600
#: However narrow the page, a panel is no narrower.
LEAST_PANEL = 0.6
#: Maps longer and thinner than this are drawn thicker than they are, to be seen at all.
MOST_ELONGATED = 12.0


@dataclass(frozen=True)
class Layout:
    """Where things stand on the page, in dots from its top left corner.

    Attributes
    ----------
    dpi
        Dots an inch: such that a map pixel is a whole number of dots wide, unless the map is large.
    size
        Width and height of the page.
    panel
        Width and height of a panel.
    corners
        Top left corner (x, y) of each panel.
    legend, legend_size
        Top left corner of the legend, its width and height.
    legend_columns
        Into how many columns the rows of the legend go.
    """

    dpi: float
    size: tuple[int, int]
    panel: tuple[int, int]
    corners: list[tuple[int, int]]
    legend: tuple[int, int]
    legend_size: tuple[int, int]
    legend_columns: int


def lay_out(
    columns: int,
    extent: tuple[float, float],
    titles: list[str],
    legend_rows: int,
    *,
    page_width: float | None = None,
    dpi: float | None = None,
    legend_width: float = LEGEND_WIDTH,
) -> Layout:
    """Put panels side by side with the legend to their right, or below one another if wide.

    Three panels or more leave no room on their right: the legend is below them.

    Parameters
    ----------
    columns
        Columns of the map, in pixels.
    extent
        Height and width of the map, in any unit of length.
    titles
        Titles of the panels.
    legend_rows
        Rows of the legend.
    page_width
        Width of the page in inches, exactly, unless the legend needs more. By default as wide as
        what stands on it, at most `PAGE_WIDTH`.
    dpi
        Dots an inch; by default `LEAST_DPI` to `MOST_DPI`, whole dots for each map pixel.
    legend_width
        Width of one column of the legend, in inches.
    """
    aspect = min(max(extent[1] / extent[0], 1 / MOST_ELONGATED), MOST_ELONGATED)
    stacked = aspect > 2
    legend_below = stacked or len(titles) > 2
    room = (page_width or PAGE_WIDTH) - 2 * MARGIN
    width = room
    if not stacked:
        width = (room - legend_width) / len(titles) - GAP
        # on a narrow page
        legend_below |= bool(page_width) and width < TITLE_CHARACTER * max(map(len, titles))
        if legend_below:
            width = max((room - (len(titles) - 1) * GAP) / len(titles), LEAST_PANEL)
    width = min(width, TALLEST_PANEL * aspect)
    if dpi is None:
        dpi = min(ceil(LEAST_DPI * width / columns) * columns / width, MOST_DPI)
    panel = round(width * dpi), round(width / aspect * dpi)
    margin, gap, title = (round(inches * dpi) for inches in (MARGIN, GAP, TITLE_HEIGHT))
    top = margin + title
    pitch = panel[1] + gap + title
    corners = [(margin, top + i * pitch) for i in range(len(titles))]
    if not stacked:
        # a tall, thin panel leaves its title more room than it is wide
        pitch = max(panel[0], *(round(TITLE_CHARACTER * len(t) * dpi) for t in titles)) + gap
        corners = [(margin + i * pitch, top) for i in range(len(titles))]
    column_pitch = legend_width + LEGEND_PITCH - LEGEND_WIDTH
    legend_columns = 1
    legend_corner = margin + len(titles) * pitch, top
    if legend_below:
        legend_columns = min(max(1, int((room + LEGEND_PITCH - LEGEND_WIDTH) / column_pitch)), 3)
        legend_columns = min(legend_columns, legend_rows)
        legend_corner = margin, corners[-1][1] + panel[1] + gap
    legend_size = (
        round(((legend_columns - 1) * column_pitch + legend_width) * dpi),
        round(ceil(legend_rows / legend_columns) * LEGEND_ROW * dpi),
    )
    right = max(corners[-1][0] + panel[0], legend_corner[0] + legend_size[0])
    size = (
        max(round(page_width * dpi), right) if page_width else right + margin,
        max(corners[-1][1] + panel[1], legend_corner[1] + legend_size[1]) + margin,
    )
    return Layout(dpi, size, panel, corners, legend_corner, legend_size, legend_columns)


def nice_length(longest: float) -> float:
    """Return the largest of 1, 2 or 5 times a power of ten that is no longer than ``longest``."""
    magnitude = 10.0 ** floor(log10(longest))
    return max(m * magnitude for m in (0.5, 1, 2, 5) if m * magnitude <= longest * (1 + 1e-9))
