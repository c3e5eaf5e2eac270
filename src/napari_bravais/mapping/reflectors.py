"""Which lattice planes a phase shows its strongest bands of."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_bravais.mapping.indexed_map import CrystalPhase

if TYPE_CHECKING:
    from diffpy.structure import Structure
    from orix.crystal_map import Phase

#: Planes that are enough to index by.
ENOUGH_PLANES = 24

# Bands of planes closer than this are too faint to be found, in ångström ...
_CLOSEST = 0.8
# ... and more vectors than this need not be looked through to find the strongest.
_MOST_VECTORS = 20_000

# Lattice points of the conventional cell by centring, for phases whose atoms are not known.
_POINTS = {
    "P": [(0, 0, 0)],
    "S": [(0, 0, 0), (0.5, 0.5, 0)],
    "I": [(0, 0, 0), (0.5, 0.5, 0.5)],
    "F": [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)],
    "R": [(0, 0, 0), (2 / 3, 1 / 3, 1 / 3), (1 / 3, 2 / 3, 2 / 3)],
}


@dataclass(frozen=True)
class Reflector:
    """A family of lattice planes.

    Attributes
    ----------
    hkl
        Miller indices of one of them.
    spacing
        Distance between the planes in ångström.
    strength
        Modulus of the kinematical structure factor for electrons, relative to the strongest.
    planes
        How many planes belong to the family.
    """

    hkl: tuple[int, int, int]
    spacing: float
    strength: float
    planes: int


def strongest_reflectors(phase: "Phase", most: int = 12) -> list[Reflector]:
    """Return the families of planes with the largest structure factors.

    Parameters
    ----------
    phase
        The phase, with its space group and all atoms of its unit cell. Where it lists no atoms,
        one at each lattice point is assumed: the widest spacings that the centring allows.
    most
        How many families at most; fewer if `ENOUGH_PLANES` are among them.

    Returns
    -------
    list of Reflector
        The strongest first; of planes that are parallel, the strongest alone.

    Raises
    ------
    ValueError
        If the phase has no space group or no unit cell.
    """
    if phase.space_group is None:
        raise ValueError(f"the phase {phase.name!r} has no space group")
    hkl, spacing, strength = _structure_factors(phase)
    operations = laue_operations(phase.space_group.number)
    chosen: list[Reflector] = []
    seen: set[tuple[int, ...]] = set()
    for index in np.lexsort((-spacing, -np.round(strength, 4))):
        family = _family(phase, operations, hkl[index])
        if strength[index] < 0.01 or sum(entry.planes for entry in chosen) >= ENOUGH_PLANES:
            break
        if seen.isdisjoint(family):
            seen |= family
            chosen.append(
                Reflector(
                    tuple(int(i) for i in hkl[index]),
                    float(spacing[index]),
                    float(strength[index]),
                    len(family),
                )
            )
        if len(chosen) == most:
            break
    return chosen


def _structure_factors(phase: "Phase") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return Miller indices, shape (n, 3), spacings and relative structure factors."""
    from diffsims.crystallography import ReciprocalLatticeVector
    from diffsims.utils.sim_utils import get_kinematical_intensities

    lattice = phase.structure.lattice
    if abs(lattice.volume - 1) < 1e-6:
        raise ValueError(f"the phase {phase.name!r} has no unit cell")
    # as many vectors as there are unit cells of reciprocal space within the sphere
    closest = max(_CLOSEST, (4 / 3 * np.pi * lattice.volume / _MOST_VECTORS) ** (1 / 3))
    vectors = ReciprocalLatticeVector.from_min_dspacing(phase, closest)
    hkl = np.round(vectors.hkl).astype(int)
    # of each plane and its inverse, the one whose first index other than zero is positive
    first = hkl[np.arange(len(hkl)), (hkl != 0).argmax(axis=1)]
    hkl, length = hkl[first > 0], vectors.gspacing[first > 0]
    intensity = get_kinematical_intensities(_with_atoms(phase), hkl, length)
    strength = np.sqrt(np.abs(intensity))
    return hkl, 1 / length, strength / (strength.max() or 1)


def _with_atoms(phase: "Phase") -> "Structure":
    """Return the unit cell with plain chemical symbols, or with one atom a lattice point."""
    from diffpy.structure import Atom, Structure

    structure = Structure(lattice=phase.structure.lattice)
    for atom in phase.structure:
        symbol = re.match("[A-Z][a-z]?", atom.element.strip().capitalize())
        element = {"D": "H", "T": "H"}.get(symbol[0], symbol[0]) if symbol else "C"
        structure.append(Atom(element, atom.xyz, occupancy=atom.occupancy))
    if not len(structure):
        centring = CrystalPhase.from_orix(phase).lattice.pearson[1]
        for point in _POINTS[centring]:
            structure.append(Atom("C", point))
    return structure


def indexing_space_group(number: int) -> int:
    """Return the space group whose Laue operations PyEBSDIndex shall take for a phase's.

    It turns every trigonal crystal about a, also those whose twofold axes lie between (the groups
    312, 31m and -31m); these are indexed without twofold axes.
    """
    return 147 if number in (149, 151, 153, 157, 159, 162, 163) else number


def laue_operations(number: int) -> np.ndarray:
    """Return the proper Laue operations that PyEBSDIndex indexes by, as quaternions."""
    from pyebsdindex.crystal_sym import spacegroupnum2symops

    return np.reshape(spacegroupnum2symops(indexing_space_group(number)), (-1, 4)).astype(float)


def _family(phase: "Phase", operations: np.ndarray, hkl: np.ndarray) -> set[tuple[int, ...]]:
    """Return the directions of all planes of a family, each with one of its two signs."""
    from orix.quaternion import Rotation
    from orix.vector import Vector3d

    lattice = phase.structure.lattice
    turned = Rotation(operations).outer(Vector3d(lattice.recbase @ hkl)).data.reshape(-1, 3)
    directions = np.round(turned @ lattice.base.T).astype(int) // np.gcd.reduce(hkl)
    return {max(tuple(d), tuple(-i for i in d)) for d in directions.tolist()}
