"""Structures with defects."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms

#: Atoms of the supercells that get defects, about, as in the paper.
SUPERCELL = 250


def supercell(atoms: "Atoms", target: int = SUPERCELL) -> "Atoms":
    """Return a structure repeated equally along all axes, so that it has about so many atoms."""
    return atoms.repeat(max(1, round((target / len(atoms)) ** (1 / 3))))


def displaced(atoms: "Atoms", sigma: float, random: np.random.Generator) -> "Atoms":
    """Return a structure whose atoms are moved at random, ``sigma`` angstroms along each axis."""
    atoms = atoms.copy()
    atoms.positions += random.normal(0, sigma, atoms.positions.shape)
    return atoms


def thinned(atoms: "Atoms", fraction: float, random: np.random.Generator) -> "Atoms":
    """Return a structure without a fraction of its atoms, but for one at least."""
    left = max(1, round(len(atoms) * (1 - fraction)))
    return atoms[np.sort(random.permutation(len(atoms))[:left])]


def substituted(
    atoms: "Atoms", fraction: float, elements: list[int], random: np.random.Generator
) -> "Atoms":
    """Return a structure with a fraction of its atoms changed to random ones of some elements."""
    atoms = atoms.copy()
    changed = random.permutation(len(atoms))[: round(len(atoms) * fraction)]
    atoms.numbers[changed] = random.choice(elements, len(changed))
    return atoms


def without_centres(repeats: int, fraction: float, random: np.random.Generator, **atom) -> "Atoms":
    """Return bcc cells without a fraction of their central atoms; without all it is sc.

    Parameters
    ----------
    repeats
        Cells along each axis.
    fraction
        Of the central atoms, those that are taken away.
    random
        Says which.
    **atom
        ``element``, its symbol, and ``a``, the cell's length in angstroms.
    """
    from ase.build import bulk

    atoms = bulk(atom["element"], "bcc", a=atom["a"], cubic=True).repeat(repeats)
    centres = np.flatnonzero(np.rint(2 * atoms.positions[:, 0] / atom["a"]).astype(int) % 2)
    gone = random.permutation(centres)[: round(len(centres) * fraction)]
    return atoms[np.setdiff1d(np.arange(len(atoms)), gone)]
