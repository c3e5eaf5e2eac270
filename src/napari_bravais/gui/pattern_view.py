"""A pattern with what the network looked at laid over it."""

import numpy as np
from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QImage, QPainter
from qtpy.QtWidgets import QSizePolicy, QWidget


class PatternView(QWidget):
    """Shows a picture as large as its shape allows.

    Parameters
    ----------
    tooltip
        What the picture is.
    """

    def __init__(
        self,
        tooltip: str = "The pattern of the clicked pixel. The glow (Grad-CAM) marks what speaks "
        "for the lattice that is explained.",
    ):
        super().__init__()
        self.setToolTip(tooltip)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.image: QImage | None = None

    def sizeHint(self) -> QSize:
        """Return the size that suits a dock widget."""
        return QSize(176, 176)

    minimumSizeHint = sizeHint

    def show_picture(self, rgb: np.ndarray | None) -> None:
        """Show a picture, RGB of shape (rows, columns, 3), uint8; None shows nothing."""
        self.image = None if rgb is None else to_image(rgb)
        self.update()

    def paintEvent(self, event) -> None:
        """Draw the picture, or say how to get one."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if self.image is None:
            painter.setPen(QColor(128, 128, 128))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
            painter.drawText(
                self.rect(), Qt.AlignmentFlag.AlignCenter, "Click a pixel\nto see its pattern"
            )
            return
        draw_fitted(painter, self.image, QRectF(self.rect()))


def to_image(rgb: np.ndarray) -> QImage:
    """Return RGB, shape (rows, columns, 3), uint8, as Qt's image."""
    height, width = rgb.shape[:2]
    image = QImage(rgb.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    return image.copy()  # Qt does not keep the bytes alive


def draw_fitted(painter: QPainter, image: QImage, room: QRectF) -> None:
    """Draw an image as large as the room allows, at its top and in its middle."""
    size = image.size().scaled(room.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio)
    left = room.left() + (room.width() - size.width()) / 2
    painter.drawImage(
        QRectF(QPointF(left, room.top()), QRectF(0, 0, size.width(), size.height()).size()), image
    )
