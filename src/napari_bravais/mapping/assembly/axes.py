"""Rotation axes of a sphere: where it, turned, is most like itself.

The search is crystallography's self-rotation function (Rossmann and Blow 1962, Acta Cryst. 15, 24).
"""

import math

import numba as nb
import numpy as np

from napari_bravais.lambert import between_pixels, lambert_directions
from napari_bravais.mapping.sphere import place_of

#: Directions of a hemisphere where axes are sought, 2.3 degrees apart, and how they are turned.
_AXES = 5000
_TURNS = ((1.5, 40), (0.8, 40), (0.4, 40))

#: Axes of one order that are looked at, and how near to one another they may be, in degrees.
_MOST = 14
_APART = 7.0


def angle_between(one: np.ndarray, other: np.ndarray) -> float:
    """Return the angle between two axes in degrees, at most 90."""
    return math.degrees(math.acos(min(1.0, abs(float(one @ other)))))


def axes_of(shown: np.ndarray, seen: np.ndarray, fold: int) -> list[tuple[np.ndarray, float]]:
    """Find where a sphere, turned about an axis, is most like itself.

    Parameters
    ----------
    shown
        Square Lambert projection, shape (n, n), float32.
    seen
        Which of its pixels were seen, shape (n, n).
    fold
        Order of the axis.

    Returns
    -------
    list of tuple
        Unit vectors, and the correlation of the sphere with itself, the best first.
    """
    rng = np.random.default_rng(0)
    steps = np.arange(_AXES) + 0.5
    height, turn = steps / _AXES, np.pi * (1 + 5**0.5) * steps
    radius = np.sqrt(1 - height**2)
    grid = np.stack([radius * np.cos(turn), radius * np.sin(turn), height], axis=1)
    values = _turned_about(shown, seen, grid, fold)
    left, found = values.copy(), []
    while len(found) < _MOST and left.max() > 0:
        axis, value = grid[left.argmax()], left.max()
        left[np.abs(grid @ axis) > math.cos(math.radians(_APART))] = -1
        for degrees, number in _TURNS:
            near = axis + rng.normal(0, math.radians(degrees), (number, 3))
            near /= np.linalg.norm(near, axis=1, keepdims=True)
            there = _turned_about(shown, seen, near, fold)
            if there.max() > value:
                axis, value = near[there.argmax()], there.max()
        found.append((axis, float(value)))
    return sorted(found, key=lambda peak: -peak[1])


def _turned_about(shown: np.ndarray, seen: np.ndarray, axes: np.ndarray, fold: int) -> np.ndarray:
    """Correlate a sphere with itself turned about each of n axes, shape (n,)."""
    from scipy.spatial.transform import Rotation

    rotations = Rotation.from_rotvec(axes * 2 * np.pi / fold).as_matrix()
    return likeness_turned(shown, seen, rotations)


def likeness_turned(shown: np.ndarray, seen: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Correlate a sphere with itself, turned.

    Parameters
    ----------
    shown
        Square Lambert projection, shape (n, n), float32.
    seen
        Which of its pixels were seen, shape (n, n).
    rotations
        Shape (m, 3, 3).

    Returns
    -------
    numpy.ndarray
        Shape (m,), float32; 0 where too little that was seen falls on what was seen.
    """
    # every other pixel each way is enough to compare
    chosen = seen[::2, ::2]
    directions = lambert_directions(len(shown))[::2, ::2][chosen]
    values = np.empty(len(rotations), np.float32)
    turns = np.ascontiguousarray(rotations, dtype=np.float32)
    _correlate(shown, seen, shown[::2, ::2][chosen], directions, turns, values)
    return values


@nb.njit(fastmath=True, cache=True, parallel=True)
def _correlate(shown, seen, values, directions, rotations, out):
    n = shown.shape[0]
    for k in nb.prange(rotations.shape[0]):
        number, sa, sb, saa, sbb, sab = 0, 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(directions.shape[0]):
            row, column = place_of(rotations[k], directions[i], n)
            r, c = min(int(row), n - 2), min(int(column), n - 2)
            if seen[r, c] and seen[r, c + 1] and seen[r + 1, c] and seen[r + 1, c + 1]:
                a, b = values[i], between_pixels(shown, row, column)
                number += 1
                sa += a
                sb += b
                saa += a * a
                sbb += b * b
                sab += a * b
        # of too few pixels nothing can be said
        if number * 20 < directions.shape[0]:
            out[k] = 0.0
        else:
            spread = (saa - sa * sa / number) * (sbb - sb * sb / number)
            out[k] = (sab - sa * sb / number) / math.sqrt(max(spread, 1e-9))
