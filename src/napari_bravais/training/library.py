"""Master patterns on disk, and how their materials are split."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from math import gcd
from pathlib import Path

import numpy as np

from napari_bravais.catalogue.structure import EVERYDAY_RANK, VARIETY_RANK
from napari_bravais.lattices import PEARSON_SYMBOLS
from napari_bravais.training.masters import read_records

#: The seed paper's blind test: relatives of trained materials, (reduced formula, space group).
BLIND_MATERIALS = frozenset(
    {
        ("Fe", 229),
        ("W", 229),
        ("AlNi3", 221),
        ("AlFe", 221),
        ("Mo3Si", 223),
        ("CTa", 225),
        ("AlNaO6Si2", 15),
        ("FeO3Ti", 148),
        ("MoPt2", 71),
    }
)

#: Structure types that training never sees, two of each lattice to test and one to calibrate. They
#: were drawn by lot, once, among those that hold no material of the seed paper.
LEFT_OUT = "left_out.tsv"

EMSOFT_NICKEL = {
    "file": "cF_emsoft-Ni.npz",
    "name": "Ni (EMsoft)",
    "lattice": "cF",
    "space_group": 225,
    "source": "EMsoft master pattern in kikuchipy; a material of the first seed paper",
    "beam_energy_kev": 20.0,
    "cell": [[3.5236, 0, 0], [0, 3.5236, 0], [0, 0, 3.5236]],
    "positions": [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]],
    "atomic_numbers": [28] * 4,
}

#: Beam energy in keV at which models are judged; training has others too.
USUAL_ENERGY = 20.0

#: What people set up and calibrate their detectors with, (reduced formula, space group).
STANDARD_MATERIALS = frozenset({("Al", 225), ("Cu", 225), ("Ni", 225), ("Si", 227)})

#: Materials of low rank that look like another, cF, but for bands too weak to see in most patterns:
#: the seed paper's ordered alloys, and tetragonal zirconia, a hardly distorted fluorite.
_NEARLY_ANOTHER = frozenset({("FeNi3", 221), ("Ni2V", 71), ("O2Zr", 137)})

#: How far, in angstroms, order may move atoms off their places in the common structure.
_ORDERING = 0.5


def reduced_formula(atomic_numbers: list[int]) -> str:
    """Return the reduced formula, elements in alphabetical order."""
    from ase.data import chemical_symbols

    return _formula(Counter(chemical_symbols[z] for z in atomic_numbers))


def _formula(counts: dict[str, int]) -> str:
    divisor = gcd(*counts.values())
    return "".join(
        symbol + (str(number // divisor) if number > divisor else "")
        for symbol, number in sorted(counts.items())
    )


def structure_type(record: dict) -> tuple:
    """Return what materials of one structure type share: space group and anonymous formula."""
    numbers = record["atomic_numbers"]
    counts = sorted(numbers.count(z) for z in set(numbers))
    return record["space_group"], tuple(n // gcd(*counts) for n in counts), len(numbers)


def material(record: dict) -> tuple[str, int]:
    """Return reduced formula and space group of a material."""
    return reduced_formula(record["atomic_numbers"]), record["space_group"]


def crystal_name(record: dict) -> str:
    """Return what names a crystal, at any beam energy: formula, space group, atoms of its cell."""
    formula, space_group = material(record)
    return f"{formula} {space_group} {len(record['atomic_numbers'])}"


def crystals_of(records: list[dict]) -> np.ndarray:
    """Return a number for each crystal, shape (m,): one at several beam energies has one number."""
    names = [crystal_name(record) for record in records]
    order = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([order[name] for name in names])


@dataclass(frozen=True)
class MasterLibrary:
    """Master patterns of many materials.

    Attributes
    ----------
    masters
        Square Lambert master patterns, shape (m, 2, n, n), uint8.
    lattices
        Lattice index of each, shape (m,).
    records
        What is known of each, from ``structures.jsonl``.
    parts
        Of each, shape (m,): ``"trained"``; ``"other energy"``, a trained material at another beam
        energy than the usual, which serves training alone; ``"known"``, to be listed beside the
        trained ones; ``"blind"``, a relative of trained materials, left out; ``"new type"``, whose
        whole structure type is left out; or ``"validation type"``, the same, kept for calibration.
    """

    masters: np.ndarray
    lattices: np.ndarray
    records: list[dict]
    parts: np.ndarray

    @classmethod
    def open(cls, *folders: str | Path, known: Iterable[str | Path] = ()) -> "MasterLibrary":
        """Read folders of ``.npz`` master patterns, each with its ``structures.jsonl``.

        Of files of one name in several folders the last folder's counts. Nickel is there twice:
        another program, EMsoft, simulated the one that kikuchipy ships.

        Parameters
        ----------
        *folders
            The folders.
        known
            Further ones, whose materials no network was trained on: their part is ``"known"``.
            Crystals that the others hold as well are passed over.
        """
        found = _files_of(folders)
        there = {crystal_name(record) for _, record in found.values()}
        own = {
            name: (folder, record)
            for name, (folder, record) in _files_of(known).items()
            if crystal_name(record) not in there
        }
        masters = [np.load(folder / name)["mp"] for name, (folder, _) in (found | own).items()]
        masters.insert(len(found), _emsoft_nickel(masters[0].shape[-1]))
        records = [record for _, record in found.values()] + [EMSOFT_NICKEL]
        parts = np.append(split(records), ["known"] * len(own))
        records += [record for _, record in own.values()]
        lattices = np.array([PEARSON_SYMBOLS.index(record["lattice"]) for record in records])
        return cls(np.stack(masters), lattices, records, parts)

    def indices(self, part: str) -> np.ndarray:
        """Return which materials belong to a part."""
        return np.flatnonzero(self.parts == part)

    def places(self, keys: Sequence[str]) -> np.ndarray:
        """Return where the materials are that an index lists by these keys, shape (n,).

        Raises
        ------
        ValueError
            If the library lacks one.
        """
        places = {record["file"].removesuffix(".npz"): i for i, record in enumerate(self.records)}
        if missing := [key for key in keys if key not in places]:
            named = ", ".join(missing[:5])
            raise ValueError(f"no master patterns of {named} ({len(missing)} in all)")
        return np.array([places[key] for key in keys], int)


def _files_of(folders: Iterable[str | Path]) -> dict[str, tuple[Path, dict]]:
    """Return folder and record of each master pattern, by the name of its file."""
    found = {}
    for folder in map(Path, folders):
        own = sorted(read_records(folder / "structures.jsonl").items())
        found |= {name: (folder, record) for name, record in own}
    return found


def _emsoft_nickel(size: int) -> np.ndarray:
    """Return kikuchipy's nickel master pattern at 20 keV, shape (2, size, size), uint8."""
    import kikuchipy as kp
    from skimage.transform import resize

    master = kp.data.nickel_ebsd_master_pattern_small(projection="lambert", hemisphere="both")
    fine = master.data.astype(float)
    coarse = np.stack([resize(half, (size, size), anti_aliasing=True) for half in fine])
    low, high = np.percentile(coarse, (0.05, 99.95))
    return (255 * np.clip((coarse - low) / (high - low), 0, 1)).astype(np.uint8)


def is_seed(record: dict) -> bool:
    """Tell whether a material is one of the first seed paper's."""
    return "seed" in record["source"]


def is_everyday(record: dict) -> bool:
    """Tell whether people meet a material often: its rank says so, or the catalogue's.

    Ordered forms of common structures are left out, but for the seed paper's with bands of their
    own that can be seen: drawn as often, FeNi3 and Cu3Au (cP) would teach to call nickel cP.
    """
    rank = rank_of(record)
    if rank > EVERYDAY_RANK or material(record) in _NEARLY_ANOTHER:
        return False
    return rank == 0 or not _orders_another(record)


def rank_of(record: dict) -> int:
    """Return how usual a material is: 0 the seed paper's, 1 everyday, 2 well known, 3 for variety.

    What neither its record nor the catalogue says is for variety.
    """
    return record.get(
        "rank", 0 if is_seed(record) else _ranks().get(material(record), VARIETY_RANK)
    )


@cache
def _ranks() -> dict[tuple[str, int], int]:
    """Return the catalogue's rank of each material, the most everyday one's of several."""
    from napari_bravais import catalogue

    ranks = {}
    for structure in catalogue.structures():
        parts = re.findall(r"([A-Z][a-z]?)(\d*)", structure.formula)
        formula = _formula({symbol: int(number or 1) for symbol, number in parts})
        own = formula, structure.space_group
        ranks[own] = min(structure.rank, ranks.get(own, structure.rank))
    return ranks


def is_element(record: dict) -> bool:
    """Tell whether all atoms of a material are alike."""
    return len(set(record["atomic_numbers"])) == 1


def is_standard(record: dict) -> bool:
    """Tell whether people set up and calibrate their detectors with a material."""
    return material(record) in STANDARD_MATERIALS


def hides_in_another(record: dict) -> bool:
    """Tell whether a material is an ordered form of a common structure with another lattice.

    If all its atoms were alike it would be face-centred or body-centred cubic, hexagonal close
    packed or diamond, as isoferroplatinum, chalcopyrites and stannites would be. The bands that its
    order adds are too faint to see in most patterns: drawn as often as other materials, its kin
    together teach to call silicon tI and nickel cP.
    """
    return not is_everyday(record) and _orders_another(record)


def _orders_another(record: dict) -> bool:
    import spglib

    alike = [1] * len(record["atomic_numbers"])
    cell = record["cell"], record["positions"], alike
    found = spglib.get_symmetry_dataset(cell, symprec=_ORDERING)
    common = {225: "cF", 227: "cF", 229: "cI", 194: "hP"}
    lattice = common.get(found.number) if found else None
    return lattice is not None and lattice != record["lattice"]


def split(records: list[dict]) -> np.ndarray:
    """Assign every material to a part; see ``MasterLibrary.parts``."""
    left_out = types_left_out()
    # Variants come from a parent: their types may differ by a relabelled element, their names not.
    parents = [re.sub(r"-v\d+$", "", record["name"]) for record in records]
    types = [structure_type(record) for record in records]
    of_parents = {
        parent: left_out[kind]
        for parent, kind in zip(parents, types, strict=True)
        if kind in left_out
    }
    parts = []
    for kind, parent, record in zip(types, parents, records, strict=True):
        usual = record["beam_energy_kev"] == USUAL_ENERGY
        part = left_out.get(kind) or of_parents.get(parent)
        part = part or ("trained" if usual else "other energy")
        parts.append("blind" if material(record) in BLIND_MATERIALS else part)
    return np.array(parts)


@cache
def types_left_out() -> dict[tuple, str]:
    """Return the part of each structure type that training never sees."""
    table = resources.files(__package__).joinpath(LEFT_OUT).read_text("utf-8")
    return {
        (
            int(row["space group"]),
            tuple(map(int, row["atoms of each element"].split())),
            int(row["atoms in the cell"]),
        ): row["part"]
        for row in csv.DictReader(table.splitlines(), delimiter="\t")
    }
