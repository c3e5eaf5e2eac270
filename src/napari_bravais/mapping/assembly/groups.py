"""How well groups of rotations hold for a sphere, and in which frame.

The axes that were found one by one say where a group's frame may be; all rotations of the group
together then say whether it holds, those too whose axes were not found by themselves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product

import numpy as np

from napari_bravais.mapping.assembly.axes import angle_between, likeness_turned

#: How far the angle between two axes may be off, in degrees.
_OFF = 4.0

#: Axes of each order from which frames are made.
_USED = {2: 12, 3: 12, 4: 8, 6: 5}

#: Frames that are turned a little to fit better: how many; degrees; how many turns of each.
_CLOSER = 3
_TURNS = (1.2, 0.6, 0.3)
_TRIES = 15


@dataclass(frozen=True)
class Group:
    """A group of rotations in its best frame.

    Attributes
    ----------
    frame
        Rows x, y, z, shape (3, 3): z along the main axis, x along another one if there is any; for
        a cubic group along its cube's edges.
    rotations
        Its rotations, of the sphere's frame, shape (n, 3, 3).
    classes
        Order and mean likeness of each class of its rotations that belong together.
    """

    frame: np.ndarray
    rotations: np.ndarray
    classes: tuple[tuple[int, float], ...]

    @property
    def weakest(self) -> float:
        """The least likeness of its classes."""
        return min(value for _, value in self.classes)


def best_group(
    name: str, axes: dict[int, list], shown: np.ndarray, seen: np.ndarray
) -> Group | None:
    """Find the frame in which a group holds best.

    Parameters
    ----------
    name
        What scipy calls the group: C2, D4, T and so on.
    axes
        Axes of order 2, 3, 4 and 6 that were found: unit vectors and likeness, the best first.
    shown, seen
        The sphere, as for `likeness_turned`.

    Returns
    -------
    Group, or None
        None where there are no axes that it could have.
    """
    from scipy.spatial.transform import Rotation

    found = {fold: [axis for axis, _ in own[: _USED[fold]]] for fold, own in axes.items()}
    frames = [*_frames(name, found)]
    if not frames:
        return None
    rng = np.random.default_rng(0)
    group = _rotations(name)[1:]

    def merit(frame: np.ndarray) -> float:
        return _mean(likeness_turned(shown, seen, frame.T @ group @ frame))

    best = sorted(((merit(frame), k) for k, frame in enumerate(frames)), reverse=True)[:_CLOSER]
    closest = []
    for value, k in best:
        frame = frames[k]
        for degrees in _TURNS:
            turns = Rotation.from_rotvec(rng.normal(0, np.radians(degrees), (_TRIES, 3)))
            for turn in turns.as_matrix():
                turned = frame @ turn
                if (better := merit(turned)) > value:
                    value, frame = better, turned
        closest.append((value, frame))
    _, frame = max(closest, key=lambda pair: pair[0])
    return _in_frame(name, frame, shown, seen)


def _in_frame(name: str, frame: np.ndarray, shown: np.ndarray, seen: np.ndarray) -> Group:
    rotations = frame.T @ _rotations(name) @ frame
    values = likeness_turned(shown, seen, rotations)
    classes = tuple((fold, _mean(values[list(own)])) for fold, own in _classes(name))
    return Group(frame, rotations, classes)


def _mean(values: np.ndarray) -> float:
    """Return the mean of what could be compared."""
    compared = values[values != 0]
    return float(compared.mean()) if compared.size else 0.0


@cache
def _rotations(name: str) -> np.ndarray:
    """Return the rotations of a group in its own frame, none first."""
    from scipy.spatial.transform import Rotation

    group = Rotation.create_group(name)
    return group[np.argsort(group.magnitude(), kind="stable")].as_matrix()


@cache
def _classes(name: str) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Return rotations that the group, or inversion of time, takes into each other, and orders."""
    from scipy.spatial.transform import Rotation

    group = _rotations(name)
    left, classes = set(range(1, len(group))), []
    while left:
        one = group[min(left)]
        alike = [turn @ one @ turn.T for turn in group]
        alike += [turned.T for turned in alike]
        own = tuple(i for i in sorted(left) if any(np.allclose(group[i], turn) for turn in alike))
        fold = round(2 * np.pi / Rotation.from_matrix(one).magnitude())
        classes.append((fold, own))
        left -= set(own)
    return tuple(classes)


def _frames(name: str, found: dict[int, list[np.ndarray]]) -> Iterator[np.ndarray]:
    """Yield frames that a group could have, by the axes that were found."""
    if name in ("T", "O"):
        yield from _cubic_frames(found)
    elif name[0] == "C":
        for main in found[int(name[1])][:4]:
            yield _right_angled(main, np.eye(3)[np.abs(main).argmin()])
    else:
        # of order two, three axes at right angles are found by any two of them
        mains = found[int(name[1])][: None if name == "D2" else 3]
        for main, other in product(mains, found[2]):
            if abs(angle_between(main, other) - 90) < _OFF:
                yield _right_angled(main, other)


def _cubic_frames(found: dict[int, list[np.ndarray]]) -> Iterator[np.ndarray]:
    """Yield frames that two axes make, taken for two of a cube's."""
    edge, second, body, other = np.array([[0, 0, 1], [1, 0, 0], [1, 1, 1], [1, 1, -1]], float)
    body, other = body / np.linalg.norm(body), other / np.linalg.norm(other)
    pairs = (
        (combinations(found[3], 2), body, other),
        (product(found[2], found[3]), edge, body),
        (product(found[4], found[3]), edge, body),
        (combinations(found[4], 2), edge, second),
    )
    for axes, first, last in pairs:
        for one, two in axes:
            for sign in (1, -1):
                if abs(one @ two * sign - first @ last) < np.radians(_OFF):
                    # the frame in which the two axes are those of the cube
                    true = _right_angled(first, last)
                    yield true.T @ _right_angled(one, sign * two)


def _right_angled(main: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return rows x, y, z: z along the main axis, x as near to the other as may be."""
    z = main / np.linalg.norm(main)
    x = other - (other @ z) * z
    x /= np.linalg.norm(x)
    return np.array([x, np.cross(z, x), z])
