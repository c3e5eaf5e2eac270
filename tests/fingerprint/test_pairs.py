"""The compiled search for pairs says what plain NumPy and SciPy say."""

import numpy as np
from scipy.spatial import cKDTree

from napari_bravais.fingerprint.pairs import (
    gather,
    histogram,
    mean_on_points,
    nearby,
    vectors_between,
)

WIDTH, HALF = 0.25, 6


def cloud(number: int) -> np.ndarray:
    return np.random.default_rng(number).uniform(-1.3, 1.3, (number, 3))


def test_vectors_are_those_within_reach():
    points = cloud(700)
    found = vectors_between(points[:40], points, 0.4, 1.1)
    every = points - points[:40, None]
    lengths = np.linalg.norm(every, axis=-1)
    expected = every[(lengths > 0.4) & (lengths <= 1.1)]
    np.testing.assert_array_equal(found, expected)
    # more than there is room for at first
    assert len(vectors_between(points, np.concatenate([points] * 3), 0, 9)) == 3 * 700 * 699


def test_vectors_are_counted_in_bins_and_given_to_the_nearest_summit():
    vectors = cloud(3000)
    counts = histogram(vectors, WIDTH, HALF)
    edges = [(np.arange(2 * HALF + 2) - HALF - 0.5) * WIDTH] * 3
    np.testing.assert_array_equal(counts, np.histogramdd(vectors, edges)[0])
    summits = np.argwhere(counts > 5)
    sums, numbers = gather(vectors, summits, WIDTH, HALF, 0.3)
    distances, nearest = cKDTree((summits - HALF) * WIDTH).query(vectors)
    near = distances < 0.3
    assert 0 < near.sum() < len(vectors)
    np.testing.assert_array_equal(numbers, np.bincount(nearest[near], minlength=len(summits)))
    for axis in range(3):
        expected = np.bincount(nearest[near], vectors[near, axis], len(summits))
        np.testing.assert_allclose(sums[:, axis], expected, atol=1e-9)


def test_lattices_are_looked_up_by_the_nearest_pile():
    piles = cloud(60)
    counts = np.arange(60) + 1
    near = nearby(piles, counts, WIDTH, HALF, 0.4)
    middles = (np.argwhere(np.ones((13, 13, 13))) - HALF) * WIDTH
    distances, nearest = cKDTree(piles).query(middles)
    expected = np.where(distances < 0.4, counts[nearest], 0)
    np.testing.assert_array_equal(near.ravel(), expected)
    steps = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [2, 0, 0]])
    cells = np.array([np.diag([0.5, 0.75, 1.0]), np.diag([9.0, 9.0, 9.0])])
    points = np.array([[0.5, 0, 0], [0, 0.75, 0], [0, 0, 1], [0.5, 0.75, 0], [1, 0, 0]])
    read = [near[tuple(np.rint(point / WIDTH).astype(int) + HALF)] for point in points]
    means = mean_on_points(cells, steps, near, WIDTH, 1.2)
    np.testing.assert_allclose(means, [np.mean(read), 0])
