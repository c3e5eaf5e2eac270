"""From a trained network to the bundled one: calibration and model card."""

import hashlib
import json
from pathlib import Path

import numpy as np

from napari_bravais.fingerprint.classes import CLASSES
from napari_bravais.fingerprint.classifier import StructureClassifier, calibrated
from napari_bravais.fingerprint.dataset import open_dataset, split
from napari_bravais.fingerprint.evaluate import calibration_sample
from napari_bravais.io.files import replacing
from napari_bravais.model.backend import quiet_keras

#: Structures that calibrate, and their seed: neither trained on nor evaluated on.
CALIBRATING, CALIBRATION_SEED = 640, 3


def export(run: Path, dataset: Path, target: Path) -> None:
    """Write a trained network with its card, calibrated.

    Parameters
    ----------
    run
        Folder of a training run.
    dataset
        Folder of the set it was trained on.
    target
        The ``.keras`` file to write; its card goes beside it as ``.json``.
    """
    model = quiet_keras().saving.load_model(run / "network.keras", compile=False)
    classifier = StructureClassifier(model, {"temperature": 1.0})
    images, classes, facts = open_dataset(dataset)
    _, held_back = split(len(images))
    right = classifier.logits(images[held_back]).argmax(axis=1) == classes[held_back]
    defective, truth = calibration_sample(CALIBRATING, CALIBRATION_SEED)
    temperature = calibration_temperature(classifier.logits(defective), truth)
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary:
        model.save(temporary)
    history = json.loads((run / "history.json").read_text())
    card = {
        "name": target.stem,
        "after": "A. Ziletti et al., Nature Communications 9 (2018) 2775, table 2",
        "reads": "diffraction fingerprints, 64x64 pixels, red, green and blue, in [0, 1]",
        "classes": [each.key for each in CLASSES],
        "trained_on": {**facts, "pristine": True, "epochs": len(history["loss"])},
        "accuracy_held_back": round(float(right.mean()), 5),
        "temperature": round(temperature, 4),
        "calibrated_on": f"{CALIBRATING} defective structures that were not trained on",
        "licence": "GPL-3.0-or-later",
        "limits": "Knows seven classes only: any other crystal is called the most alike of them.",
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
    }
    with replacing(target.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(card, indent=2) + "\n", "utf-8")


def calibration_temperature(logits: np.ndarray, classes: np.ndarray) -> float:
    """Return the temperature of `calibrated` that makes what is right the likeliest."""
    from scipy.optimize import minimize_scalar

    def loss(temperature: float) -> float:
        probabilities = calibrated(logits.astype(np.float64), temperature)
        return float(-np.log(probabilities[np.arange(len(classes)), classes] + 1e-12).mean())

    return float(minimize_scalar(loss, bounds=(0.1, 100), method="bounded").x)
