"""The orientation in which a known crystal's sphere fits a pattern best.

First everywhere, by turns about the detector's normal: seen from there a pattern is a disc of
rings, and what a crystal shows around each of its directions is one, too, whatever the camera;
rings are correlated over all turns at once by Fourier transforms. Opposite directions look alike
(Friedel's law), so what is around one of them tells what is around both. Then closer and closer,
pixel by pixel.
"""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numba as nb
import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter, map_coordinates

from napari_bravais.lambert import between_pixels
from napari_bravais.mapping.matching.atlas import rotations
from napari_bravais.mapping.sphere import blurred, detector_directions, place_of, side_by_side

#: Degrees between a crystal's directions that are tried along the detector's normal.
_SPACING = 3.0

#: Rings about that normal and how far they reach, in degrees; turns; and the waves kept of these.
_RINGS, _REACH, _TURNS, _WAVES = 24, 72.0, 128, 49

#: Standard deviation in degrees by which spheres and patterns are blurred for that, and pixels of
#: the prepared pattern that are as wide.
_BLUR, _BLUR_PIXELS = 1.4, 1.3

#: Orientations that are looked at more closely.
_STARTS = 64

#: Smaller and smaller turns that are tried then: degrees, how many of each, how many orientations
#: are kept, and whether patterns are still coarse. With 6 kept of the first, not 20, the right
#: orientation was missed four times as often (`docs/training-log.md`).
_STEPS = ((1.5, 12, 20, True), (0.9, 25, 5, False), (0.5, 25, 2, False), (0.25, 25, 1, False))

#: The same from an orientation that is nearly right.
_LAST_STEPS = ((2.0, 25, 2, False), (1.0, 25, 2, False), (0.5, 25, 1, False), (0.2, 25, 1, False))

#: Sides of the images of patterns, coarse and fine.
_COARSE, _FINE = 20, 40

#: Random rotation vectors of unit deviation, of which those turns are made.
_VECTORS = np.random.default_rng(0).normal(size=(25, 3)).astype(np.float32)

# of the same kind as what is summed, or it is summed four times as slowly
_ZERO, _ONE, _TINY = np.float32(0), np.float32(1), np.float32(1e-9)


@dataclass(frozen=True)
class View:
    """Prepared patterns of one camera, ready to be held against spheres.

    Make one with `View.of`.

    Attributes
    ----------
    prepared, pattern_centre
        As they were given.
    images, directions
        The patterns with few pixels and with more, of zero mean and unit norm, 0 where nothing is
        known; and unit vectors to the pixels.
    """

    prepared: np.ndarray
    pattern_centre: np.ndarray
    images: tuple[np.ndarray, np.ndarray]
    directions: tuple[np.ndarray, np.ndarray]

    @cached_property
    def waves(self) -> np.ndarray:
        """Of the rings about the detector's normal, shape (waves, rings, n), complex.

        They are for seeking everywhere: `closer` does without.
        """
        return _waves_of_patterns(self.prepared, self.pattern_centre)

    @classmethod
    def of(cls, prepared: np.ndarray, pattern_centre: np.ndarray) -> "View":
        """See patterns.

        Parameters
        ----------
        prepared
            Prepared patterns, shape (n, 80, 80); 0 where nothing is known.
        pattern_centre
            Of all of them, (PCx, PCy, PCz), Bruker's convention, of the square that was prepared.
        """
        return cls(
            prepared,
            pattern_centre,
            tuple(_image(prepared, side) for side in (_COARSE, _FINE)),
            tuple(detector_directions(side, pattern_centre) for side in (_COARSE, _FINE)),
        )


@dataclass(frozen=True)
class Target:
    """A crystal's sphere, ready to be sought in patterns.

    Make one with `Target.of`.

    Attributes
    ----------
    spheres
        Blurred and as it is, shape (n, n) each.
    frames
        Rotations that bring the detector's normal to the directions tried, shape (2 d, 3, 3): to d
        directions, and to those opposite to them.
    waves
        Of the rings about the first d, shape (waves, d, rings), complex.
    """

    spheres: tuple[np.ndarray, np.ndarray]
    frames: np.ndarray
    waves: np.ndarray

    @classmethod
    def of(cls, sphere: np.ndarray, symmetry: np.ndarray) -> "Target":
        """Make a target.

        Parameters
        ----------
        sphere
            Shape (n, n), as `napari_bravais.mapping.matching.atlas.Atlas.sphere` returns it.
        symmetry
            Which of `rotations` leave it as it is, shape (40,): directions that are equal by them
            are tried once.
        """
        smooth = blurred(sphere, _BLUR)
        frames, places = _frames_and_places(np.asarray(symmetry, bool).tobytes(), len(sphere))
        rings = smooth.ravel()[places]
        waves = fft.rfft(rings.reshape(-1, _RINGS, _TURNS), axis=-1, workers=2)[..., :_WAVES]
        return cls((smooth, sphere), frames, np.ascontiguousarray(waves.transpose(2, 0, 1)))


def best_orientations(
    view: View, which: np.ndarray, target: Target
) -> tuple[np.ndarray, np.ndarray]:
    """Seek the orientation of a crystal that fits each of some patterns best.

    Parameters
    ----------
    view
        Patterns.
    which
        Which of them, shape (n,).
    target
        The crystal's sphere.

    Returns
    -------
    tuple of numpy.ndarray
        The correlation of each pattern with what the sphere shows there, shape (n,), and the
        orientations, detector to crystal, shape (n, 3, 3).
    """
    images = tuple(image[which] for image in view.images)
    starts = _starts(view, which, target)
    return _turned_in(target.spheres, images, view.directions, starts, _STEPS)


def closer(
    view: View, which: np.ndarray, target: Target, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Do as `best_orientations`, but seek near some orientations alone, shape (n, k, 3, 3)."""
    images = tuple(image[which] for image in view.images)
    return _turned_in(target.spheres, images, view.directions, starts, _LAST_STEPS)


def closer_everywhere(
    sphere: np.ndarray, values: np.ndarray, directions: np.ndarray, starts: np.ndarray
) -> float:
    """Return the correlation of two spheres as they lie on each other best.

    Parameters
    ----------
    sphere
        Shape (n, n).
    values
        What the other one shows in some directions, shape (m,), float32; 0 where nothing is known.
    directions
        Unit vectors, shape (m, 3), float32.
    starts
        Rotations from these directions to the sphere near which to seek, shape (k, 3, 3).
    """
    seen = values != 0
    image = np.where(seen, values - values[seen].mean(), 0).astype(np.float32)
    image = (image / np.linalg.norm(image))[None]
    correlations, _ = _turned_in(
        (sphere, sphere), (image, image), (directions, directions), starts[None], _LAST_STEPS
    )
    return float(correlations[0])


def _turned_in(
    spheres: tuple[np.ndarray, np.ndarray],
    images: tuple[np.ndarray, np.ndarray],
    directions: tuple[np.ndarray, np.ndarray],
    starts: np.ndarray,
    steps: tuple,
) -> tuple[np.ndarray, np.ndarray]:
    """Turn orientations in, by smaller and smaller turns."""
    correlations = np.empty(len(starts), np.float32)
    found = np.empty((len(starts), 3, 3), np.float32)
    _refine(
        *spheres,
        starts.astype(np.float32),
        *images,
        *(side_by_side(own) for own in directions),
        tuple(np.radians(degrees) * _VECTORS[:number] for degrees, number, *_ in steps),
        np.array([step[2] for step in steps]),
        np.array([step[3] for step in steps]),
        correlations,
        found,
    )
    return correlations, found


def _starts(view: View, which: np.ndarray, target: Target) -> np.ndarray:
    """Return the likeliest orientations by the rings, shape (n, _STARTS, 3, 3)."""
    own = view.waves[:, :, which]
    # a ring about the opposite direction is the same, mirrored: waves a are (-1)^m a*
    signs = np.where(np.arange(_WAVES) % 2, -1, 1).astype(np.float32)[:, None, None]
    products = np.matmul(target.waves, np.concatenate([own.conj(), signs * own], axis=-1))
    likeness = fft.irfft(products, n=_TURNS, axis=0, workers=2)  # turns, directions, 2 n
    turn = likeness.argmax(axis=0)
    most = np.take_along_axis(likeness, turn[None], axis=0)[0]
    most = np.concatenate(np.split(most, 2, axis=1))  # 2 directions, n
    turn = np.concatenate([turn[:, : len(which)], -turn[:, len(which) :]])
    kept = min(_STARTS, len(most))
    best = np.argpartition(-most, kept - 1, axis=0)[:kept].T  # n, kept
    angle = np.take_along_axis(turn.T, best, axis=1) * 2 * np.pi / _TURNS
    about = np.zeros((*best.shape, 3, 3), np.float32)
    about[..., 0, 0] = about[..., 1, 1] = np.cos(angle)
    about[..., 1, 0] = np.sin(angle)
    about[..., 0, 1] = -about[..., 1, 0]
    about[..., 2, 2] = 1
    return target.frames[best] @ about


@nb.njit(fastmath=True, cache=True, error_model="numpy")
def _correlation(sphere, rotation, directions, image):
    total = squares = product = count = _ZERO
    for i in range(directions.shape[1]):
        to = directions[0, i], directions[1, i], directions[2, i]
        row, column = place_of(rotation, to, len(sphere))
        seen = _ONE if image[i] != 0 else _ZERO
        value = between_pixels(sphere, row, column) * seen
        total += value
        squares += value * value
        product += value * image[i]
        count += seen
    variance = squares - total * total / max(count, _ONE)
    return product / math.sqrt(max(variance, _TINY))


@nb.njit(fastmath=True, cache=True)
def _turned(rotation, vector, out):
    """Turn a rotation by a rotation vector (Rodrigues)."""
    angle = math.sqrt(vector[0] ** 2 + vector[1] ** 2 + vector[2] ** 2)
    x, y, z = vector[0] / angle, vector[1] / angle, vector[2] / angle
    sine, rest, cosine = math.sin(angle), 1 - math.cos(angle), math.cos(angle)
    for j in range(3):
        a, b, c = rotation[0, j], rotation[1, j], rotation[2, j]
        along = rest * (x * a + y * b + z * c)
        out[0, j] = cosine * a + sine * (y * c - z * b) + along * x
        out[1, j] = cosine * b + sine * (z * a - x * c) + along * y
        out[2, j] = cosine * c + sine * (x * b - y * a) + along * z


@nb.njit(fastmath=True, cache=True)
def _closer(sphere, near, directions, image, vectors, kept):
    """Try orientations, shape (k, 3, 3), and turns of each; return the best and their scores."""
    k, t = near.shape[0], vectors.shape[0]
    tried = np.empty((k * (t + 1), 3, 3), np.float32)
    scores = np.empty(k * (t + 1), np.float32)
    for a in range(k):
        first = a * (t + 1)
        tried[first] = near[a]
        for b in range(t):
            _turned(near[a], vectors[b], tried[first + 1 + b])
    for a in range(len(tried)):
        scores[a] = _correlation(sphere, tried[a], directions, image)
    order = np.argsort(-scores)[:kept]
    return tried[order], scores[order]


@nb.njit(fastmath=True, cache=True, parallel=True)
def _refine(
    blurred, sphere, starts, coarse, fine, coarse_to, fine_to, vectors, kept, is_coarse, out, found
):
    for a in nb.prange(starts.shape[0]):
        near = starts[a]
        scores = np.zeros(1, np.float32)
        for step in range(len(kept)):
            if is_coarse[step]:
                near, scores = _closer(
                    blurred, near, coarse_to, coarse[a], vectors[step], kept[step]
                )
            else:
                near, scores = _closer(sphere, near, fine_to, fine[a], vectors[step], kept[step])
        out[a] = scores[0]
        found[a] = near[0]


@nb.njit(fastmath=True, cache=True, parallel=True)
def _place(size, frames, directions, out):
    for k in nb.prange(frames.shape[0]):
        for i in range(directions.shape[1]):
            to = directions[0, i], directions[1, i], directions[2, i]
            row, column = place_of(frames[k], to, size)
            out[k, i] = int(row + 0.5) * size + int(column + 0.5)


@lru_cache(2)  # materials come in order of their lattices
def _frames_and_places(symmetry: bytes, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what is the same for all crystals of one symmetry, in order of the directions tried.

    Rotations that bring the detector's normal there and to the opposite directions, shape
    (2 d, 3, 3), and which pixels of a sphere lie on the rings around the first, shape
    (d, rings * turns).
    """
    frames = _frames(_directions(np.frombuffer(symmetry, bool)))
    places = np.empty((len(frames), _RINGS * _TURNS), np.int32)
    _place(size, frames, side_by_side(_ring_directions()), places)
    return np.concatenate([frames, frames * np.array([1, -1, -1], np.float32)]), places


def _image(prepared: np.ndarray, side: int) -> np.ndarray:
    """Return patterns with fewer pixels, of zero mean and unit norm, shape (n, side²)."""
    n, size = prepared.shape[:2]
    shape = (n, side, size // side, side, size // side)
    seen = (prepared != 0).reshape(shape).mean(axis=(2, 4)).reshape(n, -1) > 0.5
    bins = prepared.reshape(shape).mean(axis=(2, 4)).reshape(n, -1)
    count = np.maximum(seen.sum(axis=1, keepdims=True), 1)
    bins = (bins - (bins * seen).sum(axis=1, keepdims=True) / count) * seen
    norm = np.linalg.norm(bins, axis=1, keepdims=True)
    return (bins / np.maximum(norm, 1e-9)).astype(np.float32)


def _ring_angles() -> tuple[np.ndarray, np.ndarray]:
    """Return the angle of each ring with the normal, and the turns, in radians."""
    rings = np.radians((np.arange(_RINGS) + 0.5) * _REACH / _RINGS)
    return rings, np.arange(_TURNS) * 2 * np.pi / _TURNS


def _ring_directions() -> np.ndarray:
    """Return unit vectors along the rings, shape (rings * turns, 3), float32."""
    ring, turn = np.meshgrid(*_ring_angles(), indexing="ij")
    vectors = (np.sin(ring) * np.cos(turn), np.sin(ring) * np.sin(turn), np.cos(ring))
    return np.stack(vectors, axis=-1).reshape(-1, 3).astype(np.float32)


def _waves_of_patterns(prepared: np.ndarray, pattern_centre: np.ndarray) -> np.ndarray:
    size = prepared.shape[-1]
    x, y, z = _ring_directions().T
    row = size * (pattern_centre[1] - y / z * pattern_centre[2]) - 0.5
    column = size * (pattern_centre[0] + x / z * pattern_centre[2]) - 0.5
    inside = (np.minimum(row, column) >= 0) & (np.maximum(row, column) <= size - 1)
    # a ring's pixels are as many as its share of the sphere
    share = inside * np.repeat(np.sin(_ring_angles()[0]), _TURNS)
    seen = gaussian_filter((prepared != 0).astype(np.float32), (0, _BLUR_PIXELS, _BLUR_PIXELS))
    smooth = gaussian_filter(prepared, (0, _BLUR_PIXELS, _BLUR_PIXELS)) / np.maximum(seen, 0.5)
    smooth[seen < 0.5] = 0
    rings = [map_coordinates(image, (row, column), order=1, mode="nearest") for image in smooth]
    rings = (np.array(rings) * share).reshape(-1, _RINGS, _TURNS)
    waves = fft.rfft(rings.astype(np.float32), axis=-1)[..., :_WAVES]
    return np.ascontiguousarray(waves.transpose(2, 1, 0))


def _directions(symmetry: np.ndarray) -> np.ndarray:
    """Return directions that neither symmetry nor Friedel's law makes equal, shape (d, 3)."""
    n = round(4 * np.pi / np.radians(_SPACING) ** 2)
    z = 1 - (2 * np.arange(n) + 1) / n
    turn = np.arange(n) * np.pi * (3 - np.sqrt(5))  # a Fibonacci lattice
    ring = np.sqrt(1 - z**2)
    points = np.stack([ring * np.cos(turn), ring * np.sin(turn), z], axis=1)
    toward = np.array([0.35, 0.2, 0.92])  # no axis of any group
    # of equal directions the one nearest to it
    nearest = np.max([np.abs(points @ (r.T @ toward)) for r in rotations()[symmetry]], axis=0)
    return points[points @ toward >= nearest - 1e-6]


def _frames(directions: np.ndarray) -> np.ndarray:
    """Return a rotation that brings z to each direction, shape (d, 3, 3), float32."""
    from scipy.spatial.transform import Rotation

    polar = np.arccos(directions[:, 2].clip(-1, 1))
    turn = np.arctan2(directions[:, 1], directions[:, 0])
    frames = Rotation.from_euler("ZY", np.stack([turn, polar], axis=1))
    return frames.as_matrix().astype(np.float32)
