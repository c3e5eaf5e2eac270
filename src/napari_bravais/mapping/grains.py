"""Grains: neighbouring pixels whose patterns are alike."""

import numba as nb
import numpy as np

from napari_bravais.model.candidates import floored_logs

#: Grain number of pixels that are in none.
NO_GRAIN = -1

#: How many times the noise expected between two regions' means they may differ and be one grain.
_TOLERANCE = 1.8

#: By what share of what patterns show they may differ beside noise: patterns change a little across
#: a grain, as the beam wanders and the crystal bends.
_DRIFT = 0.25

#: What the network's log-probabilities of lattices count beside the patterns, by the noise of both:
#: so little keeps phases apart where noise would join grains (`docs/training-log.md`).
_OF_LATTICES = 0.1

#: Pairs of pixels that are compared at a time.
_BATCH = 100_000

#: Least noise of a pixel's log-probabilities (squared), and of its pattern, in squares of its norm:
#: what differs by less is the same.
_LEAST_NOISE = (1.0, 1e-3)


def log_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """Return logarithms of probabilities, shape (..., classes), each row's mean taken away."""
    logs = floored_logs(probabilities)
    return logs - logs.mean(axis=-1, keepdims=True)


def find_grains(
    components: np.ndarray, probabilities: np.ndarray, classified: np.ndarray
) -> np.ndarray:
    """Group the pixels of a map into grains.

    Parameters
    ----------
    components
        What their patterns show, shape (n, k): of the classified pixels, in reading order
        (`napari_bravais.mapping.likeness.pattern_components`).
    probabilities
        Shape (ny, nx, classes).
    classified
        True where a pixel's pattern could be read, shape (ny, nx); somewhere it must be.

    Returns
    -------
    numpy.ndarray
        Number of each pixel's grain from 0, the largest first, shape (ny, nx), int32; `NO_GRAIN`
        where not classified.

    Notes
    -----
    Regions grow together along the likeliest pairs of neighbours first, for as long as their
    means differ by no more than noise explains (Nock and Nielsen 2004, doi
    10.1109/TPAMI.2004.110). Noise is measured on the map itself: most neighbours are of one grain.
    """
    classified = np.asarray(classified, bool)
    numbers = np.full(classified.shape, NO_GRAIN, np.int32)
    pixels = np.cumsum(classified).reshape(classified.shape) - 1
    pairs = _neighbours(pixels, classified)
    logs = log_probabilities(probabilities[classified])
    power = float((components**2).sum(axis=1).mean())
    by_logs, by_patterns = _squares(logs, pairs), _squares(components, pairs)
    of_logs = max(_noise(by_logs), _LEAST_NOISE[0])
    of_patterns = max(_noise(by_patterns), _LEAST_NOISE[1] * power)
    shown = max(power - of_patterns, 0.1 * power)
    share = _OF_LATTICES * of_patterns / of_logs
    values = np.concatenate([components, share**0.5 * logs], axis=1).astype(np.float32)
    squares = by_patterns + share * by_logs
    noise = max(_noise(squares), of_patterns)
    pairs = pairs[np.argsort(squares, kind="stable")]
    roots = _grow(values, pairs, noise * _TOLERANCE, shown * _DRIFT)
    _, number, size = np.unique(roots, return_inverse=True, return_counts=True)
    rank = np.empty(len(size), np.int32)
    rank[np.argsort(-size, kind="stable")] = np.arange(len(size))
    numbers[classified] = rank[number]
    return numbers


def _squares(values: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Return by how much pairs of pixels differ, squared, shape (pairs,)."""
    squares = np.empty(len(pairs), np.float32)
    for start in range(0, len(pairs), _BATCH):
        first, second = pairs[start : start + _BATCH].T
        squares[start : start + _BATCH] = ((values[first] - values[second]) ** 2).sum(axis=1)
    return squares


def _noise(squares: np.ndarray) -> float:
    """Return the noise of one pixel, squared, by what neighbours differ by."""
    return float(np.median(squares)) / 2 if len(squares) else 0.0


def grain_means(values: np.ndarray, grains: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average over grains.

    Parameters
    ----------
    values
        Shape (ny, nx, k).
    grains
        As `find_grains` returns them, shape (ny, nx).

    Returns
    -------
    tuple of numpy.ndarray
        Means, shape (grains, k), and pixels, shape (grains,).
    """
    inside = grains != NO_GRAIN
    numbers = grains[inside]
    pixels = np.bincount(numbers)
    columns = [np.bincount(numbers, column) for column in values[inside].T]
    return np.stack(columns, axis=1) / pixels[:, None], pixels


def best_pixels(
    grains: np.ndarray, chosen: np.ndarray, quality: np.ndarray, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels of grains that show the best patterns.

    Parameters
    ----------
    grains
        Grain of each pixel, shape (ny, nx).
    chosen
        Numbers of the grains, shape (n,).
    quality
        Quality of each pattern, shape (ny, nx).
    most
        Pixels of each grain, at most.

    Returns
    -------
    tuple of numpy.ndarray
        Flat indices of the pixels, a grain's after another's and the best first; and of each, the
        place of its grain in ``chosen``.
    """
    flat = grains.ravel()
    order = np.lexsort((-quality.ravel(), flat))
    first = np.searchsorted(flat[order], chosen)
    last = np.searchsorted(flat[order], chosen, side="right")
    best = [order[a : min(b, a + most)] for a, b in zip(first, last, strict=True)]
    return np.concatenate(best), np.repeat(np.arange(len(chosen)), [len(b) for b in best])


def _neighbours(pixels: np.ndarray, classified: np.ndarray) -> np.ndarray:
    """Return the pairs of classified pixels that touch, right or below, shape (pairs, 2)."""
    across = classified[:, :-1] & classified[:, 1:]
    down = classified[:-1] & classified[1:]
    return np.concatenate(
        [
            np.stack([pixels[:, :-1][across], pixels[:, 1:][across]], axis=1),
            np.stack([pixels[:-1][down], pixels[1:][down]], axis=1),
        ]
    )


@nb.njit(cache=True)
def _grow(values, pairs, noise, drift):
    """Join regions along pairs of pixels; return the root of each pixel's region."""
    n, k = values.shape
    parent = np.arange(n)
    size = np.ones(n)
    total = values.copy()
    for a, b in pairs:
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        if a == b:
            continue
        square = 0.0
        for j in range(k):
            square += (total[a, j] / size[a] - total[b, j] / size[b]) ** 2
        if square > noise * (1 / size[a] + 1 / size[b]) + drift:
            continue
        if size[a] < size[b]:
            a, b = b, a
        parent[b] = a
        size[a] += size[b]
        for j in range(k):
            total[a, j] += total[b, j]
    for a in range(n):
        root = a
        while parent[root] != root:
            root = parent[root]
        parent[a] = root
    return parent
