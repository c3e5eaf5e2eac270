"""What the manifest names as the dock widget."""

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
