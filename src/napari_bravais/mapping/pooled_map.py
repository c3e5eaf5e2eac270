"""The answer of a whole map: its phases, each with one lattice."""

from dataclasses import dataclass

import numpy as np

from napari_bravais.lattices import LATTICES, Lattice
from napari_bravais.mapping.pattern_centre import PatternCentre
from napari_bravais.mapping.phase_map import percentage

#: Number of pixels that are of no phase.
NO_PHASE = -1

#: What is said of a phase that is like no known material: its lattice is a guess then.
NOTHING_FITS = "no known material fits"


@dataclass(frozen=True)
class PooledPhase:
    """One phase of a map.

    Attributes
    ----------
    number
        From 0, the largest first.
    pixels, grains
        How many.
    fraction
        Of the classified pixels.
    orientations
        From how many grains evidence was pooled.
    probabilities
        Of each lattice, shape (14,).
    candidates
        The likeliest materials: name, formula, and probability; empty if none that is known and
        made of the elements that may be there is likely.
    correlation
        Of the phase's patterns with what the first candidate would show, their mean; None if they
        were not held against it.
    excluded
        Name and formula of the material that fits best, where it has other elements than those
        that were said to be there; None otherwise.
    """

    number: int
    pixels: int
    grains: int
    fraction: float
    orientations: int
    probabilities: np.ndarray
    candidates: tuple[tuple[str, str, float], ...] = ()
    correlation: float | None = None
    excluded: tuple[str, str] | None = None

    @property
    def lattice(self) -> Lattice:
        """The likeliest lattice."""
        return LATTICES[int(self.probabilities.argmax())]

    @property
    def probability(self) -> float:
        """Its probability."""
        return float(self.probabilities.max())

    @property
    def is_known(self) -> bool:
        """Whether a known material fits, of whatever elements."""
        return bool(self.candidates) or self.excluded is not None

    @property
    def evidence(self) -> str:
        """From how many of its grains evidence was pooled, in words."""
        of = "" if self.orientations == self.grains else f"{self.orientations} of "
        return f"from {of}{self.grains} grain{'' if self.grains == 1 else 's'}"

    @property
    def title(self) -> str:
        """Number, lattice, and what it may be."""
        return f"Phase {self.number + 1}: {self.lattice.pearson} {self.lattice.name}, {self.what}"

    @property
    def what(self) -> str:
        """What it may be, in words."""
        if self.candidates:
            return f"perhaps {self.candidates[0][0]}"
        if self.excluded:
            name, formula = self.excluded
            return f"like {name} ({formula}), which has other elements"
        return NOTHING_FITS

    def caption(self) -> str:
        """Say the phase in a line, for a figure's caption."""
        fit = f" (correlation {self.correlation:.2f})" if self.correlation is not None else ""
        return (
            f"Phase {self.number + 1}: {self.lattice.name} ({self.lattice.pearson}), probability "
            f"{self.probability:.2f} {self.evidence}, "
            f"{percentage(self.fraction)} of the classified area, {self.what}{fit}"
        )


def facts_of(phase: PooledPhase) -> dict:
    """Return what a phase is, as a message carries it."""
    return vars(phase) | {"probabilities": phase.probabilities.tolist()}


def phase_of(facts: dict) -> PooledPhase:
    """Return the phase that a message carries."""
    probabilities = np.array(facts["probabilities"])
    candidates = tuple(tuple(candidate) for candidate in facts["candidates"])
    excluded = facts["excluded"] and tuple(facts["excluded"])
    given = {"probabilities": probabilities, "candidates": candidates, "excluded": excluded}
    return PooledPhase(**facts | given)


@dataclass(frozen=True)
class PooledMap:
    """Phases of a map, beside the answer of each pixel.

    Attributes
    ----------
    phases
        The phases, the largest first.
    numbers
        Number of each pixel's phase, shape (ny, nx), int16; `NO_PHASE` where not classified.
    grains
        Number of each pixel's grain, shape (ny, nx), int32; -1 where not classified.
    pattern_centre
        The mean pattern centre by which patterns were held against materials; None if they were
        not.
    note
        What else is to be said of how they were found.
    """

    phases: tuple[PooledPhase, ...]
    numbers: np.ndarray
    grains: np.ndarray
    pattern_centre: PatternCentre | None = None
    note: str = ""

    @property
    def lattices(self) -> np.ndarray:
        """Index of the lattice of each pixel's phase, shape (ny, nx), int8; -1 where of none."""
        by_phase = np.array([phase.lattice.index for phase in self.phases] + [NO_PHASE], np.int8)
        return by_phase[self.numbers]

    def caption(self) -> str:
        """Say all phases, a line each, and the note."""
        lines = [phase.caption() for phase in self.phases]
        return "\n".join([*lines, self.note] if self.note else lines)
