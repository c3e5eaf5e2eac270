"""Crystals without their order: atoms mixed at random over the places of a simpler lattice."""

import numpy as np

#: Atomic number of the first elements that are not small beside a metal's atoms, neon's.
_HEAVY = 10

#: Ångström by which atoms may be off the places of the simpler lattice.
_TOLERANCE = 0.35


def mixed_atoms(
    cell: np.ndarray, numbers: np.ndarray, positions: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean of a crystal over the translations of the lattice that is ordered.

    These are the translations that take the places of all heavy atoms, whichever they are, to such
    places. So metals are mixed over their places, and small atoms between them (up to fluorine)
    spread over all places that are alike where the metals are. A crystal without order stays as it
    is.

    Parameters
    ----------
    cell
        The cell's vectors in rows, in ångström, shape (3, 3).
    numbers
        Atomic numbers of the atoms of the cell, shape (n,).
    positions
        Where they are, as fractions of the cell's edges, shape (n, 3).

    Returns
    -------
    numpy.ndarray, numpy.ndarray, numpy.ndarray
        Atomic numbers, positions, and how often such an atom is there: shapes (m,), (m, 3), (m,).
    """
    numbers, positions = np.asarray(numbers), np.asarray(positions, float)
    heavy = positions[numbers >= _HEAVY]
    if not len(heavy):
        heavy = positions
    translations = [
        step for step in heavy - heavy[0] if _near(cell, heavy + step, heavy).any(axis=1).all()
    ]
    found: dict[tuple[int, int], float] = {}  # how often, by atomic number and place
    places = positions[:1]
    for step in translations:
        for number, position in zip(numbers, positions + step, strict=True):
            near = _near(cell, position[None], places)[0]
            if not near.any():
                places, near = np.vstack([places, position]), np.append(near, True)
            atom = int(number), int(near.argmax())
            found[atom] = found.get(atom, 0.0) + 1 / len(translations)
    kinds, which = np.array(list(found)).T
    return kinds, places[which] % 1, np.array(list(found.values()))


def _near(cell: np.ndarray, some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Tell which places are the same but for whole cells, shape (n, m)."""
    apart = some[:, None] - others[None]
    return np.linalg.norm((apart - np.rint(apart)) @ cell, axis=-1) < _TOLERANCE
