"""The classes of the map, with colours, pixel counts and area fractions."""

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QCheckBox,
    QColorDialog,
    QGridLayout,
    QLabel,
    QPushButton,
    QWidget,
)

from napari_bravais.gui.section import order_tabs
from napari_bravais.mapping.phase_map import percentage
from napari_bravais.mapping.shown_map import MapClass

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class _Row:
    """The widgets of one class, left to right."""

    def __init__(self, legend: "Legend"):
        self.entry: MapClass | None = None
        self.shown = QCheckBox()
        self.shown.setToolTip("Show it on the map, or hide it")
        self.shown.clicked.connect(lambda: legend.hide_clicked.emit(self.entry.key))
        self.swatch = QPushButton()
        self.swatch.setFixedSize(16, 14)
        self.swatch.setToolTip("Change the colour")
        self.swatch.clicked.connect(lambda: legend.ask_for_colour(self.entry))
        self.symbol = QLabel()
        self.name = QPushButton()
        self.name.setToolTip("Show it alone; click again to show all")
        self.name.setStyleSheet(
            "QPushButton { text-align: left; border: none; background: transparent; padding: 0px; }"
            "QPushButton:hover, QPushButton:focus { text-decoration: underline; }"
        )
        self.name.clicked.connect(lambda: legend.isolate_clicked.emit(self.entry.key))
        self.pixels, self.area = QLabel(), QLabel()
        for number in (self.pixels, self.area):
            number.setAlignment(_RIGHT)
        self.widgets = (
            self.shown,
            self.swatch,
            self.symbol,
            self.name,
            self.pixels,
            self.area,
        )

    def show(self, entry: MapClass, pixels: int, fraction: float, hidden: bool) -> None:
        if entry != self.entry:
            self.entry = entry
            self.swatch.setStyleSheet(f"background: {entry.colour}; border: 1px solid gray;")
            self.swatch.setAccessibleName(f"Colour of {entry.title}")
            self.symbol.setText(f"<i>{entry.pearson}</i>")
            self.name.setText(entry.name)
            self.shown.setAccessibleName(f"Show {entry.title}")
        self.pixels.setText(f"{pixels:,}")
        self.area.setText(percentage(fraction))
        self.shown.setChecked(not hidden)
        for text in (self.symbol, self.pixels, self.area):
            text.setEnabled(not hidden)
        self._set_visible(True)

    def hide(self) -> None:
        self._set_visible(False)

    def _set_visible(self, visible: bool) -> None:
        for widget in self.widgets:
            widget.setVisible(visible)


class Legend(QWidget):
    """One row a class; *not classified* is always the last.

    Parameters
    ----------
    before
        The control from which the Tab key comes here.
    """

    hide_clicked = Signal(str)  # a class's key
    isolate_clicked = Signal(str)
    colour_chosen = Signal(str, str)  # key, colour

    def __init__(self, before: QWidget):
        super().__init__()
        self._before = before
        self.setToolTip("What the map shows: colour, name, pixels, share of what is mapped so far")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(6)
        self._grid.setVerticalSpacing(0)
        self._grid.setColumnStretch(3, 1)
        for column, text in ((3, "shows"), (4, "pixels"), (5, "area")):
            header = QLabel(text)
            header.setStyleSheet("font-size: 10px;")
            if column > 3:
                header.setAlignment(_RIGHT)
            self._grid.addWidget(header, 0, column)
        self._rows: list[_Row] = []
        self._count = 0  # of the rows that are shown

    def show_fractions(
        self, fractions: list[tuple[MapClass, int, float]], hidden: frozenset[str]
    ) -> None:
        """Show what `DerivedMap.fractions` returns, and which classes the map leaves out."""
        while len(self._rows) < len(fractions):
            self._add_row()
        self._count = len(fractions)
        for row, (entry, pixels, fraction) in zip(self._shown, fractions, strict=True):
            row.show(entry, pixels, fraction, entry.key in hidden)
        for row in self._rows[self._count :]:  # kept: classes come and go while a map grows
            row.hide()

    def ask_for_colour(self, entry: MapClass) -> None:
        """Let the user choose a class's colour."""
        chosen = QColorDialog.getColor(QColor(entry.colour), self, f"Colour of {entry.title}")
        if chosen.isValid():
            self.colour_chosen.emit(entry.key, chosen.name())

    def row(self, key: str) -> _Row:
        """Return the row of a class."""
        return next(row for row in self._shown if row.entry.key == key)

    @property
    def texts(self) -> list[str]:
        """The rows as plain text, for tests and screen readers."""
        return [f"{row.name.text()} {row.pixels.text()} {row.area.text()}" for row in self._shown]

    @property
    def _shown(self) -> list[_Row]:
        return self._rows[: self._count]

    def _add_row(self) -> None:
        row = _Row(self)
        for column, widget in enumerate(row.widgets):
            self._grid.addWidget(widget, len(self._rows) + 1, column)
        order_tabs(self._rows[-1].name if self._rows else self._before, row.widgets)
        self._rows.append(row)
