"""The spheres that phases' patterns were assembled to, with their rotation axes."""

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_bravais.gui.section import label

#: Side of a sphere on the screen, in its own pixels.
_SIDE = 240

_TOOLTIP = (
    "What the patterns of all grains of the phase show together, in stereographic projection along "
    "its main rotation axis, with each axis' symbol: ◆ twofold, ▲ threefold, ■ fourfold, "
    "⬢ sixfold. No crystal structure was assumed"
)


class SpheresView(QWidget):
    """A line of text for each phase that was assembled, and its sphere under it."""

    def __init__(self):
        super().__init__()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self.setVisible(False)

    def clear(self) -> None:
        """Show none."""
        while (item := self._layout.takeAt(0)) is not None:
            item.widget().deleteLater()
        self.setVisible(False)

    def add(self, text: str, picture: np.ndarray | None) -> None:
        """Show another phase.

        Parameters
        ----------
        text
            What is said of it.
        picture
            Its sphere, RGBA, shape (n, n, 4), uint8; None if there is none.
        """
        said = label(_TOOLTIP)
        said.setText(text)
        said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._layout.addWidget(said)
        if picture is not None:
            self._layout.addWidget(_sphere(picture))
        self.setVisible(True)


def _sphere(picture: np.ndarray) -> QLabel:
    rows, columns = picture.shape[:2]
    pixels = np.ascontiguousarray(picture)
    image = QImage(pixels.data, columns, rows, 4 * columns, QImage.Format.Format_RGBA8888).copy()
    shown = QLabel()
    ratio = shown.devicePixelRatioF()
    pixmap = QPixmap.fromImage(image).scaledToWidth(
        round(_SIDE * ratio), Qt.TransformationMode.SmoothTransformation
    )
    pixmap.setDevicePixelRatio(ratio)
    shown.setPixmap(pixmap)
    shown.setAlignment(Qt.AlignmentFlag.AlignHCenter)
    shown.setToolTip(_TOOLTIP)
    return shown
