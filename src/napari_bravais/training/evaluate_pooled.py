"""Evidence of many orientations pooled by the network: one lattice a phase, candidate materials."""

import numpy as np

from napari_bravais.model.candidates import Material, MaterialIndex
from napari_bravais.training.evaluate_patterns import Readings
from napari_bravais.training.evaluate_scores import Score, score
from napari_bravais.training.library import MasterLibrary

#: Numbers of orientations at which pooled evidence is stated, as far as there are patterns.
ORIENTATIONS = (1, 3, 10, 30, 100)


def evaluate_pooled(
    index: MaterialIndex, library: MasterLibrary, readings: Readings
) -> dict[str, Score]:
    """Score the pooled lattice of materials, by the number of orientations.

    Parameters
    ----------
    index
        The materials that the classifier knows.
    library
        Where the materials' names are.
    readings
        As many patterns of each material.
    """
    groups = _groups(readings)
    names = np.array([library.records[i]["file"].removesuffix(".npz") for i in groups])
    labels = np.array([readings.labels[own[0]] for own in groups.values()])
    scores = {}
    for n in _numbers(groups):
        answers = [
            index.pooled(readings.features[own[:n]], readings.probabilities[own[:n]])
            for own in groups.values()
        ]
        scores[str(n)] = score(np.array(answers), labels, names)
    return scores


def evaluate_candidates(
    index: MaterialIndex, library: MasterLibrary, readings: Readings
) -> list[dict]:
    """Measure how often the right material is proposed first, and among the first three.

    Only materials of the index count. A material with the formula and the space group of the true
    one is right too: catalogues list some twice.

    Returns
    -------
    list of dict
        For each number of orientations ``orientations``: ``materials``, ``top1`` and ``top3``,
        and the same with the elements known, ``top1 with elements`` and ``top3 with elements``.
    """
    known = {material.key: material for material in index.materials}
    groups = {
        known[key]: own
        for i, own in _groups(readings).items()
        if (key := library.records[i]["file"].removesuffix(".npz")) in known
    }
    rows = []
    for n in _numbers(groups):
        row = {"orientations": n, "materials": len(groups)}
        for suffix, with_elements in (("", False), (" with elements", True)):
            places = [
                _place(index, truth, readings.features[own[:n]], with_elements)
                for truth, own in groups.items()
            ]
            row |= {f"top{k}{suffix}": float(np.mean([p < k for p in places])) for k in (1, 3)}
        rows.append(row)
    return rows


def _groups(readings: Readings) -> dict[int, np.ndarray]:
    """Return the rows of each material."""
    return {int(i): np.flatnonzero(readings.materials == i) for i in np.unique(readings.materials)}


def _numbers(groups: dict) -> list[int]:
    """Return the numbers of orientations to pool: those that there are patterns for."""
    most = min((len(own) for own in groups.values()), default=0)
    return sorted({n for n in ORIENTATIONS if n < most} | {min(most, ORIENTATIONS[-1])} - {0})


def _place(index: MaterialIndex, truth: Material, features: np.ndarray, with_elements: bool) -> int:
    """Return the place, from 0, at which the true material is proposed; 3 if it is not."""
    found = index.candidates(features, truth.elements if with_elements else None)
    for place, candidate in enumerate(found):
        material = candidate.material
        if (material.formula, material.space_group) == (truth.formula, truth.space_group):
            return place
    return 3
