"""The *Structure* widget in a real napari window."""

import time

import napari
import numpy as np
import pytest
from ase.build import bulk
from ase.io import write
from qtpy.QtWidgets import QApplication

from napari_bravais.fingerprint.classes import CLASSES


@pytest.fixture
def window():
    viewer = napari.Viewer(show=True)
    _, dock = viewer.window.add_plugin_dock_widget("napari-bravais", "Structure")
    yield viewer, dock
    viewer.close()


def wait_until(true, what: str) -> None:
    end = time.monotonic() + 300
    while not true():
        assert time.monotonic() < end, f"waited in vain for {what}"
        QApplication.processEvents()
        time.sleep(0.01)


def test_a_structure_is_opened_and_then_another(window, tmp_path):
    viewer, dock = window
    write(tmp_path / "iron.cif", bulk("Fe", "bcc", a=2.87, cubic=True))
    write(tmp_path / "silicon.cif", bulk("Si", "diamond", a=5.43, cubic=True))
    dock.open(tmp_path / "iron.cif")
    wait_until(lambda: "Fe2" in dock.status_label.text(), "iron")
    assert "body-centred cubic" in dock.status_label.text()
    assert [label.text() for label in dock.space_group_labels.values()] == 3 * ["Im-3m (229)"]
    values = [bar.value() for bar, _ in dock.bars.bars]
    assert CLASSES[int(np.argmax(values))].key == "bcc"
    names = ["iron.cif: fingerprint", "iron.cif: response map"]
    assert [layer.name for layer in viewer.layers] == names
    assert viewer.layers[0].rgb
    dock.open(tmp_path / "silicon.cif")
    wait_until(lambda: "Si8" in dock.status_label.text(), "silicon")
    assert [layer.name for layer in viewer.layers] == [
        name.replace("iron", "silicon") for name in names
    ]


def test_a_damaged_file_is_one_plain_sentence(window, tmp_path):
    viewer, dock = window
    path = tmp_path / "broken.cif"
    path.write_text("no crystal")
    dock.open(path)
    wait_until(lambda: "ASE cannot read" in dock.status_label.text(), "the error")
    assert str(path) in dock.status_label.text()
    assert not viewer.layers


def test_the_process_ends_with_the_window(tmp_path):
    viewer = napari.Viewer(show=True)
    _, dock = viewer.window.add_plugin_dock_widget("napari-bravais", "Structure")
    dock.open(tmp_path / "missing.cif")
    process = dock._service._process
    assert process.poll() is None
    viewer.close()
    wait_until(lambda: process.poll() is not None, "the process's end")
