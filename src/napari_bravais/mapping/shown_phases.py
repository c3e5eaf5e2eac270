"""The phases of a map in the colours of their lattices, for the window and for figures."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from napari_bravais.lattices import LATTICES, UNCLASSIFIED, Lattice
from napari_bravais.mapping.phase_map import PhaseMap, count_classes
from napari_bravais.mapping.pooled_map import NOTHING_FITS, PooledMap, PooledPhase
from napari_bravais.mapping.shown_map import MapClass

#: Characters of a phase's name in a legend that there is room for, without its number.
_SHORT = 24


def classes_of_phases(
    phases: Sequence[PooledPhase], lattices: Sequence[Lattice | MapClass] = LATTICES
) -> list[MapClass]:
    """Return a class for each phase.

    The largest phase of a lattice has the lattice's colour, others of it are darker or lighter.

    Parameters
    ----------
    phases
        The phases, the largest first.
    lattices
        The 14 lattices in the colours that they have on the map.
    """
    found, met = [], Counter()
    for phase in phases:
        lattice = lattices[phase.lattice.index]
        shade = _shaded(lattice.colour, met[lattice.pearson])
        met[lattice.pearson] += 1
        members = (phase.lattice.index,)
        found.append(MapClass(phase.number + 1, lattice.pearson, _name(phase), shade, members))
    return found


@dataclass(frozen=True)
class ShownPhases:
    """The phases of a map, as figures draw a map.

    Attributes
    ----------
    pooled
        The phases.
    of
        The map that they were found in.
    lattices
        The 14 lattices, and at last what is not classified, in the colours that they have there.
    """

    pooled: PooledMap
    of: PhaseMap
    lattices: Sequence[Lattice | MapClass] = (*LATTICES, UNCLASSIFIED)

    kind: ClassVar[str] = "phase"
    title: ClassVar[str] = "Phases"
    hidden: ClassVar[frozenset[str]] = frozenset()

    @property
    def classes(self) -> tuple[Lattice | MapClass, ...]:
        """What labels mean, to be indexed by label + 1: *not classified*, then the phases."""
        *lattices, nothing = self.lattices
        return (nothing, *classes_of_phases(self.pooled.phases, lattices))

    @property
    def labels(self) -> np.ndarray:
        """Number of each pixel's phase, from 0, shape (ny, nx); -1 where not classified."""
        return self.pooled.numbers

    @property
    def mapped(self) -> np.ndarray:
        """Which pixels are mapped, shape (ny, nx)."""
        return self.of.mapped

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns (ny, nx)."""
        return self.of.shape

    @property
    def step(self) -> tuple[float, float]:
        """Step (y, x) in ``step_unit``."""
        return self.of.step

    @property
    def step_unit(self) -> str:
        """Unit of ``step``."""
        return self.of.step_unit

    @property
    def extent(self) -> tuple[float, float]:
        """Height and width of the mapped area in ``step_unit``."""
        return self.of.extent

    @property
    def confidence(self) -> np.ndarray:
        """Probability of the lattice of each pixel's phase, shape (ny, nx); NaN where none is."""
        of_phases = [phase.probability for phase in self.pooled.phases]
        return np.array([*of_phases, np.nan], np.float32)[self.labels]

    def fractions(self) -> list[tuple[Lattice | MapClass, int, float]]:
        """Count the mapped pixels of each phase, as `PhaseMap.fractions`."""
        return count_classes(self.labels[self.mapped], self.classes)


def _name(phase: PooledPhase) -> str:
    """Return the number of a phase and what it may be: its Pearson symbol stands before it."""
    material = NOTHING_FITS
    if phase.is_known:
        name, formula, *_ = phase.candidates[0] if phase.candidates else phase.excluded
        material = f"{'perhaps' if phase.candidates else 'like'} {name}"
        if name != formula and len(material) + len(formula) < _SHORT:
            material += f", {formula}"
    return f"{phase.number + 1}: {material}"


def _shaded(colour: str, step: int) -> str:
    """Return a colour made darker and lighter by turns, the more the higher the step."""
    towards, share = 255 * (1 - step % 2), min(0.35 * ((step + 1) // 2), 0.8)
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(part + share * (towards - part)):02x}" for part in parts)
