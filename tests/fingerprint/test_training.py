"""A training run, small, that is broken off and goes on."""

import json

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
