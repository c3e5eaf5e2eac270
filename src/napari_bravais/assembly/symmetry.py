"""The symmetry of an assembled sphere, and the lattices that it leaves possible."""

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from napari_bravais.assembly.axes import angle_between, axes_of
from napari_bravais.assembly.sphere import Sphere
from napari_bravais.lattices import PEARSON_SYMBOLS

#: Side of the sphere's projection in pixels, 0.8 degrees each, and its blur, in pixels: finer than
#: bands, so that pixels that a rotation puts between others lose nothing.
SIZE = 161
_BLUR = 1.3

#: Least weight of a pixel that counts as seen.
_SEEN = 1.0

#: How far angles between axes may be off, in degrees.
_OFF = 5.0

#: What the weakest axis of each symmetry needs, of the strongest axis of all, from the highest
#: symmetry to the lowest: found on spheres of trained materials. Turned by thirds or sixths, one
#: that is made of simulated patterns is less like itself: their master patterns are square.
_NEEDED = {
    "cubic": 0.55,
    "hexagonal": 0.65,
    "tetragonal": 0.75,
    "trigonal": 0.7,
    "orthorhombic": 0.85,
    "monoclinic": 1.0,
}

#: What the strongest axis needs, of a perfect one, to be one at all.
_LEAST = 0.5

#: What the two halves of a sphere need to correlate by.
_AGREED = 0.4

#: Of the best threefold axis, what the mean of four needs.
_FOUR_THREEFOLD = 0.75

#: Of the best twofold axis, what another one needs that turns the main axis over; and a fourfold
#: axis of a cubic crystal.
_SECOND = 0.7

#: How often the symmetry is right.
_RIGHT = 0.7

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

#: Laue groups of each symmetry, with and without axes that turn it over, each beside its group of
#: rotations as scipy calls it: main axis along z, another along x.
_LAUE_GROUPS = {
    "cubic": (("m-3m", "O"), ("m-3", "T")),
    "hexagonal": (("6/mmm", "D6"), ("6/m", "C6")),
    "tetragonal": (("4/mmm", "D4"), ("4/m", "C4")),
    "trigonal": (("-3m", "D3"), ("-3", "C3")),
    "orthorhombic": (("mmm", "D2"), ("mmm", "D2")),
    "monoclinic": (("2/m", "C2"), ("2/m", "C2")),
    "triclinic": (("-1", "C1"), ("-1", "C1")),
    "unknown": (("", "C1"), ("", "C1")),
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
        Of each crystal system, how well its weakest axis holds: correlation of the sphere with
        itself, turned, over what noise lets a perfect axis reach.
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

    def weighed(self, probabilities: np.ndarray) -> np.ndarray:
        """Return probabilities of the lattices, shape (14,), that heed it as well.

        Parameters
        ----------
        probabilities
            Those without it, shape (14,).
        """
        if self.name == "unknown":
            return probabilities
        has = np.isin(PEARSON_SYMBOLS, self.lattices)
        weight = np.where(has, _RIGHT / has.sum(), (1 - _RIGHT) / (~has).sum())
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

    Notes
    -----
    Two halves that correlate by r would, together, correlate by 2r / (1 + r) with a second sphere
    of as many patterns (Spearman 1910, Brown 1910).
    """
    from scipy.spatial.transform import Rotation

    axes, agreement = _axes(one, other)
    sets = _sets(axes)
    likeness = {name: value for name, (value, _) in sets.items()}
    best = max(likeness.values())
    holding = (name for name, needed in _NEEDED.items() if likeness[name] >= needed * best)
    name = next(holding) if best > _LEAST else "triclinic"
    name = name if agreement > _AGREED else "unknown"
    frame, is_higher = _frame(name, sets[name][1] if name in sets else [], axes)
    laue_group, rotations = _LAUE_GROUPS[name][0 if is_higher else 1]
    turns = frame.T @ Rotation.create_group(rotations).as_matrix() @ frame
    return Symmetry(name, laue_group, frame, turns, likeness, agreement)


def _axes(one: Sphere, other: Sphere) -> tuple[dict[int, list], float]:
    """Return axes of each order with their likeness, and how well the halves agree."""
    one, other = one.blurred(_BLUR), other.blurred(_BLUR)
    both = (one.weight > _SEEN) & (other.weight > _SEEN)
    means = [half.total[both] / half.weight[both] for half in (one, other)]
    agreement = float(np.corrcoef(means)[0, 1])
    reached = 2 * max(agreement, 0.1) / (1 + max(agreement, 0.1))
    whole = Sphere(one.total + other.total, one.weight + other.weight)
    seen = whole.weight > _SEEN
    shown = np.where(seen, whole.total / np.maximum(whole.weight, _SEEN), 0).astype(np.float32)
    axes = {
        fold: [(axis, value / reached) for axis, value in axes_of(shown, seen, fold)]
        for fold in FOLDS
    }
    return axes, agreement


def _sets(axes: dict[int, list]) -> dict[str, tuple[float, list[np.ndarray]]]:
    """Return the axes that stand for each symmetry, and how well the weakest holds; 0 if none."""
    best = {fold: (own[0][1], [own[0][0]]) if own else (0.0, []) for fold, own in axes.items()}
    along = [v for axis, v in axes[3] if best[6][1] and angle_between(axis, best[6][1][0]) < _OFF]
    value, four = _best_set(axes[3], 4, math.degrees(math.acos(1 / 3)))
    return {
        "cubic": (value, four) if value >= _FOUR_THREEFOLD * best[3][0] else (0.0, []),
        "hexagonal": (min(best[6][0], max(along, default=0.0)), best[6][1]),
        "tetragonal": best[4],
        "trigonal": best[3],
        "orthorhombic": _best_set(axes[2], 3, 90.0),
        "monoclinic": best[2],
    }


def _best_set(axes: list, number: int, apart: float) -> tuple[float, list[np.ndarray]]:
    """Return the least likeness of that many axes at an angle from one another, of the best such.

    Of four threefold axes it is the mean: they are the same one by the others, and each is a
    measure of it.
    """
    best: tuple[float, list[np.ndarray]] = 0.0, []
    for chosen in combinations(axes, number):
        pairs = combinations(chosen, 2)
        if all(abs(angle_between(a, b) - apart) < _OFF for (a, _), (b, _) in pairs):
            values = [value for _, value in chosen]
            value = float(np.mean(values)) if number == 4 else min(values)
            best = max(best, (value, [axis for axis, _ in chosen]), key=lambda found: found[0])
    return best


def _frame(name: str, chosen: list[np.ndarray], axes: dict[int, list]) -> tuple[np.ndarray, bool]:
    """Return the frame of a symmetry, and whether it is the higher of the system's two."""
    if name == "cubic":
        first, *others = chosen
        # <111> less the <111> at an angle of 70.5 degrees is <100>
        rough = [first - np.sign(first @ other) * other for other in others]
        frame = _right_angled(*rough[:2])
        values = [_value_at(axes[fold], frame) for fold in (2, 4)]
        return frame, values[1] >= _SECOND * values[0]
    if not chosen:
        return np.eye(3), False
    main = chosen[0]
    across = [
        (axis, value)
        for axis, value in axes[2]
        if abs(angle_between(axis, main) - 90) < _OFF and value >= _SECOND * axes[2][0][1]
    ]
    other = across[0][0] if across else np.eye(3)[np.abs(main).argmin()]
    return _right_angled(main, other), bool(across)


def _value_at(axes: list, directions: np.ndarray) -> float:
    """Return the mean likeness of the axes along some directions."""
    near = [max([v for a, v in axes if angle_between(a, d) < _OFF], default=0) for d in directions]
    return float(np.mean(near))


def _right_angled(main: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return rows x, y, z: z along the main axis, x as near to the other as may be."""
    z = main / np.linalg.norm(main)
    x = other - (other @ z) * z
    x /= np.linalg.norm(x)
    return np.array([x, np.cross(z, x), z])
