"""Master patterns on disk, and how their materials are split."""

import json
import re
from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np

from napari_bravais.lattices import PEARSON_SYMBOLS

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

#: Structure types of each lattice that training never sees.
NEW_TYPES_PER_LATTICE = 3

#: How many of these serve to calibrate, the others to test.
VALIDATION_TYPES_PER_LATTICE = 1

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

PARTS = ("trained", "other energy", "validation type", "blind", "new type")


def reduced_formula(atomic_numbers: list[int]) -> str:
    """Return the reduced formula, elements in alphabetical order."""
    from ase.data import chemical_symbols

    symbols = [chemical_symbols[z] for z in atomic_numbers]
    counts = {symbol: symbols.count(symbol) for symbol in sorted(set(symbols))}
    divisor = gcd(*counts.values())
    return "".join(s + (str(n // divisor) if n > divisor else "") for s, n in counts.items())


def structure_type(record: dict) -> tuple:
    """Return what materials of one structure type share: space group and anonymous formula."""
    numbers = record["atomic_numbers"]
    counts = sorted(numbers.count(z) for z in set(numbers))
    return record["space_group"], tuple(n // gcd(*counts) for n in counts), len(numbers)


def material(record: dict) -> tuple[str, int]:
    """Return reduced formula and space group of a material."""
    return reduced_formula(record["atomic_numbers"]), record["space_group"]


def crystals_of(records: list[dict]) -> np.ndarray:
    """Return a number for each crystal, shape (m,): one at several beam energies has one number."""
    keys = [(r["space_group"], *sorted(r["atomic_numbers"])) for r in records]
    order = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.array([order[key] for key in keys])


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
        energy than the usual, which serves training alone; ``"blind"``, a relative of trained
        materials, left out; ``"new type"``, whose whole structure type is left out; or
        ``"validation type"``, the same, kept for calibration.
    """

    masters: np.ndarray
    lattices: np.ndarray
    records: list[dict]
    parts: np.ndarray

    @classmethod
    def open(cls, *folders: str | Path) -> "MasterLibrary":
        """Read folders of ``.npz`` master patterns, each with its ``structures.jsonl``.

        Nickel is there twice: another program, EMsoft, simulated the one that kikuchipy ships.
        """
        records, masters = [], []
        for folder in map(Path, folders):
            lines = (folder / "structures.jsonl").read_text().splitlines()
            own = sorted(map(json.loads, lines), key=lambda record: record["file"])
            masters += [np.load(folder / record["file"])["mp"] for record in own]
            records += own
        masters.append(_emsoft_nickel(masters[0].shape[-1]))
        records.append(EMSOFT_NICKEL)
        lattices = np.array([PEARSON_SYMBOLS.index(record["lattice"]) for record in records])
        return cls(np.stack(masters), lattices, records, split(records))

    def indices(self, part: str) -> np.ndarray:
        """Return which materials belong to a part."""
        return np.flatnonzero(self.parts == part)


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
    """Tell whether people meet a material often: the catalogue's rank says so.

    A record without a rank is of rank 0 if it is the seed paper's.

    Ordered forms of common structures are left out, but for the seed paper's with bands of their
    own that can be seen: drawn as often, FeNi3 and Cu3Au (cP) would teach to call nickel cP.
    """
    rank = record.get("rank", 0 if is_seed(record) else 3)
    if rank > 1 or material(record) in _NEARLY_ANOTHER:
        return False
    return rank == 0 or not _orders_another(record)


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
    """Assign every material to a part; see ``MasterLibrary.parts``.

    The new types are drawn, with a fixed seed, from those that hold no material of the seed paper.
    """
    types = [structure_type(record) for record in records]
    materials = [material(record) for record in records]
    seeds = {own for own, r in zip(materials, records, strict=True) if is_seed(r)}
    kept = {kind for kind, own in zip(types, materials, strict=True) if own in seeds}
    # Variants come from a parent: their types may differ by a relabelled element, their names not.
    parents = [re.sub(r"-v\d+$", "", record["name"]) for record in records]
    rng = np.random.default_rng(2020)
    left_out = {}
    for lattice in PEARSON_SYMBOLS:
        own = [i for i, record in enumerate(records) if record["lattice"] == lattice]
        free = sorted({types[i] for i in own} - kept)
        for rank, pick in enumerate(rng.permutation(len(free))[:NEW_TYPES_PER_LATTICE]):
            part = "validation type" if rank < VALIDATION_TYPES_PER_LATTICE else "new type"
            left_out[free[pick]] = part
            left_out |= {parents[i]: part for i in own if types[i] == free[pick]}
    parts = []
    for own, kind, parent, r in zip(materials, types, parents, records, strict=True):
        usual = r["beam_energy_kev"] == USUAL_ENERGY
        part = left_out.get(kind) or left_out.get(parent)
        part = part or ("trained" if usual else "other energy")
        parts.append("blind" if own in BLIND_MATERIALS else part)
    return np.array(parts)
