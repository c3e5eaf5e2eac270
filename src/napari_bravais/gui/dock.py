"""What the manifest names as the dock widget."""

import napari
from qtpy.QtCore import QEvent, QTimer

from napari_bravais.gui.controller import Controller
from napari_bravais.gui.widget import Panel


class BravaisDock(Panel):
    """The panel, alive.

    Parameters
    ----------
    napari_viewer
        The viewer that it belongs to.
    """

    def __init__(self, napari_viewer):
        super().__init__()
        self.controller = Controller(napari_viewer, self)

    def showEvent(self, event) -> None:
        """Keep the window on the screen: one never resized grows by all that a dock asks for."""
        super().showEvent(event)
        QTimer.singleShot(0, self._fit_to_screen)

    def _fit_to_screen(self) -> None:
        window = self.window()
        room, frame = window.screen().availableGeometry(), window.frameGeometry()
        if not window.isMaximized() and not room.contains(frame):
            edges = frame.size() - window.size()
            window.resize(window.size().boundedTo(room.size() - edges))
            window.move(room.topLeft())

    def event(self, event: QEvent) -> bool:
        """End the controller when napari takes the panel out of its dock, which is for good."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.controller.end()
        return super().event(event)


def show_dock(viewer: napari.Viewer) -> BravaisDock:
    """Bring the viewer's dock widget to the front, making it if need be, and return it."""
    dock, panel = viewer.window.add_plugin_dock_widget("napari-bravais", "Bravais lattice map")
    dock.show()
    dock.raise_()
    return panel


def show_in_current_viewer() -> None:
    """Show the dock widget, from a menu."""
    show_dock(napari.current_viewer())
