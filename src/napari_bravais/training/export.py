"""From a checkpoint to a model that can be bundled."""

import hashlib
import json
from pathlib import Path

import keras
import numpy as np

from napari_bravais.io.files import replacing
from napari_bravais.lattices import PEARSON_SYMBOLS
from napari_bravais.model.card import ModelError, read_card
from napari_bravais.model.network import CRYSTAL, with_preparation
from napari_bravais.training.library import MasterLibrary
from napari_bravais.training.patterns import Exposures
from napari_bravais.training.train import (
    crystals_known,
    load_backbone,
    weighted_layers,
)

#: Share of patterns to calibrate with whose structure type the network does not know.
UNKNOWN_SHARE = 0.1

#: Patterns to calibrate with.
CALIBRATION_PATTERNS = 4096


def calibration_temperature(backbone: keras.Model, library: MasterLibrary) -> float:
    """Find the temperature that makes a network's probabilities likeliest.

    Most of the patterns are new ones of trained materials, as they are in maps; some are of
    structure types that neither training nor any test uses (Guo et al. 2017, arXiv:1706.04599).
    """
    from scipy.optimize import minimize_scalar

    logits, labels = [], []
    for part, share in (("trained", 1 - UNKNOWN_SHARE), ("validation type", UNKNOWN_SHARE)):
        exposures = Exposures(library, library.indices(part), seed=17)
        for _ in range(round(share * CALIBRATION_PATTERNS / 64)):
            drawn = exposures.draw(64)
            seen = {"prepared": drawn.prepared, "camera": drawn.camera}
            logits.append(backbone.predict_on_batch(seen)[CRYSTAL])
            labels.append(drawn.labels)
    logits = np.concatenate(logits)
    lattices = np.array(list(crystals_known(backbone).values()))
    own = np.concatenate(labels)[:, None] == lattices

    def loss(temperature):
        likely = np.exp((logits - logits.max(axis=1, keepdims=True)) / temperature)
        return -np.mean(np.log((likely * own).sum(axis=1) / likely.sum(axis=1) + 1e-30))

    return float(minimize_scalar(loss, bounds=(0.3, 5), method="bounded").x)


def in_single_precision(network: keras.Model) -> keras.Model:
    """Return a copy of a network trained in mixed precision, in float32 throughout."""

    def copy(layer):
        return type(layer).from_config({**layer.get_config(), "dtype": "float32"})

    single = keras.models.clone_model(network, clone_function=copy)
    single.set_weights(network.get_weights())
    return single


def mean_with(backbone: keras.Model, model: str | Path, share: float) -> dict:
    """Give a network the means of its own weights and those of a model that was exported.

    A mean of what two runs, one begun with the other, end with can read better than either
    (Wortsman et al. 2022, arXiv:2203.05482). Crystals that the model did not know keep their own.

    Parameters
    ----------
    backbone
        A network.
    model
        A ``.keras`` file that `export` wrote, with its card beside it, of the same architecture.
    share
        Of the network's own weights in the means.

    Returns
    -------
    dict
        That model's card.

    Raises
    ------
    napari_bravais.model.card.ModelError
        If the model or its card is missing or damaged, or its network another than ``backbone``.
    """
    card = read_card(Path(model))
    other = load_backbone(model)
    earlier = weighted_layers(other)
    crystals = list(crystals_known(backbone))
    if not crystals_known(other).keys() <= set(crystals):
        raise ModelError(f"{model}: it knows crystals that the run does not: no mean of both")
    known = [crystals.index(name) for name in crystals_known(other)]
    for name, layer in weighted_layers(backbone).items():
        theirs = earlier[name].get_weights() if name in earlier else []
        ours = layer.get_weights()
        if name == CRYSTAL:
            theirs = [_centred(weights) * card["temperature"] for weights in theirs]
            ours = [weights - weights[..., known].mean(axis=-1, keepdims=True) for weights in ours]
            theirs = [_replaced(own, known, new) for own, new in zip(ours, theirs, strict=True)]
        if [weights.shape for weights in theirs] != [weights.shape for weights in ours]:
            raise ModelError(f"{model}: its network is not the run's: there is no mean of both")
        both = zip(ours, theirs, strict=True)
        layer.set_weights([share * own + (1 - share) * other for own, other in both])
    return card


def _centred(weights: np.ndarray) -> np.ndarray:
    """Take out of weights, shape (..., crystals), what all crystals have in common."""
    return weights - weights.mean(axis=-1, keepdims=True)


def _replaced(weights: np.ndarray, crystals: list[int], new: np.ndarray) -> np.ndarray:
    """Return a copy of weights, shape (..., crystals), with others for some crystals."""
    weights = weights.copy()
    weights[..., crystals] = new
    return weights


def export(
    checkpoint: str | Path,
    library: MasterLibrary,
    target: str | Path,
    card: dict,
    earlier: str | Path | None = None,
    share: float = 0.5,
) -> Path:
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
    earlier
        A model that was exported, to take the mean of its weights and the checkpoint's; what it was
        trained on is added to what ``card`` says.
    share
        Of the checkpoint's weights in that mean.

    Returns
    -------
    pathlib.Path
        ``target``.
    """
    backbone = in_single_precision(keras.saving.load_model(checkpoint, compile=False))
    if earlier is not None:
        before = mean_with(backbone, earlier, share)["trained_on"]
        shown = {key: card["trained_on"][key] + before[key] for key in ("patterns", "minutes")}
        card = {**card, "trained_on": card["trained_on"] | shown}
    temperature = calibration_temperature(backbone, library)
    # Dividing the last layer's weights divides the logits, and the model needs no further layer.
    # What all crystals have in common changes no answer: without it Grad-CAM shows what speaks for
    # some crystals rather than for any.
    head = backbone.get_layer(CRYSTAL)
    head.set_weights([_centred(weights) / temperature for weights in head.get_weights()])
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
