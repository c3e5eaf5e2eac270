"""The network, mapping, thresholds, and the legend."""

from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QComboBox, QProgressBar

from napari_bravais.gui.controls import Control, form
from napari_bravais.gui.legend import Legend
from napari_bravais.gui.section import Section, button, label, row
from napari_bravais.gui.settings import TITLED, Settings

_AVERAGE = (
    "The patterns are noisy. Choose Scan > Patterns > averaged (NLPAR) and map again: more may be "
    "read right."
)

_BUNDLED, _OTHER, _ADD = "bundled network", "other network…", "add crystals (CIF)…"


class MapSection(Section):
    """Map, cancel, and what the map makes of the network's answers."""

    model_chosen = Signal(str)  # path, empty for the bundled one
    model_asked_for = Signal()
    crystals_asked_for = Signal()
    map_clicked = Signal()
    cancel_clicked = Signal()
    setting_changed = Signal(str, object)
    undo_clicked = Signal()
    redo_clicked = Signal()
    reset_clicked = Signal()

    def __init__(self):
        super().__init__("Map", "Let the network read the scan, and set how its answers show.")
        self.classifier_label = label("The network that reads the patterns, and what it runs on")
        self.map_button = button(
            "Map phases",
            "Let the network read the Bravais lattice from every pattern of the scan",
            self.map_clicked,
        )
        self.cancel_button = button(
            "Cancel", "Stop mapping; what is painted is kept", self.cancel_clicked
        )
        self.progress_bar = QProgressBar()
        self.progress_bar.setToolTip("Patterns mapped, patterns a second, and the time left")
        self.contents.addLayout(self._make_choice())
        self.contents.addWidget(self.classifier_label)
        self.contents.addLayout(row(self.map_button, self.cancel_button, stretch=0))
        self.contents.addWidget(self.progress_bar)
        self.advice_label = label("What may make the map better")
        self.advice_label.hide()
        self.contents.addWidget(self.advice_label)
        self._add_controls()
        self.legend = Legend(self.reset_button)
        self.contents.addWidget(self.legend)

    def _make_choice(self):
        """Return the boxes for network and device."""
        self.model_box, self.device = QComboBox(), Control("device")
        self.model_box.setAccessibleName(TITLED["model"].metadata["title"])
        self.model_box.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.model_box.activated.connect(self._choose_model)
        self.device.changed.connect(self.setting_changed.emit)
        return row(self.model_box, self.device.widget, stretch=0)

    def _choose_model(self, index: int) -> None:
        path, text = self.model_box.itemData(index), self.model_box.itemText(index)
        if path is not None:
            self.model_chosen.emit(path)
        elif text == _OTHER:
            self.model_asked_for.emit()
        else:
            self.crystals_asked_for.emit()

    def _add_controls(self) -> None:
        layout = form()
        names = ("quality_threshold", "smoothing", "level")
        self.controls = {name: Control(name) for name in names}
        for control in self.controls.values():
            control.add_to(layout)
            control.changed.connect(self.setting_changed.emit)
        self.contents.addLayout(layout)
        self.undo_button = button(
            "Undo", "Take back the last change of threshold, smoothing or legend", self.undo_clicked
        )
        self.redo_button = button("Redo", "Make the change again", self.redo_clicked)
        self.reset_button = button(
            "As answered",
            "Show the map as the network answered it: its own threshold, no smoothing, all "
            "lattices in their colours",
            self.reset_clicked,
        )
        self.contents.addLayout(row(self.undo_button, self.redo_button, self.reset_button))

    def keyPressEvent(self, event) -> None:
        """Undo and redo by the usual keys."""
        if event.matches(QKeySequence.StandardKey.Undo):
            self.undo_clicked.emit()
        elif event.matches(QKeySequence.StandardKey.Redo):
            self.redo_clicked.emit()
        else:
            super().keyPressEvent(event)

    def show_network(self, settings: Settings) -> None:
        """Show which network is used, and on what."""
        box, paths = self.model_box, dict.fromkeys(("", settings.model))
        box.clear()
        for path in paths:
            box.addItem(Path(path).name if path else _BUNDLED, path)
        box.addItem(_OTHER, None)
        box.addItem(_ADD, None)
        box.setCurrentIndex(box.findData(settings.model))
        box.setToolTip(f"{TITLED['model'].metadata['tooltip']}\n{settings.model}".strip())
        self.device.show_value(settings.device)

    def enable_choice(self, enabled: bool) -> None:
        """Let network and device be chosen, or not."""
        self.model_box.setEnabled(enabled)
        self.device.widget.setEnabled(enabled)

    def show_settings(self, settings: Settings, threshold: float | None) -> None:
        """Show settings, and the quality threshold that they come to; None while nobody knows."""
        for name, control in self.controls.items():
            if name != "quality_threshold":
                control.show_value(getattr(settings, name))
        quality = self.controls["quality_threshold"]
        quality.widget.setEnabled(threshold is not None)
        quality.show_value(threshold or 0)

    def show_history(self, *, can_undo: bool, can_redo: bool) -> None:
        """Enable what can be undone and redone."""
        self.undo_button.setEnabled(can_undo)
        self.redo_button.setEnabled(can_redo)

    def show_progress(self, done: int, total: int, text: str) -> None:
        """Show how far the map is."""
        bar = self.progress_bar
        if bar.format() == text and bar.value() == done:
            return
        bar.setUpdatesEnabled(False)  # else Qt draws the window at each of these, at once
        bar.setFormat(text)
        bar.setMaximum(max(total, 1))
        bar.setValue(done)
        bar.setUpdatesEnabled(True)

    def show_noisy(self, noisy: bool) -> None:
        """Advise to average patterns that are noisy."""
        self.advice_label.setText(_AVERAGE if noisy else "")
        self.advice_label.setVisible(noisy)

    def show_fractions(self, fractions: list[Any], hidden: frozenset[str]) -> None:
        """Show what `DerivedMap.fractions` returns."""
        self.legend.show_fractions(fractions, hidden)
