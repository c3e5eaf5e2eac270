"""What spglib says of a structure."""

import os
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ase import Atoms

#: Tolerances in angstroms. The paper's are in its supplement, which was not at hand; these follow
#: from its table 1, where accuracy falls to the same three quarters at displacements of 0.001
#: (medium) and 0.01 angstroms (loose).
TOLERANCES = {"tight": 1e-3, "medium": 1e-2, "loose": 1e-1}


@contextmanager
def quiet_spglib():
    """Give spglib, which then neither prints what it did not find nor warns of its future."""
    import spglib

    os.environ.setdefault("SPGLIB_WARNING", "OFF")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield spglib


def space_group(atoms: "Atoms", tolerance: float) -> int | None:
    """Return the number of the space group of a periodic structure; None if spglib finds none."""
    cell = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
    with quiet_spglib() as spglib:
        dataset = spglib.get_symmetry_dataset(cell, symprec=tolerance)
    return None if dataset is None else int(dataset.number)
