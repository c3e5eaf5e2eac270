"""The probabilities of the 14 lattices as bars."""

import numpy as np
from qtpy.QtCore import QEvent, QRect, QSize, Qt, Signal
from qtpy.QtGui import QColor, QPainter
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_bravais.gui.layers import title
from napari_bravais.lattices import LATTICES

_ROW_HEIGHT = 15
_SYMBOL_WIDTH = 30
_VALUE_WIDTH = 42


class ProbabilityBars(QWidget):
    """One bar a lattice, in its colour; a click on one asks to explain that lattice."""

    lattice_clicked = Signal(str)

    def __init__(self):
        super().__init__()
        self.setToolTip("Probability of each Bravais lattice; click one to see what speaks for it.")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._probabilities: np.ndarray | None = None
        self._explained: str | None = None

    def sizeHint(self) -> QSize:
        """Return room for 14 rows."""
        return QSize(150, _ROW_HEIGHT * len(LATTICES))

    minimumSizeHint = sizeHint

    def show_probabilities(self, probabilities: np.ndarray, explained: str) -> None:
        """Show probabilities, shape (14,), and mark the lattice that is explained."""
        self._probabilities, self._explained = probabilities, explained
        self.update()

    def clear(self) -> None:
        """Show empty bars."""
        self._probabilities = self._explained = None
        self.update()

    def event(self, event: QEvent) -> bool:
        """Name the lattice under the cursor."""
        if event.type() != QEvent.Type.ToolTip:
            return super().event(event)
        lattice = self._lattice_at(event.pos().y())
        text = self.toolTip()
        if lattice is not None and self._probabilities is not None:
            text = f"{title(lattice)}: {self._probabilities[lattice.index]:.1%}\n{text}"
        QToolTip.showText(event.globalPos(), text, self)
        return True

    def mouseReleaseEvent(self, event) -> None:
        """Ask to explain the lattice under the cursor."""
        lattice = self._lattice_at(int(event.position().y()))
        if lattice is not None and self._probabilities is not None:
            self.lattice_clicked.emit(lattice.pearson)

    def paintEvent(self, event) -> None:
        """Draw the rows."""
        painter = QPainter(self)
        for lattice in LATTICES:
            self._draw_row(painter, lattice, QRect(0, lattice.index * _ROW_HEIGHT, *self._row_size))

    @property
    def _row_size(self) -> tuple[int, int]:
        return self.width(), _ROW_HEIGHT

    def _draw_row(self, painter: QPainter, lattice, row: QRect) -> None:
        marked = lattice.pearson == self._explained
        text = self.palette().windowText().color()
        faint = QColor(text)
        faint.setAlpha(40 if marked else 16)
        painter.fillRect(row.adjusted(0, 1, 0, -1), faint)
        font = painter.font()
        font.setPixelSize(11)
        font.setBold(marked)
        painter.setFont(font)
        painter.setPen(text)
        middle = Qt.AlignmentFlag.AlignVCenter
        symbol = row.adjusted(4, 0, 0, 0)
        painter.drawText(
            symbol, middle | Qt.AlignmentFlag.AlignLeft, ("▸" if marked else "  ") + lattice.pearson
        )
        if self._probabilities is None:
            return
        probability = float(self._probabilities[lattice.index])
        room = row.width() - _SYMBOL_WIDTH - _VALUE_WIDTH
        bar = QRect(_SYMBOL_WIDTH, row.top() + 2, round(room * probability), row.height() - 4)
        painter.fillRect(bar, QColor(lattice.colour))
        if bar.width() > 2:
            # dark colours on a dark window, and light ones on a light one, need an edge
            painter.setPen(faint)
            painter.drawRect(bar.adjusted(0, 0, -1, -1))
            painter.setPen(text)
        value = f"{probability:.1%}" if probability < 0.9995 else "100%"
        painter.drawText(row.adjusted(0, 0, -4, 0), middle | Qt.AlignmentFlag.AlignRight, value)

    def _lattice_at(self, y: int):
        index = y // _ROW_HEIGHT
        return LATTICES[index] if 0 <= index < len(LATTICES) else None
