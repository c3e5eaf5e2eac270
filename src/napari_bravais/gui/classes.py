"""What a map is coloured by: the 14 lattices or the 7 crystal systems. No Qt in here."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from napari_bravais.gui.settings import LATTICES_LEVEL, SYSTEMS_LEVEL
from napari_bravais.lattices import LATTICES, NOT_CLASSIFIED_COLOUR
from napari_bravais.mapping.pooled_map import NO_PHASE, PooledMap, PooledPhase
from napari_bravais.mapping.shown_map import MapClass
from napari_bravais.mapping.shown_phases import classes_of_phases

#: Value in a map's layer of pixels that are not mapped (yet); napari leaves it transparent.
NOT_MAPPED = 0

#: Value of pixels that are not classified.
NOT_CLASSIFIED_VALUE = len(LATTICES) + 1

#: Value of such pixels in a map of phases, of which there are fewer.
_NO_PHASE_VALUE = 255

#: A crystal system has the colour of its lattice that is met most often.
_SYSTEM_COLOURS = ("aP", "mP", "oP", "tP", "hR", "hP", "cF")


@lru_cache(maxsize=64)
def classes_of(level: str, colours: str = "") -> tuple[MapClass, ...]:
    """Return the classes of a level; *not classified* is the last.

    Parameters
    ----------
    level
        `LATTICES_LEVEL` or `SYSTEMS_LEVEL`.
    colours
        Colours of the user's own, as in `Settings.colours`.
    """
    own = parse_colours(colours)
    if level == SYSTEMS_LEVEL:
        found = [
            MapClass(value, "", name, own.get(name, colour), members)
            for value, (name, colour, members) in enumerate(_systems(), 1)
        ]
    else:
        found = [
            MapClass(
                lattice.index + 1,
                lattice.pearson,
                lattice.name,
                own.get(lattice.pearson, lattice.colour),
                (lattice.index,),
            )
            for lattice in LATTICES
        ]
    nothing = "not classified"
    grey = own.get(nothing, NOT_CLASSIFIED_COLOUR)
    return (*found, MapClass(NOT_CLASSIFIED_VALUE, "", nothing, grey, ()))


def values_of(labels: np.ndarray, mapped: np.ndarray, classes: tuple[MapClass, ...]) -> np.ndarray:
    """Return the layer value of each pixel of a map that names lattices.

    Parameters
    ----------
    labels
        Index of each pixel's lattice, -1 where none is named, shape (ny, nx).
    mapped
        Which pixels are mapped, of the same shape.
    classes
        What `classes_of` returns.

    Returns
    -------
    numpy.ndarray
        uint8, of the same shape.
    """
    table = np.full(len(LATTICES) + 1, NOT_CLASSIFIED_VALUE, np.uint8)  # the last is for -1
    for entry in classes:
        table[list(entry.members)] = entry.value
    return np.where(mapped, table[labels], np.uint8(NOT_MAPPED))


def phase_classes(phases: Sequence[PooledPhase], colours: str = "") -> list[MapClass]:
    """Return a class for each phase, and for what is not classified.

    Parameters
    ----------
    phases
        The phases, the largest first.
    colours
        Colours of the user's own, as in `Settings.colours`.
    """
    *lattices, nothing = classes_of(LATTICES_LEVEL, colours)
    return [*classes_of_phases(phases, lattices), replace(nothing, value=_NO_PHASE_VALUE)]


def phase_values(pooled: PooledMap, mapped: np.ndarray) -> np.ndarray:
    """Return the layer value of each pixel of a map of phases; see `phase_classes`.

    Parameters
    ----------
    pooled
        The phases.
    mapped
        Which pixels are mapped, shape (ny, nx).

    Returns
    -------
    numpy.ndarray
        uint8, shape (ny, nx).
    """
    numbers = pooled.numbers
    values = np.where(numbers == NO_PHASE, _NO_PHASE_VALUE, numbers + 1)
    return np.where(mapped, values, NOT_MAPPED).astype(np.uint8)


def parse_colours(text: str) -> dict[str, str]:
    """Return colours by class out of a text like ``"hP=#11c9bb, cubic=#3600ea"``."""
    return dict(re.findall(r"([^=,]+?)\s*=\s*(#[0-9a-fA-F]{6})\s*,?\s*", text))


def with_colour(text: str, key: str, colour: str) -> str:
    """Return the text of `Settings.colours` with the colour of one class changed."""
    own = parse_colours(text) | {key: colour}
    return ", ".join(f"{name}={value}" for name, value in sorted(own.items()))


def _systems() -> list[tuple[str, str, tuple[int, ...]]]:
    """Return name, colour and lattices of each crystal system, in the lattices' order."""
    members: dict[str, list[int]] = {}
    for lattice in LATTICES:
        members.setdefault(lattice.crystal_system, []).append(lattice.index)
    colours = {
        lattice.crystal_system: lattice.colour
        for lattice in LATTICES
        if lattice.pearson in _SYSTEM_COLOURS
    }
    return [(name, colours[name], tuple(indices)) for name, indices in members.items()]
