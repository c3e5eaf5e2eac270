"""The compiled search for pairs of atoms and for the piles that their vectors make."""

import numba
import numpy as np


@numba.njit(cache=True)
def vectors_between(
    references: np.ndarray, cloud: np.ndarray, least: float, reach: float
) -> np.ndarray:
    """Return the vectors from each reference to all points that are so far from it.

    Parameters
    ----------
    references, cloud
        Positions, shapes (r, 3) and (n, 3).
    least, reach
        Distances between which points count.

    Returns
    -------
    numpy.ndarray
        Shape (m, 3).
    """
    xs, ys, zs = cloud[:, 0].copy(), cloud[:, 1].copy(), cloud[:, 2].copy()
    squares = np.empty(len(cloud))
    found = np.empty((256 * len(references) + 1024, 3))
    number = 0
    for x, y, z in references:
        if number + len(cloud) > len(found):
            longer = np.empty((2 * len(found) + len(cloud), 3))
            longer[:number] = found[:number]
            found = longer
        for point in range(len(cloud)):  # apart, so that these are vector instructions
            a, b, c = xs[point] - x, ys[point] - y, zs[point] - z
            squares[point] = a * a + b * b + c * c
        for point in range(len(cloud)):
            if least * least < squares[point] <= reach * reach:
                found[number, 0] = xs[point] - x
                found[number, 1] = ys[point] - y
                found[number, 2] = zs[point] - z
                number += 1
    return found[:number]


@numba.njit(cache=True)
def histogram(vectors: np.ndarray, width: float, half: int) -> np.ndarray:
    """Return how many vectors are in each cubic bin, shape (2 half + 1,) three times, float32."""
    side = 2 * half + 1
    counts = np.zeros((side, side, side), np.float32)
    for x, y, z in vectors:
        counts[
            int(np.rint(x / width)) + half,
            int(np.rint(y / width)) + half,
            int(np.rint(z / width)) + half,
        ] += 1
    return counts


@numba.njit(cache=True)
def gather(
    vectors: np.ndarray, summits: np.ndarray, width: float, half: int, within: float
) -> tuple[np.ndarray, np.ndarray]:
    """Give each vector to the nearest summit; return the sums and numbers of the vectors of each.

    Parameters
    ----------
    vectors
        Shape (n, 3).
    summits
        Bins of a `histogram`, shape (k, 3).
    width, half
        As of `histogram`.
    within
        Vectors further from every summit are left out; less than 1.5 bins.
    """
    side = 2 * half + 1
    summit_in = np.full((side + 2, side + 2, side + 2), -1)  # with a rim for the neighbours
    for index in range(len(summits)):
        i, j, k = summits[index]
        summit_in[i + 1, j + 1, k + 1] = index
    sums, counts = np.zeros((len(summits), 3)), np.zeros(len(summits), np.int64)
    for x, y, z in vectors:
        i, j, k = int(np.rint(x / width)), int(np.rint(y / width)), int(np.rint(z / width))
        best, nearest = within * within, -1
        for p in range(i - 1, i + 2):
            for q in range(j - 1, j + 2):
                for r in range(k - 1, k + 2):
                    index = summit_in[p + half + 1, q + half + 1, r + half + 1]
                    if index >= 0:
                        a, b, c = p * width - x, q * width - y, r * width - z
                        square = a * a + b * b + c * c
                        if square < best:
                            best, nearest = square, index
        if nearest >= 0:
            counts[nearest] += 1
            sums[nearest, 0] += x
            sums[nearest, 1] += y
            sums[nearest, 2] += z
    return sums, counts


@numba.njit(cache=True)
def nearby(
    piles: np.ndarray, counts: np.ndarray, width: float, half: int, within: float
) -> np.ndarray:
    """Return what the pile next to each bin's middle counts, zero where none is ``within``."""
    side = 2 * half + 1
    near, squares = np.zeros((side, side, side)), np.full((side, side, side), within * within)
    far = int(within / width + 1)
    for index in range(len(piles)):
        x, y, z = piles[index]
        i, j, k = int(np.rint(x / width)), int(np.rint(y / width)), int(np.rint(z / width))
        for p in range(max(i - far, -half), min(i + far, half) + 1):
            for q in range(max(j - far, -half), min(j + far, half) + 1):
                for r in range(max(k - far, -half), min(k + far, half) + 1):
                    a, b, c = p * width - x, q * width - y, r * width - z
                    square = a * a + b * b + c * c
                    if square < squares[p + half, q + half, r + half]:
                        squares[p + half, q + half, r + half] = square
                        near[p + half, q + half, r + half] = counts[index]
    return near


@numba.njit(cache=True)
def mean_on_points(
    cells: np.ndarray, steps: np.ndarray, near: np.ndarray, width: float, reach: float
) -> np.ndarray:
    """Return the mean of ``near`` on the points of each lattice that are within reach.

    Parameters
    ----------
    cells
        Shape (n, 3, 3), vectors as rows.
    steps
        Points in units of these, shape (s, 3).
    near, width
        As of `nearby`; it must cover the reach.
    reach
        From the origin.
    """
    half = len(near) // 2
    means = np.zeros(len(cells))
    for index in range(len(cells)):
        (ax, ay, az), (bx, by, bz), (cx, cy, cz) = cells[index]
        total, number = 0.0, 0
        for u, v, w in steps:
            x, y, z = u * ax + v * bx + w * cx, u * ay + v * by + w * cy, u * az + v * bz + w * cz
            if x * x + y * y + z * z < reach * reach:
                total += near[
                    int(np.rint(x / width)) + half,
                    int(np.rint(y / width)) + half,
                    int(np.rint(z / width)) + half,
                ]
                number += 1
        means[index] = total / max(number, 1)
    return means
