"""What spglib says of a structure."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ase import Atoms

#: Tolerances in angstroms. The paper's are in its supplement, which was not at hand; these follow
#: from its table 1, where accuracy falls to the same three quarters at displacements of 0.001
#: (medium) and 0.01 angstroms (loose).
TOLERANCES = {"tight": 1e-3, "medium": 1e-2, "loose": 1e-1}


def space_group(atoms: "Atoms", tolerance: float) -> int | None:
    """Return the number of the space group of a periodic structure; None if spglib finds none."""
    import os
    import warnings

    import spglib

    os.environ.setdefault("SPGLIB_WARNING", "OFF")
    cell = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        dataset = spglib.get_symmetry_dataset(cell, symprec=tolerance)
    return None if dataset is None else int(dataset.number)
