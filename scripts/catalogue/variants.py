"""Relatives of known structures: elements exchanged for like ones, the cell varied."""

from collections.abc import Iterator

import numpy as np
from sources import Candidate, cell_vectors

from napari_bravais.catalogue.structure import ELEMENTS, Structure

# Elements that take each other's place.
_FAMILIES = (
    "Li Na K Rb Cs",
    "Be Mg Ca Sr Ba",
    "Sc Y La Ce Nd Gd Dy Er Lu",
    "Ti Zr Hf",
    "V Nb Ta",
    "Cr Mo W",
    "Mn Fe Co Ni Ru Rh Pd",
    "Cu Ag Au Pt",
    "Zn Cd Hg",
    "Al Ga In Tl",
    "Si Ge Sn Pb",
    "P As Sb Bi",
    "S Se Te",
    "F Cl Br I",
    "Th U Pu",
)
_LIKE = {symbol: family.split() for family in _FAMILIES for symbol in family.split()}


def variants(parent: Structure, rng: np.random.Generator) -> Iterator[Candidate]:
    """Yield relatives of a structure without end; none if no element of it has its like.

    Parameters
    ----------
    parent
        Its space group, sites and, but for the elements, its structure type are kept.
    rng
        Source of randomness.
    """
    numbers, positions = parent.atoms()
    while parent.elements & set(_LIKE):
        change = {
            ELEMENTS.index(s): ELEMENTS.index(_other(s, rng)) for s in sorted(parent.elements)
        }
        if len(set(change.values())) < len(change) or all(a == b for a, b in change.items()):
            continue
        yield Candidate(
            cell_vectors(*_varied(parent, rng)),
            positions,
            [change[int(z)] for z in numbers],
            "",
            f"variant of {parent.key}: elements exchanged for like ones, cell varied",
            "variant",
            3,
        )


def _other(symbol: str, rng: np.random.Generator) -> str:
    return str(rng.choice(_LIKE.get(symbol, [symbol])))


def _varied(parent: Structure, rng: np.random.Generator) -> list[float]:
    """Return the cell with its free parameters changed: lengths by 6 %, angles by 2 degrees."""
    cell = np.array(parent.cell)
    factors = rng.uniform(0.94, 1.06, 3)
    if parent.lattice[0] in "th":
        factors[1] = factors[0]
    if parent.lattice[0] == "c":
        factors[:] = factors[0]
    free = {"a": [3, 4, 5], "m": [4]}.get(parent.lattice[0], [])
    cell[:3] *= factors
    cell[free] += rng.uniform(-2, 2, len(free))
    return cell.tolist()
