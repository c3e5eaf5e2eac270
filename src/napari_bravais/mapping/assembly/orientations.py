"""Patterns of one crystal, in orientations that nobody knows, assembled to one sphere.

No material is assumed, nor any symmetry: two patterns that look at neighbouring directions show
the same bands, and so find their place next to each other. Electron cryo-microscopy
reconstructs molecules so from their projections (Penczek et al. 1994, Ultramicroscopy 53, 251).
"""

from collections.abc import Callable

import numba as nb
import numpy as np

from napari_bravais.mapping.sphere import (
    Sphere,
    detector_directions,
    place_of,
    side_by_side,
    super_fibonacci,
)

#: Side of the sphere's projection while patterns seek their places: 1.4 degrees a pixel.
_SIZE = 91

#: Orientations that are tried first, some 5 degrees apart.
_ORIENTATIONS = 120_000

#: Of these, how many are looked at more closely.
_KEPT = 60

#: Then by smaller and smaller turns: degrees, how many of each, how many are kept, and whether
#: patterns are still coarse.
_TURNS = ((2.0, 20, 10, True), (1.0, 30, 3, False), (0.6, 30, 1, False))
_LAST_TURNS = ((1.0, 40, 4, False), (0.5, 40, 1, False))

#: Sides of the images of patterns, coarse and fine.
_COARSE, _FINE = 20, 40

#: Blur of the sphere in pixels, for coarse images and fine ones.
_COARSE_BLUR, _FINE_BLUR = 1.0, 0.6

#: Variance of noise over that of what patterns show.
_NOISE = 0.5

#: Patterns that are tried as the first one, how many of these grow, and how far.
_FIRST = 16
_GROWN = 3
_GROWN_TO = 14

#: Growth of the number of patterns from step to step, first and later.
_GROWTH, _LATER_GROWTH = 1.35, 1.5

# of the same kind as what is summed, or it is summed more slowly
_ZERO, _HALF = np.float32(0), np.float32(0.5)


@nb.njit(fastmath=True, cache=True, parallel=True)
def _places(rotations, directions, out):
    for k in nb.prange(rotations.shape[0]):
        for i in range(directions.shape[1]):
            to = directions[0, i], directions[1, i], directions[2, i]
            row, column = place_of(rotations[k], to, _SIZE)
            out[k, i] = int(row + 0.5) * _SIZE + int(column + 0.5)


@nb.njit(cache=True, parallel=True)
def _look_up(shown, table, out):
    """Do as ``shown[table]``, which would make an intp of every index first."""
    for k in nb.prange(table.shape[0]):
        for i in range(table.shape[1]):
            out[k, i] = shown[table[k, i]]


@nb.njit(fastmath=True, cache=True, error_model="numpy")
def _likelihood(shown, rotation, directions, image):
    """Compare an image, shape (p,), with what it would show in an orientation."""
    total = _ZERO
    for i in range(directions.shape[1]):
        to = directions[0, i], directions[1, i], directions[2, i]
        row, column = place_of(rotation, to, _SIZE)
        expected = shown[np.uint32(row + _HALF), np.uint32(column + _HALF)]
        total += expected * (image[i] - _HALF * expected)
    return total


@nb.njit(cache=True, parallel=True)
def _likelihoods(shown, rotations, directions, images, out):
    """Compare images, shape (n, p), with what they would show in each of k orientations."""
    for a in nb.prange(rotations.shape[0]):
        for k in range(rotations.shape[1]):
            out[a, k] = _likelihood(shown, rotations[a, k], directions, images[a])


class Assembly:
    """Patterns, and the search for their orientations.

    Parameters
    ----------
    prepared
        Prepared patterns, shape (n, 80, 80), of one crystal.
    pattern_centre
        Of all of them, (PCx, PCy, PCz), Bruker's convention, of the square that was prepared.
    seed
        Seed of all that is drawn.

    Attributes
    ----------
    rotations
        Orientation of each pattern, detector to sphere, shape (n, 3, 3).
    scores
        How much likelier each pattern is there than without what the others show: differences of
        log-likelihoods up to a common factor, shape (n,).
    """

    def __init__(self, prepared: np.ndarray, pattern_centre: np.ndarray, seed: int = 0):
        self._rng = np.random.default_rng(seed)
        self._prepared, self._pattern_centre = prepared, pattern_centre
        self._coarse, self._fine = (binned(prepared, side) for side in (_COARSE, _FINE))
        self._coarse_directions, self._fine_directions = (
            detector_directions(side, pattern_centre) for side in (_COARSE, _FINE)
        )
        self._orientations = super_fibonacci(_ORIENTATIONS)
        self._table = np.empty((_ORIENTATIONS, _COARSE**2), np.int16)
        _places(self._orientations, side_by_side(self._coarse_directions), self._table)
        n = len(prepared)
        self.rotations = np.tile(np.eye(3, dtype=np.float32), (n, 1, 1))
        self.scores = np.zeros(n)
        self._pulse: Callable[[], None] = lambda: None

    def run(self, progress: Callable[[int, int], None] = lambda done, of: None) -> None:
        """Find the orientations.

        From each of some patterns the others are sought; the three with the surest neighbours grow
        to spheres of some patterns, and the best of these takes in all. Whether a pattern belongs
        where it is, is judged without itself.

        Parameters
        ----------
        progress
            Called several times a second with the steps done, and how many there are. What it
            raises ends the search.
        """
        n = len(self._prepared)
        first = self._rng.permutation(n)[:_FIRST]
        steps = len(first) + 2 * min(_GROWN, len(first)) + 2

        def step(done: int) -> None:
            self._pulse = lambda: progress(done, steps)
            self._pulse()

        begun = []
        for done, pattern in enumerate(first):
            step(done)
            begun.append(self._around(pattern))
        begun.sort(key=lambda found: -np.sort(found[1])[-4:-1].sum())
        grown = []
        for k, (rotations, scores) in enumerate(begun[:_GROWN]):
            step(len(first) + 2 * k)
            grown.append(self._grow(rotations, scores))
        step(steps - 2)
        rotations, scores = max(grown, key=lambda found: np.sort(found[1])[-_GROWN_TO:].sum())
        taken = min(_GROWN_TO, n)
        while taken < n:
            taken = min(int(taken * _LATER_GROWTH) + 1, n)
            rotations, scores = self._seek(rotations, np.argsort(-scores)[:taken], 4)
        step(steps - 1)
        self.rotations, self.scores = self._settle(rotations)

    def sphere(self, size: int, share: float = 0.8) -> tuple[Sphere, Sphere]:
        """Return the sphere in two halves, each from every other one of the surest patterns.

        Parameters
        ----------
        size
            Side of the projection in pixels.
        share
            Of the patterns, those that are likeliest where they are.
        """
        side = self._prepared.shape[1]
        images = binned(self._prepared, side)
        directions = detector_directions(side, self._pattern_centre)
        sure = np.argsort(-self.scores)[: int(np.ceil(share * len(images)))]
        one, other = (
            Sphere.of(images[half], directions, self.rotations[half], size)
            for half in (sure[::2], sure[1::2])
        )
        return one, other

    def _around(self, pattern: int) -> tuple[np.ndarray, np.ndarray]:
        """Seek all patterns around one."""
        rotations = np.tile(np.eye(3, dtype=np.float32), (len(self._prepared), 1, 1))
        return self._seek(rotations, np.array([pattern]), 1)

    def _grow(self, rotations: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take in a few of the likeliest patterns at a time."""
        taken, most = 2, min(_GROWN_TO, len(rotations))
        while True:
            folds = 3 if taken > 4 else 1
            rotations, scores = self._seek(rotations, np.argsort(-scores)[:taken], folds)
            if taken == most:
                return rotations, scores
            taken = min(max(taken + 1, int(taken * _GROWTH)), most)

    def _settle(self, rotations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        everyone = np.arange(len(rotations))
        for turns in (None, None, _LAST_TURNS, _LAST_TURNS):
            rotations, scores = self._seek(rotations, everyone, 4, turns)
        return rotations, scores

    def _seek(
        self, rotations: np.ndarray, members: np.ndarray, folds: int, turns: tuple | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Seek the place of every pattern on the sphere of the members, members' without them.

        With one fold members stay where they are; with ``turns`` others seek only near by.
        """
        found, scores = rotations.copy(), np.full(len(rotations), np.inf)
        parts = np.array_split(self._rng.permutation(members), folds) if folds > 1 else []
        rest = np.setdiff1d(np.arange(len(rotations)), members)
        for part in (*parts, rest):
            if part.size:
                sphere = self._sphere_of(rotations, np.setdiff1d(members, part))
                near = rotations[part][:, None]
                if turns is None:
                    near = np.concatenate([near, self._candidates(sphere, part)], axis=1)
                found[part], scores[part] = self._closer(sphere, part, near, turns or _TURNS)
        return found, scores

    def _sphere_of(self, rotations: np.ndarray, members: np.ndarray) -> Sphere:
        images = self._fine[members]
        return Sphere.of(images, self._fine_directions, rotations[members], _SIZE)

    def _candidates(self, sphere: Sphere, patterns: np.ndarray) -> np.ndarray:
        """Return the likeliest of all orientations, shape (n, _KEPT, 3, 3)."""
        shown = sphere.blurred(_COARSE_BLUR).mean(_NOISE).ravel()
        images = self._coarse[patterns]
        likely = np.empty((len(patterns), _ORIENTATIONS), np.float32)
        for start in range(0, _ORIENTATIONS, 4000):  # what a processor's cache holds
            self._pulse()
            table = self._table[start : start + 4000]
            expected = np.empty(table.shape, np.float32)
            _look_up(shown, table, expected)
            energy = 0.5 * np.einsum("kp,kp->k", expected, expected)
            likely[:, start : start + 4000] = images @ expected.T - energy
        return self._orientations[np.argpartition(-likely, _KEPT, axis=1)[:, :_KEPT]]

    def _closer(
        self, sphere: Sphere, patterns: np.ndarray, near: np.ndarray, turns: tuple
    ) -> tuple[np.ndarray, np.ndarray]:
        """Turn candidates, shape (n, k, 3, 3), a little; return the likeliest and its score."""
        for degrees, number, kept, coarse in turns:
            self._pulse()
            blur = _COARSE_BLUR if coarse else _FINE_BLUR
            shown = sphere.blurred(blur).mean(_NOISE)
            images, directions = (
                (self._coarse[patterns], self._coarse_directions)
                if coarse
                else (self._fine[patterns], self._fine_directions)
            )
            near = self._turned(near, degrees, number)
            scores = np.empty(near.shape[:2], np.float32)
            _likelihoods(shown, near, side_by_side(directions), images, scores)
            best = np.argsort(-scores, axis=1)[:, :kept]
            near = np.take_along_axis(near, best[..., None, None], axis=1)
            scores = np.take_along_axis(scores, best, axis=1)
        return near[:, 0], scores[:, 0]

    def _turned(self, rotations: np.ndarray, degrees: float, number: int) -> np.ndarray:
        """Return rotations, shape (n, k, 3, 3), and that many small turns of each."""
        from scipy.spatial.transform import Rotation

        n, k = rotations.shape[:2]
        vectors = self._rng.normal(0, np.radians(degrees), (n * k * number, 3))
        turns = Rotation.from_rotvec(vectors).as_matrix().reshape(n, k, number, 3, 3)
        turned = (turns @ rotations[:, :, None]).reshape(n, -1, 3, 3)
        return np.concatenate([rotations, turned], axis=1).astype(np.float32)


def binned(prepared: np.ndarray, side: int) -> np.ndarray:
    """Return prepared patterns with fewer pixels, of mean 0 and variance 1, shape (n, side²)."""
    n, size = prepared.shape[:2]
    bins = prepared.reshape(n, side, size // side, side, size // side).mean(axis=(2, 4))
    bins = bins.reshape(n, -1)
    bins = bins - bins.mean(axis=1, keepdims=True)
    return (bins / bins.std(axis=1, keepdims=True)).astype(np.float32)
