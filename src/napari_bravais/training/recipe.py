"""The first seed paper's procedure: few patterns of few materials, until nothing is gained."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from zlib import crc32

import keras
import numpy as np
from threadpoolctl import threadpool_limits

from napari_bravais.io.files import replacing
from napari_bravais.model.backend import compiled
from napari_bravais.model.camera import told
from napari_bravais.model.network import build_backbone
from napari_bravais.model.preparation import Preparation
from napari_bravais.training.classes import ClassSet
from napari_bravais.training.evaluate_patterns import Conditions, take
from napari_bravais.training.fused import fused_normalisation
from napari_bravais.training.library import MasterLibrary
from napari_bravais.training.train import load_backbone, take_weights

#: Of Kaufmann et al. (2020): patterns a material, batch, and the least gain in validation loss.
PATTERNS, BATCH_SIZE, LEAST_GAIN = 640, 32, 1e-3

#: Epochs without that gain before training stops; the paper does not say.
PATIENCE = 8

MOST_EPOCHS = 200

#: Share of the patterns that validate; the paper does not say.
_VALIDATION = 0.2


def draw(
    library: MasterLibrary, index: np.ndarray, each: int, seed: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Draw prepared patterns of materials at moderate noise.

    Parameters
    ----------
    library
        Master patterns.
    index
        Which of its materials.
    each
        Patterns of each.
    seed
        Seed of orientations, pattern centres and faults.

    Returns
    -------
    tuple
        What a network takes (`napari_bravais.model.network.build_backbone`), in random order, the
        pattern centres known; and the place in ``index`` of the material of each, shape (n,).
    """
    rng = np.random.default_rng(seed)
    places = rng.permutation(np.repeat(np.arange(len(index)), each))
    prepare = compiled(Preparation(dtype="float32"))
    prepared, camera = [], []
    for part in np.array_split(places, max(1, len(places) // 256)):
        patterns, centres = take(library, index[part], Conditions(), rng)
        prepared.append(keras.ops.convert_to_numpy(prepare(patterns)))
        camera.append(told(centres, patterns.shape[1:]))
    return {"prepared": np.concatenate(prepared), "camera": np.concatenate(camera)}, places


def train_by_recipe(
    library: MasterLibrary,
    classes: ClassSet,
    folder: str | Path,
    architecture: str = "compact",
    each: int = PATTERNS,
    progress: Callable[[str], None] = print,
    start: str | Path | None = None,
) -> keras.Model:
    """Train a network to tell classes apart by the first seed paper's procedure.

    Adam, batches of 32, early stopping; a run that was broken off goes on.

    Parameters
    ----------
    library
        Master patterns.
    classes
        What to tell apart, and by which materials.
    folder
        Where ``network.keras`` and ``classes.json`` are written.
    architecture
        A key of `napari_bravais.model.network.ARCHITECTURES`.
    each
        Patterns of each material, a fifth of which validate.
    progress
        Told how each epoch went.
    start
        A trained network of the same architecture to begin with; the seed paper's begin with none.

    Returns
    -------
    keras.Model
        From what `draw` gives to logits, shape (n, classes).

    Raises
    ------
    ClassError
        If a material is not in the library.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    index, of_material = classes.masters(library)
    patterns, places = draw(library, index, each, seed=3)
    labels = of_material[places]
    first = int(len(labels) * _VALIDATION)
    keras.utils.set_random_seed(3)
    backbone = build_backbone(architecture, classes=len(classes.names))
    if start is not None:
        take_weights(backbone, load_backbone(start))
    network = keras.Model(backbone.input, backbone.output["logits"])
    network.compile(
        optimizer=keras.optimizers.Adam(),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    unfinished = folder / f"unfinished-{_digest(network, classes, start):08x}"
    with threadpool_limits(1, "blas"), fused_normalisation():
        network.fit(
            {name: values[first:] for name, values in patterns.items()},
            labels[first:],
            validation_data=(
                {name: values[:first] for name, values in patterns.items()},
                labels[:first],
            ),
            batch_size=BATCH_SIZE,
            epochs=MOST_EPOCHS,
            verbose=0,
            callbacks=[
                keras.callbacks.BackupAndRestore(unfinished),
                keras.callbacks.EarlyStopping(
                    "val_loss", LEAST_GAIN, PATIENCE, restore_best_weights=True
                ),
                keras.callbacks.LambdaCallback(
                    on_epoch_end=lambda epoch, logs: progress(_told(epoch, logs))
                ),
            ],
        )
    with replacing(folder / "network.keras") as temporary:
        network.save(temporary)
    with replacing(folder / "classes.json") as temporary:
        temporary.write_text(json.dumps(asdict(classes)) + "\n", "utf-8")
    return network


def _digest(network: keras.Model, classes: ClassSet, start: str | Path | None) -> int:
    """Return a checksum by which a run broken off is known again; another one begins afresh."""
    shapes = [tuple(weight.shape) for weight in network.weights]
    return crc32(f"{classes} {shapes} {start}".encode())


def _told(epoch: int, logs: dict) -> str:
    accuracy, loss = logs["val_accuracy"], logs["val_loss"]
    return f"epoch {epoch + 1}: {accuracy:.1%} of validation patterns right, loss {loss:.3f}"


def score_by_material(
    network: keras.Model, library: MasterLibrary, classes: ClassSet, each: int
) -> dict[str, list[int]]:
    """Count what a network answers to new patterns of materials.

    Parameters
    ----------
    network
        From `train_by_recipe`.
    library
        Master patterns.
    classes
        The network's classes, with the materials to be judged.
    each
        Patterns of each.

    Returns
    -------
    dict
        Of each material, how often each class was the answer.
    """
    index, _ = classes.masters(library)
    patterns, places = draw(library, index, each, seed=4)
    answers = network.predict(patterns, batch_size=256, verbose=0).argmax(axis=1)
    names = [name for own in classes.materials for name in own]
    count = len(classes.names)
    return {
        name: np.bincount(answers[places == place], minlength=count).tolist()
        for place, name in enumerate(names)
    }
