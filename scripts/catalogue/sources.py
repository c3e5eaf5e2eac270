"""Read crystal structures out of openly installable packages.

pymatgen's AFLOW prototypes come with pymatgen. The American Mineralogist Crystal Structure Database
is ``amcsd_cif1.db`` inside the wheel of xraylarch 0.9.70 (``pip download --no-deps``), the CIF
collection of Avogadro in Debian's libavogadro-data 1.97 (``apt-get download``, ``dpkg -x``).
"""

import gzip
import json
import re
import sqlite3
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from napari_bravais.catalogue.structure import ELEMENTS

# Kinds of the folders of Avogadro's collection.
_KINDS = {
    "elements": "element",
    "carbides": "carbide",
    "nitrides": "nitride",
    "oxides": "oxide",
    "intermetallics": "intermetallic",
    "hydrides": "hydride",
    "halides": "halide",
    "phosphides": "phosphide",
    "clays": "mineral",
    "carbonates": "mineral",
    "sulfates": "mineral",
    "silicates": "mineral",
}

#: Minerals of larger cells, in cubic ångström, are passed over.
LARGEST_CELL = 2000


@dataclass
class Candidate:
    """A structure as a source gives it: all atoms of some cell."""

    cell: np.ndarray
    positions: np.ndarray
    numbers: list[int]
    name: str
    source: str
    kind: str = ""
    rank: int = 3
    aliases: tuple[str, ...] = field(default=())


def cell_vectors(a, b, c, alpha, beta, gamma) -> np.ndarray:
    """Return cell vectors in rows of lengths in ångström and angles in degrees."""
    from diffpy.structure import Lattice

    return Lattice(a, b, c, alpha, beta, gamma).base


def aflow() -> dict[str, Candidate]:
    """Return pymatgen's AFLOW prototypes by name, the first of each name."""
    import pymatgen.analysis.prototypes as package
    from pymatgen.core import Structure

    path = Path(package.__file__).with_name("aflow_prototypes.json.gz")
    found = {}
    for entry in json.loads(gzip.decompress(path.read_bytes())):
        tags = entry["tags"]
        snl = {key: value for key, value in entry["snl"].items() if key in ("lattice", "sites")}
        structure = Structure.from_dict(snl | {"@module": "", "@class": ""})
        mineral = tags.get("mineral") if tags.get("mineral") not in (None, "None") else None
        title = f"AFLOW prototype {tags['aflow']} (pymatgen)"
        candidate = Candidate(
            structure.lattice.matrix,
            structure.frac_coords,
            [int(z) for z in structure.atomic_numbers],
            tags["aflow"],
            title,
            "prototype",
            3,
            (mineral,) if mineral and re.fullmatch(r"[A-Z][a-z]+", mineral) else (),
        )
        key = tags["aflow"]
        while key in found:
            key += "+"
        found[key] = candidate
    return found


def avogadro(folder: Path) -> Iterator[Candidate]:
    """Yield the structures of Avogadro's CIFs, without its zeolites, that one can read."""
    from diffpy.structure import loadStructure

    for path in sorted(folder.rglob("crystals/*/*.cif")):
        if path.parent.name in ("zeolites", "ice"):
            continue
        try:
            stored = loadStructure(str(path), fmt="cif")
            numbers = [element_number(atom.element) for atom in stored]
        except Exception as error:
            print(f"{path.name}: {error}")
            continue
        if None in numbers or not numbers or min(atom.occupancy for atom in stored) < 0.99:
            continue
        formula, _, mineral = path.stem.partition("-")
        yield Candidate(
            stored.lattice.base,
            stored.xyz,
            numbers,
            mineral.replace("-", " ").lower() or formula,
            f"Crystallography Open Database, {path.name} in Debian's libavogadro-data",
            _KINDS.get(path.parent.name, "compound"),
            2,
        )


def element_number(label: str) -> int | None:
    """Return the atomic number of a site's label such as ``Fe2+`` or ``O-H1``, or None."""
    match = re.match(r"([A-Z][a-z]?)(?![a-z])", label)
    if match is None:
        return None
    symbol = match.group(1)
    if symbol == "D":
        return 1
    return ELEMENTS.index(symbol) if symbol in ELEMENTS[1:] else None


class Minerals:
    """The American Mineralogist Crystal Structure Database as xraylarch carries it."""

    def __init__(self, database: Path) -> None:
        self._db = sqlite3.connect(database)
        self._operations = {}

    def rows(self) -> dict[str, list[int]]:
        """Return the numbers of the entries of each mineral."""
        query = (
            "select m.name, c.id from cif c join minerals m on m.id = c.mineral_id order by c.id"
        )
        found: dict[str, list[int]] = {}
        for name, number in self._db.execute(query):
            found.setdefault(name, []).append(number)
        return found

    def read(self, number: int) -> Candidate | None:
        """Return an entry, or None if its cell is large or a site not filled by one element."""
        query = (
            "select m.name, c.spacegroup_id, c.formula, c.a, c.b, c.c, c.alpha, c.beta, c.gamma,"
            " c.atoms_sites, c.atoms_x, c.atoms_y, c.atoms_z, c.atoms_occupancy,"
            " p.journalname, p.year, c.pub_title"
            " from cif c join minerals m on m.id = c.mineral_id"
            " join publications p on p.id = c.publication_id where c.id = ?"
        )
        row = self._db.execute(query, (number,)).fetchone()
        name, group, formula, *cell = row[:9]
        labels, *encoded = row[9:14]
        journal, year, title = row[14:]
        if labels in ("<missing>", None) or re.search(r"GPa|kbar|high.pressure", title, re.I):
            return None
        labels = json.loads(labels)
        numbers = [element_number(label) for label in labels]
        occupancy = _decoded(encoded[3])
        if None in numbers or (occupancy is not None and not np.isin(occupancy, (0, 1)).all()):
            return None
        sites = np.array([_decoded(column) for column in encoded[:3]])
        if sites.dtype == object or sites.ndim != 2 or (np.abs(sites) >= 1.99).any():
            return None
        vectors = cell_vectors(*(float(value) for value in cell))
        if abs(np.linalg.det(vectors)) > LARGEST_CELL:
            return None
        positions, numbers = self._expanded(group, sites.T, numbers, vectors)
        if not _agrees(formula, numbers):
            return None
        source = f"AMCSD {number} (xraylarch): {journal} {year}"
        return Candidate(vectors, positions, numbers, name.lower(), source, "mineral", 3)

    def _expanded(self, group, sites, numbers, vectors):
        rotations, shifts = self._symmetry(group)
        positions, kinds = [], []
        for site, number in zip(sites, numbers, strict=True):
            images = (rotations @ site + shifts) % 1
            while len(images):
                offset = images - images[0]
                offset -= np.rint(offset)
                same = np.linalg.norm(offset @ vectors, axis=1) < 0.3
                positions.append(images[0] + offset[same].mean(axis=0))
                kinds.append(number)
                images = images[~same]
        return np.array(positions), kinds

    def _symmetry(self, group: int):
        from pymatgen.core.operations import SymmOp

        if group not in self._operations:
            query = "select symmetry_xyz from spacegroups where id = ?"
            (text,) = self._db.execute(query, (group,)).fetchone()
            ops = [SymmOp.from_xyz_str(xyz) for xyz in json.loads(text)]
            rotations = np.array([op.rotation_matrix for op in ops])
            self._operations[group] = rotations, np.array([op.translation_vector for op in ops])
        return self._operations[group]


def _decoded(text: str) -> np.ndarray | None:
    """Return an array of the database, written in base 64 as whole numbers of 1/4,000,000."""
    return None if text in ("0", None) else np.frombuffer(b64decode(text), np.int32) / 4e6


def _agrees(formula: str, numbers: list[int]) -> bool:
    """Tell whether atoms are what the entry's formula says, but for hydrogen, often not located."""
    said = Counter()
    for symbol, count in re.findall(r"([A-Z][a-z]?)([\d.]*)", formula):
        said[symbol] += float(count or 1)
    found = Counter(ELEMENTS[z] for z in numbers)
    for counts in (said, found):
        for hydrogen in ("H", "D"):
            counts.pop(hydrogen, None)
    if set(said) != set(found) or not found:
        return False
    first = next(iter(found))
    return all(
        abs(found[s] / found[first] - said[s] / said[first]) < 0.02 * said[s] / said[first] + 1e-6
        for s in found
    )
