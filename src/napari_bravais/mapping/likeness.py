"""How like each other the patterns of a map are: some numbers of each, to be compared."""

from collections.abc import Callable

import numpy as np

from napari_bravais.io.scan import Scan
from napari_bravais.mapping.engine import map_blocks, read_block
from napari_bravais.model.classifier import Classifier

#: Side in pixels to which prepared patterns are reduced.
_SIDE = 20

#: Numbers that are kept of each, and patterns in which these are sought.
_COMPONENTS, _SAMPLE = 100, 3000

#: Patterns whose numbers are made at a time.
_BATCH = 20_000


def pattern_components(
    scan: Scan,
    classifier: Classifier,
    chosen: np.ndarray,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> np.ndarray:
    """Return the principal components of some of a map's patterns.

    Prepared, reduced and of unit norm, patterns differ by most along these: what is left out is
    mostly noise.

    Parameters
    ----------
    scan
        The scan.
    classifier
        What prepares patterns.
    chosen
        True where a pixel's pattern is wanted, shape (ny, nx).
    progress
        Called with the patterns gone through, and how many there are. What it raises ends it.

    Returns
    -------
    numpy.ndarray
        Shape (n, k), float32; pixels in reading order.

    Raises
    ------
    ScanError
        If patterns cannot be read.
    """
    place = np.cumsum(chosen).reshape(chosen.shape) - 1
    reduced = np.empty((int(chosen.sum()), _SIDE**2), np.float16)
    done = 0
    for block in map_blocks(scan):
        progress(done, chosen.size)
        own = chosen[block]
        if own.any():
            background, _ = scan.known_at(*block)
            prepared = classifier.prepare(read_block(scan, block)[own], background)
            reduced[place[block][own]] = _reduced(prepared)
        done += own.size
    some = np.random.default_rng(0).permutation(len(reduced))[:_SAMPLE]
    sample = reduced[np.sort(some)].astype(np.float32)
    _, axes = np.linalg.eigh(sample.T @ sample)
    axes = axes[:, -_COMPONENTS:]
    parts = (reduced[a : a + _BATCH] for a in range(0, len(reduced), _BATCH))
    return np.concatenate([part.astype(np.float32) @ axes for part in parts])


def _reduced(prepared: np.ndarray) -> np.ndarray:
    """Return prepared patterns with fewer pixels, of zero mean and unit norm, (n, _SIDE²)."""
    n, size = prepared.shape[:2]
    bins = prepared.reshape(n, _SIDE, size // _SIDE, _SIDE, size // _SIDE).mean(axis=(2, 4))
    bins = bins.reshape(n, -1)
    bins -= bins.mean(axis=1, keepdims=True)
    return bins / np.maximum(np.linalg.norm(bins, axis=1, keepdims=True), 1e-9)
