"""Order: the bands that it adds to those of the lattice that is ordered, seen by themselves.

Cu3Au is copper's lattice with every fourth atom another: all of copper's bands, and faint ones in
between. As a whole its pattern fits copper as well as it fits its own kind within what theory gets
wrong of either. So what elements of that lattice show is taken out of the pattern first, as far as
they can explain it together, and only what is left is held against the bands that order adds.
"""

from dataclasses import dataclass

import numba as nb
import numpy as np

from napari_bravais.mapping.assembly.sphere import detector_directions, place_of
from napari_bravais.mapping.matching.atlas import Atlas
from napari_bravais.model.candidates import Material

#: Space groups of the elements whose lattices are ordered: face-centred and body-centred cubic.
_PARENTS = (225, 229)

#: The first of the cubic space groups: of these all axes are the same.
_CUBIC = 195

#: Least likeness (correlation) of an ordered form's sphere with that of an element.
_ALIKE = 0.95

#: Least share of its deviation that all elements together must leave unexplained: fainter bands
#: than these are not known well enough, and what theory gets wrong would be taken for them.
_FAINTEST = 0.08


@dataclass(frozen=True)
class Family:
    """Elements of one lattice, and ordered forms of it.

    Make those of an atlas with `families_of`.

    Attributes
    ----------
    elements, ordered
        Which materials of the index, shapes (e,) and (o,).
    spheres
        Of the elements and then of the ordered forms, shape (e + o, n, n), float32.
    """

    elements: np.ndarray
    ordered: np.ndarray
    spheres: np.ndarray

    def order(
        self, prepared: np.ndarray, pattern_centre: np.ndarray, rotations: np.ndarray
    ) -> np.ndarray:
        """Tell how much likelier patterns are with the bands that order adds than without.

        Parameters
        ----------
        prepared
            Prepared patterns, shape (n, size, size); 0 where nothing is known.
        pattern_centre
            Of all of them, (PCx, PCy, PCz), Bruker's convention, of the square that was prepared.
        rotations
            Detector to crystal, in which an element fits best, shape (n, 3, 3).

        Returns
        -------
        numpy.ndarray
            Log-likelihoods of each ordered form against no order, for white Gaussian noise of
            unknown variance, shape (n, o).
        """
        count, shown = len(self.elements), len(self.spheres)
        products = np.zeros((len(prepared), shown + 2, shown + 2))
        _products(
            self.spheres,
            rotations.astype(np.float32),
            detector_directions(prepared.shape[-1], pattern_centre),
            prepared.reshape(len(prepared), -1),
            products,
        )
        # the elements and a constant, which are taken out; the ordered forms; the pattern
        basis, bands, image = [*range(count), shown], slice(count, shown), shown + 1
        inner = products[:, basis][:, :, basis]
        pattern = products[:, basis, image, None]
        across = np.concatenate([products[:, basis, bands], pattern], axis=2)
        # the least bit more than they are, so that a pattern of few pixels can be explained, too
        explained = np.linalg.solve(inner + 1e-6 * np.eye(count + 1), across)
        taken = np.einsum("nbk,nbl->nkl", across, explained)
        squares = np.diagonal(products[:, bands, bands] - taken[:, :-1, :-1], axis1=1, axis2=2)
        product = products[:, bands, image] - taken[:, :-1, -1]
        pixels = products[:, shown, shown]
        left = products[:, image, image] - taken[:, -1, -1]
        variance = (left / np.maximum(1, pixels - count - 1))[:, None]
        # as strong as the lattice's own bands, the elements' mean, are in this pattern
        mean = np.zeros(shown + 2)
        mean[:count] = 1 / count
        offset = products[:, shown] @ mean
        common = np.einsum("a,nab,b->n", mean, products, mean) - offset**2 / pixels
        strength = products[:, image] @ mean - offset * products[:, image, shown] / pixels
        strength = (strength / common)[:, None]
        return (strength * product - 0.5 * strength**2 * squares) / variance


@nb.njit(cache=True, parallel=True)
def _products(spheres, rotations, directions, images, out):
    """Sum the products of what spheres show, 1 and the image over a pattern's pixels."""
    n, count = spheres.shape[1], spheres.shape[0]
    for k in nb.prange(images.shape[0]):
        values = np.ones(count + 2)
        for i in range(directions.shape[0]):
            if images[k, i] != 0:
                row, column = place_of(rotations[k], directions[i], (n - 1) / 2)
                r, c = min(int(row), n - 2), min(int(column), n - 2)
                down, right = row - r, column - c
                for s in range(count):
                    upper = spheres[s, r, c] * (1 - right) + spheres[s, r, c + 1] * right
                    lower = spheres[s, r + 1, c] * (1 - right) + spheres[s, r + 1, c + 1] * right
                    values[s] = upper * (1 - down) + lower * down
                values[count + 1] = images[k, i]
                for a in range(count + 2):
                    for b in range(a + 1):
                        out[k, a, b] += values[a] * values[b]
        for a in range(count + 2):
            for b in range(a):
                out[k, b, a] = out[k, a, b]


def families_of(materials: tuple[Material, ...], atlas: Atlas) -> list[Family]:
    """Return elements of cubic lattices, and what is ordered on these, by the likeness of spheres.

    Parameters
    ----------
    materials
        Those of the index.
    atlas
        Their spheres.
    """
    cubic = [i for i, material in enumerate(materials) if material.space_group >= _CUBIC]
    spheres = {i: _normalised(atlas.sphere(atlas.places[materials[i].key])) for i in cubic}
    found = []
    for group in _PARENTS:
        elements = [
            i
            for i in cubic
            if materials[i].space_group == group and len(materials[i].elements) == 1
        ]
        lattices = {materials[i].lattice for i in elements}
        ordered = [
            i
            for i in cubic
            if materials[i].lattice not in lattices
            and max((spheres[i] * spheres[e]).mean() for e in elements) > _ALIKE
        ]
        ordered = [
            i for i in ordered if _left(spheres[i], [spheres[e] for e in elements]) > _FAINTEST
        ]
        if elements and ordered:
            own = [spheres[i] for i in (*elements, *ordered)]
            found.append(Family(np.array(elements), np.array(ordered), np.array(own)))
    return found


def _left(sphere: np.ndarray, elements: list[np.ndarray]) -> float:
    """Return the deviation of what of a sphere the elements' cannot explain together."""
    basis = np.array([element.ravel() for element in elements], float).T
    gram = basis.T @ basis
    shares = np.linalg.solve(gram, basis.T @ sphere.ravel())
    return float(np.std(sphere.ravel() - basis @ shares))


def _normalised(sphere: np.ndarray) -> np.ndarray:
    return ((sphere - sphere.mean()) / sphere.std()).astype(np.float32)
