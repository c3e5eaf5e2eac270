"""Pinned pixels side by side, to be compared."""

from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QImage, QPainter
from qtpy.QtWidgets import QHBoxLayout, QScrollArea, QToolButton, QWidget

from napari_bravais.gui.inspection import Inspection
from napari_bravais.gui.pattern_view import draw_fitted, to_image
from napari_bravais.lattices import LATTICES

_WIDTH, _PICTURE, _LINE = 88, 84, 13


class Pin(QWidget):
    """A pinned pixel: its picture, where it is, its three likeliest lattices."""

    clicked = Signal(object)  # the pixel
    closed = Signal(object)  # the inspection

    def __init__(self, inspection: Inspection):
        super().__init__()
        self.inspection = inspection
        self._image: QImage | None = None
        self.setFixedSize(QSize(_WIDTH, _PICTURE + 4 * _LINE + 4))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        row, column = inspection.pixel
        self.setToolTip(f"Pinned: row {row}, column {column}. Click to go back there.")
        close = QToolButton(self)
        close.setText("×")
        close.setToolTip("Take the pin out")
        close.setGeometry(_WIDTH - 18, 2, 16, 16)
        close.clicked.connect(lambda: self.closed.emit(self.inspection))

    def show_picture(self, view: str, glow: float, colours: str) -> None:
        """Draw the pattern anew."""
        self._image = to_image(self.inspection.picture(view, glow, colours))
        self.update()

    def mouseReleaseEvent(self, event) -> None:
        """Ask to go back to the pixel."""
        self.clicked.emit(self.inspection.pixel)

    def paintEvent(self, event) -> None:
        """Draw picture and text."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if self._image is not None:
            draw_fitted(painter, self._image, QRectF(0, 0, _WIDTH, _PICTURE))
        font = painter.font()
        font.setPixelSize(10)
        painter.setFont(font)
        painter.setPen(self.palette().windowText().color())
        row, column = self.inspection.pixel
        middle = Qt.AlignmentFlag.AlignVCenter
        area = QRectF(0, _PICTURE + 2, _WIDTH, _LINE)
        painter.drawText(area, middle, f"row {row}, col {column}")
        probabilities = self.inspection.probabilities
        for index in probabilities.argsort()[::-1][:3]:
            area.translate(0, _LINE)
            lattice = LATTICES[int(index)]
            painter.fillRect(QRectF(0, area.top() + 2, 9, 9), QColor(lattice.colour))
            painter.drawText(area.adjusted(13, 0, 0, 0), middle, lattice.pearson)
            text = f"{probabilities[index]:.0%}"
            painter.drawText(area.adjusted(0, 0, -4, 0), middle | Qt.AlignmentFlag.AlignRight, text)


class Pins(QScrollArea):
    """The pins in a row, the newest first."""

    clicked = Signal(object)  # a pixel

    def __init__(self):
        super().__init__()
        self.setWidgetResizable(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        content = QWidget()
        self._row = QHBoxLayout(content)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(6)
        self._row.addStretch()
        self.setWidget(content)
        self.pins: list[Pin] = []
        self._look = ("", 0.0, "")
        self._fit()

    def add(self, inspection: Inspection) -> None:
        """Pin a pixel; one that is pinned already is brought to the front."""
        self.remove(inspection)
        pin = Pin(inspection)
        pin.show_picture(*self._look)
        pin.clicked.connect(self.clicked.emit)
        pin.closed.connect(self.remove)
        self.pins.insert(0, pin)
        self._row.insertWidget(0, pin)
        self._fit()

    def remove(self, inspection: Inspection) -> None:
        """Take out the pin of a pixel."""
        for pin in [pin for pin in self.pins if pin.inspection.pixel == inspection.pixel]:
            self.pins.remove(pin)
            self._row.removeWidget(pin)
            pin.hide()
            pin.deleteLater()
        self._fit()

    def clear(self) -> None:
        """Take out all pins."""
        for pin in list(self.pins):
            self.remove(pin.inspection)

    def set_look(self, view: str, glow: float, colours: str) -> None:
        """Show all pictures in one way (see `Inspection.picture`)."""
        self._look = view, glow, colours
        for pin in self.pins:
            pin.show_picture(*self._look)

    def _fit(self) -> None:
        self.setVisible(bool(self.pins))
        bar = self.horizontalScrollBar().sizeHint().height()
        self.setFixedHeight(_PICTURE + 4 * _LINE + 6 + (bar if len(self.pins) > 3 else 0))
