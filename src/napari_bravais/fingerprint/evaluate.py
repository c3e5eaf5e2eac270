"""Accuracy on defective structures, ours and spglib's: the paper's table 1 and more."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from napari_bravais.fingerprint.classes import CLASS_OF_SPACE_GROUP
from napari_bravais.fingerprint.classifier import StructureClassifier
from napari_bravais.fingerprint.cluster import fingerprint
from napari_bravais.fingerprint.defects import displaced, substituted, supercell, thinned
from napari_bravais.fingerprint.files import StructureError, checked
from napari_bravais.fingerprint.prototypes import ELEMENTS, Solid, solids
from napari_bravais.fingerprint.symmetry import TOLERANCES, space_group

if TYPE_CHECKING:
    from ase import Atoms

#: Structures that no network was trained on are drawn with this seed.
SEED = 1

#: The paper's table 1: displacements in angstroms, fractions of vacancies.
DISPLACEMENTS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.06)
VACANCIES = (0.01, 0.02, 0.15, 0.25)


@dataclass(frozen=True)
class Cell:
    """One column of a table of accuracies.

    Attributes
    ----------
    defect
        What was done to the structures, in words.
    structures
        How many.
    network
        Fraction that the network classifies right.
    spglib
        Fractions for which spglib names the right class, by tolerance; empty if not asked.
    """

    defect: str
    structures: int
    network: float
    spglib: dict[str, float]


Change = Callable[["Atoms", np.random.Generator], "Atoms"]


def table_1(classifier: StructureClassifier, number: int, progress=iter) -> list[Cell]:
    """Return the paper's table 1, of so many structures a cell, none of them trained on."""
    cells = {f"σ = {sigma} Å": _displacing(sigma) for sigma in DISPLACEMENTS}
    cells |= {f"η = {fraction:.0%}": _thinning(fraction) for fraction in VACANCIES}
    return [
        accuracy(classifier, defect, change, number, with_spglib=True)
        for defect, change in progress(cells.items())
    ]


def further_table(classifier: StructureClassifier, number: int, progress=iter) -> list[Cell]:
    """Return accuracies for what the supplement claims, and for what goes beyond the paper."""
    cells = {f"η = {fraction:.0%}": _thinning(fraction) for fraction in (0.4, 0.6, 0.7)}
    cells |= {
        f"{fraction:.0%} of the atoms replaced, {kinds + 1} elements": _replacing(fraction, kinds)
        for fraction, kinds in ((0.1, 1), (0.5, 1), (0.5, 2))
    }
    cells |= {f"σ = {part:.0%} of the bond": _shaking(part, 0) for part in (0.03, 0.06, 0.1)}
    cells |= {
        f"σ = {part:.0%} of the bond and η = {fraction:.0%}": _shaking(part, fraction)
        for part, fraction in ((0.03, 0.25), (0.06, 0.25), (0.03, 0.5), (0.06, 0.5))
    }
    return [
        accuracy(classifier, defect, change, number) for defect, change in progress(cells.items())
    ]


def accuracy(
    classifier: StructureClassifier,
    defect: str,
    change: Change,
    number: int,
    with_spglib: bool = False,
) -> Cell:
    """Return how many of some defective structures are classified right.

    Parameters
    ----------
    classifier
        The network.
    defect
        What ``change`` does, in words.
    change
        Makes a supercell defective.
    number
        How many structures.
    with_spglib
        Whether spglib is asked too.
    """
    images, truth, answers = [], [], {name: [] for name in TOLERANCES if with_spglib}
    for solid, atoms in defective(change, number):
        images.append(fingerprint(atoms))
        truth.append(CLASS_OF_SPACE_GROUP[solid.space_group].index)
        for name, right in answers.items():
            found = CLASS_OF_SPACE_GROUP.get(space_group(atoms, TOLERANCES[name]))
            right.append(found is not None and found.index == truth[-1])
    predicted = classifier.logits(np.stack(images)).argmax(axis=1)
    spglib = {name: float(np.mean(right)) for name, right in answers.items()}
    return Cell(defect, len(truth), float((predicted == truth).mean()), spglib)


def defective(change: Change, number: int, seed: int = SEED):
    """Yield solids, and supercells of them made defective, ready to be classified."""
    random = np.random.default_rng(seed)
    for solid in _drawn(number, seed):
        yield solid, _sound(solid, change, random)


@cache
def _drawn(number: int, seed: int) -> tuple[Solid, ...]:
    """Return the same solids for each column of a table."""
    return tuple(solids(number, seed))


def _sound(solid: Solid, change: Change, random: np.random.Generator) -> "Atoms":
    """Make a defective structure whose atoms do not overlap by chance."""
    while True:
        try:
            return checked(change(supercell(solid.atoms), random))
        except StructureError:
            continue


def _displacing(sigma: float) -> Change:
    return lambda atoms, random: displaced(atoms, sigma, random)


def _thinning(fraction: float) -> Change:
    return lambda atoms, random: thinned(atoms, fraction, random)


def _replacing(fraction: float, kinds: int) -> Change:
    def change(atoms: "Atoms", random: np.random.Generator) -> "Atoms":
        return substituted(atoms, fraction, random.choice(ELEMENTS, kinds), random)

    return change


def _shaking(part: float, fraction: float) -> Change:
    def change(atoms: "Atoms", random: np.random.Generator) -> "Atoms":
        from napari_bravais.fingerprint.periodic import nearest_neighbours

        sigma = part * nearest_neighbours(checked(atoms)).mean()
        return displaced(thinned(atoms, fraction, random), sigma, random)

    return change


def calibration_sample(number: int, seed: int = SEED) -> tuple[np.ndarray, np.ndarray]:
    """Return fingerprints and classes of structures with all kinds and degrees of defects.

    Half of the atoms may be displaced by up to 15 % of the bond, and up to four in five missing.
    """
    images, classes = [], []

    def change(atoms: "Atoms", random: np.random.Generator) -> "Atoms":
        return _shaking(random.uniform(0, 0.15), random.uniform(0, 0.8))(atoms, random)

    for solid, atoms in defective(change, number, seed):
        images.append(fingerprint(atoms))
        classes.append(CLASS_OF_SPACE_GROUP[solid.space_group].index)
    return np.stack(images), np.array(classes)


def calibration_error(probabilities: np.ndarray, classes: np.ndarray, bins: int = 10) -> float:
    """Return the mean gap between confidence and accuracy (expected calibration error)."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == classes
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(confidence[bin_of == each].mean() - right[bin_of == each].mean())
        * (bin_of == each).mean()
        for each in np.unique(bin_of)
    ]
    return float(sum(gaps))
