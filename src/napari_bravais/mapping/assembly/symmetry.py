"""The symmetry of an assembled sphere, and the lattices that it leaves possible."""

import math
from dataclasses import dataclass

import numpy as np

from napari_bravais.lattices import PEARSON_SYMBOLS
from napari_bravais.mapping.assembly.axes import angle_between, axes_of
from napari_bravais.mapping.assembly.groups import best_group
from napari_bravais.mapping.sphere import Sphere

#: Side of the sphere's projection in pixels, 0.8 degrees each, and its blur, in pixels: finer than
#: bands, so that pixels that a rotation puts between others lose nothing.
SIZE = 161
_BLUR = 1.3

#: Least weight of a pixel that counts as seen, of the mean weight of all. Fewer patterns, and those
#: by their margins, say too little of a place to compare it by.
_SEEN = 0.5

#: What the strongest axis needs, of a perfect one, to be one at all.
_LEAST = 0.5

#: What the two halves of a sphere need to correlate by.
_AGREED = 0.4

#: What the rest of a higher Laue group needs, of the weakest class of the lower.
_HIGHER = 0.75

#: How often the symmetry is right.
_RIGHT = 0.9

FOLDS = (2, 3, 4, 6)

#: Lattices that crystals with these axes can have, from most axes to none. A threefold axis alone
#: belongs to hexagonal lattices too (quartz). Unknown is what patterns do not agree on.
LATTICES_WITH = {
    "cubic": ("cP", "cI", "cF"),
    "hexagonal": ("hP",),
    "tetragonal": ("tP", "tI"),
    "trigonal": ("hR", "hP"),
    "orthorhombic": ("oP", "oS", "oI", "oF"),
    "monoclinic": ("mP", "mS"),
    "triclinic": ("aP",),
    "unknown": PEARSON_SYMBOLS,
}

#: Groups of rotations of each system, as scipy calls them, and the Laue groups that have them, the
#: lower and, if there is one, the higher.
_GROUPS = {
    "cubic": (("T", "m-3"), ("O", "m-3m")),
    "hexagonal": (("C6", "6/m"), ("D6", "6/mmm")),
    "tetragonal": (("C4", "4/m"), ("D4", "4/mmm")),
    "trigonal": (("C3", "-3"), ("D3", "-3m")),
    "orthorhombic": (("D2", "mmm"),),
    "monoclinic": (("C2", "2/m"),),
}

#: What the weakest class of rotations of each system's lower group needs, of the strongest axis of
#: all: found on spheres of trained materials. What is seen from one side in one place and from
#: another in the next is less like itself; so is, turned by thirds, what simulated patterns show,
#: whose master patterns are square.
_NEEDED = {
    "cubic": 0.6,
    "hexagonal": 0.72,
    "tetragonal": 0.77,
    "trigonal": 0.7,
    "orthorhombic": 0.6,
}


@dataclass(frozen=True)
class Symmetry:
    """What rotations leave a sphere as it is.

    Attributes
    ----------
    name
        Its crystal system, as far as axes tell: a key of `LATTICES_WITH`.
    laue_group
        Symbol of its Laue group; empty if unknown.
    frame
        Its main axis (z) and another one (x): rows x, y, z, shape (3, 3).
    rotations
        The rotations, shape (n, 3, 3), of the sphere's frame.
    likeness
        Of each crystal system, how well the weakest of its rotations hold: correlation of the
        sphere with itself, turned, over what noise lets a perfect axis reach.
    agreement
        Correlation of the two halves of the sphere.
    """

    name: str
    laue_group: str
    frame: np.ndarray
    rotations: np.ndarray
    likeness: dict[str, float]
    agreement: float

    @property
    def lattices(self) -> tuple[str, ...]:
        """Pearson symbols of the lattices that have it."""
        return LATTICES_WITH[self.name]

    @property
    def axes(self) -> list[tuple[np.ndarray, int]]:
        """Its axes: unit vectors, each with its highest order."""
        from scipy.spatial.transform import Rotation

        orders: list[tuple[np.ndarray, int]] = []
        turns = Rotation.from_matrix(self.rotations).as_rotvec()
        # smaller turns are of axes of higher order
        for turn in sorted(turns, key=np.linalg.norm)[1:]:
            angle = np.linalg.norm(turn)
            axis = turn / angle
            if all(angle_between(axis, other) > 1 for other, _ in orders):
                orders.append((axis, round(2 * math.pi / angle)))
        return orders


def weighed(probabilities: np.ndarray, name: str, centring: np.ndarray) -> np.ndarray:
    """Return probabilities of the lattices, shape (14,), that heed what a sphere shows as well.

    Parameters
    ----------
    probabilities
        Those without it, shape (14,).
    name
        The symmetry: a key of `LATTICES_WITH`.
    centring
        How likely each lattice of this symmetry is by the bands, shape (14,), as
        `napari_bravais.mapping.assembly.centring.centring` returns it.
    """
    if name == "unknown":
        return probabilities
    has = np.isin(PEARSON_SYMBOLS, LATTICES_WITH[name])
    weight = np.where(has, _RIGHT * centring / centring[has].sum(), (1 - _RIGHT) / (~has).sum())
    return probabilities * weight / (probabilities * weight).sum()


def symmetry_of(one: Sphere, other: Sphere) -> Symmetry:
    """Find the symmetry of a sphere.

    Parameters
    ----------
    one, other
        Two halves of what was seen, of side `SIZE`: how alike they are says how much noise is left.

    Returns
    -------
    Symmetry
        The highest one that holds.
    """
    shown, seen, agreement = _shown(one, other)
    axes = {fold: axes_of(shown, seen, fold) for fold in FOLDS}
    reached = likeness_reached(agreement)
    best = max((own[0][1] for own in axes.values() if own), default=0.0)
    lower = {name: best_group(groups[0][0], axes, shown, seen) for name, groups in _GROUPS.items()}
    likeness = {name: group.weakest / reached if group else 0.0 for name, group in lower.items()}
    agreed = agreement >= _AGREED  # not where too little was seen twice
    if not agreed or best < _LEAST * reached or lower["monoclinic"] is None:
        name, laue_group = ("triclinic", "-1") if agreed else ("unknown", "")
        return Symmetry(name, laue_group, np.eye(3), np.eye(3)[None], likeness, agreement)
    holding = (n for n, needed in _NEEDED.items() if likeness[n] * reached >= needed * best)
    name = next(holding, "monoclinic")
    group, laue_group = lower[name], _GROUPS[name][0][1]
    for higher, symbol in _GROUPS[name][1:]:
        found = best_group(higher, axes, shown, seen)
        if found and found.weakest >= _HIGHER * group.weakest:
            group, laue_group = found, symbol
    return Symmetry(name, laue_group, group.frame, group.rotations, likeness, agreement)


def likeness_reached(agreement: float) -> float:
    """Return how a sphere would correlate with a second one of as many patterns.

    Parameters
    ----------
    agreement
        Correlation of its halves, r.

    Notes
    -----
    2r / (1 + r) (Spearman 1910, Brown 1910); its root, with what would be seen without noise.
    """
    agreement = max(agreement, 0.1)
    return 2 * agreement / (1 + agreement)


def _shown(one: Sphere, other: Sphere) -> tuple[np.ndarray, np.ndarray, float]:
    """Return what two halves show together, where, and how well they agree."""
    one, other = one.blurred(_BLUR), other.blurred(_BLUR)
    whole = one + other
    least = _SEEN * float(whole.weight.mean())
    both = (one.weight > least / 2) & (other.weight > least / 2)
    means = [half.total[both] / half.weight[both] for half in (one, other)]
    agreement = float(np.corrcoef(means)[0, 1])
    seen = whole.weight > least
    shown = np.where(seen, whole.total / np.maximum(whole.weight, least), 0).astype(np.float32)
    return shown, seen, agreement
