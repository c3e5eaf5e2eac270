"""Every button and every control, in every state of the window and in any order."""

import os
import random
import signal
from dataclasses import replace

import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QColorDialog,
    QComboBox,
    QFileDialog,
    QMessageBox,
    QSlider,
)

from tests.gui.window import Window, wait_until

#: What a user does who opens a dialog and thinks better of it.
CANCELLED = {
    "getOpenFileName": ("", ""),
    "getOpenFileNames": ([], ""),
    "getSaveFileName": ("", ""),
    "getExistingDirectory": "",
}

KEYS = (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Home, Qt.Key.Key_End)


@pytest.fixture(autouse=True)
def dialogs_are_cancelled(monkeypatch):
    for name, answer in CANCELLED.items():
        monkeypatch.setattr(QFileDialog, name, lambda *args, answer=answer, **options: answer)
    monkeypatch.setattr(QColorDialog, "getColor", lambda *args, **options: QColor())
    monkeypatch.setattr(QMessageBox, "exec", agree)


def agree(box: QMessageBox) -> None:
    """Let happen what the window asks about."""
    next(button for button in box.buttons() if button != box.defaultButton()).click()


def is_alive(widget) -> bool:
    """Whether Qt has not deleted a widget, such as a row of a legend that was rebuilt."""
    try:
        widget.objectName()
    except RuntimeError:
        return False
    return True


def use_everything(window: Window, seed: int) -> None:
    """Press every button and move every control; all that happens is what a person is told."""
    notification_manager.records.clear()
    kinds = (QAbstractButton, QComboBox, QSlider, QAbstractSpinBox)
    content = window.panel.widget()
    controls = [child for kind in kinds for child in content.findChildren(kind)]
    assert len(controls) > 30
    headings = [section.heading for section in window.panel.sections]
    chance = random.Random(seed)
    chance.shuffle(controls)
    for control in controls:
        if not is_alive(control) or not control.isVisible():
            continue
        if isinstance(control, QAbstractButton):
            window.press(control)
            if control in headings:  # what it hid could not be used
                window.press(control)
        else:
            QTest.keyClick(control, chance.choice(KEYS))
        if chance.random() < 0.3:
            QTest.keyClick(window.canvas, Qt.Key.Key_Right)
        QApplication.processEvents()
    window.controller.comparing.cancel()  # half a minute of both cores
    wait_until(lambda: window.controller.inspector.request is None, "the answers")
    faults = [record for record in notification_manager.records if hasattr(record, "exception")]
    assert [str(fault.exception) for fault in faults] == []
    window.reset()


def test_with_no_scan(qapp):
    window = Window()
    use_everything(window, 1)
    assert "no scan is open" in window.panel.scan.file_label.text()
    assert not window.idle
    window.viewer.close()


def test_with_a_scan_and_no_map(window):
    use_everything(window, 2)
    wait_until(lambda: window.idle or window.panel.map.cancel_button.isEnabled(), "an answer")
    window.controller.cancel()
    wait_until(lambda: window.idle, "the end of a map that was begun")


def test_while_mapping_and_after_cancel(window):
    window.first_block()
    use_everything(window, 4)
    window.controller.cancel()
    wait_until(lambda: window.idle, "the map to stop")
    use_everything(window, 5)
    window.controller.cancel()
    wait_until(lambda: window.idle, "the map to stop")


def test_after_the_classifier_was_killed_and_all_is_well_again(window, rutile_scan):
    os.kill(window.controller.service.pid, signal.SIGKILL)
    wait_until(lambda: window.said("another one has been started"), "the news")
    window.open(rutile_scan)
    assert window.map().mapped.all()
    window.click(0.5, 0.5)
    assert "quality" in window.panel.inspect.answer_label.text()


def test_after_all_layers_were_deleted_together(mapped):
    window = mapped
    window.panel.compare.shown_changed.emit("Confidence", True)
    notification_manager.records.clear()
    window.viewer.layers.select_all()
    window.viewer.layers.remove_selected()  # as napari's bin does
    wait_until(lambda: not window.names, "the rings to go")
    assert [record for record in notification_manager.records if hasattr(record, "exception")] == []
    use_everything(window, 7)
    window.controller.cancel()
    wait_until(lambda: window.idle, "the map to stop")
    window.map()
    assert "Bravais lattices" in window.names
    scene = window.controller.scene
    both = ("Electron image", "Bravais lattices")
    scene.remove(both[0])
    scene.arrange(replace(scene.arrangement, view="flicker", pair=both))
    scene.flick()  # as its timer does, though one of the two is gone
