"""The conventional cell of a crystal: cubic ones at once, the others by spglib."""

from itertools import product

import numpy as np

from napari_bravais.fingerprint.symmetry import quiet_spglib

#: Sites up to which a cell is looked at for symmetry; those of a glass have none.
MOST_SITES = 200

#: Sites up to which a cell is tried for being cubic before spglib is asked.
_FEW_SITES = 8

#: One of each pair of opposite lattice vectors, in units of the cell.
_STEPS = np.array([step for step in product(range(-3, 4), repeat=3) if step > (0, 0, 0)])

#: Lattice points of a conventional cell: P, I, F.
_POINTS = (1, 2, 4)

#: Turns by 120 degrees about 111 and by 180 degrees about 001: between them they make the group 23,
#: which is part of every cubic point group and of no other.
_TURNS = np.array([[[0, 1, 0], [0, 0, 1], [1, 0, 0]], [[-1, 0, 0], [0, -1, 0], [0, 0, 1]]])


def conventional_cell(cell: np.ndarray, sites: np.ndarray, tolerance: float) -> np.ndarray:
    """Return the conventional cell of the space group that sites of one kind have.

    Parameters
    ----------
    cell
        Primitive cell, right-handed, vectors as rows, shape (3, 3), in angstroms.
    sites
        Fractional positions, shape (k, 3).
    tolerance
        How far positions may be off, in angstroms.

    Returns
    -------
    numpy.ndarray
        Right-handed, vectors as rows, shape (3, 3), in angstroms, not turned; the cell itself if
        no symmetry is found.
    """
    if len(sites) > MOST_SITES:
        return cell
    cube = cubic_cell(cell, sites, tolerance)
    if cube is not None:
        return cube
    with quiet_spglib() as spglib:
        standard = spglib.standardize_cell(
            (cell, sites, np.ones(len(sites), int)), no_idealize=True, symprec=tolerance
        )
    return cell if standard is None else np.asarray(standard[0])


def cubic_cell(cell: np.ndarray, sites: np.ndarray, tolerance: float) -> np.ndarray | None:
    """Return the conventional cell of a cubic crystal; None if it is not seen to be cubic.

    Parameters are as for `conventional_cell`.

    Notes
    -----
    spglib finds the same, but needs 5 to 13 ms for I and F, more than the rest of a fingerprint.
    """
    cube = _cube(cell, tolerance)
    if cube is None or len(sites) > _FEW_SITES or _fits(np.eye(3), cell, sites, tolerance) > 1:
        return None
    inverse = np.linalg.inv(cell)
    for turn in _TURNS:
        exact = cell @ np.linalg.inv(cube) @ turn @ cube @ inverse
        turned = np.rint(exact)
        if abs(exact - turned).max() > 0.2 or not _is_rigid(turned, cell, tolerance):
            return None
        if not _fits(turned, cell, sites, tolerance):
            return None
    return cube


def _cube(cell: np.ndarray, tolerance: float) -> np.ndarray | None:
    """Return three lattice vectors of one length at right angles, of which nothing else is known.

    Of all lattice vectors of a cubic lattice only the edges of its cube are as long as these.
    """
    vectors = _STEPS @ cell
    lengths = np.linalg.norm(vectors, axis=1)
    for points in _POINTS:
        side = (points * abs(np.linalg.det(cell))) ** (1 / 3)
        edges = vectors[abs(lengths - side) < 2 * tolerance]
        if len(edges) == 3 and abs(edges @ edges.T - side**2 * np.eye(3)).max() < 0.1 * side**2:
            return edges if np.linalg.det(edges) > 0 else -edges
    return None


def _is_rigid(turned: np.ndarray, cell: np.ndarray, tolerance: float) -> bool:
    """Say, by spglib's rule, whether vectors in units of the cell have its lengths and angles."""
    old, new = cell, turned @ cell
    long, other = np.linalg.norm(old, axis=1), np.linalg.norm(new, axis=1)
    if abs(long - other).max() > tolerance:
        return False
    angles, others = (
        np.arccos(np.clip(v @ v.T / np.outer(n, n), -1, 1)) for v, n in ((old, long), (new, other))
    )
    mean = (long + other) / 2
    return bool((abs(np.sin(angles - others)) * (mean + mean[:, None]) / 2).max() <= tolerance)


def _fits(turned: np.ndarray, cell: np.ndarray, sites: np.ndarray, tolerance: float) -> int:
    """Return how many translations bring turned sites back onto the sites.

    Parameters
    ----------
    turned
        The turned cell's vectors in units of the cell, shape (3, 3).
    cell, sites, tolerance
        As for `conventional_cell`.
    """
    moved = sites @ turned
    shifts = sites - moved[0]
    off = (moved + shifts[:, None])[:, :, None] - sites  # of each shift, moved site and site
    off = np.linalg.norm((off - np.rint(off)) @ cell, axis=-1)
    return int((off.min(axis=2) < tolerance).all(axis=1).sum())
