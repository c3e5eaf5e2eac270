"""Accuracy against what a microscope is set to: noise, size of the pattern, camera distance."""

from dataclasses import replace

import numpy as np

from napari_bravais.model.classifier import Classifier
from napari_bravais.simulation.detector import expose
from napari_bravais.training.evaluate_patterns import MODERATE, Conditions, read, take
from napari_bravais.training.evaluate_scores import in_first
from napari_bravais.training.library import MasterLibrary
from napari_bravais.training.patterns import photographs

#: What is varied, in which unit, and its values; the rest stays as accuracy is stated at.
NOISES = (0.1, 0.3, 0.6, 1.0, 1.5, 2.0, 3.0)
SIZES = (30, 40, 60, 80, 120, 240, 480)
DISTANCES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.95)


def evaluate_conditions(
    classifier: Classifier, library: MasterLibrary, materials: np.ndarray, each: int
) -> dict[str, list[dict]]:
    """Score patterns of materials under varied conditions.

    Parameters
    ----------
    classifier
        What reads them.
    library
        Master patterns.
    materials
        Which of its materials.
    each
        Patterns of each material under each condition.

    Returns
    -------
    dict
        For noise (standard deviation in those of the Kikuchi signal), size (pixels) and camera
        distance (detector sides) a row for each value: ``value``, ``top1``, ``top3``, mean
        ``quality``.
    """
    varied = {
        "noise": {n: Conditions(faults=replace(MODERATE, noise=(n, n))) for n in NOISES},
        "size": {size: Conditions(size=size) for size in SIZES},
        "camera distance": {d: Conditions(distance=d) for d in DISTANCES},
    }
    return {
        what: [
            {"value": value, **_row(classifier, library, materials, each, conditions)}
            for value, conditions in values.items()
        ]
        for what, values in varied.items()
    }


def _row(classifier, library, materials, each, conditions) -> dict:
    readings = read(classifier, library, materials, each, conditions, seed=5)
    return {
        "top1": float(in_first(readings.probabilities, readings.labels, 1).mean()),
        "top3": float(in_first(readings.probabilities, readings.labels, 3).mean()),
        "quality": float(readings.quality.mean()),
    }


def evaluate_doubt(
    classifier: Classifier, library: MasterLibrary, materials: np.ndarray, n: int
) -> dict[str, dict]:
    """Measure what share of patterns is left unclassified, of empty ones and of good ones.

    Parameters
    ----------
    classifier
        What reads them; its own threshold decides.
    library, materials
        What good patterns are taken of, at moderate noise.
    n
        Patterns of each kind.
    """
    rng = np.random.default_rng(6)
    size = Conditions().size
    blank = np.zeros((n, size, size), np.float32)
    flat = blank + rng.integers(0, 200, (n, 1, 1)).astype(np.float32)
    kinds = {
        "blank (one grey level)": flat,
        "white noise": rng.poisson(100, blank.shape).astype(np.float32),
        "no bands, detector's faults alone": expose(blank, rng),
        "photographs": photographs(rng, n, size),
        "photographs with the detector's faults": expose(photographs(rng, n, size), rng),
    }
    rows = {kind: _rejected(classifier, patterns, True) for kind, patterns in kinds.items()}
    good, _ = take(library, rng.choice(materials, n), Conditions(), rng)
    return rows | {"good patterns": _rejected(classifier, good, False)}


def _rejected(classifier: Classifier, patterns: np.ndarray, empty: bool) -> dict:
    quality = classifier.assess(patterns)[1]
    return {
        "patterns": len(patterns),
        "should be rejected": empty,
        "rejected": float((quality < classifier.quality_threshold).mean()),
    }
