"""Maps that name phases: indexed here by Hough transform, or by a vendor's software."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from napari_bravais.lattices import NOT_CLASSIFIED, Lattice, lattice_of_space_group
from napari_bravais.mapping.phase_map import PhaseMap, count_classes

if TYPE_CHECKING:
    from orix.crystal_map import CrystalMap, Phase

#: Phase of a pixel whose pattern fits none of the phases.
NOT_INDEXED = -1

#: Phase of a pixel that has not been looked at (yet).
NOT_MAPPED = -2


@dataclass(frozen=True)
class CrystalPhase:
    """A phase of an indexed map.

    Attributes
    ----------
    name
        Name, for example ``"rutile"``.
    space_group
        Number in the International Tables; None where a file does not say.
    cell
        Lattice parameters a, b, c in ångström and α, β, γ in degrees; None if unknown.
    lattice
        Bravais lattice: the space group's, unless given; None where neither is known.
    point_group
        Hermann-Mauguin symbol: the space group's, unless given; for files that say no more.
    """

    name: str
    space_group: int | None = None
    cell: tuple[float, ...] | None = None
    lattice: Lattice | None = None
    point_group: str | None = None

    def __post_init__(self):
        if self.lattice is None and self.space_group is not None:
            object.__setattr__(self, "lattice", lattice_of_space_group(self.space_group))

    @classmethod
    def from_orix(cls, phase: "Phase") -> "CrystalPhase":
        """Return the same phase without its atoms."""
        cell = tuple(round(float(value), 6) for value in phase.structure.lattice.abcABG())
        return cls(
            phase.name,
            None if phase.space_group is None else phase.space_group.number,
            cell,
            point_group=None if phase.point_group is None else phase.point_group.name,
        )

    def to_orix(self) -> "Phase":
        """Return the same phase as orix's, with a unit cell of 1 Å where none is known."""
        from diffpy.structure import Lattice as Cell
        from diffpy.structure import Structure
        from orix.crystal_map import Phase

        gamma = 120 if self.lattice and self.lattice.pearson[0] == "h" else 90
        cell = self.cell or (1, 1, 1, 90, 90, gamma)
        group = {"space_group": self.space_group}
        if self.space_group is None:
            group = {"point_group": self.point_group}
        structure = Structure(title=self.name, lattice=Cell(*cell))
        return Phase(self.name, structure=structure, **group)


@dataclass
class IndexedMap:
    """The phase at every pixel of a scan, out of a list of phases.

    Attributes
    ----------
    phases
        The phases that were looked for.
    phase_index
        Place in ``phases`` at each pixel, shape (ny, nx), int16; -1 where not indexed, -2 where
        not mapped.
    rotations
        Orientations as unit quaternions from the sample's frame to the crystal's, shape
        (ny, nx, 4); None if unknown. Where nothing is indexed they mean nothing.
    scores
        How well each pixel is indexed, by name, each of shape (ny, nx).
    step
        Step (y, x) in ``step_unit``.
    step_unit
        Unit of ``step``; ``"px"`` where the scan gave none.
    source
        Title of the map, for example ``"Hough indexing"``.
    frame
        Whose sample frame the rotations are in: ``"edax"`` or ``"oxford"``, which lies a quarter
        turn from it about the normal.
    provenance
        What made the map, JSON-able.

    Raises
    ------
    ValueError
        If the shapes of the arrays do not belong together, or a pixel's phase is not listed.
    """

    phases: tuple[CrystalPhase, ...]
    phase_index: np.ndarray
    rotations: np.ndarray | None = None
    scores: dict[str, np.ndarray] = field(default_factory=dict)
    step: tuple[float, float] = (1.0, 1.0)
    step_unit: str = "px"
    source: str = "Indexed map"
    frame: str = "edax"
    provenance: dict[str, Any] = field(default_factory=dict)

    # labels mean the same as those of the network's maps
    classes: ClassVar = PhaseMap.classes
    kind: ClassVar[str] = PhaseMap.kind
    title: ClassVar[str] = PhaseMap.title
    hidden: ClassVar[frozenset[str]] = PhaseMap.hidden

    def __post_init__(self):
        self.phases = tuple(self.phases)
        wrong = [name for name, score in self.scores.items() if score.shape != self.shape]
        if self.phase_index.ndim != 2 or wrong:
            raise ValueError(f"a map needs arrays of one shape (ny, nx); {wrong} have others")
        if self.rotations is not None and self.rotations.shape != (*self.shape, 4):
            raise ValueError(f"rotations are of shape (ny, nx, 4), not {self.rotations.shape}")
        if self.phase_index.size and self.phase_index.max() >= len(self.phases):
            raise ValueError(f"a pixel has a phase beyond the {len(self.phases)} listed")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns (ny, nx)."""
        return self.phase_index.shape

    @property
    def extent(self) -> tuple[float, float]:
        """Height and width of the mapped area in ``step_unit``."""
        return self.shape[0] * self.step[0], self.shape[1] * self.step[1]

    @property
    def mapped(self) -> np.ndarray:
        """True where an answer is there, "not indexed" among them, shape (ny, nx)."""
        return self.phase_index > NOT_MAPPED

    @property
    def indexed(self) -> np.ndarray:
        """True where a phase was found, shape (ny, nx)."""
        return self.phase_index >= 0

    @property
    def labels(self) -> np.ndarray:
        """Index of each pixel's lattice, shape (ny, nx), int8.

        -1 where not indexed, or indexed as a phase whose lattice is not known.
        """
        of_phase = [NOT_CLASSIFIED if p.lattice is None else p.lattice.index for p in self.phases]
        table = np.array([NOT_CLASSIFIED, NOT_CLASSIFIED, *of_phase], np.int8)
        return table[self.phase_index + 2]

    def fractions(self) -> list[tuple[Lattice, int, float]]:
        """Count the mapped pixels of each lattice, as `PhaseMap.fractions` does."""
        return count_classes(self.labels[self.mapped])

    def phase_fractions(self) -> list[tuple[CrystalPhase | None, int, float]]:
        """Count the mapped pixels of each phase.

        Returns
        -------
        list of (phase, pixels, area fraction)
            The phases in their own order; last, always, None for what is not indexed.
        """
        index = self.phase_index[self.mapped]
        counts = np.bincount(index + 1, minlength=len(self.phases) + 1).tolist()
        total = max(index.size, 1)
        rows = zip((*self.phases, None), (*counts[1:], counts[0]), strict=True)
        return [(phase, n, n / total) for phase, n in rows]

    def in_frame(self, frame: str) -> "IndexedMap":
        """Return the map with its rotations in another sample frame."""
        if frame == self.frame or self.rotations is None:
            return self
        # Oxford's frame is EDAX's turned by a quarter about the normal
        half = np.sqrt(0.5) * (1 if frame == "oxford" else -1)
        w, x, y, z = np.moveaxis(self.rotations.astype(float), -1, 0)
        cosine = np.sqrt(0.5)
        turned = (
            *(w * cosine - z * half, x * cosine + y * half),
            *(y * cosine - x * half, z * cosine + w * half),
        )
        return replace(self, rotations=np.stack(turned, axis=-1), frame=frame)

    def to_crystal_map(self) -> "CrystalMap":
        """Return the map as orix's; what is not mapped counts as not indexed."""
        from napari_bravais.mapping.crystal_map import indexed_to_crystal_map

        return indexed_to_crystal_map(self)
