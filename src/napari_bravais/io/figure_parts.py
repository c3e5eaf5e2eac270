"""Scale bar and legend of a figure."""

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from napari_bravais.io.figure_layout import (
    LEGEND_PITCH,
    LEGEND_ROW,
    LEGEND_WIDTH,
    Layout,
    nice_length,
)
from napari_bravais.mapping.indexed_map import IndexedMap
from napari_bravais.mapping.phase_map import PhaseMap, percentage, written_unit
from napari_bravais.mapping.shown_phases import ShownPhases

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Map = PhaseMap | IndexedMap | ShownPhases

# lengths in inches
_BAR_THICKNESS, _BAR_PADDING, _BAR_INSET = 0.03, 0.04, 0.07
_SWATCH, _SYMBOL, _NAME = 0.115, 0.19, 0.42
_LETTER, _MORE_FRACTIONS, _LONGEST_NAME, _NAME_CHARACTER = 0.15, 0.62, 30, 0.035


@dataclass(frozen=True)
class LegendRow:
    """A line of a legend.

    Attributes
    ----------
    colour
        Hexadecimal colour of its swatch.
    symbol, name
        Pearson symbol and words.
    fractions
        What stands in the columns on the right.
    """

    colour: str
    symbol: str
    name: str
    fractions: tuple[str, ...]


def legend_width(rows: list[LegendRow]) -> float:
    """Return the width in inches of a column of a legend."""
    return _first_fraction(rows) + (len(rows[0].fractions) - 1) * _MORE_FRACTIONS


def _first_fraction(rows: list[LegendRow]) -> float:
    """Return where, in inches, the first column of fractions ends."""
    if len(rows[0].fractions) == 1:
        return LEGEND_WIDTH
    # what lies far from its name is hard to read, the more so beside other columns
    longest = max(len(_shortened(row.name)) for row in rows)
    return LEGEND_WIDTH + _LETTER - (_LONGEST_NAME - longest) * _NAME_CHARACTER


def lattice_legend(maps: list[Map], letters: list[str]) -> list[LegendRow]:
    """Return the rows of the lattices, or phases, in maps, with the area fractions in each.

    Parameters
    ----------
    maps
        The maps.
    letters
        Letters of the maps' panels, to stand before the fractions; empty for one map alone.
    """
    tables = [{entry: fraction for entry, _, fraction in shown.fractions()} for shown in maps]
    nothing = {shown.classes[0] for shown in maps}
    entries = sorted(
        set().union(*tables),
        key=lambda entry: (entry in nothing, -max(table.get(entry, 0) for table in tables)),
    )
    letters = [f"{letter} " for letter in letters] or [""]

    def told(shares: list[float]) -> tuple[str, ...]:
        return tuple(f"{a}{percentage(share)}" for a, share in zip(letters, shares, strict=True))

    rows = []
    for entry in entries:
        name = entry.name
        if phases := _phases_of(maps, entry):
            name = f"{name}: {phases}"
        colour = entry.colour
        if any(entry.key in shown.hidden for shown in maps):
            colour, name = "white", f"{name} (hidden)"
        fractions = told([table.get(entry, 0.0) for table in tables])
        rows.append(LegendRow(colour, entry.pearson, name, fractions))
    missing = [float(1 - shown.mapped.mean()) for shown in maps]
    if any(missing):
        rows.append(LegendRow("white", "", "not mapped (of all pixels)", told(missing)))
    return rows


def _phases_of(maps: list[Map], entry) -> str:
    """Return the names of the phases of a lattice that maps name."""
    names: dict[str, None] = {}
    for shown in maps:
        if isinstance(shown, IndexedMap):
            for phase, pixels, _ in shown.phase_fractions():
                if phase is not None and pixels and phase.lattice == entry:
                    names[phase.name] = None
    return ", ".join(names)


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def draw_legend(axes: "Axes", rows: list[LegendRow], layout: Layout) -> None:
    """Draw swatch, Pearson symbol, name and area fractions of each row."""
    from matplotlib.patches import Rectangle

    lines = ceil(len(rows) / layout.legend_columns)
    width, height = (dots / layout.dpi for dots in layout.legend_size)
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    pitch = legend_width(rows) + LEGEND_PITCH - LEGEND_WIDTH
    first = _first_fraction(rows)
    for index, row in enumerate(rows):
        column, line = divmod(index, lines)
        x, y = column * pitch, line * LEGEND_ROW
        swatch = Rectangle((x, y), _SWATCH, _SWATCH, facecolor=row.colour, edgecolor="black")
        swatch.set(linewidth=0.4, clip_on=False)
        axes.add_patch(swatch)
        y += _SWATCH / 2
        axes.text(x + _SYMBOL, y, row.symbol, va="center_baseline", fontstyle="italic")
        name_at = _NAME if row.symbol else _SYMBOL
        axes.text(x + name_at, y, _shortened(row.name), va="center_baseline")
        for place, fraction in enumerate(row.fractions):
            right = x + first + place * _MORE_FRACTIONS
            axes.text(right, y, fraction, va="center_baseline", ha="right")


def draw_colour_bar(axes: "Axes", colours: str) -> None:
    """Draw which colours stand for 0 to 100 %, in a dark box in the upper right corner."""
    import numpy as np
    from matplotlib.patches import Rectangle

    box = Rectangle((0.47, 0.88), 0.51, 0.1, transform=axes.transAxes, linewidth=0)
    box.set(facecolor="black", alpha=0.65, zorder=5)
    axes.add_patch(box)
    bar = axes.inset_axes((0.55, 0.915, 0.27, 0.03), zorder=6)
    bar.imshow(np.linspace(0, 1, 256)[None], cmap=colours, aspect="auto")
    bar.axis("off")
    style = {"transform": axes.transAxes, "color": "white", "va": "center_baseline", "zorder": 6}
    axes.text(0.54, 0.93, "0", ha="right", **style)
    axes.text(0.83, 0.93, "100 %", ha="left", **style)


def draw_scale_bar(axes: "Axes", shown: Map, layout: Layout) -> None:
    """Draw a white bar in a dark box in the lower left corner; upright if the map is."""
    from matplotlib.patches import Rectangle

    height, width = shown.extent
    upright = width < height / 3
    along = height if upright else width
    length = nice_length(along / 4)
    if shown.step_unit == "px" and along >= 3:
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

    label = axes.text(0, 0, f"{length:g} {written_unit(shown.step_unit)}", color="white", zorder=6)
    label_size = label.get_window_extent()
    room = max(bar, ceil(label_size.width))
    box = room + 2 * padding, thickness + ceil(label_size.height) + 3 * padding
    block((inset, inset), box, facecolor="black", alpha=0.65, zorder=5)
    start = inset + padding + (room - bar) // 2, inset + padding
    block(start, (bar, thickness), facecolor="white", zorder=6)
    x, y = on_axes(inset + padding + room / 2, inset + 2 * padding + thickness)
    label.set(transform=axes.transAxes, x=x, y=y, rotation=90 if upright else 0)
    label.set(ha="left" if upright else "center", va="center" if upright else "bottom")
