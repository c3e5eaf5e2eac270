"""Elemental solids in the eight prototypes, which stand for the paper's AFLOWLIB set.

That set cannot be fetched here. What the fingerprint sees of a structure is its prototype, its
axial ratio and its element, so these are drawn at random over the ranges that elements have.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_bravais.fingerprint.symmetry import space_group

if TYPE_CHECKING:
    from ase import Atoms

#: Atomic numbers: hydrogen to plutonium without what has no solid of note in the prototypes' range.
ELEMENTS = tuple(z for z in range(1, 95) if z not in (43, 61, 84, 85, 86, 87, 88, 89, 93))

#: Tolerances, in angstroms, at which spglib must find a structure's space group.
PRISTINE_TOLERANCES = (1e-3, 1e-6, 1e-9)

#: Axial ratios at which a lattice is cubic, and how near none may come, relative.
CUBIC_RATIOS = {139: (1.0, 2**0.5), 166: (0.375**0.5, 1.5**0.5, 6**0.5)}
_MARGINS = {139: (0.04, 0.005), 166: (0.005,) * 3}
_RATIOS = {139: (0.6, 1.8), 141: (0.42, 1.2), 166: (0.62, 3.15), 194: (1.4, 1.95)}

SPACE_GROUPS = (139, 141, 166, 194, 221, 225, 227, 229)


@dataclass(frozen=True)
class Solid:
    """One structure of the set.

    Attributes
    ----------
    space_group
        Its number.
    atoms
        The structure, in some setting and some orientation.
    """

    space_group: int
    atoms: "Atoms"


def solids(number: int, seed: int | list[int]) -> Iterator[Solid]:
    """Yield structures, the space groups in turn, that spglib agrees on at every tolerance.

    Parameters
    ----------
    number
        How many.
    seed
        The same seed gives the same structures.
    """
    random = np.random.default_rng(seed)
    index = 0
    while index < number:
        group = SPACE_GROUPS[index % len(SPACE_GROUPS)]
        atoms = _draw(group, random)
        # spglib misses operations of hexagonal cells at 1e-9, as the paper found too
        tolerances = PRISTINE_TOLERANCES[:2] if group in (166, 194) else PRISTINE_TOLERANCES
        if all(space_group(atoms, tolerance) == group for tolerance in tolerances):
            index += 1
            yield Solid(group, turned(atoms, random))


def prototype(group: int, element: int, bond: float, ratio: float = 1.0, **choice) -> "Atoms":
    """Return an elemental solid.

    Parameters
    ----------
    group
        Number of the space group, one of the eight.
    element
        Atomic number.
    bond
        Distance of nearest neighbours, in angstroms.
    ratio
        c/a of the conventional cell (hexagonal for 166); cubic ones have none.
    **choice
        ``double`` makes 194 the double-hexagonal stacking; ``z`` puts two atoms on the threefold
        axis of 166, at this height; ``primitive`` gives the primitive cell.
    """
    from ase.spacegroup import crystal

    from napari_bravais.fingerprint.periodic import nearest_neighbours

    sites = {141: [(0, 0.25, 0.375)], 227: [(0, 0, 0)], 194: [(1 / 3, 2 / 3, 0.25)]}
    sites = sites.get(group, [(0, 0, 0)])
    if choice.get("double"):
        sites = [(0, 0, 0), *sites]
    if "z" in choice:
        sites = [(0, 0, choice["z"])]
    gamma = 120 if group in (166, 194) else 90
    atoms = crystal(
        [element] * len(sites),
        sites,
        spacegroup=group,
        setting=2 if group == 141 else 1,
        cellpar=[1, 1, ratio, 90, 90, gamma],
        primitive_cell=choice.get("primitive", False),
    )
    atoms.wrap()
    atoms.set_cell(atoms.cell * (bond / nearest_neighbours(atoms).mean()), scale_atoms=True)
    return atoms


def turned(atoms: "Atoms", random: np.random.Generator) -> "Atoms":
    """Return a structure in a random orientation."""
    from scipy.spatial.transform import Rotation

    turn = Rotation.random(random_state=random).as_matrix()
    atoms = atoms.copy()
    atoms.set_cell(np.asarray(atoms.cell) @ turn.T, scale_atoms=True)
    return atoms


def _draw(group: int, random: np.random.Generator) -> "Atoms":
    """Draw element, bond length, axial ratio and setting."""
    from ase.data import covalent_radii

    element = int(random.choice(ELEMENTS))
    bond = 2 * covalent_radii[element] * random.uniform(0.85, 1.25)
    choice = {"primitive": bool(random.random() < 0.5)}
    if group == 194 and random.random() < 0.2:  # lanthanum and its like: four layers for two
        return prototype(group, element, bond, random.uniform(3.1, 3.3), double=True, **choice)
    if group == 166 and random.random() < 0.2:  # arsenic, antimony, bismuth
        choice["z"] = random.uniform(0.215, 0.24)
        return prototype(group, element, bond, random.uniform(2.2, 3.0), **choice)
    return prototype(group, element, bond, _ratio(group, random), **choice)


def _ratio(group: int, random: np.random.Generator) -> float:
    """Draw an axial ratio, not too near to one that makes the lattice cubic."""
    if group not in _RATIOS:
        return 1.0
    while True:
        ratio = random.uniform(*_RATIOS[group])
        pairs = zip(CUBIC_RATIOS.get(group, ()), _MARGINS.get(group, ()), strict=True)
        if all(abs(ratio / cubic - 1) > margin for cubic, margin in pairs):
            return ratio
