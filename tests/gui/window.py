"""A window, and what a user does in it."""

import time
from dataclasses import fields
from pathlib import Path

import napari
import numpy as np
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QEvent, QPoint, Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QComboBox

from napari_bravais.gui.layers import MAP_NAME
from napari_bravais.gui.settings import Settings
from napari_bravais.mapping.phase_map import PhaseMap

#: Seconds: a machine under load loads the network for minutes.
PATIENCE = 600.0


def wait_until(true, what: str) -> None:
    """Let the window live until something is so."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"waited in vain for {what}"
        QApplication.processEvents()
        # no loop runs that would do it: all widgets of all tests would stay, and slow the window
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        time.sleep(0.005)


class Window:
    """A viewer with the dock widget, and what a user does in it."""

    def __init__(self):
        self.viewer = napari.Viewer(show=True)
        self.viewer.window.resize(1280, 800)
        _, self.panel = self.viewer.window.add_plugin_dock_widget(
            "napari-bravais", "Bravais lattice map"
        )
        self.controller = self.panel.controller

    @property
    def idle(self) -> bool:
        return self.panel.map.map_button.isEnabled()

    @property
    def names(self) -> list[str]:
        return [layer.name for layer in self.viewer.layers]

    def open_sample(self, key: str = "quartz_rutile") -> None:
        self.controller.cancel()
        self.viewer.layers.clear()
        self.viewer.open_sample("napari-bravais", key)
        wait_until(lambda: "Virtual forward-scatter" in self.names, "the image")
        wait_until(lambda: self.idle, "the scan")

    def reset(self) -> None:
        """Show image and map beside each other, with all settings as they come."""
        defaults = {setting.name: setting.default for setting in fields(Settings)}
        self.controller.display.change(**defaults)
        self.controller.display.history.pause()
        self.panel.scan.align_button.setChecked(False)
        for name in self.controller.scene.names:
            self.panel.compare.shown_changed.emit(name, name in ("Electron image", MAP_NAME))
        self.settle()

    def open(self, path: Path) -> None:
        """Open a scan's file."""
        self.controller.open(path)
        wait_until(lambda: self.idle, f"{path.name}")
        assert self.panel.scan.file_label.text().startswith(path.name)

    def click(self, x: float, y: float, place: int = 0) -> None:
        """Click a point of a place, and wait for the answer."""
        point = self.canvas_point(place, x, y)
        QTest.mouseMove(self.canvas, point)
        QTest.mouseClick(self.canvas, Qt.MouseButton.LeftButton, pos=point)
        self.answered()

    def answered(self) -> None:
        """Wait until the inspected pixel is explained."""
        wait_until(lambda: self.controller.inspector.request is None, "the answer")

    def settle(self) -> None:
        """Wait until the map is shown as the settings say."""
        wait_until(lambda: not self.controller.display._queue, "the settings")

    def press(self, button) -> None:
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def press_map(self, answer: str = "Map again", button=None) -> None:
        """Press the button that maps, or another; answer what the window asks, if it asks."""

        def reply() -> None:
            box = QApplication.activeModalWidget()
            if box is not None:
                self.press(next(b for b in box.buttons() if b.text().replace("&", "") == answer))

        QTimer.singleShot(0, reply)
        self.press(button or self.panel.map.map_button)

    def first_block(self) -> PhaseMap:
        """Start to map, and return the map that grows."""
        before = self.controller.phase_map
        self.press_map()
        wait_until(
            lambda: (
                self.controller.phase_map is not before and self.controller.phase_map.mapped.any()
            ),
            "the first block",
        )
        return self.controller.phase_map

    def map(self, button=None) -> PhaseMap:
        before = self.controller.phase_map
        self.press_map(button=button)
        wait_until(lambda: self.controller.phase_map is not before, "the map to begin")
        wait_until(lambda: self.idle, "the map")
        return self.controller.phase_map

    def canvas_point(self, place: int, x: float, y: float) -> QPoint:
        """Return a point, by fractions, of one of the two places of a grid of two rows."""
        height, width = self.viewer.canvas.size
        return QPoint(round(x * width), round((place + y) * height / 2))

    @property
    def canvas(self):
        return self.viewer.window._qt_viewer.canvas.native

    def said(self, text: str) -> bool:
        """Whether a notification with this text is the last one."""
        records = notification_manager.records
        return bool(records) and text in records[-1].message


def shown_colours(window: Window) -> dict[tuple[int, ...], int]:
    """Count the colours that the canvas shows."""
    pixels = window.viewer.screenshot(canvas_only=True, flash=False)[..., :3].reshape(-1, 3)
    colours, counts = np.unique(pixels, axis=0, return_counts=True)
    return dict(zip(map(tuple, colours.tolist()), counts.tolist(), strict=True))


def choose(box: QComboBox, text: str) -> None:
    """Choose from a box by the keyboard."""
    QTest.keyClick(box, Qt.Key.Key_Home)
    for _ in range(box.findText(text)):
        QTest.keyClick(box, Qt.Key.Key_Down)
    assert box.currentText() == text
