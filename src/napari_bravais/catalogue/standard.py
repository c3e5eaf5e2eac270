"""Turn a crystal structure to the standard setting of its space group, and check it."""

from collections import Counter
from math import gcd
from typing import Any

import numpy as np

from napari_bravais.catalogue.structure import ELEMENTS, Structure, orbit
from napari_bravais.lattices import lattice_of_space_group

#: Tolerances, in ångström, at which the lattice must be the same.
TOLERANCES = (0.01, 0.1, 0.25)

# Order of elements in formulas: as in the usual formulas of minerals and compounds.
_LAST = ("As", "Sb", "Te", "Se", "P", "B", "C", "Si", "H", "N", "S", "I", "Br", "Cl", "O", "F")


class NotOneLatticeError(ValueError):
    """The lattice depends on the tolerance, or there is no sound structure."""


def standardised(
    cell: np.ndarray,
    positions: np.ndarray,
    numbers: list[int],
    tolerances: tuple[float, ...] = TOLERANCES,
    **labels: Any,
) -> Structure:
    """Return a structure in the standard setting.

    Parameters
    ----------
    cell
        Cell vectors as rows, in ångström, shape (3, 3).
    positions
        Fractional coordinates of all atoms of the cell, shape (n, 3).
    numbers
        Their atomic numbers.
    tolerances
        In ångström; the lattice must be the same at each.
    **labels
        ``name``, ``kind``, ``rank``, ``source`` and ``aliases`` of the `Structure`.

    Raises
    ------
    NotOneLatticeError
        If it is not, or spglib finds no symmetry.
    """
    found = lattices_by_tolerance(cell, positions, numbers, tolerances)
    if len(set(found.values())) > 1 or None in found.values():
        said = ", ".join(f"{lattice} at {t:g} Å" for t, lattice in found.items())
        raise NotOneLatticeError(f"the lattice depends on the tolerance: {said}")
    data = _symmetry((cell, positions, numbers), tolerances[0])
    formula = formula_of(numbers)
    pearson = lattice_of_space_group(data.number).pearson
    plain = "".join(c if c.isalnum() or c in "-+." else "_" for c in labels["name"])
    ending = "" if formula in plain else f"-{formula}"
    return Structure(
        key=f"{pearson}-{plain}{ending}",
        formula=formula,
        space_group=int(data.number),
        cell=_parameters(data.std_lattice),
        sites=_asymmetric_unit(data),
        **labels,
    )


def lattices_by_tolerance(
    cell: np.ndarray,
    positions: np.ndarray,
    numbers: list[int],
    tolerances: tuple[float, ...] = TOLERANCES,
) -> dict[float, str | None]:
    """Return the Pearson symbol that spglib finds at each tolerance; None where it finds none."""
    found = {}
    for tolerance in tolerances:
        data = _symmetry((cell, positions, numbers), tolerance)
        found[tolerance] = data and lattice_of_space_group(data.number).pearson
    return found


def formula_of(numbers: list[int]) -> str:
    """Return the reduced formula, metals first, oxygen and halogens last."""
    counts = Counter(ELEMENTS[number] for number in numbers)
    divisor = gcd(*counts.values())
    ranks = {symbol: rank for rank, symbol in enumerate(_LAST)}
    ordered = sorted(counts, key=lambda symbol: (ranks.get(symbol, -1), symbol))
    return "".join(s + (str(counts[s] // divisor) if counts[s] > divisor else "") for s in ordered)


def _symmetry(crystal: tuple, tolerance: float) -> Any:
    """Return spglib's dataset, or None."""
    import spglib

    try:
        return spglib.get_symmetry_dataset(crystal, symprec=tolerance)
    except spglib.SpglibError:
        return None


def _asymmetric_unit(data: Any) -> tuple[tuple[str, float, float, float], ...]:
    """Return one atom of every orbit.

    Raises
    ------
    NotOneLatticeError
        If the space group does not make the whole structure of them.
    """
    atoms = zip(data.std_types, data.std_positions, strict=True)
    left = [(int(z), np.asarray(xyz)) for z, xyz in atoms]
    sites = []
    while left:
        number, xyz = left[0]
        images = orbit(int(data.number), xyz)
        rest = [(z, p) for z, p in left if z != number or not _among(p, images)]
        if len(left) - len(rest) != len(images):
            raise NotOneLatticeError("spglib's symmetry does not make the whole structure")
        left = rest
        best = min(images.round(5).tolist())
        sites.append((ELEMENTS[number], *best))
    return tuple(sites)


def _among(position: np.ndarray, images: np.ndarray) -> bool:
    offset = images - position
    return bool((np.abs(offset - np.rint(offset)).max(axis=1) < 5e-3).any())


def _parameters(cell: np.ndarray) -> tuple[float, ...]:
    """Return a, b, c in ångström and the angles in degrees of cell vectors in rows."""
    lengths = np.linalg.norm(cell, axis=1)
    unit = cell / lengths[:, None]
    cosines = [unit[1] @ unit[2], unit[0] @ unit[2], unit[0] @ unit[1]]
    angles = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    return (*(round(float(v), 5) for v in lengths), *(round(float(v), 4) for v in angles))
