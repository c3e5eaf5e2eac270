"""Scores of probabilities against the truth."""

from dataclasses import dataclass, field

import numpy as np

from napari_bravais.lattices import LATTICES

#: Bins of equal width that probabilities are sorted into to judge their calibration.
BINS = 15


@dataclass
class Score:
    """How well a classifier read some patterns.

    Attributes
    ----------
    materials
        How many materials.
    patterns
        How many patterns.
    top1, top3
        Shares whose lattice came first, or among the first three.
    crystal_system
        Share whose crystal system came first, probabilities summed over its lattices.
    calibration_error
        Expected calibration error: mean gap between probability and accuracy over the bins.
    reliability
        For each bin that holds any pattern: their mean probability, the share that is right, and
        how many they are.
    confusion
        Patterns of each lattice (row) that were given each lattice (column).
    by_material
        Of each material: its lattice, how often it came first and among the first three, what was
        answered most often, and how often each lattice was.
    """

    materials: int
    patterns: int
    top1: float
    top3: float
    crystal_system: float
    calibration_error: float
    reliability: list[tuple[float, float, int]] = field(default_factory=list)
    confusion: list[list[int]] = field(default_factory=list)
    by_material: dict[str, dict] = field(default_factory=dict)


def reliability(probabilities: np.ndarray, labels: np.ndarray) -> list[tuple[float, float, int]]:
    """Sort patterns by the likeliest class's probability.

    Parameters
    ----------
    probabilities
        Shape (n, classes).
    labels
        True class of each row, shape (n,).

    Returns
    -------
    list of tuple
        For each bin that holds any pattern: mean probability, share that is right, patterns.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    number = np.minimum((confidence * BINS).astype(int), BINS - 1)
    bins = [number == b for b in np.unique(number)]
    return [(float(confidence[b].mean()), float(right[b].mean()), int(b.sum())) for b in bins]


def calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the expected calibration error (Guo et al. 2017, arXiv:1706.04599).

    Parameters
    ----------
    probabilities
        Shape (n, classes).
    labels
        True class of each row, shape (n,).
    """
    rows = reliability(probabilities, labels)
    return sum(abs(right - stated) * n for stated, right, n in rows) / len(labels)


def in_first(probabilities: np.ndarray, labels: np.ndarray, places: int = 3) -> np.ndarray:
    """Tell of each row whether its true class is among the likeliest ``places``, shape (n,)."""
    order = np.argsort(-probabilities, axis=1)
    return (order[:, :places] == labels[:, None]).any(axis=1)


def crystal_system_right(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Tell of each row, shape (n, 14), whether its crystal system comes first, shape (n,)."""
    systems = sorted({lattice.crystal_system for lattice in LATTICES})
    system_of = np.array([systems.index(lattice.crystal_system) for lattice in LATTICES])
    sums = np.stack(
        [probabilities[:, system_of == s].sum(axis=1) for s in range(len(systems))], axis=1
    )
    return sums.argmax(axis=1) == system_of[labels]


def confusion(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Count the rows of each true class (row) by the likeliest class (column)."""
    classes = probabilities.shape[1]
    pairs = labels * classes + probabilities.argmax(axis=1)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def score(probabilities: np.ndarray, labels: np.ndarray, materials: np.ndarray) -> Score:
    """Score probabilities, shape (n, 14), against labels and by material name, shape (n,) each."""
    first, third = (in_first(probabilities, labels, places) for places in (1, 3))
    answers = probabilities.argmax(axis=1)
    by_material = {}
    for name in np.unique(materials).tolist():
        own = materials == name
        by_material[name] = {
            "lattice": LATTICES[labels[own][0]].pearson,
            "top1": float(first[own].mean()),
            "top3": float(third[own].mean()),
            "mostly": LATTICES[np.bincount(answers[own]).argmax()].pearson,
            "answers": np.bincount(answers[own], minlength=probabilities.shape[1]).tolist(),
        }
    return Score(
        materials=len(by_material),
        patterns=len(labels),
        top1=float(first.mean()),
        top3=float(third.mean()),
        crystal_system=float(crystal_system_right(probabilities, labels).mean()),
        calibration_error=calibration_error(probabilities, labels),
        reliability=reliability(probabilities, labels),
        confusion=confusion(probabilities, labels).tolist(),
        by_material=by_material,
    )
