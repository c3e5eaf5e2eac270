"""The inspected pixel: pattern, Grad-CAM, probabilities, pins."""

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox

from napari_bravais.gui.controls import Control, form
from napari_bravais.gui.held_view import HeldView
from napari_bravais.gui.pattern_view import PatternView
from napari_bravais.gui.pins import Pins
from napari_bravais.gui.probability_bars import ProbabilityBars
from napari_bravais.gui.section import Section, button, label, row
from napari_bravais.gui.settings import Settings
from napari_bravais.lattices import LATTICES, Lattice

_HINT = "Click a pixel, drag the ring, or walk with the arrow keys."


class InspectSection(Section):
    """What the network sees at a pixel, and why it says what it says."""

    lattice_chosen = Signal(object)  # a Pearson symbol, or None for the likeliest
    setting_changed = Signal(str, object)
    pin_clicked = Signal()
    save_clicked = Signal()

    def __init__(self):
        super().__init__("Inspect", "The pattern of one pixel, and why it is what it is.")
        self.pixel_label = label("The inspected pixel: row and column, and its position")
        self.answer_label = label("What the network answers for the pixel, and the quality")
        self.phase_label = label("The phase that the pixel's grain is of, if phases were found")
        self.phase_label.hide()
        self.pattern, self.bars, self.pins = PatternView(), ProbabilityBars(), Pins()
        self.held = HeldView()
        self.bars.lattice_clicked.connect(self._choose)
        self.contents.addWidget(self.pixel_label)
        self.contents.addWidget(self.answer_label)
        self.contents.addWidget(self.phase_label)
        pictures = row(self.pattern)
        pictures.addWidget(self.bars, 1)
        self.contents.addLayout(pictures)
        self._add_controls()
        self.pin_button = button(
            "Pin", "Keep this pattern below, to compare it with others", self.pin_clicked
        )
        self.save_button = button(
            "Save pattern…",
            "Save pattern, overlay and probabilities as a figure (PNG, SVG, PDF, TIFF)",
            self.save_clicked,
        )
        self.contents.addLayout(row(self.pin_button, self.save_button))
        self.contents.addWidget(self.held)
        self.contents.addWidget(self.pins)
        self.show_enabled(False)

    def _add_controls(self) -> None:
        self.lattice_box = QComboBox()
        self.lattice_box.setToolTip("The lattice that the glow over the pattern speaks for")
        self.lattice_box.addItem("the likeliest lattice", None)
        for lattice in LATTICES:
            self.lattice_box.addItem(_title(lattice), lattice.pearson)
        self.lattice_box.activated.connect(
            lambda index: self.lattice_chosen.emit(self.lattice_box.itemData(index))
        )
        layout = form()
        layout.addRow("Explain", self.lattice_box)
        names = ("glow", "glow_colours", "pattern", "known")
        self.controls = {name: Control(name) for name in names}
        for control in self.controls.values():
            control.changed.connect(self.setting_changed.emit)
        self.controls["glow"].add_to(layout)
        self.controls["pattern"].add_to(layout)
        self.contents.addLayout(layout)
        self.controls["glow_colours"].add_to(layout)
        self.controls["known"].add_to(layout)

    def show_settings(self, settings: Settings) -> None:
        """Show how patterns are shown."""
        for name, control in self.controls.items():
            control.show_value(getattr(settings, name))
        self.pins.set_look(settings.pattern, settings.glow / 100, settings.glow_colours)

    def show_enabled(self, inspected: bool) -> None:
        """Enable what needs an inspected pixel."""
        self.pin_button.setEnabled(inspected)
        self.save_button.setEnabled(inspected)

    def show_pixel(self, where: str, answer: str) -> None:
        """Say which pixel is inspected and what the network answers."""
        self.pixel_label.setText(where)
        self.answer_label.setText(answer)

    def show_phase(self, phase: str) -> None:
        """Say which phase the pixel is of, or nothing."""
        self.phase_label.setText(phase)
        self.phase_label.setVisible(bool(phase))

    def show_answer(self, picture: np.ndarray, probabilities: np.ndarray, explained: str) -> None:
        """Show pattern and probabilities."""
        self.pattern.show_picture(picture)
        self.bars.show_probabilities(probabilities, explained)

    def clear(self) -> None:
        """Show that no pixel is inspected."""
        self.show_pixel(_HINT, "")
        self.pattern.show_picture(None)
        self.bars.clear()
        self.pins.clear()
        self.show_enabled(False)

    @property
    def chosen_lattice(self) -> str | None:
        """Pearson symbol of the lattice to explain, None for the likeliest."""
        return self.lattice_box.currentData()

    def _choose(self, lattice: str) -> None:
        self.lattice_box.setCurrentIndex(self.lattice_box.findData(lattice))
        self.lattice_chosen.emit(lattice)


def _title(lattice: Lattice) -> str:
    return f"{lattice.pearson} {lattice.name}"
