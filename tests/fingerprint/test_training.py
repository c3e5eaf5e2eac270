"""A training run, small, that is broken off and goes on."""

import json

import numpy as np
import pytest

from napari_bravais.fingerprint import dataset
from napari_bravais.fingerprint.dataset import make_dataset
from napari_bravais.fingerprint.train import train
from napari_bravais.model.backend import quiet_keras


def test_a_run_leaves_a_float32_network_and_its_history(tmp_path):
    make_dataset(tmp_path / "set", 24)
    saved = train(tmp_path / "set", tmp_path / "run", epochs=1)
    keras = quiet_keras()
    model = keras.saving.load_model(saved, compile=False, safe_mode=True)
    assert model.output_shape == (None, 7)
    assert {layer.dtype_policy.name for layer in model.layers} == {"float32"}
    assert keras.mixed_precision.global_policy().name == "float32"
    history = json.loads((tmp_path / "run" / "history.json").read_text())
    assert set(history) >= {"loss", "val_accuracy"}


def test_a_set_that_is_broken_off_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "PART", 8)
    make_dataset(tmp_path / "whole", 20)
    made, whole = [], dataset.fingerprint

    def breaks_off(atoms):
        made.append(atoms)
        if len(made) == 12:
            raise KeyboardInterrupt
        return whole(atoms)

    monkeypatch.setattr(dataset, "fingerprint", breaks_off)
    with pytest.raises(KeyboardInterrupt):
        make_dataset(tmp_path / "set", 20)
    made.clear()
    monkeypatch.setattr(dataset, "fingerprint", lambda atoms: made.append(atoms) or whole(atoms))
    make_dataset(tmp_path / "set", 20)
    assert len(made) == 12
    for name in ("fingerprints.npy", "classes.npy"):
        one, other = (np.load(tmp_path / folder / name) for folder in ("whole", "set"))
        np.testing.assert_array_equal(one, other)
    assert sorted(path.suffix for path in (tmp_path / "set").iterdir()) == [".json", ".npy", ".npy"]
