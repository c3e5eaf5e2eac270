"""Two maps of one area side by side: where they agree, how well, and where to look."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from napari_bravais.lattices import LATTICES, NOT_CLASSIFIED, UNCLASSIFIED
from napari_bravais.mapping.boundaries import Map, at_boundaries
from napari_bravais.mapping.indexed_map import IndexedMap


@dataclass(frozen=True)
class Difference:
    """A way in which two maps may stand to each other at a pixel."""

    code: int
    title: str
    colour: str


#: Codes of `Comparison.difference`, by place; titles take the maps' names.
DIFFERENCES = (
    Difference(0, "named by neither map", "#ffffff"),
    Difference(1, "agree", "#d9d9d9"),
    Difference(2, "differ inside a grain", "#d55e00"),
    Difference(3, "differ at a boundary", "#f0b27a"),
    Difference(4, "named by {a} alone", "#56b4e9"),
    Difference(5, "named by {b} alone", "#0072b2"),
)
NEITHER, AGREE, INSIDE, AT_BOUNDARY, ONLY_A, ONLY_B = range(6)


@dataclass(frozen=True)
class Confusion:
    """How often each phase of one map is each lattice of the other.

    Attributes
    ----------
    rows, columns
        Titles: phases (or lattices) of the first map, lattices of the second.
    counts
        Pixels, shape (rows, columns).
    """

    rows: list[str]
    columns: list[str]
    counts: np.ndarray


@dataclass(frozen=True)
class PhaseAgreement:
    """How far one phase of the first map is confirmed by the second.

    Attributes
    ----------
    name, lattice
        The phase's title and its Pearson symbol ("" if not known).
    pixels, pixels_inside
        Pixels of it to which both maps give a lattice; of these, inside grains.
    agreement, agreement_inside
        Share of them with the same lattice in both; NaN where there are none.
    """

    name: str
    lattice: str
    pixels: int
    pixels_inside: int
    agreement: float
    agreement_inside: float


@dataclass(frozen=True)
class Disagreement:
    """A patch of touching pixels over which two maps disagree in the same way.

    Attributes
    ----------
    row, column
        Its pixel furthest from its rim: the pattern to look at.
    pixels
        Its size.
    inside
        Whether that pixel lies inside a grain.
    label_a, label_b
        Lattice index in each map.
    """

    row: int
    column: int
    pixels: int
    inside: bool
    label_a: int
    label_b: int


@dataclass(frozen=True)
class Comparison:
    """What `compare` finds.

    Attributes
    ----------
    names
        Titles of the two maps.
    a, b
        The maps.
    boundary
        True where a pixel touches another grain, shape (ny, nx).
    """

    names: tuple[str, str]
    a: Map = field(repr=False)
    b: Map = field(repr=False)
    boundary: np.ndarray = field(repr=False)

    @property
    def compared(self) -> np.ndarray:
        """True where both maps name a lattice, shape (ny, nx)."""
        return (self.a.labels != NOT_CLASSIFIED) & (self.b.labels != NOT_CLASSIFIED)

    @property
    def pixels(self) -> int:
        """Number of pixels compared."""
        return int(self.compared.sum())

    @property
    def pixels_inside(self) -> int:
        """Number of pixels compared inside grains."""
        return int((self.compared & ~self.boundary).sum())

    @property
    def pixels_at_boundaries(self) -> int:
        """Number of pixels compared at grain boundaries."""
        return int((self.compared & self.boundary).sum())

    @property
    def agreement(self) -> float:
        """Share of the pixels compared with one lattice in both maps; NaN if there are none."""
        return self._agreement(self.compared)

    @property
    def agreement_inside(self) -> float:
        """The same, inside grains."""
        return self._agreement(self.compared & ~self.boundary)

    @property
    def agreement_at_boundaries(self) -> float:
        """The same, at grain boundaries."""
        return self._agreement(self.compared & self.boundary)

    def _agreement(self, where: np.ndarray) -> float:
        same = self.a.labels[where] == self.b.labels[where]
        return float(same.mean()) if same.size else float("nan")

    @property
    def kappa(self) -> float:
        """Cohen's kappa: agreement beyond what chance gives, at most one.

        NaN if nothing was compared, or both maps show one and the same lattice throughout.
        """
        a, b = self.a.labels[self.compared], self.b.labels[self.compared]
        if not a.size:
            return float("nan")
        shares = (np.bincount(labels, minlength=len(LATTICES)) / a.size for labels in (a, b))
        by_chance = float(np.prod(list(shares), axis=0).sum())
        return (self.agreement - by_chance) / (1 - by_chance) if by_chance < 1 else float("nan")

    @property
    def confusion(self) -> Confusion:
        """Count the pixels mapped in both by phase of the first and lattice of the second."""
        both = self.a.mapped & self.b.mapped
        row_titles, row = _phases(self.a)
        column = np.where(self.b.labels == NOT_CLASSIFIED, len(LATTICES), self.b.labels)
        size = len(row_titles), len(LATTICES) + 1
        place = row[both] * size[1] + column[both]
        counts = np.bincount(place, minlength=size[0] * size[1]).reshape(size)
        column_titles = [_title(entry) for entry in (*LATTICES, UNCLASSIFIED)]
        kept = [i for i in range(size[1]) if counts[:, i].any()]
        rows = [i for i in range(size[0]) if counts[i].any()]
        return Confusion(
            [row_titles[i] for i in rows],
            [column_titles[i] for i in kept],
            counts[np.ix_(rows, kept)],
        )

    @property
    def by_phase(self) -> list[PhaseAgreement]:
        """Agreement for each phase of the first map that both maps know something of."""
        titles, phase = _phases(self.a)
        result = []
        for index, title in enumerate(titles):
            where = self.compared & (phase == index)
            if where.any():
                lattice = LATTICES[self.a.labels[where][0]].pearson
                inside = where & ~self.boundary
                agreements = self._agreement(where), self._agreement(inside)
                counts = int(where.sum()), int(inside.sum())
                result.append(PhaseAgreement(title, lattice, *counts, *agreements))
        return result

    @property
    def difference(self) -> np.ndarray:
        """How the maps stand to each other, shape (ny, nx), uint8: codes of `DIFFERENCES`."""
        named_a, named_b = (m.labels != NOT_CLASSIFIED for m in (self.a, self.b))
        both, same = named_a & named_b, self.a.labels == self.b.labels
        # the first condition that holds counts
        conditions = {
            AGREE: both & same,
            AT_BOUNDARY: both & self.boundary,
            INSIDE: both,
            ONLY_A: named_a,
            ONLY_B: named_b,
        }
        return np.select(list(conditions.values()), list(conditions), NEITHER).astype(np.uint8)

    def difference_titles(self) -> list[str]:
        """Return what the codes of `difference` mean, with the maps' names."""
        a, b = (name[:1].lower() + name[1:] for name in self.names)
        titles = [entry.title.format(a=a, b=b) for entry in DIFFERENCES]
        return [title[:1].upper() + title[1:] for title in titles]

    def disagreements(self) -> list[Disagreement]:
        """List the patches over which the maps name two lattices: inside grains first, by size."""
        from scipy.ndimage import distance_transform_edt, label

        labels_a, labels_b = self.a.labels, self.b.labels
        differ = np.isin(self.difference, (INSIDE, AT_BOUNDARY))
        kinds = np.where(differ, labels_a.astype(int) * len(LATTICES) + labels_b, -1)
        patches = []
        for kind in np.unique(kinds[differ]):
            numbers, count = label(kinds == kind)
            # a rim of zeros, so that the map's own edge counts as one
            depth = distance_transform_edt(np.pad(numbers > 0, 1))[1:-1, 1:-1]
            depth = np.where(self.boundary, 0.5, 1.0) * depth
            for number in range(1, count + 1):
                patch = numbers == number
                row, column = np.unravel_index(np.where(patch, depth, -1).argmax(), patch.shape)
                patches.append(
                    Disagreement(
                        *(int(row), int(column), int(patch.sum())),
                        *(not self.boundary[row, column], *divmod(int(kind), len(LATTICES))),
                    )
                )
        return sorted(patches, key=lambda p: (not p.inside, -p.pixels, p.row, p.column))

    def as_json(self) -> dict[str, Any]:
        """Return all numbers, JSON-able; None where there is nothing to judge by."""
        confusion = self.confusion
        return {
            "maps": list(self.names),
            "pixels": {
                "compared": self.pixels,
                "inside grains": self.pixels_inside,
                "at boundaries": self.pixels_at_boundaries,
            },
            "agreement": {
                "all": _or_none(self.agreement),
                "inside grains": _or_none(self.agreement_inside),
                "at boundaries": _or_none(self.agreement_at_boundaries),
            },
            "kappa": _or_none(self.kappa),
            "by phase": [
                {
                    "phase": entry.name,
                    "lattice": entry.lattice,
                    "pixels": entry.pixels,
                    "agreement": _or_none(entry.agreement),
                    "agreement inside grains": _or_none(entry.agreement_inside),
                }
                for entry in self.by_phase
            ],
            "confusion": {
                "rows": confusion.rows,
                "columns": confusion.columns,
                "pixels": confusion.counts.tolist(),
            },
        }


def compare(a: Map, b: Map, least_grain: int = 5, misorientation: float = 5.0) -> Comparison:
    """Compare two maps of the same area.

    Parameters
    ----------
    a, b
        The maps: of lattices (`PhaseMap`) or of phases (`IndexedMap`), which carry their lattices
        through their space groups.
    least_grain
        Pixels that make a grain.
    misorientation
        Angle between two grains of a phase, at least, in degrees.

    Returns
    -------
    Comparison
        Grains are those of the map that knows orientations; of ``a`` where both do, or neither.

    Raises
    ------
    ValueError
        If the maps are of different shapes.
    """
    if a.shape != b.shape:
        raise ValueError(
            f"maps of {a.shape[0]} x {a.shape[1]} and {b.shape[0]} x {b.shape[1]} pixels cannot be "
            "compared"
        )
    oriented = [m for m in (a, b) if isinstance(m, IndexedMap) and m.rotations is not None]
    reference = oriented[0] if oriented else a
    boundary = at_boundaries(reference, least_grain, misorientation)
    return Comparison((map_title(a), map_title(b)), a, b, boundary)


def map_title(shown: Map) -> str:
    """Return the title of a map."""
    return shown.source if isinstance(shown, IndexedMap) else "Neural network"


def _phases(shown: Map) -> tuple[list[str], np.ndarray]:
    """Return a map's phases (lattices, if it names no phases), and each pixel's place among them.

    The last is for what is not indexed or not classified.
    """
    if isinstance(shown, IndexedMap):
        titles = [
            f"{phase.name} ({phase.lattice.pearson})" if phase.lattice else phase.name
            for phase in shown.phases
        ]
        index = np.where(shown.indexed, shown.phase_index, len(titles))
        return [*titles, "not indexed"], index
    labels = np.where(shown.labels == NOT_CLASSIFIED, len(LATTICES), shown.labels)
    return [_title(entry) for entry in (*LATTICES, UNCLASSIFIED)], labels


def _title(entry) -> str:
    return f"{entry.pearson} {entry.name}".strip()


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 6)
