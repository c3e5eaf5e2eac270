"""Makes the index of materials that lies beside a classifier; see ``model/candidates.py``."""

import re
import warnings
from dataclasses import replace

import numpy as np

from napari_bravais.model.candidates import Doubt, Material, MaterialIndex, floored_logs
from napari_bravais.model.classifier import Classifier
from napari_bravais.training.evaluate_patterns import Readings, read
from napari_bravais.training.export import UNKNOWN_SHARE
from napari_bravais.training.library import MasterLibrary, crystals_of, reduced_formula
from napari_bravais.training.patterns import Exposures

#: Numbers of orientations at which pooled evidence is calibrated.
_ORIENTATIONS = (1, 3, 10, 30)

#: Inverse strength of the regression's penalty, for standardised features, and its steps at most:
#: to stop early keeps it from learning by heart, too.
_FREEDOM, _STEPS = 0.1, 100

#: Ranges in which `Doubt` is looked for: correlation, novelty, trust.
_DOUBTS = ((0.01, 5.0), (0.5, 8.0), (0.02, 2.0))

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
    listed = _listed(library)
    readings = read(classifier, library, listed, each, seed=_SEEDS["index"])
    weights, bias = regression(readings.features, np.repeat(np.arange(len(listed)), each))
    materials = tuple(material_of(library.records[i]) for i in listed)
    prior = Exposures.shares(library, listed)
    index = MaterialIndex(materials, weights, bias, prior, Doubt())
    judged = np.concatenate([listed, library.indices("validation type")])
    fresh = read(classifier, library, judged, max(_ORIENTATIONS), seed=_SEEDS["calibration"])
    doubt = calibrated(index, fresh, known=len(listed))
    return replace(index, doubt=doubt)


def _listed(library: MasterLibrary) -> np.ndarray:
    """Return which master patterns stand for the materials of an index: one of each crystal."""
    real = [i for i in library.indices("trained") if not _made_up(library.records[i])]
    # of several sources' names for one crystal the shortest is the plainest: "rutile"
    real.sort(key=lambda i: len(library.records[i]["name"]))
    crystals = crystals_of([library.records[i] for i in real])
    return np.sort(np.array(real)[np.unique(crystals, return_index=True)[1]])


def _made_up(record: dict) -> bool:
    return record.get("kind") == "variant" or "variant" in record["source"]


def material_of(record: dict) -> Material:
    """Describe a material of a library."""
    from ase.data import chemical_symbols

    formula = record.get("formula") or reduced_formula(record["atomic_numbers"])
    return Material(
        key=record["file"].removesuffix(".npz"),
        name=_plain_name(record["name"], formula),
        formula=formula,
        lattice=record["lattice"],
        space_group=record["space_group"],
        elements=tuple(sorted({chemical_symbols[z] for z in record["atomic_numbers"]})),
    )


def _plain_name(name: str, formula: str) -> str:
    """Name a material as people do: "SnO2-Cassiterite" cassiterite, prototypes by formula."""
    if prototype := re.match(r"[A-Z\d]+_([a-z][A-Z]\d+)_\d+_", name):
        return f"{formula} ({prototype[1]})"
    name = re.sub(r"^[\w()]+-(?=[A-Z][a-z]{2})", "", name)
    words = re.sub(r"(?<=[a-z])(?=[A-Z][a-z]{2})", " ", re.sub(r"[-_]+", " ", name))
    return re.sub(r"\b[A-Z](?=[a-z]{2})", lambda letter: letter[0].lower(), words)


def regression(features: np.ndarray, materials: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tell materials apart by multinomial logistic regression.

    Parameters
    ----------
    features
        What the network sees in patterns, shape (n, channels).
    materials
        Number of each one's material, shape (n,); as many patterns of each.

    Returns
    -------
    tuple of numpy.ndarray
        Weights, shape (channels, materials), and bias, shape (materials,).
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    middle, spread = features.mean(axis=0), features.std(axis=0) + 1e-6
    model = LogisticRegression(C=_FREEDOM, max_iter=_STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit((features - middle) / spread, materials)
    weights, bias = model.coef_.T / spread[:, None], model.intercept_
    if weights.shape[1] == 1:  # of two materials, it gives the second's logit alone
        weights, bias = np.hstack([-weights, weights]) / 2, np.append(-bias, bias) / 2
    return weights, bias - middle @ weights


def calibrated(index: MaterialIndex, readings: Readings, known: int) -> Doubt:
    """Find the doubt that makes pooled probabilities likeliest.

    Structure types that are in neither the index nor any test count for as much as they do where
    single patterns are calibrated, materials of the index for the rest.

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
    of_materials = index.log_probabilities(readings.features).reshape(shape)
    logs = floored_logs(readings.probabilities).reshape(shape)
    truth = readings.labels.reshape(shape[:2])[:, 0]
    weight = np.full(materials, (1 - UNKNOWN_SHARE) / known)
    weight[known:] = UNKNOWN_SHARE / max(1, materials - known)
    pooled = []
    for n in _ORIENTATIONS:
        pooled.append((n, of_materials[:, :n].mean(axis=1), logs[:, :n].mean(axis=1)))

    def loss(parameters):
        doubt = Doubt(*np.exp(parameters).tolist())
        total = 0.0
        for n, *means in pooled:
            answer = index.lattice_probabilities(*means, n, doubt)
            right = answer[np.arange(materials), truth]
            total -= weight @ np.log(np.clip(right, 1e-9, 1))
        return total

    found = minimize(
        loss,
        np.log([0.3, 2.0, 0.5]),  # the search takes no step from a logarithm of zero
        method="Nelder-Mead",
        bounds=np.log(_DOUBTS),
        options={"maxiter": 300},
    )
    return Doubt(*(round(float(value), 4) for value in np.exp(found.x)))
