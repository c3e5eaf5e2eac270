"""Order: the bands that it adds to those of the lattice that is ordered, seen by themselves.

Cu3Au is copper's lattice with every fourth atom another: all of its bands, and faint ones in
between. As a whole its pattern fits copper as well as it fits its own kind within what theory gets
wrong of either. So what the same crystal shows with its atoms mixed at random is taken out of the
pattern first, and only what is left is held against the bands that order adds.
"""

from dataclasses import dataclass

import numba as nb
import numpy as np

from napari_bravais.lambert import between_pixels
from napari_bravais.mapping.sphere import detector_directions, place_of

#: By how much cameras (shares of the detector's side) and orientations (radians) are off.
_NEAR = 0.01


@dataclass(frozen=True)
class Order:
    """What an ordered crystal would show with its atoms mixed, and what order adds to that.

    Make one with `Order.between`, or have an atlas's with
    `napari_bravais.mapping.matching.atlas.Atlas.order`.

    Attributes
    ----------
    mixed
        On a sphere, a square Lambert projection of zero mean and unit deviation, shape (n, n),
        float32.
    added
        The bands that order adds, of zero mean, shape (n, n), float32; their deviation is the share
        that they have of the ordered crystal's.
    elements
        What elements of the mixed crystal's lattice show in its axes, each of shape (n, n): their
        bands may be wider or stronger, and what is left of them would be taken for order.
    """

    mixed: np.ndarray
    added: np.ndarray
    elements: tuple[np.ndarray, ...] = ()

    @classmethod
    def between(cls, ordered: np.ndarray, mixed: np.ndarray) -> "Order":
        """Return what order adds: what the mixed crystal's sphere cannot explain of the ordered's.

        Parameters
        ----------
        ordered, mixed
            Spheres, shape (n, n), of any mean and deviation.
        """
        ordered, mixed = ((s - s.mean()) / s.std() for s in (ordered, mixed))
        return cls(*np.array([mixed, ordered - (ordered * mixed).mean() * mixed], np.float32))

    def likeness(self, spheres: tuple[np.ndarray, ...]) -> float:
        """Return the greatest correlation of the mixed crystal's sphere with any of some others."""
        return max((float((one * self.mixed).mean()) for one in spheres), default=-1.0)

    def seen(
        self, prepared: np.ndarray, pattern_centre: np.ndarray, rotations: np.ndarray
    ) -> np.ndarray:
        """Tell how much likelier patterns are with the bands that order adds than without.

        What the mixed crystal and the elements show is taken out of both, with what a camera or an
        orientation that is a bit another and a blurred image would add to it.

        Parameters
        ----------
        prepared
            Prepared patterns, shape (n, size, size); 0 where nothing is known.
        pattern_centre
            Of all of them, (PCx, PCy, PCz), Bruker's convention, of the square that was prepared.
        rotations
            Detector to crystal, in which the crystal fits best, shape (n, 3, 3).

        Returns
        -------
        numpy.ndarray
            Log-likelihoods of order against none, for white Gaussian noise of unknown variance,
            shape (n,).
        """
        size = prepared.shape[-1]
        straight, near = detector_directions(size, pattern_centre), _nearby(size, pattern_centre)
        # the mixed crystal, the elements, what is near it, its blur, a constant; order, the pattern
        out = np.array([self.mixed, *self.elements])
        columns = len(out) + len(near) // 2 + 4
        products = np.zeros((len(prepared), columns, columns))
        _products(
            *(out, self.added, rotations.astype(np.float32), straight, near),
            *(prepared.reshape(len(prepared), -1), products),
        )
        inner, across, constant = products[:, :-2, :-2], products[:, :-2, -2:], columns - 3
        # the least bit more than they are, so that a pattern of few pixels can be explained, too
        explained = np.linalg.solve(inner + 1e-6 * np.eye(columns - 2), across)
        left = products[:, -2:, -2:] - np.einsum("nbk,nbl->nkl", across, explained)
        pixels = products[:, constant, constant]
        variance = left[:, 1, 1] / np.maximum(1, pixels - columns + 2)
        # as strong as the mixed crystal's own bands are in this pattern
        offset = products[:, constant, 0] / pixels
        common = products[:, 0, 0] - offset * products[:, constant, 0]
        strength = (products[:, 0, -1] - offset * products[:, constant, -1]) / common
        return (strength * left[:, 0, 1] - 0.5 * strength**2 * left[:, 0, 0]) / variance


def _nearby(size: int, pattern_centre: np.ndarray) -> np.ndarray:
    """Return directions to a detector's pixels, by orientations and cameras off both ways.

    Shape (12, size * size, 3); after and before by turns.
    """
    straight = detector_directions(size, pattern_centre)
    found = []
    for axis in np.eye(3):
        for step in (_NEAR, -_NEAR):
            turned = straight + step * np.cross(axis, straight)
            found.append(turned / np.linalg.norm(turned, axis=1, keepdims=True))
    for axis in np.eye(3):
        for step in (_NEAR, -_NEAR):
            found.append(detector_directions(size, pattern_centre + step * axis))
    return np.array(found, np.float32)


@nb.njit(cache=True)
def _value(sphere, rotation, direction):
    row, column = place_of(rotation, direction, len(sphere))
    return between_pixels(sphere, row, column)


@nb.njit(cache=True, parallel=True)
def _products(out, added, rotations, directions, near, images, products):
    """Sum the products of all that is told of a pattern's pixels."""
    count, steps, columns = out.shape[0], near.shape[0] // 2, products.shape[1]
    for k in nb.prange(images.shape[0]):
        values = np.ones(columns)
        for i in range(directions.shape[0]):
            if images[k, i] != 0:
                for s in range(count):
                    values[s] = _value(out[s], rotations[k], directions[i])
                blurred = -4 * values[0]
                for s in range(steps):
                    after = _value(out[0], rotations[k], near[2 * s, i])
                    before = _value(out[0], rotations[k], near[2 * s + 1, i])
                    values[count + s] = after - before
                    if s < 2:  # turned about the detector's own two axes
                        blurred += after + before
                values[count + steps] = blurred
                values[columns - 2] = _value(added, rotations[k], directions[i])
                values[columns - 1] = images[k, i]
                for a in range(columns):
                    for b in range(a + 1):
                        products[k, a, b] += values[a] * values[b]
        for a in range(columns):
            for b in range(a):
                products[k, b, a] = products[k, a, b]
