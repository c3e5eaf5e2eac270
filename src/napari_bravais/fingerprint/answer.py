"""All that is said of one structure."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_bravais.fingerprint.classes import CLASSES, CrystalClass
from napari_bravais.fingerprint.cluster import fingerprint
from napari_bravais.fingerprint.responses import class_response
from napari_bravais.fingerprint.symmetry import TOLERANCES, space_group

if TYPE_CHECKING:
    from ase import Atoms

    from napari_bravais.fingerprint.classifier import StructureClassifier

#: spglib is not asked about larger structures: its time grows with the square of the atoms.
MOST_FOR_SPGLIB = 3000


@dataclass(frozen=True)
class Answer:
    """What is said of one structure.

    Attributes
    ----------
    formula, atoms
        Chemical formula, and number of atoms.
    fingerprint
        Shape (64, 64, 3), float32 in [0, 1].
    probabilities
        Of the seven classes, shape (7,).
    space_groups
        spglib's number of the space group at each tolerance; None where it finds none.
        Empty if it could not be asked: without a cell, or of too large a structure.
    response
        What of the fingerprint the last convolution answered to, as ``fingerprint``.
    """

    formula: str
    atoms: int
    fingerprint: np.ndarray
    probabilities: np.ndarray
    space_groups: dict[str, int | None]
    response: np.ndarray

    @property
    def crystal_class(self) -> CrystalClass:
        """The likeliest class."""
        return CLASSES[int(self.probabilities.argmax())]


def answer(atoms: "Atoms", classifier: "StructureClassifier") -> Answer:
    """Classify a structure that `napari_bravais.fingerprint.files` has read or checked."""
    image = fingerprint(atoms)
    asked = TOLERANCES if atoms.pbc.all() and len(atoms) <= MOST_FOR_SPGLIB else {}
    return Answer(
        atoms.get_chemical_formula(),
        len(atoms),
        image,
        classifier.predict(image[None])[0],
        {name: space_group(atoms, tolerance) for name, tolerance in asked.items()},
        class_response(classifier.model, image),
    )


def symbol(number: int | None) -> str:
    """Return a space group with its symbol, for example ``"Fm-3m (225)"``."""
    if number is None:
        return "none"
    from ase.spacegroup import Spacegroup

    return f"{Spacegroup(number).symbol.replace(' ', '')} ({number})"
