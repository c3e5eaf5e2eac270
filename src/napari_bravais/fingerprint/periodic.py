"""Atoms and their periodic images."""

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms


def images_in_box(
    atoms: "Atoms", origin: np.ndarray, edges: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the atoms in a box, periodic images and all.

    Parameters
    ----------
    atoms
        The structure; it is repeated along its periodic directions only.
    origin
        Corner of the box, shape (3,), in angstroms.
    edges
        Its edges as rows, shape (3, 3), in angstroms.

    Returns
    -------
    tuple of numpy.ndarray
        Fractions along the edges, shape (n, 3), in [0, 1), and atomic numbers, shape (n,).
    """
    positions, numbers = atoms.positions, atoms.numbers
    cell = _complete_cell(atoms)
    inverse = np.linalg.inv(cell)
    corners = (origin + np.array(list(product((0, 1), repeat=3))) @ edges) @ inverse
    for axis in np.flatnonzero(atoms.pbc):
        own = positions @ inverse[:, axis]
        low, high = corners[:, axis].min(), corners[:, axis].max()
        shifts = np.arange(np.floor(low - own.max()), np.ceil(high - own.min()) + 1)
        own = own + shifts[:, None]
        near = (own >= low) & (own <= high)
        positions = (positions + shifts[:, None, None] * cell[axis])[near]
        numbers = np.broadcast_to(numbers, near.shape)[near]
    fractions = (positions - origin) @ np.linalg.inv(edges)
    inside = ((fractions >= 0) & (fractions < 1)).all(axis=1)
    return fractions[inside], numbers[inside]


def _complete_cell(atoms: "Atoms") -> np.ndarray:
    """Return the cell with unit vectors in place of those that it lacks, vectors as rows."""
    return np.asarray(atoms.cell.complete())


def images_near(atoms: "Atoms", reach: float) -> np.ndarray:
    """Return the positions of all atoms, then of the periodic images within reach of the cell.

    Parameters
    ----------
    atoms
        The structure, its atoms inside the cell along periodic directions.
    reach
        In angstroms.
    """
    if not atoms.pbc.any():
        return atoms.positions
    cell = _complete_cell(atoms)
    fractions = np.linalg.solve(cell.T, atoms.positions.T).T
    margins = reach * np.linalg.norm(np.linalg.inv(cell), axis=0)
    for axis in np.flatnonzero(atoms.pbc):
        count = int(np.ceil(margins[axis]))
        shifts = np.array(sorted(range(-count, count + 1), key=abs))  # the atoms themselves first
        every = np.repeat(fractions[None], len(shifts), axis=0)
        every[..., axis] += shifts[:, None]
        fractions = every.reshape(-1, 3)
        own = fractions[:, axis]
        fractions = fractions[(own >= -margins[axis]) & (own <= 1 + margins[axis])]
    return fractions @ cell


def nearest_neighbours(atoms: "Atoms") -> np.ndarray:
    """Return the distance of each atom's nearest neighbour, shape (n,), in angstroms.

    The atoms must be inside the cell along periodic directions. A lonely atom's is infinite.
    """
    from scipy.spatial import cKDTree

    if not atoms.pbc.any():
        return cKDTree(atoms.positions).query(atoms.positions, k=2)[0][:, 1]
    cell = _complete_cell(atoms)
    # no atom is further from its own image than this
    furthest = np.linalg.norm(cell[atoms.pbc], axis=1).min() * 1.001
    reach = min(1.3 * (abs(np.linalg.det(cell)) / len(atoms)) ** (1 / 3), furthest)
    while True:
        distances = cKDTree(images_near(atoms, reach)).query(atoms.positions, k=2)[0][:, 1]
        if reach >= furthest or distances.max() <= reach:
            return distances
        reach = min(2 * reach, furthest)
