"""Folders of master patterns: ``.npz`` files and ``structures.jsonl``, as training reads them."""

import json
from pathlib import Path

import numpy as np

from napari_bravais.catalogue import CatalogueError, Structure
from napari_bravais.catalogue.structure import ELEMENTS, merged
from napari_bravais.io.files import replacing
from napari_bravais.lattices import POINTS_PER_CELL
from napari_bravais.simulation.dynamical import as_grey_levels


class MasterFolder:
    """A folder of master patterns that grows.

    Parameters
    ----------
    path
        The folder; made if it is not there.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self._index = self.path / "structures.jsonl"
        self._records = self._read()

    def holds(self, structure: Structure, kilovolts: float) -> bool:
        """Tell whether a master pattern is there already."""
        return self.has(file_name(structure, kilovolts))

    def has(self, name: str) -> bool:
        """Tell whether there is a master pattern of this file name."""
        return name in self._records and (self.path / name).exists()

    def add(self, structure: Structure, kilovolts: float, master: np.ndarray, source: str) -> Path:
        """Write a master pattern and its line.

        Parameters
        ----------
        structure
            The crystal.
        kilovolts
            Beam energy in keV.
        master
            Square Lambert, shape (2, n, n), uint8; monoclinic crystals with unique axis c.
        source
            Who simulated it.
        """
        name = file_name(structure, kilovolts)
        return self.put({"file": name, **record_of(structure, kilovolts, source)}, master)

    def put(self, record: dict, master: np.ndarray) -> Path:
        """Write a master pattern, shape (2, n, n), uint8, and the line that says what it is."""
        name = record["file"]
        with replacing(self.path / name) as temporary:
            np.savez_compressed(temporary, mp=master)
        # read anew: another process may fill the folder, too
        self._records = self._read()
        self._records[name] = record
        with replacing(self._index) as temporary:
            lines = (json.dumps(record, ensure_ascii=False) for record in self._records.values())
            temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return self.path / name

    def _read(self) -> dict[str, dict]:
        return read_records(self._index) if self._index.exists() else {}


def read_records(index: Path) -> dict[str, dict]:
    """Return the lines of a ``structures.jsonl`` by the file that each is of.

    Raises
    ------
    CatalogueError
        If it is no such list.
    FileNotFoundError
        If it is not there.
    """
    try:
        records = [json.loads(line) for line in index.read_text("utf-8").splitlines()]
        return {record["file"]: record for record in records}
    except (ValueError, KeyError, TypeError) as error:
        raise CatalogueError(f"{index}: no list of master patterns: {error}") from error


def file_name(structure: Structure, kilovolts: float) -> str:
    """Return the name of a master pattern's file."""
    return f"{structure.key}_{kilovolts:g}keV.npz"


def record_of(structure: Structure, kilovolts: float, source: str) -> dict:
    """Return what ``structures.jsonl`` says of a master pattern."""
    numbers, positions = structure.atoms()
    seed = "material of the first seed paper; " if structure.seed else ""
    return {
        "name": structure.name,
        "formula": structure.formula,
        "lattice": structure.lattice,
        "space_group": structure.space_group,
        "source": f"{seed}{structure.source}",
        "simulation": source,
        "key": structure.key,
        "kind": structure.kind,
        "rank": structure.rank,
        "beam_energy_kev": float(kilovolts),
        "cell": structure.cell_vectors().round(6).tolist(),
        "positions": positions.round(6).tolist(),
        "atomic_numbers": [int(z) for z in numbers],
        "atoms_primitive": len(numbers) // POINTS_PER_CELL[structure.lattice[1]],
    }


def crystal_of(record: dict) -> Structure:
    """Return the crystal that a line of ``structures.jsonl`` says.

    Raises
    ------
    CatalogueError
        If its atoms have another lattice than it says, or it does not say the whole crystal.
    """
    from napari_bravais.catalogue.standard import NotOneLatticeError, standardised

    try:
        structure = standardised(
            np.array(record["cell"]),
            np.array(record["positions"]),
            record["atomic_numbers"],
            tolerances=(0.01,),
            name=record["name"],
            kind=record.get("kind", ""),
            rank=record.get("rank", 3),
            source=record["source"],
        )
    except (NotOneLatticeError, KeyError) as error:
        raise CatalogueError(f"{record['file']}: {error}") from error
    if structure.lattice != record["lattice"]:
        raise CatalogueError(f"{record['file']}: its atoms are {structure.lattice}")
    return structure


def read_master(
    path: str | Path, kilovolts: float | None = None, size: int = 161
) -> tuple[Structure, float, np.ndarray]:
    """Read a master pattern that EMsoft (``.h5``) or ebsdsim (``.npz``) simulated.

    Parameters
    ----------
    path
        The file, in a format that kikuchipy reads.
    kilovolts
        Which beam energy of the file; its highest by default, but to be named where the file holds
        one alone, which kikuchipy then does not tell.
    size
        Pixels along the edge that it is brought to.

    Returns
    -------
    structure, kilovolts, master
        The crystal, the beam energy in keV, and both hemispheres, shape (2, size, size), uint8.

    Raises
    ------
    CatalogueError
        If the file holds no such master pattern, or that of a monoclinic crystal: other programs
        turn those otherwise.
    """
    import kikuchipy
    from skimage.transform import resize

    path = Path(path)
    try:
        signal = kikuchipy.load(str(path), projection="lambert", hemisphere="both")
    except Exception as error:  # every reader has its own
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CatalogueError(f"{path}: no master pattern that can be read: {reason}") from error
    structure = _structure_of(signal.phase, path)
    data = np.asarray(signal.data, dtype=float)
    energies = [axis for axis in signal.axes_manager.navigation_axes if axis.name == "energy"]
    found = kilovolts
    if energies:
        values = energies[0].axis
        found = float(values[-1] if kilovolts is None else kilovolts)
        near = int(np.abs(values - found).argmin())
        if abs(values[near] - found) > 0.5:
            said = ", ".join(f"{value:g}" for value in values)
            raise CatalogueError(f"{path}: not simulated at {found:g} keV, but at {said}")
        data = data.reshape(2, len(values), *data.shape[-2:])[:, near]
    if found is None:
        raise CatalogueError(f"{path}: does not say its beam energy; name it")
    halves = [resize(half, (size, size), anti_aliasing=True) for half in data]
    return structure, found, as_grey_levels(np.stack(halves))


def _structure_of(phase, path: Path) -> Structure:
    """Return the structure of a master pattern's phase, as its program lists the sites."""
    from napari_bravais.catalogue.standard import NotOneLatticeError, standardised

    if phase.space_group is None or not len(phase.structure):
        raise CatalogueError(f"{path}: does not say its space group and atoms")
    if 3 <= phase.space_group.number <= 15:
        raise CatalogueError(
            f"{path}: monoclinic; other programs turn such cells otherwise, so simulate it anew"
        )
    positions, numbers = _all_atoms(phase)
    cell = np.asarray(phase.structure.lattice.base)
    if abs(np.linalg.det(cell)) < len(numbers):  # no atom has less than 1 Å³: EMsoft's are nm
        cell = 10 * cell
    try:
        return standardised(
            cell,
            positions,
            numbers,
            name=phase.name or path.stem,
            kind="",
            rank=3,
            source=f"master pattern {path.name}",
        )
    except NotOneLatticeError as error:
        raise CatalogueError(f"{path}: {error}") from error


def _all_atoms(phase) -> tuple[np.ndarray, list[int]]:
    """Return positions and atomic numbers of all atoms of a phase's cell.

    Where a space group has two origins, the files do not say which: the one that makes fewer atoms
    of the sites is right, as atoms sit on special positions.
    """
    import spglib

    group = phase.space_group.number
    types = [(hall, spglib.get_spacegroup_type(hall)) for hall in range(1, 531)]
    own = [(hall, kind.choice) for hall, kind in types if kind.number == group]
    settings = [own[0][0], *(hall for hall, choice in own if choice == "2")]
    found = []
    for hall in settings:
        symmetry = spglib.get_symmetry_from_database(hall)
        orbits = [
            merged(symmetry["rotations"] @ np.asarray(atom.xyz) + symmetry["translations"])
            for atom in phase.structure
        ]
        numbers = [
            _number(a.element) for a, o in zip(phase.structure, orbits, strict=True) for _ in o
        ]
        found.append((len(numbers), np.concatenate(orbits), numbers))
    _, positions, numbers = min(found, key=lambda atoms: atoms[0])
    return positions, numbers


def _number(element: str | int) -> int:
    """Return an atomic number, given it or the symbol."""
    return ELEMENTS.index(element) if element in ELEMENTS else int(element)
