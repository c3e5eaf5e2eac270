"""The clicked pixel's pattern, with what the network looked at laid over it."""

import numpy as np
from napari.utils.colormaps import ensure_colormap
from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QImage, QPainter
from qtpy.QtWidgets import QSizePolicy, QWidget

_HEAT = ensure_colormap("inferno")


class PatternView(QWidget):
    """Shows a pattern with a heat map over it."""

    def __init__(self):
        super().__init__()
        self.setToolTip(
            "The raw pattern. The glow (Grad-CAM) marks where it speaks for the lattice that is "
            "explained."
        )
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._pattern: np.ndarray | None = None
        self._heat: np.ndarray | None = None
        self._opacity = 0.5
        self._image: QImage | None = None

    def sizeHint(self) -> QSize:
        """Return the size that suits a dock widget."""
        return QSize(176, 176)

    minimumSizeHint = sizeHint

    def show_pattern(self, pattern: np.ndarray, heat: np.ndarray) -> None:
        """Show a pattern, shape (h, w), and its heat map in [0, 1], shape (h, w)."""
        pattern = np.nan_to_num(pattern.astype(float))
        low, high = np.percentile(pattern, [0.5, 99.5])
        self._pattern = np.clip((pattern - low) / (high - low or 1), 0, 1)
        self._heat = heat
        self._compose()

    def clear(self) -> None:
        """Show no pattern."""
        self._pattern = self._heat = self._image = None
        self.update()

    def set_opacity(self, opacity: float) -> None:
        """Set the strength of the heat map, from 0 to 1."""
        self._opacity = opacity
        self._compose()

    def _compose(self) -> None:
        if self._pattern is None:
            return
        grey = np.repeat(self._pattern[..., None], 3, axis=2)
        colour = _HEAT.map(self._heat.ravel())[:, :3].reshape(grey.shape)
        # what says nothing stays as it is, so that the bands can be seen through the glow
        weight = self._opacity * self._heat[..., None]
        rgb = np.rint(255 * ((1 - weight) * grey + weight * colour)).astype(np.uint8)
        height, width = self._pattern.shape
        image = QImage(rgb.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
        self._image = image.copy()  # Qt does not keep the bytes alive
        self.update()

    def paintEvent(self, event) -> None:
        """Draw the pattern as large as its shape allows."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if self._image is None:
            painter.setPen(QColor(128, 128, 128))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
            painter.drawText(
                self.rect(), Qt.AlignmentFlag.AlignCenter, "Click a pixel\nto see its pattern"
            )
            return
        size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        painter.drawImage(QRectF(0, 0, size.width(), size.height()), self._image)
