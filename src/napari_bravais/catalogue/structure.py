"""One crystal structure: what is stored of it, and what follows from that by symmetry."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from napari_bravais.lattices import lattice_of_space_group

if TYPE_CHECKING:
    from orix.crystal_map import Phase

_SYMBOLS = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As "
    "Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd "
    "Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am "
    "Cm Bk Cf"
)

#: Symbols of the elements; the index is the atomic number.
ELEMENTS = ("-", *_SYMBOLS.split())

#: Materials up to this rank are met every day in EBSD.
EVERYDAY_RANK = 1

#: The rank of materials that are there for variety.
VARIETY_RANK = 3

# Images of a site closer than this (fraction of the cell) are one atom on a special position.
_SAME_SITE = 2e-3


class CatalogueError(LookupError):
    """No such structure, or a file that holds none."""


@dataclass(frozen=True)
class Structure:
    """A crystal structure in the standard setting of its space group.

    Standard is the first setting in the International Tables: unique axis b, cell choice 1,
    hexagonal axes, origin choice 1.

    Attributes
    ----------
    key
        Unique and fit for a file name, for example ``"hP-quartz-SiO2"``.
    name
        Usual name.
    formula
        Reduced formula.
    space_group
        Its number in the International Tables.
    cell
        a, b, c in ångström and alpha, beta, gamma in degrees.
    sites
        Symbol and fractional coordinates of one atom of every orbit.
    kind
        ``"metal"``, ``"intermetallic"``, ``"carbide"``, ``"mineral"``, ...
    rank
        0 a material of the first seed paper, 1 everyday in EBSD, 2 well known, 3 for variety.
    source
        Where cell and sites come from.
    aliases
        Further names.
    """

    key: str
    name: str
    formula: str
    space_group: int
    cell: tuple[float, ...]
    sites: tuple[tuple[str, float, float, float], ...]
    kind: str
    rank: int
    source: str
    aliases: tuple[str, ...] = ()

    @property
    def lattice(self) -> str:
        """Pearson symbol of the Bravais lattice."""
        return lattice_of_space_group(self.space_group).pearson

    @property
    def seed(self) -> bool:
        """Whether the first seed paper examined this material."""
        return self.rank == 0

    @property
    def everyday(self) -> bool:
        """Whether people meet this material often in EBSD."""
        return self.rank <= EVERYDAY_RANK

    @property
    def elements(self) -> frozenset[str]:
        """Symbols of the elements in it."""
        return frozenset(site[0] for site in self.sites)

    def atoms(self) -> tuple[np.ndarray, np.ndarray]:
        """Return all atoms of the conventional cell.

        Returns
        -------
        atomic_numbers, positions
            Shapes (n,) and (n, 3), the positions fractional.
        """
        orbits = [orbit(self.space_group, np.array(xyz)) for _, *xyz in self.sites]
        numbers = [ELEMENTS.index(symbol) for symbol, *_ in self.sites]
        return np.repeat(numbers, [len(o) for o in orbits]), np.concatenate(orbits)

    def cell_vectors(self) -> np.ndarray:
        """Return the cell vectors as rows, in ångström, a along x and b in the plane of x and y."""
        a, b, c, *angles = self.cell
        alpha, beta, gamma = np.radians(angles)
        x = (np.cos(alpha) - np.cos(beta) * np.cos(gamma)) / np.sin(gamma)
        z = np.sqrt(1 - np.cos(beta) ** 2 - x**2)
        rows = [
            [a, 0, 0],
            [b * np.cos(gamma), b * np.sin(gamma), 0],
            [c * np.cos(beta), c * x, c * z],
        ]
        return np.round(rows, 12)

    def phase(self) -> "Phase":
        """Return it as orix's phase, with all atoms of the conventional cell."""
        from diffpy.structure import Atom, Lattice
        from diffpy.structure import Structure as DiffpyStructure
        from orix.crystal_map import Phase

        numbers, positions = self.atoms()
        atoms = [
            Atom(ELEMENTS[number], xyz) for number, xyz in zip(numbers, positions, strict=True)
        ]
        structure = DiffpyStructure(atoms, lattice=Lattice(*self.cell), title=self.name)
        return Phase(name=self.name, space_group=self.space_group, structure=structure)

    def to_cif(self) -> str:
        """Return the text of a CIF, with the symmetry operations and the asymmetric unit."""
        from diffpy.structure.spacegroups import GetSpaceGroup

        group = GetSpaceGroup(self.space_group)
        names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
        lines = [
            f"data_{self.key}",
            f"_chemical_name_common '{self.name}'",
            f"_chemical_formula_sum '{self.formula}'",
            *(f"_cell_{name} {value:g}" for name, value in zip(names, self.cell, strict=True)),
            f"_space_group_IT_number {self.space_group}",
            f"_space_group_name_H-M_alt '{group.pdb_name}'",
            "loop_",
            "_space_group_symop_operation_xyz",
            *(f"'{_as_xyz(rotation, shift)}'" for rotation, shift in operations(self.space_group)),
            "loop_",
            *(f"_atom_site_{name}" for name in ("label", "type_symbol")),
            *(f"_atom_site_fract_{axis}" for axis in "xyz"),
            *(f"{s}{i} {s} {x} {y} {z}" for i, (s, x, y, z) in enumerate(self.sites, start=1)),
        ]
        return "\n".join(lines) + "\n"


@lru_cache(maxsize=32)
def operations(space_group: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Return rotations (3, 3) and shifts (3,) of a space group in its standard setting."""
    from diffpy.structure.spacegroups import GetSpaceGroup

    group = GetSpaceGroup(space_group)
    return tuple((np.rint(o.R).astype(int), np.asarray(o.t, float)) for o in group.symop_list)


def orbit(space_group: int, xyz: np.ndarray) -> np.ndarray:
    """Return the positions that a space group makes of one, shape (n, 3), in [0, 1).

    Images that fall together are averaged, so that a rounded coordinate such as 0.33333 comes to
    lie on its special position again.
    """
    return merged(np.array([turn @ xyz + shift for turn, shift in operations(space_group)]))


def merged(images: np.ndarray) -> np.ndarray:
    """Return the different ones among positions, shape (n, 3), in [0, 1)."""
    positions = []
    while len(images):
        offset = images - images[0]
        offset -= np.rint(offset)
        same = (np.abs(offset) < _SAME_SITE).all(axis=1)
        positions.append((images[0] + offset[same].mean(axis=0)) % 1)
        images = images[~same]
    return np.round(positions, 8) % 1


def _as_xyz(rotation: np.ndarray, shift: np.ndarray) -> str:
    """Return an operation as CIFs write it, for example ``-x+1/2,y,z``."""
    parts = []
    for row, t in zip(rotation, shift, strict=True):
        terms = "".join(f"{'-' if r < 0 else '+'}{v}" for r, v in zip(row, "xyz", strict=True) if r)
        twelfths = round(t * 12) % 12
        numerator, denominator = _FRACTIONS[twelfths]
        parts.append(terms.removeprefix("+") + (f"+{numerator}/{denominator}" if twelfths else ""))
    return ",".join(parts)


_FRACTIONS = {
    n: next((n * d // 12, d) for d in (1, 2, 3, 4, 6, 12) if n * d % 12 == 0) for n in range(12)
}
