"""A map as the window shows it, for everything that is exported or saved from there."""

from dataclasses import dataclass

import numpy as np

from napari_bravais.lattices import NOT_CLASSIFIED
from napari_bravais.mapping.phase_map import PhaseMap


@dataclass(frozen=True)
class MapClass:
    """A lattice, a crystal system, or *not classified*.

    Attributes
    ----------
    value
        Value in the map's layer.
    pearson
        Pearson symbol, or empty.
    name
        Name in words.
    colour
        Hexadecimal RGB colour.
    members
        Indices of the lattices whose probabilities it sums.
    """

    value: int
    pearson: str
    name: str
    colour: str
    members: tuple[int, ...]

    @property
    def key(self) -> str:
        """Pearson symbol, or the name of what has none."""
        return self.pearson or self.name

    @property
    def title(self) -> str:
        """The class in words, for example ``"hP hexagonal"``."""
        return f"{self.pearson} {self.name}".strip()


@dataclass
class ShownMap(PhaseMap):
    """A map in the classes and colours of the user's choice.

    Its probabilities are smoothed as the user wants them; the network's own are in ``answered``.

    Attributes
    ----------
    classes
        What labels mean, to be indexed by label + 1: *not classified*, then lattices or crystal
        systems.
    kind, title
        What the classes are, for tables and over figures.
    hidden
        Keys of the classes that are not seen on the map.
    answered
        The map as the network answered it: what is saved to be opened again.
    """

    classes: tuple[MapClass, ...] = ()
    kind: str = PhaseMap.kind
    title: str = PhaseMap.title
    hidden: frozenset[str] = frozenset()
    answered: PhaseMap | None = None

    @property
    def class_probabilities(self) -> np.ndarray:
        """Probability of each of ``classes[1:]``, shape (ny, nx, classes)."""
        return summed(self.probabilities, self.classes[1:])

    @property
    def labels(self) -> np.ndarray:
        """Index of the likeliest class, shape (ny, nx), int8; -1 where not classified."""
        best = self.class_probabilities.argmax(axis=-1).astype(np.int8)
        return np.where(self.quality >= self.quality_threshold, best, np.int8(NOT_CLASSIFIED))

    @property
    def confidence(self) -> np.ndarray:
        """Probability of the likeliest class, shape (ny, nx); NaN where not mapped."""
        return self.class_probabilities.max(axis=-1)


def summed(probabilities: np.ndarray, classes: tuple[MapClass, ...]) -> np.ndarray:
    """Return the probabilities of classes, shape (..., classes), from those of the lattices."""
    return np.stack(
        [probabilities[..., list(entry.members)].sum(axis=-1) for entry in classes], axis=-1
    )
