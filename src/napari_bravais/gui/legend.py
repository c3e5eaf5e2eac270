"""The lattices of the map, with colours, pixel counts and area fractions."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QLabel, QWidget

from napari_bravais.lattices import UNCLASSIFIED, Lattice
from napari_bravais.mapping.phase_map import percentage

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class Legend(QWidget):
    """One row a lattice; *not classified* is always the last."""

    def __init__(self):
        super().__init__()
        self.setToolTip(
            "Lattices of the map: colour, Pearson symbol, name, pixels, and share of the pixels "
            "mapped so far."
        )
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(0)
        self._grid.setColumnStretch(2, 1)
        for column, text in ((2, "lattice"), (3, "pixels"), (4, "area")):
            header = QLabel(text)
            header.setStyleSheet("font-size: 10px;")
            if column > 2:
                header.setAlignment(_RIGHT)
            self._grid.addWidget(header, 0, column)
        self._rows: list[list[QLabel]] = []
        self.clear()

    def clear(self) -> None:
        """Show the legend of an empty map."""
        self.show_fractions([(UNCLASSIFIED, 0, 0.0)])

    def show_fractions(self, fractions: list[tuple[Lattice, int, float]]) -> None:
        """Show what `PhaseMap.fractions` returns."""
        while len(self._rows) < len(fractions):
            self._add_row()
        while len(self._rows) > len(fractions):
            for label in self._rows.pop():
                self._grid.removeWidget(label)
                label.deleteLater()
        for row, (lattice, pixels, fraction) in zip(self._rows, fractions, strict=True):
            swatch, *texts = row
            swatch.setStyleSheet(f"background: {lattice.colour}; border: 1px solid gray;")
            shown = (
                f"<i>{lattice.pearson}</i>",
                lattice.name,
                f"{pixels:,}",
                percentage(fraction),
            )
            for label, text in zip(texts, shown, strict=True):
                label.setText(text)

    @property
    def texts(self) -> list[str]:
        """The rows as plain text, for tests and screen readers."""
        return [" ".join(label.text() for label in row[2:]) for row in self._rows]

    def _add_row(self) -> None:
        row = [QLabel() for _ in range(5)]
        row[0].setFixedSize(14, 14)
        for label in row[3:]:
            label.setAlignment(_RIGHT)
        for column, label in enumerate(row):
            self._grid.addWidget(label, len(self._rows) + 1, column)
        self._rows.append(row)
