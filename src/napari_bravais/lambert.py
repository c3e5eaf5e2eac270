"""The square Lambert projection of a hemisphere, in which master patterns are kept."""

import math

import numba as nb
import numpy as np

# Compiled without a branch and in the precision of what they are given, so that loops over pixels
# that call these work on eight or sixteen at a time: four times as fast.
_TINY, _ZERO, _HALF, _ONE, _TWO = (np.float32(value) for value in (1e-20, 0, 0.5, 1, 2))
_NEAR, _FAR = np.float32(math.sqrt(0.5)), np.float32(math.sqrt(8) / math.pi)
_ARCTAN = tuple(
    np.float32(factor)
    for factor in (0.99997726, -0.33262347, 0.19354346, -0.11643287, 0.05265332, -0.0117212)
)


@nb.njit(fastmath=True, cache=True, error_model="numpy")
def _arctan(t):
    """Arc tangent on [-1, 1] as a polynomial: good to 1e-5, at a third of the cost."""
    u = t * t
    tail = _ARCTAN[2] + u * (_ARCTAN[3] + u * (_ARCTAN[4] + u * _ARCTAN[5]))
    return t * (_ARCTAN[0] + u * (_ARCTAN[1] + u * tail))


@nb.njit(fastmath=True, cache=True, error_model="numpy")
def square_lambert(x, y, z, size):
    """Return the place (row, column) of a direction in a square Lambert projection of that size.

    Rosca (2010), doi 10.1051/0004-6361/201015278; of unit vectors, of either hemisphere.
    """
    half = _HALF * np.float32(size - 1)
    radius = math.sqrt(max(_TWO * (_ONE - abs(z)), _ZERO)) * half
    a, b = abs(x), abs(y)
    near = radius * _NEAR
    far = radius * _FAR * _arctan(min(a, b) / max(a, b, _TINY))
    wide = b <= a
    row, column = (far, near) if wide else (near, far)
    return half + math.copysign(row, y), half + math.copysign(column, x)


@nb.njit(fastmath=True, cache=True, error_model="numpy")
def between_pixels(values, row, column):
    """Return the value of a picture, shape (n, n), between its pixels, linearly interpolated."""
    # unsigned, or each is looked at whether it counts from the end
    r = np.uint32(min(np.int32(row), np.int32(values.shape[0] - 2)))
    c = np.uint32(min(np.int32(column), np.int32(values.shape[1] - 2)))
    next_r, next_c = r + np.uint32(1), c + np.uint32(1)
    down, right = row - np.float32(r), column - np.float32(c)
    left, up = _ONE - right, _ONE - down
    upper = values[r, c] * left + values[r, next_c] * right
    lower = values[next_r, c] * left + values[next_r, next_c] * right
    return upper * up + lower * down


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
