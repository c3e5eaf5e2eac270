"""Another network, another device, and a network that is not there."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QComboBox, QFileDialog, QPushButton

from napari_bravais.model.classifier import BUNDLED
from tests.gui.window import wait_until


def pick(box: QComboBox, text: str) -> None:
    """Choose from a box as the mouse does; keys would stop at what asks for a file."""
    index = box.findText(text)
    box.setCurrentIndex(index)
    box.activated.emit(index)


def test_crystals_are_added_another_network_chosen_and_a_missing_one_told(
    window, tmp_path, monkeypatch
):
    section, display = window.panel.map, window.controller.display
    own = window.controller.network.own_crystals
    (folder,) = find_spec("kikuchipy").submodule_search_locations  # the window must not load it
    master = next(Path(folder).rglob("ni_mc_mp_20kv_uint8_gzip_opts9.h5"))
    mine = tmp_path / "mine"
    mine.mkdir()
    chosen = [str(master)]
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *args: (chosen, ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: str(mine))

    def add() -> None:
        pick(section.model_box, "add crystals (CIF)…")
        assert section.model_box.currentText() == "bundled network"
        assert own.dialog.isVisible()

    add()
    QTest.mouseClick(own.dialog.findChild(QPushButton), Qt.MouseButton.LeftButton)
    assert own.dialog is None and not (mine / "mine.keras").exists()
    chosen[0] = str(tmp_path / "gone.cif")
    add()
    wait_until(lambda: window.said("gone.cif"), "the error")
    assert own.dialog is None and display.settings.model == ""

    chosen[0] = str(master)
    add()
    wait_until(lambda: display.settings.model == str(mine / "mine.keras"), "the network")
    assert own.dialog is None and section.model_box.currentText() == "mine.keras"
    known = json.loads((mine / "mine-materials.json").read_text())["materials"]
    assert known[-1]["formula"] == "Ni"
    says = section.classifier_label.text
    wait_until(lambda: says() == "mine on CPU (TensorFlow)", "the network that knows more")
    window.click(0.5, 0.5)  # the scan is open in the new process, too
    assert window.controller.inspector.shown.probabilities.sum() > 0.99

    missing = str(tmp_path / "gone.keras")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (missing, ""))
    pick(section.model_box, "other network…")
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
