"""From a structure to its fingerprint: standard orientation, about 250 atoms, unit bond length."""

from typing import TYPE_CHECKING

import numpy as np

from napari_bravais.fingerprint.average import AverageStructure, average_structure
from napari_bravais.fingerprint.diffraction import diffraction_fingerprint
from napari_bravais.fingerprint.periodic import images_in_box, nearest_neighbours

if TYPE_CHECKING:
    from ase import Atoms

#: Atoms that a cluster should have.
TARGET = 250


def fingerprint(
    atoms: "Atoms", centre: np.ndarray | None = None, target: int = TARGET
) -> np.ndarray:
    """Return the diffraction fingerprint of a structure, shape (64, 64, 3), float32 in [0, 1].

    Parameters
    ----------
    atoms
        The structure, as `napari_bravais.fingerprint.files.checked` returns it.
    centre
        Where to look, shape (3,), in angstroms; everywhere by default.
    target
        How many atoms the cluster should have, about.
    """
    return diffraction_fingerprint(*standard_cluster(atoms, centre, target))


def standard_cluster(
    atoms: "Atoms", centre: np.ndarray | None = None, target: int = TARGET
) -> tuple[np.ndarray, np.ndarray]:
    """Return a cluster in standard orientation, scaled to a mean nearest-neighbour distance of 1.

    Parameters
    ----------
    atoms, centre, target
        As for `fingerprint`.

    Returns
    -------
    tuple of numpy.ndarray
        Positions, shape (n, 3): the first axis of the conventional cell along x, the second in
        the plane of x and y; and atomic numbers, shape (n,).

    Notes
    -----
    The cluster is of the atoms as they are; only orientation and scale come from the average
    structure. A cloud without a lattice is taken as it lies.
    """
    average = average_structure(atoms, centre)
    if average is None:
        cell = np.eye(3)
        bond = float(nearest_neighbours(atoms).mean())
    else:
        cell, bond = average.conventional_cell, average.bond_length
    if not atoms.pbc.any() and centre is None and len(atoms) <= 1.5 * target:
        positions, numbers = atoms.positions, atoms.numbers
    else:
        positions, numbers = _cut(atoms, cell, average, centre, target)
    return positions @ _orientation(cell).T / bond, numbers


def _cut(
    atoms: "Atoms",
    cell: np.ndarray,
    average: AverageStructure | None,
    centre: np.ndarray | None,
    target: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a box of conventional cells with about so many atoms out of a structure."""
    volume = abs(np.linalg.det(atoms.cell)) if atoms.pbc.all() else _volume(atoms)
    side = (target * volume / len(atoms)) ** (1 / 3)
    lengths = np.linalg.norm(cell, axis=1)
    # whole cells, unless one alone is larger than the box should be
    repeats = np.where(
        lengths > 1.25 * side, side / lengths, np.maximum(np.rint(side / lengths), 1)
    )
    edges = cell * repeats[:, None]
    if centre is None and atoms.pbc.all():
        corner = _gaps(average, cell) @ cell
    else:
        middle = atoms.positions.mean(axis=0) if centre is None else np.asarray(centre, float)
        corner = middle - edges.sum(axis=0) / 2
        if average is not None:  # faces between layers of atoms, not through them
            off = np.linalg.solve(cell.T, corner) - _gaps(average, cell)
            corner = (np.rint(off) + _gaps(average, cell)) @ cell
    fractions, numbers = images_in_box(atoms, corner, edges)
    return fractions @ edges, numbers


def _volume(atoms: "Atoms") -> float:
    """Return the volume that a cloud of atoms fills, from how many its middle holds."""
    offsets = np.linalg.norm(atoms.positions - atoms.positions.mean(axis=0), axis=1)
    radius = np.median(offsets)
    return 4 / 3 * np.pi * radius**3 * 2


def _gaps(average: AverageStructure, cell: np.ndarray) -> np.ndarray:
    """Return where, along each axis of the conventional cell, the widest gap between atoms is."""
    sites = average.sites @ average.cell
    # a conventional cell holds up to four lattice points, so its atoms are sites of these
    steps = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3), axis=-1).reshape(-1, 3) @ average.cell
    fractions = np.linalg.solve(cell.T, (sites[:, None] + steps).reshape(-1, 3).T).T
    middles = []
    for along in (np.round(fractions, 3) % 1).T:
        levels = np.unique(along)
        gaps = np.diff(np.append(levels, levels[0] + 1))
        middles.append(levels[gaps.argmax()] + gaps.max() / 2)
    return np.array(middles)


def _orientation(cell: np.ndarray) -> np.ndarray:
    """Return the turn, shape (3, 3), that brings a right-handed cell into standard orientation."""
    x = cell[0] / np.linalg.norm(cell[0])
    z = np.cross(cell[0], cell[1])
    z /= np.linalg.norm(z)
    return np.stack([x, np.cross(z, x), z])
