"""Another network, another device, and a network that is not there."""

import json
import shutil
from pathlib import Path

import pytest
from qtpy.QtWidgets import QFileDialog

from napari_bravais.model.classifier import BUNDLED
from tests.gui.window import wait_until


def test_network_and_device_are_chosen_and_a_missing_network_is_told(window, tmp_path, monkeypatch):
    section, display = window.panel.map, window.controller.display
    says = section.classifier_label.text
    own = shutil.copy(BUNDLED, tmp_path / "own.keras")
    card = json.loads(BUNDLED.with_suffix(".json").read_text()) | {"name": "own-1"}
    (tmp_path / "own.json").write_text(json.dumps(card))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(own), ""))
    display.change(device="CPU")
    section.model_box.activated.emit(section.model_box.count() - 1)  # other network…
    assert display.settings.model == str(own)
    assert section.model_box.currentText() == "own.keras"
    wait_until(lambda: says() == "own-1 on CPU (TensorFlow)", "the user's own network")
    window.click(0.5, 0.5)  # the scan is open in the new process, too
    assert window.controller.inspector.shown.probabilities.sum() > 0.99
    display.change(model=str(tmp_path / "gone.keras"))
    wait_until(lambda: window.said("gone.keras: there is no such model file"), "the error")
    assert window.said("The bundled network is used instead.")
    assert display.settings.model == ""
    assert section.model_box.currentText() == "bundled network"
    bundled = json.loads(BUNDLED.with_suffix(".json").read_text())["name"]
    wait_until(lambda: says().startswith(f"{bundled} on"), "the bundled network")


@pytest.mark.skipif(Path("/dev/nvidiactl").exists(), reason="there is a GPU here")
def test_where_there_is_no_gpu_the_device_is_automatic_again(window):
    section, display = window.panel.map, window.controller.display
    says = section.classifier_label.text
    for _ in range(2):
        window.panel.notice.clear()
        box = section.device.widget
        box.setCurrentText("GPU")
        box.textActivated.emit("GPU")
        wait_until(window.panel.notice.isVisible, "the warning")
        assert window.said("No GPU is seen here")
        assert display.settings.device == box.currentText() == "automatic"
        wait_until(lambda: "on CPU" in says(), "the network")
    display._keep()
    assert display._preferences.load().device == "automatic"
