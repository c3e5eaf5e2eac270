"""Structure files in, through ASE, checked."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_bravais.fingerprint.diffraction import HEAVIEST
from napari_bravais.fingerprint.periodic import nearest_neighbours

if TYPE_CHECKING:
    from ase import Atoms

#: Atoms closer than this, in angstroms, overlap; a hydrogen molecule's are 0.74 apart.
OVERLAP = 0.4

#: Atoms that a structure may have.
MOST_ATOMS = 2_000_000

#: Sites of a CIF file from which on ASE, which compares each with every other, takes too long.
MOST_SITES = 2000


class StructureError(Exception):
    """A structure cannot be classified; the message says what is wrong with it."""


def read_structure(path: str | Path, element_types: list[str] | None = None) -> "Atoms":
    """Read a structure: CIF, POSCAR, extxyz, LAMMPS or any other format that ASE reads.

    Parameters
    ----------
    path
        The file; of several structures in it the last is read.
    element_types
        Chemical symbols of the atom types 1, 2, ... of a LAMMPS file that does not name them.

    Returns
    -------
    ase.Atoms
        The structure, as `checked` returns it.

    Raises
    ------
    StructureError
        If the file is missing or cannot be read, or for what `checked` raises.
    """
    from ase.io.formats import UnknownFileTypeError

    path = Path(path)
    if not path.is_file():
        raise StructureError(f"{path}: there is no such file")
    try:
        atoms = _read(path)
    except StructureError:
        raise
    except UnknownFileTypeError as error:
        raise StructureError(f"{path}: ASE does not know this kind of file") from error
    except KeyError as error:
        if not re.fullmatch("[A-Z][a-z]?", str(error.args[0])):
            raise StructureError(f"{path}: ASE cannot read this structure: {error}") from error
        raise StructureError(f"{path}: there is no element {error.args[0]}") from error
    except Exception as error:  # ASE's readers raise whatever their parsing meets
        raise StructureError(
            f"{path}: ASE cannot read this structure: {_first_line(error)}"
        ) from error
    if element_types is not None:
        _name_elements(atoms, element_types, path)
    try:
        return checked(atoms)
    except StructureError as error:
        raise StructureError(f"{path}: {error}") from error


def checked(atoms: "Atoms") -> "Atoms":
    """Return a structure ready to be classified: its atoms inside the cell.

    Parameters
    ----------
    atoms
        The structure. Without a cell it is a cloud of atoms.

    Raises
    ------
    StructureError
        If it has no atoms, too many, a lonely one, overlapping or unknown ones, places that are
        no numbers, or a flat cell.
    """
    atoms = atoms.copy()
    if not 0 < len(atoms) <= MOST_ATOMS:
        raise StructureError(f"it has {len(atoms)} atoms; 1 to {MOST_ATOMS} can be classified")
    if not np.isfinite(atoms.positions).all() or not np.isfinite(atoms.cell.array).all():
        raise StructureError("some positions are not numbers")
    if atoms.cell.rank < 3 and atoms.pbc.any():
        lacking = atoms.pbc & ~atoms.cell.any(axis=1)
        atoms.pbc = atoms.pbc & ~lacking
    if atoms.pbc.any() and abs(np.linalg.det(atoms.cell.complete())) < 1e-3:
        raise StructureError("the cell is flat")
    wrong = sorted(set(atoms.numbers[(atoms.numbers < 1) | (atoms.numbers > HEAVIEST)].tolist()))
    if wrong:
        raise StructureError(f"some atoms are of no known element: atomic number {wrong[0]}")
    if not atoms.pbc.any() and len(atoms) < 8:
        number = "1 atom" if len(atoms) == 1 else f"{len(atoms)} atoms"
        raise StructureError(f"it has {number} and no cell: that is no crystal")
    atoms.wrap()
    distances = nearest_neighbours(atoms)
    closest = int(np.argmin(distances))
    if distances[closest] < OVERLAP:
        raise StructureError(
            f"atoms overlap: number {closest + 1} has a neighbour at {distances[closest]:.2f} Å"
        )
    return atoms


def _read(path: Path) -> "Atoms":
    """Read the last structure of a file."""
    from ase.io import read

    if path.suffix.lower() == ".cif" and path.stat().st_size > 20 * MOST_SITES:
        return _read_large_cif(path)
    return read(path, index=-1, **_options(path))


def _read_large_cif(path: Path) -> "Atoms":
    """Read the last structure of a CIF file, without a search for equivalent sites in P1."""
    from ase.io.cif import parse_cif

    block = [block for block in parse_cif(str(path)) if block.has_structure()][-1]
    listed = block.get_unsymmetrized_structure()
    if len(listed) <= MOST_SITES:
        return block.get_atoms()
    if len(block.get_spacegroup(True).get_symop()) > 1:
        raise StructureError(
            f"{path}: it lists {len(listed)} sites and symmetry operations; that would take too "
            "long: write all atoms of the cell out, in P1"
        )
    listed.pbc = True
    return listed


def _options(path: Path) -> dict:
    """Return what ASE has to be told of files that it does not recognise by themselves."""
    name = path.name.lower()
    if path.suffix.lower() in (".lmp", ".lammps", ".data") or name.startswith("data."):
        return {"format": "lammps-data", "atom_style": _atom_style(path)}
    if path.suffix.lower() in (".lammpstrj", ".dump"):
        return {"format": "lammps-dump-text"}
    return {}


def _atom_style(path: Path) -> str:
    """Return the atom style that a LAMMPS data file names, or the simplest."""
    with path.open(errors="replace") as lines:
        for line in lines:
            if line.startswith("Atoms") and "#" in line:
                return line.split("#")[1].strip()
    return "atomic"


def _name_elements(atoms: "Atoms", symbols: list[str], path: Path) -> None:
    """Give the atom types of a LAMMPS file their elements."""
    from ase.data import atomic_numbers

    unknown = [symbol for symbol in symbols if symbol not in atomic_numbers]
    if unknown:
        raise StructureError(f"there is no element {unknown[0]}")
    types = atoms.arrays.get("type", atoms.numbers)
    if types.max() > len(symbols) or types.min() < 1:
        raise StructureError(f"{path}: atom type {types.max()} has no element; give one a type")
    atoms.numbers = np.array([atomic_numbers[symbol] for symbol in symbols])[types - 1]


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
