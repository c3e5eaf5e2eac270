"""The inspected pattern beside what a known material would show."""

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QButtonGroup, QRadioButton, QVBoxLayout, QWidget

from napari_bravais.gui.inspection import grey_picture
from napari_bravais.gui.pattern_view import PatternView
from napari_bravais.gui.section import label, row


class HeldView(QWidget):
    """Both pictures, the materials to choose from, and what is said of them.

    Attributes
    ----------
    shown
        Title and RGB, shape (rows, columns, 3), uint8, of each of the pictures.
    """

    chosen = Signal(int)  # which of the materials

    def __init__(self):
        super().__init__()
        self.text = label(
            "The lattice by all of the materials that the pattern was held against, and how far "
            "they explain it"
        )
        self.own = PatternView("The middle square of the pattern, its background taken out")
        self.expected = PatternView(
            "What the chosen material would show here, in the orientation that fits best. Do you "
            "see the same bands?"
        )
        self._materials = QVBoxLayout()
        self._materials.setSpacing(1)
        self._buttons = QButtonGroup(self)
        self._buttons.idClicked.connect(self.chosen.emit)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        self._pictures = QWidget()
        pictures = row(self.own, self.expected)
        pictures.setContentsMargins(0, 0, 0, 0)
        self._pictures.setLayout(pictures)
        layout.addWidget(self.text)
        layout.addWidget(self._pictures)
        layout.addLayout(self._materials)
        self.say("")

    def say(self, text: str) -> None:
        """Say something in place of materials."""
        self.text.setText(text)
        self.shown: list[tuple[str, np.ndarray]] = []
        self._pictures.hide()
        self._set_materials([])

    def show_materials(self, text: str, materials: list[str]) -> None:
        """Say what the pattern is like, and the materials that it may be; the first is chosen."""
        self.text.setText(text)
        self._set_materials(materials)
        self._pictures.setVisible(bool(materials))

    def show_pictures(self, own: np.ndarray, expected: np.ndarray, title: str) -> None:
        """Show the pattern and what a material should look like, shape (h, w) each."""
        pictures = grey_picture(own), grey_picture(expected)
        self.shown = list(zip(("Background taken out", title), pictures, strict=True))
        for view, picture in zip((self.own, self.expected), pictures, strict=True):
            view.show_picture(picture)

    def _set_materials(self, materials: list[str]) -> None:
        for button in self._buttons.buttons():
            self._buttons.removeButton(button)
            self._materials.removeWidget(button)
            button.hide()
            button.deleteLater()
        for number, material in enumerate(materials):
            button = QRadioButton(material)
            button.setToolTip("Show what this material would show")
            button.setChecked(number == 0)
            self._buttons.addButton(button, number)
            self._materials.addWidget(button)
