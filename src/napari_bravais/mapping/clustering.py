"""How many phases, and which grain is of which: a mixture of equally wide Gaussians."""

import numpy as np

#: Most phases that are looked for.
MOST_PHASES = 8

#: Directions that are told apart: the first ones of the index, in which materials differ most.
DIRECTIONS = 24

#: Least variance of a cluster: single patterns of one material spread by one in each direction,
#: so what is narrower is a few orientations of a phase.
_NARROWEST = 1.0

#: Twice the usual penalty of a cluster: orientations of one phase are no Gaussian cloud, and at
#: the usual one simulated samples of three materials fall into six or seven phases.
_STRICTNESS = 2.0

_STARTS, _ROUNDS = 4, 40


def cluster(points: np.ndarray, weights: np.ndarray, seed: int = 0) -> np.ndarray:
    """Group points into as many clusters as explain them best.

    Parameters
    ----------
    points
        Shape (n, k): means of whitened features, so that single patterns of one material spread
        by one in each direction.
    weights
        How many patterns each point is the mean of, shape (n,).
    seed
        Seed of the starts.

    Returns
    -------
    numpy.ndarray
        Cluster of each point, shape (n,), the largest first.

    Notes
    -----
    Expectation maximisation for a mixture of Gaussians of one common width. The number of clusters
    is the one of the least integrated completed likelihood criterion (Biernacki et al. 2000, doi
    10.1109/34.865189), which does not split one oblong cloud in two as Schwarz's criterion does.
    """
    points = np.asarray(points, float)[:, :DIRECTIONS]
    rng = np.random.default_rng(seed)
    best, least = np.zeros(len(points), int), np.inf
    for count in range(1, min(MOST_PHASES, len(points)) + 1):
        fits = [_fit(points, count, rng) for _ in range(1 if count == 1 else _STARTS)]
        criterion, labels = min(fits, key=lambda fit: fit[0])
        if criterion < least:
            best, least = labels, criterion
    sizes = np.bincount(best, weights)
    rank = np.argsort(np.argsort(-sizes, kind="stable"), kind="stable")
    return rank[best]


def _fit(points: np.ndarray, count: int, rng: np.random.Generator) -> tuple[float, np.ndarray]:
    """Fit a mixture of ``count`` Gaussians; return the criterion and the likeliest labels."""
    n, k = points.shape
    means = _spread_out(points, count, rng)
    shares = np.full(count, 1 / count)
    # means of several patterns spread less than single ones, so the width is found
    variance = 1.0
    for _ in range(_ROUNDS):
        logs = np.log(shares + 1e-12) - 0.5 * (
            _squares(points, means) / variance + k * np.log(2 * np.pi * variance)
        )
        top = logs.max(axis=1, keepdims=True)
        total = top[:, 0] + np.log(np.exp(logs - top).sum(axis=1))
        member = np.exp(logs - total[:, None])
        shares = member.mean(axis=0)
        means = (member.T @ points) / (member.sum(axis=0)[:, None] + 1e-12)
        spread = (member * _squares(points, means)).sum() / (n * k)
        variance = max(spread, _NARROWEST)
    entropy = -(member * np.log(member + 1e-12)).sum()
    free = count * k + count
    penalty = _STRICTNESS * free * np.log(n) + 2 * entropy
    return float(penalty - 2 * total.sum()), member.argmax(axis=1)


def _spread_out(points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Choose points far from one another to start from (Arthur and Vassilvitskii 2007)."""
    chosen = [points[rng.integers(len(points))]]
    for _ in range(count - 1):
        nearest = _squares(points, np.array(chosen)).min(axis=1) + 1e-12
        chosen.append(points[rng.choice(len(points), p=nearest / nearest.sum())])
    return np.array(chosen)


def _squares(points: np.ndarray, means: np.ndarray) -> np.ndarray:
    return ((points[:, None] - means) ** 2).sum(axis=-1)
