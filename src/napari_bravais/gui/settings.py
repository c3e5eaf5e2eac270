"""The window's settings: one object, defined here once, and its history.

Titles and tooltips of the controls, the limits of the sliders, and the page in napari's Preferences
all come from the fields of `Settings`. There is no Qt in this module.
"""

from dataclasses import dataclass, field, fields, replace
from typing import Any

from napari_bravais.io.figures import LAYOUTS, FigureOptions
from napari_bravais.mapping.pattern_centre import PatternCentre
from napari_bravais.mapping.seen import Seen
from napari_bravais.mapping.service import DEVICES

#: Value of the quality threshold that stands for what the network advises.
AUTOMATIC = -1.0

LATTICES_LEVEL, SYSTEMS_LEVEL = "lattices", "crystal systems"
SIDE_BY_SIDE, BLEND, SWIPE, FLICKER = "side by side", "blend", "swipe", "flicker"
AS_FITS, IN_A_ROW, IN_A_COLUMN = "as large as fits", "in a row", "in a column"
RAW, PREPARED = "raw", "as the network sees it"
NOT_HELD, HELD = "not asked", "asked at each pixel"
FREE = "free"
STORED, BRUKER = "the file's own", "Bruker"

#: What is read: each pattern by itself, or averaged with those around that show the same.
BY_THEMSELVES, AVERAGED = "each by itself", "averaged (NLPAR)"

#: Widths of exported figures in millimetres, and their resolutions, by what they are called.
_WIDTHS = {"as needed": None, "single column, 85 mm": 85, "double column, 175 mm": 175, FREE: None}
_RESOLUTIONS = {"as needed": None} | {f"{dpi} DPI": dpi for dpi in (150, 300, 600, 1200)}


def _setting(default: Any, title: str, tooltip: str, **limits: Any) -> Any:
    return field(default=default, metadata={"title": title, "tooltip": tooltip, **limits})


@dataclass(frozen=True)
class Settings:
    """What maps, and how the window shows and exports it; none changes a map that is there."""

    model: str = _setting(
        "",
        "Network",
        "The network that reads the patterns: the bundled one, or a file of your own (.keras, its "
        "model card beside it).",
    )
    device: str = _setting(
        DEVICES[0],
        "Device",
        "What the network runs on: a GPU where TensorFlow sees one, else the CPU; or what is named "
        "here.",
        choices=DEVICES,
    )
    quality_threshold: float = _setting(
        AUTOMATIC,
        "Quality threshold",
        "Patterns of lower quality count as not classified. Acts at once, on what is mapped "
        "already. -1: what the network advises.",
        limits=(-1.0, 1.0),
        undo=True,
    )
    smoothing: int = _setting(
        0,
        "Smoothing",
        "Average the probabilities over neighbours up to this many pixels away, the good patterns "
        "counting more. Acts at once; 0 shows each pixel by itself.",
        limits=(0, 5),
        undo=True,
    )
    level: str = _setting(
        LATTICES_LEVEL,
        "Colour by",
        "The 14 lattices, or, coarser and surer, the 7 crystal systems: the probabilities of "
        "their lattices are summed.",
        choices=(LATTICES_LEVEL, SYSTEMS_LEVEL),
        undo=True,
    )
    colours: str = _setting(
        "",
        "Own colours",
        "Colours that differ from the colour-blind-safe ones, like «hP=#11c9bb, cubic=#3600ea». "
        "Click on a colour in the legend to change it.",
        undo=True,
    )
    view: str = _setting(
        SIDE_BY_SIDE,
        "View",
        "Side by side; or two maps over each other: blended, with an edge to swipe across, or in "
        "turns.",
        choices=(SIDE_BY_SIDE, BLEND, SWIPE, FLICKER),
    )
    grid: str = _setting(
        AS_FITS,
        "Grid",
        "How maps stand side by side: as large as the window lets them be, in a row, or in a "
        "column.",
        choices=(AS_FITS, IN_A_ROW, IN_A_COLUMN),
    )
    blend: int = _setting(
        50, "Blend", "How much of the upper map is seen, in percent.", limits=(0, 100)
    )
    glow: int = _setting(
        50,
        "Grad-CAM",
        "Strength of the glow over the pattern, in percent: it marks what speaks for the lattice.",
        limits=(0, 100),
    )
    glow_colours: str = _setting(
        "inferno",
        "Glow colours",
        "Colour map of the glow.",
        choices=("inferno", "viridis", "cividis", "turbo"),
    )
    pattern: str = _setting(
        RAW,
        "Pattern",
        "The pattern as the file holds it, or as the network sees it: the middle square with its "
        "background taken out.",
        choices=(RAW, PREPARED),
    )
    known: str = _setting(
        NOT_HELD,
        "Known materials",
        "Hold the pattern of each inspected pixel against what the known materials would show that "
        "the network thinks of, each in the orientation that fits best, and show the best beside "
        "it: some seconds. Needs the pattern centre.",
        choices=(NOT_HELD, HELD),
    )
    figure_layout: str = _setting(
        LAYOUTS[0],
        "Figure layout",
        "Exported figures: electron image and map side by side, the map alone, the map at half "
        "strength over the image, or image, map, and the probability of what the map shows.",
        choices=LAYOUTS,
    )
    figure_width: str = _setting(
        "as needed",
        "Figure width",
        "Width of the page of exported figures, in mm: as much as the map needs (at most 180 mm), "
        "a journal's single or double column, or free.",
        choices=tuple(_WIDTHS),
    )
    figure_free_width: int = _setting(
        120,
        "Free width",
        "Width of the page of exported figures, in mm, where it is free.",
        limits=(20, 1000),
        decimals=0,
        suffix=" mm",
    )
    figure_resolution: str = _setting(
        "as needed",
        "Figure resolution",
        "Dots an inch (DPI) of exported figures; as needed: 300 to 600 DPI, such that each pixel "
        "of the map is a whole number of dots wide.",
        choices=tuple(_RESOLUTIONS),
    )
    pattern_centre: str = _setting(
        STORED,
        "Pattern centre",
        "For the network, from the next map on, and for Hough indexing: as the scan's file has it, "
        "or by hand in the convention of Bruker "
        "(x from the left in widths of the detector, y from the top in heights, z in heights), "
        "EDAX (y from the bottom in heights, z in the lesser of the two) or Oxford Instruments "
        "(all in widths, y from the bottom).",
        choices=(STORED, BRUKER, "EDAX", "Oxford"),
        kept=False,
    )
    pc_x: float = _setting(
        0.5,
        "x",
        "Pattern centre by hand: x, in fractions of the detector",
        limits=(-1.0, 2.0),
        decimals=4,
        kept=False,
    )
    pc_y: float = _setting(
        0.25,
        "y",
        "Pattern centre by hand: y, in fractions of the detector",
        limits=(-1.0, 2.0),
        decimals=4,
        kept=False,
    )
    pc_z: float = _setting(
        0.6,
        "z",
        "Pattern centre by hand: z, the detector's distance, in fractions of the detector",
        limits=(0.05, 5.0),
        decimals=4,
        kept=False,
    )
    averaging: str = _setting(
        BY_THEMSELVES,
        "Patterns",
        "What is read of noisy scans, from the next map on: each pattern by itself, or averaged "
        "with those around it that show the same (NLPAR), up to three pixels away. What lies "
        "beyond a grain boundary shows another pattern, and has no say.",
        choices=(BY_THEMSELVES, AVERAGED),
        kept=False,
    )
    optimise: int = _setting(
        0,
        "Optimise first",
        "Optimise the pattern centre before indexing, on this many patterns: the sharper ones, all "
        "over the map. 16 do well.",
        limits=(0, 100),
        decimals=0,
        suffix=" patterns",
        least="no",
        kept=False,
    )
    #: Symbols of the lattices or systems that the map leaves out; of this session only.
    hidden: frozenset[str] = field(default=frozenset(), metadata={"undo": True})


#: Fields that have a control, by name.
TITLED = {setting.name: setting for setting in fields(Settings) if "title" in setting.metadata}

#: Those that are kept between sessions; others belong to one scan.
KEPT = {name: entry for name, entry in TITLED.items() if entry.metadata.get("kept", True)}

#: Fields that change what the map shows, and can be undone.
UNDONE = {setting.name for setting in fields(Settings) if setting.metadata.get("undo")}


#: Those that give the pattern centre.
CENTRE = ("pattern_centre", "pc_x", "pc_y", "pc_z")


def centre_by_hand(settings: Settings) -> PatternCentre | None:
    """Return the pattern centre that is given by hand; None where the file's own counts."""
    if settings.pattern_centre == STORED:
        return None
    convention = settings.pattern_centre.lower()
    return PatternCentre(settings.pc_x, settings.pc_y, settings.pc_z, convention)


def seen_by(settings: Settings) -> Seen:
    """Return how the scan's patterns are seen."""
    return Seen(centre_by_hand(settings), settings.averaging == AVERAGED)


def figure_options(settings: Settings) -> FigureOptions:
    """Return how exported figures are laid out."""
    free = settings.figure_width == FREE
    return FigureOptions(
        settings.figure_free_width if free else _WIDTHS[settings.figure_width],
        _RESOLUTIONS[settings.figure_resolution],
        settings.figure_layout,
    )


_JSON_TYPES = {float: "number", int: "integer", str: "string"}


def configuration() -> dict[str, Any]:
    """Return what the manifest says of the settings, for napari's Preferences."""
    properties = {}
    for name, setting in KEPT.items():
        about = setting.metadata
        properties[name] = {
            "type": _JSON_TYPES[type(setting.default)],
            "title": about["title"],
            "description": about["tooltip"],
            "default": setting.default,
        }
        if "limits" in about:
            properties[name] |= dict(zip(("minimum", "maximum"), about["limits"], strict=True))
        if "choices" in about:
            properties[name]["enum"] = list(about["choices"])
    return {"window": {"title": "Bravais lattice map", "properties": properties}}


class History:
    """Settings that can be undone and redone.

    Parameters
    ----------
    settings
        What to begin with.
    """

    def __init__(self, settings: Settings):
        self.settings = settings
        self._before: list[Settings] = []
        self._after: list[Settings] = []
        self._last: frozenset[str] = frozenset()

    @property
    def can_undo(self) -> bool:
        """Whether there is something to undo."""
        return bool(self._before)

    @property
    def can_redo(self) -> bool:
        """Whether there is something to redo."""
        return bool(self._after)

    def change(self, **values: Any) -> None:
        """Change some settings; a slider that is dragged makes one step of it all."""
        changed = replace(self.settings, **values)
        if changed == self.settings:
            return
        names = frozenset(values) & UNDONE
        if names:
            if names != self._last or "hidden" in names:
                self._before.append(self.settings)
            self._last = names
            self._after.clear()
        self.settings = changed

    def pause(self) -> None:
        """Let the next change be a step of its own."""
        self._last = frozenset()

    def forget(self) -> None:
        """Begin anew, with the settings as they are."""
        self._before.clear()
        self._after.clear()
        self.pause()

    def undo(self) -> None:
        """Take the last step back."""
        self._step(self._before, self._after)

    def redo(self) -> None:
        """Take the last step that was taken back again."""
        self._step(self._after, self._before)

    def reset(self) -> None:
        """Show the map as the network answered it; this can be undone."""
        self.pause()
        self.change(**{name: getattr(Settings(), name) for name in UNDONE})
        self.pause()

    def _step(self, source: list[Settings], target: list[Settings]) -> None:
        if not source:
            return
        target.append(self.settings)
        wanted = source.pop()
        # what is no part of the history, such as the view, stays as it is now
        self.settings = replace(self.settings, **{name: getattr(wanted, name) for name in UNDONE})
        self.pause()
