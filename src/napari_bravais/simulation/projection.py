"""Detector patterns from master patterns, by gnomonic projection."""

import math

import numba as nb
import numpy as np

from napari_bravais.lambert import between_pixels, square_lambert


def random_rotations(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw rotations uniformly.

    Parameters
    ----------
    rng
        Source of randomness.
    n
        How many.

    Returns
    -------
    numpy.ndarray
        Rotation matrices, shape (n, 3, 3), float32, detector to crystal frame.

    Notes
    -----
    Normalised Gaussian quaternions are uniform on the rotation group (Shoemake 1992).
    """
    q = rng.normal(size=(n, 4))
    a, b, c, d = (q / np.linalg.norm(q, axis=1, keepdims=True)).T
    rows = [
        1 - 2 * (c * c + d * d),
        2 * (b * c - a * d),
        2 * (b * d + a * c),
        2 * (b * c + a * d),
        1 - 2 * (b * b + d * d),
        2 * (c * d - a * b),
        2 * (b * d - a * c),
        2 * (c * d + a * b),
        1 - 2 * (b * b + c * c),
    ]
    return np.stack(rows, axis=1).reshape(n, 3, 3).astype(np.float32)


@nb.njit(fastmath=True, cache=True, nogil=True)
def project(masters, index, rotations, centres, out):
    """Project master patterns onto a detector.

    Parameters
    ----------
    masters : numpy.ndarray
        Square Lambert master patterns, northern and southern hemisphere, shape (m, 2, n, n).
    index : numpy.ndarray
        Which master pattern each pattern comes from, shape (b,).
    rotations : numpy.ndarray
        Detector to crystal frame, shape (b, 3, 3).
    centres : numpy.ndarray
        Pattern centres (PCx, PCy, PCz) in Bruker's convention: fractions of the detector's width
        from the left, of its height from the top, and its height, shape (b, 3).
    out : numpy.ndarray
        Receives the patterns, shape (b, h, w).
    """
    height, width = out.shape[1], out.shape[2]
    for b in range(index.shape[0]):
        master = masters[index[b]]
        r = rotations[b]
        for i in range(height):
            v = centres[b, 1] - (i + 0.5) / height
            for j in range(width):
                u = ((j + 0.5) / width - centres[b, 0]) * width / height
                w = centres[b, 2]
                length = 1 / math.sqrt(u * u + v * v + w * w)
                x = (r[0, 0] * u + r[0, 1] * v + r[0, 2] * w) * length
                y = (r[1, 0] * u + r[1, 1] * v + r[1, 2] * w) * length
                z = (r[2, 0] * u + r[2, 1] * v + r[2, 2] * w) * length
                row, column = square_lambert(x, y, z, masters.shape[2])
                out[b, i, j] = between_pixels(master[0 if z >= 0 else 1], row, column)
