"""Makes the index of materials that lies beside a classifier; see ``model/candidates.py``."""

import re

import numpy as np

from napari_bravais.model.candidates import (
    Doubt,
    Material,
    MaterialIndex,
    lattice_probabilities,
)
from napari_bravais.model.classifier import Classifier
from napari_bravais.training.evaluate_patterns import Readings, read
from napari_bravais.training.library import MasterLibrary, reduced_formula

#: Numbers of orientations at which pooled evidence is calibrated.
_ORIENTATIONS = (1, 3, 10, 30)

_SEEDS = {"index": 101, "calibration": 102}


def make_index(classifier: Classifier, library: MasterLibrary, each: int) -> MaterialIndex:
    """Make the index of a library's trained materials, and calibrate it.

    Parameters
    ----------
    classifier
        Whose index it shall be.
    library
        Master patterns; those of the part ``"trained"`` are listed, and what is made for want of
        real materials (variants) is not. ``"validation type"`` serves for the calibration.
    each
        Patterns of each material, at moderate noise.
    """
    listed = library.indices("trained")
    listed = np.array([i for i in listed if not _made_up(library.records[i])])
    readings = read(classifier, library, listed, each, seed=_SEEDS["index"])
    centroids, whitening, origin = discriminants(readings.features.reshape(len(listed), each, -1))
    materials = tuple(material_of(library.records[i]) for i in listed)
    index = MaterialIndex(materials, centroids, whitening, origin, Doubt())
    judged = np.concatenate([listed, library.indices("validation type")])
    fresh = read(classifier, library, judged, max(_ORIENTATIONS), seed=_SEEDS["calibration"])
    doubt = calibrated(index, fresh, known=len(listed))
    return MaterialIndex(materials, centroids, whitening, origin, doubt)


def _made_up(record: dict) -> bool:
    return record.get("kind") == "variant" or "variant" in record["source"]


def material_of(record: dict) -> Material:
    """Describe a material of a library."""
    from ase.data import chemical_symbols

    return Material(
        key=record["file"].removesuffix(".npz"),
        name=re.sub(r"[-_]+", " ", record["name"]),
        formula=record.get("formula") or reduced_formula(record["atomic_numbers"]),
        lattice=record["lattice"],
        space_group=record["space_group"],
        elements=tuple(sorted({chemical_symbols[z] for z in record["atomic_numbers"]})),
    )


def discriminants(features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the directions in which materials differ, in the spread of single patterns.

    Parameters
    ----------
    features
        Shape (materials, patterns, channels).

    Returns
    -------
    tuple of numpy.ndarray
        Centroids, shape (materials, k), whitening, shape (channels, k), and origin, shape
        (channels,), as `MaterialIndex` has them (Fisher's linear discriminants).
    """
    means = features.mean(axis=1)
    origin = means.mean(axis=0)
    within = (features - means[:, None]).reshape(-1, features.shape[-1])
    covariance = within.T @ within / len(within)
    # channels that never speak must not be divided by nothing
    covariance += 1e-3 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    whitening = np.linalg.inv(np.linalg.cholesky(covariance)).T
    directions = np.linalg.svd((means - origin) @ whitening, full_matrices=False)[2]
    whitening = whitening @ directions.T
    return (means - origin) @ whitening, whitening, origin


def calibrated(index: MaterialIndex, readings: Readings, known: int) -> Doubt:
    """Find the doubt that makes pooled probabilities likeliest.

    Materials of the index and structure types that are in neither the index nor any test count
    for one half each.

    Parameters
    ----------
    index
        The index.
    readings
        Readings of its materials and then of others, as many of each.
    known
        How many of the materials are in the index.
    """
    from scipy.optimize import minimize

    materials = len(np.unique(readings.materials))
    shape = (materials, len(readings.labels) // materials, -1)
    features = index.whitened(readings.features).reshape(shape)
    logs = np.log(np.clip(readings.probabilities, 1e-4, 1)).reshape(shape)
    truth = readings.labels.reshape(shape[:2])[:, 0]
    weight = np.full(materials, 0.5 / known)
    weight[known:] = 0.5 / max(1, materials - known)
    pooled = []
    for n in _ORIENTATIONS:
        mean = features[:, :n].mean(axis=1)
        squares = np.stack([((index.centroids - one) ** 2).sum(axis=1) for one in mean])
        pooled.append((n, squares, logs[:, :n].mean(axis=1)))

    def loss(parameters):
        doubt = Doubt(*np.exp(parameters).tolist())
        total = 0.0
        for n, squares, mean_logs in pooled:
            answer = lattice_probabilities(squares, mean_logs, index.lattices, n, doubt)
            right = answer[np.arange(materials), truth]
            total -= weight @ np.log(np.clip(right, 1e-9, 1))
        return total

    start = np.log([0.5, np.median(pooled[-1][1].min(axis=1)), 1.0])
    found = minimize(loss, start, method="Nelder-Mead", options={"maxiter": 150})
    return Doubt(*(round(float(value), 4) for value in np.exp(found.x)))
