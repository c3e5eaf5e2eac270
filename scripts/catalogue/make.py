"""Make the catalogue of crystal structures, ``structures.jsonl``.

Run from the repository's root, with the ``train`` extra and pymatgen installed::

    pip download --no-deps xraylarch==0.9.70 && unzip -j xraylarch-*.whl larch/xrd/amcsd_cif1.db
    apt-get download libavogadro-data && dpkg -x libavogadro-data_*.deb avogadro
    python scripts/catalogue/make.py --minerals amcsd_cif1.db --avogadro avogadro
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from by_hand import HERE, by_prototype, by_sites
from sources import Candidate, Minerals, aflow, avogadro
from variants import variants

from napari_bravais.catalogue.standard import (
    NotOneLatticeError,
    formula_of,
    lattices_by_tolerance,
    standardised,
)
from napari_bravais.catalogue.structure import Structure
from napari_bravais.lattices import PEARSON_SYMBOLS, POINTS_PER_CELL

OUTPUT = Path("src/napari_bravais/catalogue")
#: Structures a lattice that minerals, for variety, and then variants fill up to.
TARGET = 56
#: Atoms of the primitive cell at most, by rank.
LARGEST = (120, 120, 60, 26)
#: Nearest distance of two atoms, in ångström; hydrogen may be nearer.
NEAREST = 1.1


class Catalogue:
    """Structures that passed every check, and the reasons why others did not."""

    def __init__(self) -> None:
        self.structures: list[Structure] = []
        self.refused: list[str] = []
        self._keys: set[str] = set()

    def offer(self, candidate: Candidate) -> bool:
        """Take a structure in, if it is sound and new."""
        try:
            structure = _checked(candidate)
        except NotOneLatticeError as error:
            name = candidate.name or candidate.source
            self.refused.append(f"{candidate.rank}\t{name}\t{candidate.source}\t{error}")
            return False
        if structure.key in self._keys or any(_alike(structure, s) for s in self.structures):
            return False
        self._keys.add(structure.key)
        self.structures.append(structure)
        return True

    def count(self, lattice: str) -> int:
        """Return how many structures have a lattice."""
        return sum(structure.lattice == lattice for structure in self.structures)


def main() -> None:
    """Read the sources, the everyday materials first, and write the catalogue."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minerals", type=Path, required=True, help="xraylarch's amcsd_cif1.db")
    parser.add_argument("--avogadro", type=Path, required=True, help="unpacked libavogadro-data")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    catalogue = Catalogue()
    prototypes = aflow()
    minerals = Minerals(options.minerals)
    for candidate in (*by_sites(), *by_prototype(prototypes)):
        catalogue.offer(candidate)
    everyday_minerals(catalogue, minerals)
    print(len(catalogue.structures), "entered by hand and everyday minerals")
    for candidate in (*avogadro(options.avogadro), *prototypes.values()):
        catalogue.offer(candidate)
    for number in (int(v) for v in (HERE / "more_minerals.txt").read_text().split()):
        offer_mineral(catalogue, minerals, [number], 3)
    print(len(catalogue.structures), "before filling up")
    further_minerals(catalogue, minerals)
    print(len(catalogue.structures), "before variants")
    add_variants(catalogue)
    # last, so that what was made to fill up the lattices stays what it was
    for candidate in by_sites("published.txt", ""):
        catalogue.offer(candidate)
    write(catalogue, options.output)


def everyday_minerals(catalogue: Catalogue, minerals: Minerals) -> None:
    """Take in the minerals of ``minerals.txt``, each as its entry of middling volume."""
    entries = {name.casefold(): numbers for name, numbers in minerals.rows().items()}
    for line in (HERE / "minerals.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        rank, _, names = line.partition(" ")
        name, *aliases = (part.strip() for part in names.replace(";", "|").split("|"))
        found = offer_mineral(
            catalogue, minerals, entries.get(name.casefold(), []), int(rank), tuple(aliases)
        )
        if not found:
            print(f"{name}: no entry that passes")


def offer_mineral(
    catalogue: Catalogue,
    minerals: Minerals,
    numbers: Iterable[int],
    rank: int,
    aliases: tuple[str, ...] = (),
) -> bool:
    """Offer the entries of one mineral until one is taken: the typical, by volume, first."""
    read = [candidate for n in list(numbers)[:12] if (candidate := minerals.read(n)) is not None]
    volumes = [abs(np.linalg.det(c.cell)) for c in read]
    order = (
        np.argsort(np.abs(np.array(volumes) - np.median(volumes)), kind="stable") if read else []
    )
    for index in order:
        candidate = read[index]
        candidate.rank, candidate.aliases = rank, aliases
        if catalogue.offer(candidate):
            return True
    return False


def further_minerals(catalogue: Catalogue, minerals: Minerals) -> None:
    """Fill up each lattice with minerals of small cells, in the database's order."""
    for numbers in minerals.rows().values():
        if all(catalogue.count(lattice) >= TARGET for lattice in PEARSON_SYMBOLS):
            break
        candidate = minerals.read(numbers[0])
        if candidate is None or len(candidate.numbers) > 3 * LARGEST[3]:
            continue
        found = lattices_by_tolerance(candidate.cell, candidate.positions, candidate.numbers)
        lattice = found[0.01]
        if set(found.values()) == {lattice} and lattice and catalogue.count(lattice) < TARGET:
            catalogue.offer(candidate)


def add_variants(catalogue: Catalogue) -> None:
    """Fill up each lattice with variants of its structures, in turn."""
    rng = np.random.default_rng(14)
    for lattice in PEARSON_SYMBOLS:
        parents = [s for s in catalogue.structures if s.lattice == lattice]
        streams = [(parent, variants(parent, rng)) for parent in parents]
        turn = 0
        while catalogue.count(lattice) < TARGET and turn < 20 * len(streams):
            parent, stream = streams[turn % len(streams)]
            turn += 1
            candidate = next(stream, None)
            if candidate is None:
                continue
            base = parent.name.split(" (variant")[0]
            candidate.name = f"{base} (variant {turn // len(streams) + 1})"
            catalogue.offer(candidate)


def write(catalogue: Catalogue, folder: Path) -> None:
    """Write the structures, those met most often first, and what was refused."""
    ordered = sorted(catalogue.structures, key=lambda structure: structure.rank)
    lines = [json.dumps(_record(s), ensure_ascii=False, separators=(",", ":")) for s in ordered]
    (folder / "structures.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    known = [line for line in catalogue.refused if not line.startswith("3")]
    (HERE / "refused.tsv").write_text("\n".join(known) + "\n", encoding="utf-8")
    counts = Counter(structure.lattice for structure in ordered)
    print(len(ordered), {lattice: counts[lattice] for lattice in PEARSON_SYMBOLS})


def _record(structure: Structure) -> dict:
    record = {key: value for key, value in vars(structure).items() if value != ()}
    record["cell"] = [round(value, 5) for value in structure.cell]
    return record


def _checked(candidate: Candidate) -> Structure:
    """Return a candidate in the standard setting.

    Raises
    ------
    NotOneLatticeError
        If its lattice depends on the tolerance, its atoms are too near each other or too many.
    """
    nearest = _nearest(candidate.cell, candidate.positions, candidate.numbers)
    if nearest < 1:
        raise NotOneLatticeError(f"atoms are too near each other ({nearest:.2f} of the least)")
    structure = standardised(
        candidate.cell,
        candidate.positions,
        candidate.numbers,
        name=candidate.name or formula_of(candidate.numbers),
        kind=candidate.kind,
        rank=candidate.rank,
        source=candidate.source,
        aliases=candidate.aliases,
    )
    primitive = len(structure.atoms()[0]) // POINTS_PER_CELL[structure.lattice[1]]
    if primitive > LARGEST[candidate.rank]:
        raise NotOneLatticeError(f"{primitive} atoms in the primitive cell")
    return structure


def _nearest(cell: np.ndarray, positions: np.ndarray, numbers: list[int]) -> float:
    """Return the least distance of two atoms over the least that is allowed."""
    offset = positions[:, None] - positions[None]
    offset -= np.rint(offset)
    shifts = np.stack(np.meshgrid(*[(-1, 0, 1)] * 3), axis=-1).reshape(-1, 3)
    light = np.asarray(numbers) == 1
    least = np.where(light[:, None] | light[None], 0.55, NEAREST)
    found = np.inf
    for shift in shifts:
        distance = np.linalg.norm((offset + shift) @ cell, axis=-1)
        if not shift.any():
            np.fill_diagonal(distance, np.inf)
        found = min(found, float((distance / least).min()))
    return found


def _alike(one: Structure, other: Structure) -> bool:
    """Tell whether two structures are one material: formula, space group and nearly the cell."""
    return (
        one.formula == other.formula
        and one.space_group == other.space_group
        and np.allclose(one.cell, other.cell, rtol=0.03)
    )


if __name__ == "__main__":
    main()
