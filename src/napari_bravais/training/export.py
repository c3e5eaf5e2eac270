"""From a checkpoint to a model that can be bundled."""

import hashlib
import json
from pathlib import Path

import keras
import numpy as np

from napari_bravais.io.files import replacing
from napari_bravais.lattices import PEARSON_SYMBOLS
from napari_bravais.model.network import with_preparation, without_crystals
from napari_bravais.training.library import MasterLibrary
from napari_bravais.training.patterns import Exposures

#: Share of patterns to calibrate with whose structure type the network does not know.
UNKNOWN_SHARE = 0.1


def calibration_temperature(backbone: keras.Model, library: MasterLibrary, n: int = 4096) -> float:
    """Find the temperature that makes a network's probabilities likeliest.

    Most of the patterns are new ones of trained materials, as they are in maps; some are of
    structure types that neither training nor any test uses (Guo et al. 2017, arXiv:1706.04599).
    """
    from scipy.optimize import minimize_scalar

    logits, labels = [], []
    for part, share in (("trained", 1 - UNKNOWN_SHARE), ("validation type", UNKNOWN_SHARE)):
        exposures = Exposures(library, library.indices(part), seed=17)
        for _ in range(round(share * n / 64)):
            drawn = exposures.draw(64)
            seen = {"prepared": drawn.prepared, "camera": drawn.camera}
            logits.append(backbone.predict_on_batch(seen)["logits"])
            labels.append(drawn.labels)
    logits, labels = np.concatenate(logits), np.concatenate(labels)

    def loss(temperature):
        scaled = logits / temperature
        top = scaled.max(axis=1)
        total = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
        return np.mean(total - scaled[np.arange(len(labels)), labels])

    return float(minimize_scalar(loss, bounds=(0.3, 5), method="bounded").x)


def in_single_precision(network: keras.Model) -> keras.Model:
    """Return a copy of a network trained in mixed precision, in float32 throughout."""

    def copy(layer):
        return type(layer).from_config({**layer.get_config(), "dtype": "float32"})

    single = keras.models.clone_model(network, clone_function=copy)
    single.set_weights(network.get_weights())
    return single


def export(checkpoint: str | Path, library: MasterLibrary, target: str | Path, card: dict) -> Path:
    """Write a calibrated float32 model that takes raw patterns, and its model card.

    Parameters
    ----------
    checkpoint
        Checkpoint of a training run.
    library
        Master patterns to calibrate with.
    target
        The ``.keras`` file to write; the card goes beside it as ``.json``.
    card
        What the card says; the checksum, classes and temperature are added.

    Returns
    -------
    pathlib.Path
        ``target``.
    """
    trained = keras.saving.load_model(checkpoint, compile=False)
    backbone = in_single_precision(without_crystals(trained))
    temperature = calibration_temperature(backbone, library)
    # Dividing the last layer's weights divides the logits, and the model needs no further layer.
    head = backbone.get_layer("logits")
    head.set_weights([weights / temperature for weights in head.get_weights()])
    target = Path(target)
    with replacing(target) as temporary:
        with_preparation(backbone).save(temporary)
        checksum = hashlib.sha256(temporary.read_bytes()).hexdigest()
    card = {
        **card,
        "classes": list(PEARSON_SYMBOLS),
        "temperature": round(temperature, 4),
        "sha256": checksum,
    }
    with replacing(target.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(card, indent=2) + "\n", "utf-8")
    return target
