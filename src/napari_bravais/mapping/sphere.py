"""The sphere of directions, on which patterns of one crystal in many orientations belong together.

A master pattern without a crystal structure: what all patterns show of one, each where it belongs.
Opposite directions are taken for one (Friedel's law), so a hemisphere is kept.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numba as nb
import numpy as np
from scipy.ndimage import gaussian_filter

from napari_bravais.lambert import between_pixels, lambert_directions, square_lambert


@dataclass(frozen=True)
class Sphere:
    """What patterns showed, as a square Lambert projection of the northern hemisphere.

    Attributes
    ----------
    total
        Sums of what patterns showed in each pixel, shape (n, n).
    weight
        How many of their pixels showed it, shape (n, n).
    """

    total: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(
        cls, images: np.ndarray, directions: np.ndarray, rotations: np.ndarray, size: int
    ) -> "Sphere":
        """Lay patterns on a sphere.

        Parameters
        ----------
        images
            Their pixels, shape (n, pixels), float32.
        directions
            Unit vectors to these in the frame of the detector, shape (pixels, 3), float32.
        rotations
            From that frame to the sphere's, shape (n, 3, 3).
        size
            Side of the projection.
        """
        total, weight = np.zeros((2, size, size), np.float32)
        for image, rotation in zip(images, rotations.astype(np.float32), strict=True):
            _lay(total, weight, rotation, directions, image)
        return cls(total, weight)

    def __add__(self, other: "Sphere") -> "Sphere":
        """Return what both showed together."""
        return Sphere(self.total + other.total, self.weight + other.weight)

    def blurred(self, pixels: float) -> "Sphere":
        """Return it with every pixel spread, by a Gaussian of that standard deviation."""
        return Sphere(gaussian_filter(self.total, pixels), gaussian_filter(self.weight, pixels))

    def mean(self, noise: float) -> np.ndarray:
        """Return what is likeliest in each pixel, shape (n, n): nearer to 0 where little showed it.

        Parameters
        ----------
        noise
            Variance of the noise of a pattern's pixel over that of what it shows.
        """
        return (self.total / (self.weight + noise)).astype(np.float32)


def detector_directions(size: int, pattern_centre: np.ndarray) -> np.ndarray:
    """Return unit vectors to the pixels of a square detector.

    Parameters
    ----------
    size
        Its side in pixels.
    pattern_centre
        (PCx, PCy, PCz), Bruker's convention.

    Returns
    -------
    numpy.ndarray
        Shape (size * size, 3), float32: x to the right, y up, z towards the detector.
    """
    x, y, z = pattern_centre
    places = (np.arange(size) + 0.5) / size
    right, up = np.meshgrid(places - x, y - places)
    vectors = np.stack([right, up, np.full_like(right, z)], axis=-1).reshape(-1, 3)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def side_by_side(directions: np.ndarray) -> np.ndarray:
    """Return directions, shape (m, 3), as loops read them fastest: shape (3, m), contiguous."""
    return np.ascontiguousarray(directions.T)


@nb.njit(fastmath=True, cache=True, error_model="numpy")
def place_of(r, direction, size):
    """Return the place (row, column) of a rotated direction, or of the opposite one."""
    u, v, w = direction[0], direction[1], direction[2]
    x = r[0, 0] * u + r[0, 1] * v + r[0, 2] * w
    y = r[1, 0] * u + r[1, 1] * v + r[1, 2] * w
    z = r[2, 0] * u + r[2, 1] * v + r[2, 2] * w
    north = math.copysign(np.float32(1), z)
    return square_lambert(x * north, y * north, z, size)


def values_at(values: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return the values of a square Lambert projection in some directions, between its pixels.

    Parameters
    ----------
    values
        Shape (n, n), float32.
    directions
        Unit vectors, shape (m, 3); opposite ones are the same.

    Returns
    -------
    numpy.ndarray
        Shape (m,).
    """
    out = np.empty(len(directions), np.float32)
    _values_at(values, np.eye(3, dtype=np.float32), directions.astype(np.float32), out)
    return out


def blurred(sphere: np.ndarray, degrees: float) -> np.ndarray:
    """Return a square Lambert projection, shape (n, n), blurred as much in all directions.

    Parameters
    ----------
    sphere
        Shape (n, n).
    degrees
        Standard deviation of the Gaussian.
    """
    blur = _blur(len(sphere), degrees)
    return (blur @ sphere.ravel()).reshape(sphere.shape)


@lru_cache
def _blur(size: int, degrees: float):
    """Return what blurs a sphere of that size, a sparse matrix, shape (size², size²)."""
    from scipy.sparse import csr_matrix
    from scipy.spatial import cKDTree

    places = lambert_directions(size).reshape(-1, 3)
    near = cKDTree(np.concatenate([places, -places])).query_ball_point(
        places, 3 * np.radians(degrees)
    )
    rows = np.repeat(np.arange(len(places)), [len(own) for own in near])
    columns = np.concatenate(near).astype(int) % len(places)
    cosine = np.abs((places[rows] * places[columns]).sum(axis=1)).clip(0, 1)
    weight = np.exp(-0.5 * (np.arccos(cosine) / np.radians(degrees)) ** 2)
    blur = csr_matrix((weight, (rows, columns)), shape=(len(places),) * 2)
    total = np.asarray(blur.sum(axis=1))
    return csr_matrix(blur.multiply(1 / total)).astype(np.float32)


@nb.njit(fastmath=True, cache=True)
def _values_at(values, unturned, directions, out):
    for i in range(directions.shape[0]):
        row, column = place_of(unturned, directions[i], len(values))
        out[i] = between_pixels(values, row, column)


@nb.njit(fastmath=True, cache=True)
def _lay(total, weight, rotation, directions, image):
    n = total.shape[0]
    for i in range(directions.shape[0]):
        row, column = place_of(rotation, directions[i], n)
        r0, c0 = min(int(row), n - 2), min(int(column), n - 2)
        for down in range(2):
            for right in range(2):
                share = (1 - abs(row - r0 - down)) * (1 - abs(column - c0 - right))
                total[r0 + down, c0 + right] += share * image[i]
                weight[r0 + down, c0 + right] += share


def super_fibonacci(n: int) -> np.ndarray:
    """Return rotation matrices spread evenly over all rotations, shape (n, 3, 3), float32.

    Alexa (2022), Super-Fibonacci spirals, CVPR, 8291-8300.
    """
    from scipy.spatial.transform import Rotation

    s = np.arange(n) + 0.5
    alpha = 2 * np.pi * s / math.sqrt(2)
    beta = 2 * np.pi * s / 1.533751168755204288118041
    near, far = np.sqrt(s / n), np.sqrt(1 - s / n)
    quaternions = np.stack(
        [near * np.sin(alpha), near * np.cos(alpha), far * np.sin(beta), far * np.cos(beta)], axis=1
    )
    return Rotation.from_quat(quaternions).as_matrix().astype(np.float32)
