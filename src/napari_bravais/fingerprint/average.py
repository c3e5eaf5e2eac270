"""The average structure behind a real one: its lattice and sites, defects and noise averaged out.

Vacancies and displacements destroy every symmetry operation, but hardly the pair distribution:
the vectors between atoms still pile up at the translations of the lattice. So the lattice is read
from these piles, in any setting of the cell, with no cell, and from a part of a larger structure.
"""

from dataclasses import dataclass
from functools import cache
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np

from napari_bravais.fingerprint.conventional import conventional_cell
from napari_bravais.fingerprint.periodic import images_near, nearest_neighbours

if TYPE_CHECKING:
    from ase import Atoms

#: Lengths in nearest-neighbour distances: reach of the pair vectors, bin of their histogram,
#: distance within which atoms belong to one site.
REACH, BIN, SITE = 3.6, 0.25, 0.35

#: Atoms whose neighbours are looked at, and that are folded back to their sites, at most.
MAX_REFERENCES, MAX_FOLDED = 128, 512

#: Shortest pair vectors of which lattices are tried.
TRIED = 22

#: Atoms this far from their sites, root mean square, are at none: at random it would be 0.27.
BLURRED = 0.22

#: A site counts if it is filled more often than this, compared with the fullest.
FILLED = 0.25

_STEPS = np.array([step for step in product(range(-2, 3), repeat=3) if any(step)])
#: Ways to halve a lattice: these combinations of steps are even on one half, odd on the other.
_PARITIES = np.array(list(product((0, 1), repeat=3)))[1:]


@dataclass(frozen=True)
class AverageStructure:
    """A lattice and the sites that its cell holds.

    Attributes
    ----------
    cell
        Primitive cell, vectors as rows, shape (3, 3), in angstroms.
    sites
        Fractional positions, shape (k, 3).
    tolerance
        How far the positions may be wrong, in angstroms.
    """

    cell: np.ndarray
    sites: np.ndarray
    tolerance: float

    @property
    def bond_length(self) -> float:
        """Mean distance of nearest neighbours, in angstroms."""
        from ase import Atoms

        return nearest_neighbours(
            Atoms(f"H{len(self.sites)}", cell=self.cell, scaled_positions=self.sites, pbc=True)
        ).mean()

    @property
    def conventional_cell(self) -> np.ndarray:
        """The conventional cell of its space group, vectors as rows, shape (3, 3), angstroms."""
        return conventional_cell(self.cell, self.sites, self.tolerance)


def average_structure(atoms: "Atoms", centre: np.ndarray | None = None) -> AverageStructure | None:
    """Return the average structure.

    Parameters
    ----------
    atoms
        The structure, its atoms inside the cell along periodic directions.
    centre
        Where to look, shape (3,), in angstroms; everywhere by default.

    Returns
    -------
    AverageStructure or None
        None where there is no lattice to be found, as in a glass.
    """
    bond = float(np.median(nearest_neighbours(atoms)))
    vectors, positions = _pair_vectors(atoms, bond, centre)
    whole = np.asarray(atoms.cell) if atoms.pbc.all() and centre is None else None
    cell, error = _lattice(vectors / bond, None if whole is None else whole / bond)
    if cell is not None:
        cell, error = cell * bond, error * bond
        if whole is not None:
            cell, error = _fitted(cell, whole, error)
        cell = cell if np.linalg.det(cell) > 0 else -cell
        sites, scatter, spread = _sites(positions, cell, SITE * bond)
        every_second = None
        if len(sites) == 1:
            every_second = _every_second(cell, positions - sites[0] @ cell, 0.02 * bond, whole)
        if every_second is not None:
            cell = every_second
            sites, scatter, spread = _sites(positions, cell, SITE * bond)
        if spread < BLURRED * bond:
            # between four sites: two, and where an operation takes them
            tolerance = min(0.01 + 3 * error + 3 * 2 * scatter, 0.1 * bond)
            return AverageStructure(cell, sites, tolerance)
    if whole is None:
        return None
    cell = whole if np.linalg.det(whole) > 0 else -whole
    return AverageStructure(cell, atoms.positions @ np.linalg.inv(cell) % 1, 0.01)


def _pair_vectors(atoms, bond, centre) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors from some atoms to all in reach, shape (m, 3), and positions of atoms there.

    In a crystal that is periodic all positions are as good, and more of them are returned.
    """
    from napari_bravais.fingerprint.pairs import vectors_between

    cloud = images_near(atoms, REACH * bond)
    inside = cloud[: len(atoms)]
    if centre is None and atoms.pbc.all():
        chosen = np.arange(len(inside))
        if len(inside) > MAX_REFERENCES:  # at random, as every second may be of one site only
            chosen = np.random.default_rng(0).permutation(chosen)[:MAX_FOLDED]
    else:
        # those in the middle have all their neighbours
        middle = inside.mean(axis=0) if centre is None else centre
        near = np.argsort(((inside - middle) ** 2).sum(axis=1))
        chosen = near[: min(MAX_REFERENCES, max(len(near) // 3, 20))]
    references = inside[chosen[:MAX_REFERENCES]]
    return vectors_between(references, cloud, bond / 2, REACH * bond), inside[chosen]


def _lattice(vectors: np.ndarray, whole: np.ndarray | None) -> tuple[np.ndarray | None, float]:
    """Return the lattice on whose points pair vectors pile up, and its error.

    Of all lattices spanned by three short piles, those whose points have the highest mean are
    right; some are only parts of others, so it is the finest of them, and rather one of which a
    whole number fill the periodic cell.
    """
    if len(vectors) < 3:
        return None, 0.0
    piles, counts = _piles(vectors)
    short = piles[(counts > 0.6 * counts.max()) & _upper_half(piles)]
    short = short[np.argsort((short**2).sum(axis=1))][:TRIED]
    if len(short) < 3:
        return None, 0.0
    threes = _threes(len(short))
    cells = short[threes]
    volumes = abs((np.cross(cells[:, 0], cells[:, 1]) * cells[:, 2]).sum(axis=1))
    lengths = np.linalg.norm(short, axis=1)[threes].prod(axis=1)
    wide = volumes > 0.3 * lengths
    cells, volumes = cells[wide], volumes[wide]
    if len(cells) == 0:
        return None, 0.0
    scores = _scores(cells, piles, counts)
    good = np.flatnonzero(scores > 0.85 * scores.max())
    # of cells of one volume the one with the shortest vectors
    rank = np.round(volumes[good], 1) + 1e-3 * np.linalg.norm(cells[good], axis=2).sum(axis=1)
    if whole is not None:
        multiples = whole @ np.linalg.inv(cells[good])
        rank += 1e3 * (abs(multiples - np.rint(multiples)).max(axis=(1, 2)) > 0.25)
    return _refined(cells[good[np.argmin(rank)]], piles, counts)


@cache
def _threes(number: int) -> np.ndarray:
    """Return all choices of three of so many things, shape (n, 3)."""
    return np.array(list(combinations(range(number), 3)))


def _piles(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean vector of each pile, shape (k, 3), and how many vectors are in it."""
    from scipy.ndimage import gaussian_filter, maximum_filter

    from napari_bravais.fingerprint.pairs import gather, histogram

    half = int(np.ceil(REACH / BIN)) + 1
    density = gaussian_filter(histogram(vectors, BIN, half), 0.8, truncate=3)
    peak = (density == maximum_filter(density, 3)) & (density > 0.1 * density.max())
    sums, counts = gather(vectors, np.argwhere(peak), BIN, half, 0.3)
    filled = counts > 0
    return sums[filled] / counts[filled, None], counts[filled]


def _upper_half(vectors: np.ndarray) -> np.ndarray:
    """Say which vectors to keep of each pair of opposite ones."""
    x, y, z = np.where(abs(vectors) < 0.05, 0, vectors).T
    return (z > 0) | ((z == 0) & ((y > 0) | ((y == 0) & (x > 0))))


def _scores(cells: np.ndarray, piles: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the mean count of the piles on each lattice's points within reach."""
    from napari_bravais.fingerprint.pairs import mean_on_points, nearby

    # what the pile next to each place of a grid counts, so that any lattice is looked up at once
    near = nearby(piles, counts, BIN, int(np.ceil(REACH / BIN)), 0.4)
    return mean_on_points(cells, _STEPS, near, BIN, REACH - BIN)


def _refined(cell, piles, counts) -> tuple[np.ndarray, float]:
    """Fit a lattice to all piles on its points; return it and its standard error."""
    for _ in range(2):
        steps = np.rint(np.linalg.solve(cell.T, piles.T).T)
        off = np.linalg.norm(piles - steps @ cell, axis=1)
        on = (off < 0.2) & (counts > 0.3 * counts.max())
        weights = np.sqrt(counts[on])[:, None]
        cell = np.linalg.lstsq(weights * steps[on], weights * piles[on], rcond=None)[0]
    off = piles[on] - steps[on] @ cell
    return cell, float(np.sqrt((off**2).sum(axis=1).mean() / max(on.sum() - 3, 1)))


def _fitted(cell: np.ndarray, whole: np.ndarray, error: float) -> tuple[np.ndarray, float]:
    """Let a whole number of cells fill the periodic cell exactly, if they nearly do."""
    multiples = np.linalg.solve(cell.T, whole.T).T
    rounded = np.rint(multiples)
    if abs(multiples - rounded).max() > 0.2 or abs(np.linalg.det(rounded)) < 0.5:
        return cell, error
    return np.linalg.solve(rounded, whole), 0.0


def _every_second(
    cell: np.ndarray, positions: np.ndarray, least: float, whole: np.ndarray | None
) -> np.ndarray | None:
    """Return the lattice of every second point if atoms are systematically off the others.

    So they are in arsenic and its like, whose pairs of layers are simple cubic all but for this.
    Atoms must be off by ``least`` and by three standard errors.
    """
    fractions = positions @ np.linalg.inv(cell)
    steps = np.rint(fractions)
    offsets = (fractions - steps) @ cell
    across = np.zeros((1, 3)) if whole is None else np.rint(whole @ np.linalg.inv(cell))
    allowed = _PARITIES[(across @ _PARITIES.T % 2 == 0).all(axis=0)]
    odd = steps @ allowed.T % 2  # of each atom and parity
    both = odd.any(axis=0) & ~odd.all(axis=0)
    allowed, odd = allowed[both], odd[:, both]
    numbers = np.stack([odd.sum(axis=0), (1 - odd).sum(axis=0)])
    means = np.stack([odd.T @ offsets, (1 - odd).T @ offsets]) / numbers[..., None]
    square = ((means[0] - means[1]) ** 2).sum(axis=1)
    left = (offsets**2).sum() - (numbers * (means**2).sum(axis=2)).sum(axis=0)
    error = np.maximum(left, 0) / max(len(odd) - 2, 1) * (1 / numbers).sum(axis=0)
    off = (square > 9 * error) & (square > least**2)
    if not off.any():
        return None
    parity = allowed[np.argmax(np.where(off, square / (error + 1e-12), 0))]
    every_second = np.eye(3)
    first = parity.argmax()
    every_second[:, first] = parity
    every_second[first, first] = 2
    return every_second @ cell


def _sites(
    positions: np.ndarray, cell: np.ndarray, within: float
) -> tuple[np.ndarray, float, float]:
    """Return the sites that atoms fold back to, and how uncertain they and single atoms are.

    A single site lies wherever it does, so nothing of it is uncertain.
    """
    inverse = np.linalg.inv(cell)
    left = positions @ inverse
    sites, counts, squares = [], [], []
    while len(left):
        mean = left[0]
        for _ in range(3):  # what is within of the mean, not of the first atom
            offsets = left - mean
            offsets -= np.rint(offsets)
            near = ((offsets @ cell) ** 2).sum(axis=1) < within**2
            mean = mean + offsets[near].mean(axis=0) if near.any() else mean
        near[0] = True
        sites.append(mean % 1)
        counts.append(near.sum())
        squares.append(((offsets[near] @ cell) ** 2).sum(axis=1).mean())
        left = left[~near]
    counts, squares = np.array(counts), np.array(squares)
    real = counts > FILLED * counts.max()
    errors = squares[real] / counts[real]
    scatter = np.sqrt(errors.max()) if real.sum() > 1 else 0.0
    spread = np.sqrt(np.average(squares, weights=counts))
    return np.array(sites)[real], float(scatter), float(spread)
