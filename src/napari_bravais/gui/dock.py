"""What the manifest names as the dock widget."""

import napari
from qtpy.QtCore import QEvent

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
