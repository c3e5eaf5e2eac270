"""The bands of a sphere: how bright it is along a plane's great circle, and beside it."""

import numba as nb
import numpy as np

from napari_bravais.lambert import between_pixels
from napari_bravais.mapping.sphere import place_of

#: Angles from a plane, in degrees, at which it is looked at: from the middle of a band to beyond
#: its edges, wherever these are.
ANGLES = (0.0, 0.8, 1.6, 2.4, 3.4, 4.6, 6.2)

#: Directions around half a circle; the other half looks alike.
_AROUND = np.radians(np.arange(0, 180, 3))


def band_profiles(sphere: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Return the mean brightness of a sphere at some angles from planes, on both sides of each.

    Parameters
    ----------
    sphere
        Square Lambert projection, shape (n, n), float32; opposite directions look alike.
    normals
        Unit vectors of the planes' normals, shape (planes, 3).

    Returns
    -------
    numpy.ndarray
        Shape (planes, angles), float32; the angles are `ANGLES`.
    """
    out = np.empty((len(normals), len(ANGLES)), np.float32)
    angles = np.radians(ANGLES)
    circle = np.stack([np.cos(_AROUND), np.sin(_AROUND)], axis=1)
    beside = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    _profiles(sphere, normals, circle, beside, np.eye(3), out)
    return out


@nb.njit(fastmath=True, cache=True, parallel=True)
def _profiles(sphere, normals, circle, beside, unturned, out):
    for i in nb.prange(normals.shape[0]):
        x, y, z = normals[i]
        # two directions in the plane, at right angles
        if abs(z) < 0.8:
            a, b, c = -y, x, 0.0
        else:
            a, b, c = 0.0, -z, y
        length = (a * a + b * b + c * c) ** 0.5
        a, b, c = a / length, b / length, c / length
        u, v, w = y * c - z * b, z * a - x * c, x * b - y * a
        for k in range(beside.shape[0]):
            cosine, total = beside[k, 0], 0.0
            for m in range(2 * circle.shape[0]):
                p, q = cosine * circle[m // 2, 0], cosine * circle[m // 2, 1]
                s = beside[k, 1] * (1 if m % 2 else -1)
                direction = (p * a + q * u + s * x, p * b + q * v + s * y, p * c + q * w + s * z)
                row, column = place_of(unturned, direction, len(sphere))
                total += between_pixels(sphere, row, column)
            out[i, k] = total / (2 * circle.shape[0])
