"""Training, as published: Adam at 1e-3, batches of 32, 5 epochs, 90 % of a pristine set."""

import json
from pathlib import Path

import numpy as np

from napari_bravais.fingerprint.dataset import SEED, open_dataset, split
from napari_bravais.fingerprint.network import network
from napari_bravais.model.backend import quiet_keras

EPOCHS, BATCH, RATE = 5, 32, 1e-3


def train(dataset: Path, run: Path, epochs: int = EPOCHS) -> Path:
    """Train the network; a run broken off goes on where its last backup is.

    Parameters
    ----------
    dataset
        Folder that `napari_bravais.fingerprint.dataset.make_dataset` wrote.
    run
        Folder of the run: backups, ``history.json`` and ``network.keras``.
    epochs
        Rounds over the set.

    Returns
    -------
    pathlib.Path
        The trained network.
    """
    keras = quiet_keras()
    images, classes, _ = open_dataset(dataset)
    run.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(SEED)
    # half the arithmetic's width is twice the speed where the processor has it
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    model = network()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(RATE), loss, metrics=["accuracy"], jit_compile=False)
    trained, held_back = split(len(images))
    backup = keras.callbacks.BackupAndRestore(run / "backup", save_freq=100)
    log = keras.callbacks.CSVLogger(run / "log.csv", append=True)
    history = model.fit(
        images[trained].astype(np.float32),
        classes[trained],
        batch_size=BATCH,
        epochs=epochs,
        validation_data=(images[held_back].astype(np.float32), classes[held_back]),
        callbacks=[backup, log],
        verbose=2,
    )
    (run / "history.json").write_text(json.dumps(history.history, indent=1) + "\n")
    keras.mixed_precision.set_global_policy("float32")
    exact = network()
    exact.set_weights(model.get_weights())
    exact.save(run / "network.keras")
    return run / "network.keras"
