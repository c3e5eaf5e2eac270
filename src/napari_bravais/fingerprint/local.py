"""Which crystal where: fingerprints of a window that slides over a large structure."""

from typing import TYPE_CHECKING

import numpy as np

from napari_bravais.fingerprint.classes import CLASSES
from napari_bravais.fingerprint.classifier import StructureClassifier
from napari_bravais.fingerprint.cluster import fingerprint

if TYPE_CHECKING:
    from ase import Atoms

#: Atoms in the window: fewer than a whole structure's, to see smaller grains.
WINDOW = 150

#: How far round a place atoms are looked at, in cube roots of the volume an atom has.
NEIGHBOURHOOD = 7.0

#: Atoms without which there is nothing to classify.
FEWEST = 50


def local_map(
    classifier: StructureClassifier,
    atoms: "Atoms",
    step: float,
    depth: float = 0.5,
    progress=iter,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the class at each place of a slice through a structure.

    Parameters
    ----------
    classifier
        The network.
    atoms
        The structure, `boxed`: the first two axes of its cell span the slice.
    step
        Distance of places, in angstroms.
    depth
        Where along the third axis the slice is, as a fraction.
    progress
        Wraps the places, for a progress bar.

    Returns
    -------
    tuple of numpy.ndarray
        Probabilities, shape (rows, columns, 7), rows along the second axis and columns along the
        first, all zero where there are hardly any atoms; and the places, shape (rows, columns, 3),
        in angstroms.
    """
    lengths = np.linalg.norm(atoms.cell[:2], axis=1)
    across, along = (
        (np.arange(max(1, round(length / step))) + 0.5) / max(1, round(length / step))
        for length in lengths
    )
    v, u = np.meshgrid(along, across, indexing="ij")
    places = np.stack([u, v, np.full_like(u, depth)], axis=-1) @ atoms.cell.array
    probabilities = np.zeros((u.size, len(CLASSES)), np.float32)
    images = {}
    for index, place in enumerate(progress(places.reshape(-1, 3))):
        near = _neighbourhood(atoms, place)
        if len(near) >= FEWEST:
            images[index] = fingerprint(near, place, WINDOW)
    if images:
        probabilities[list(images)] = classifier.predict(np.stack(list(images.values())))
    return probabilities.reshape(*u.shape, -1), places


def boxed(atoms: "Atoms") -> "Atoms":
    """Return a structure in a cell: a cloud without one, as of an atom probe, gets the least."""
    if atoms.cell.rank == 3:
        return atoms
    atoms = atoms.copy()
    atoms.positions -= atoms.positions.min(axis=0)
    atoms.set_cell(np.diag(np.maximum(np.ptp(atoms.positions, axis=0), 1.0)))
    return atoms


def _neighbourhood(atoms: "Atoms", place: np.ndarray) -> "Atoms":
    """Return the atoms round a place, as a cloud: all that its fingerprint depends on."""
    from ase import Atoms

    from napari_bravais.fingerprint.periodic import images_in_box

    half = NEIGHBOURHOOD * (abs(np.linalg.det(atoms.cell)) / len(atoms)) ** (1 / 3)
    corner, edges = place - half, 2 * half * np.eye(3)
    fractions, numbers = images_in_box(atoms, corner, edges)
    return Atoms(numbers, fractions @ edges + corner)


def bicrystal(kind: str, seed: int = 0) -> "Atoms":
    """Return a structure to try maps on, some 12,000 atoms of iron.

    Parameters
    ----------
    kind
        ``"boundary"``: bcc on the left, fcc, turned by 20 degrees, on the right. ``"inclusion"``:
        a ball of hcp in bcc.
    seed
        Of the thermal displacements, 0.08 angstroms along each axis.

    Raises
    ------
    ValueError
        If there is no such kind.
    """
    from ase import Atoms
    from ase.build import bulk

    if kind not in ("boundary", "inclusion"):
        raise ValueError(f"there is no bicrystal {kind!r}; there are 'boundary' and 'inclusion'")
    size = np.array([74.62, 57.4, 34.44])  # whole cells of bcc iron: 26, 20 and 12
    bcc = _filling(bulk("Fe", "bcc", a=2.87, cubic=True), np.eye(3), size)
    turn = np.array([[np.cos(0.35), -np.sin(0.35), 0], [np.sin(0.35), np.cos(0.35), 0], [0, 0, 1]])
    if kind == "boundary":
        other = _filling(bulk("Fe", "fcc", a=3.6, cubic=True), turn, size)
        here, there = bcc[:, 0] < size[0] / 2, other[:, 0] >= size[0] / 2
    else:
        other = _filling(bulk("Fe", "hcp", a=2.5, c=4.05), turn, size)
        middle, radius = size / 2, 16.0
        here = np.linalg.norm(bcc - middle, axis=1) >= radius
        there = np.linalg.norm(other - middle, axis=1) < radius
    positions = np.concatenate([bcc[here], other[there]])
    atoms = Atoms(f"Fe{len(positions)}", positions, cell=size, pbc=True)
    # of two atoms that meet at the boundary one goes
    from scipy.spatial import cKDTree

    tree = cKDTree(atoms.get_scaled_positions() * size % size, boxsize=size)
    pairs = tree.query_pairs(1.9, output_type="ndarray")
    atoms = atoms[np.setdiff1d(np.arange(len(atoms)), pairs[:, 1])]
    atoms.positions += np.random.default_rng(seed).normal(0, 0.08, atoms.positions.shape)
    atoms.wrap()
    return atoms


def _filling(crystal: "Atoms", turn: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return positions of a crystal, turned, that fill a box."""
    from napari_bravais.fingerprint.periodic import images_in_box

    crystal = crystal.copy()
    crystal.set_cell(crystal.cell.array @ turn.T, scale_atoms=True)
    fractions, _ = images_in_box(crystal, np.full(3, -1e-6), np.diag(size))
    return fractions * size
