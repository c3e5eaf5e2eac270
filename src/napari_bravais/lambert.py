"""The square Lambert projection of a hemisphere, in which master patterns are kept."""

import math

import numba as nb
import numpy as np


@nb.njit(fastmath=True, cache=True, inline="always")
def _arctan(t):
    """Arc tangent on [-1, 1] as a polynomial: good to 1e-5, at a third of the cost."""
    u = t * t
    tail = 0.19354346 + u * (-0.11643287 + u * (0.05265332 - u * 0.0117212))
    return t * (0.99997726 + u * (-0.33262347 + u * tail))


@nb.njit(fastmath=True, cache=True, inline="always")
def square_lambert(x, y, z, half):
    """Return the pixel (column, row) of a direction in a square Lambert projection.

    Rosca (2010), doi 10.1051/0004-6361/201015278; ``half`` is the pixel of the pole.
    """
    radius = math.sqrt(max(2 * (1 - abs(z)), 0.0)) * half / math.sqrt(math.pi / 2)
    if x == 0 and y == 0:
        return half, half
    near = radius * math.sqrt(math.pi) / 2
    far = radius * 2 / math.sqrt(math.pi)
    if abs(y) <= abs(x):
        return half + math.copysign(near, x), half + math.copysign(far, x) * _arctan(y / x)
    return half + math.copysign(far, y) * _arctan(x / y), half + math.copysign(near, y)


def lambert_directions(size: int) -> np.ndarray:
    """Return the direction of each pixel of the northern hemisphere.

    Parameters
    ----------
    size
        Side of the projection in pixels.

    Returns
    -------
    numpy.ndarray
        Unit vectors, shape (size, size, 3), float32; the inverse of `square_lambert`.
    """
    places = np.linspace(-1, 1, size) * math.sqrt(math.pi / 2)
    x, y = np.meshgrid(places, places)
    wide = np.abs(x) >= np.abs(y)
    far, near = np.where(wide, x, y), np.where(wide, y, x)
    angle = near * np.pi / (4 * np.where(far == 0, 1, far))
    radius = 2 * far / np.pi * np.sqrt(np.pi - far**2)
    along, across = radius * np.cos(angle), radius * np.sin(angle)
    direction = np.stack(
        [np.where(wide, along, across), np.where(wide, across, along), 1 - 2 * far**2 / np.pi], -1
    )
    return direction.astype(np.float32)
