"""Figures and files of the map."""

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_bravais.gui.controls import Control, form
from napari_bravais.gui.section import Section, button, row
from napari_bravais.gui.settings import FREE, Settings


class ExportSection(Section):
    """Save the map as a figure, or all that is known of it."""

    setting_changed = Signal(str, object)
    figure_clicked = Signal()
    phases_clicked = Signal()
    all_clicked = Signal()

    def __init__(self):
        super().__init__("Export", "Figures and files of the map, as it is shown.")
        names = ("figure_layout", "figure_width", "figure_free_width", "figure_resolution")
        self.controls = {name: Control(name) for name in names}
        self._free = QWidget()
        free = form()
        free.setContentsMargins(0, 0, 0, 0)
        self._free.setLayout(free)
        layout = form()
        for name, control in self.controls.items():
            control.changed.connect(self.setting_changed.emit)
            if name == "figure_free_width":
                control.add_to(free)
                layout.addRow(self._free)
            else:
                control.add_to(layout)
        self.contents.addLayout(layout)
        self.figure_button = button(
            "Export map…",
            "Save the map, laid out as chosen above, with legend and scale bar, as a figure",
            self.figure_clicked,
        )
        self.phases_button = button(
            "Export phases…",
            "Save the phases that were found, as a map of their own, as a figure, laid out alike",
            self.phases_clicked,
        )
        self.all_button = button(
            "Export all…",
            "Save to a folder: figures (PNG, SVG), label image (TIFF), area fractions (CSV), and "
            "all probabilities (NPZ), which open again here; of phases, too, if they were found",
            self.all_clicked,
        )
        self.contents.addLayout(row(self.figure_button, self.phases_button, self.all_button))

    def show_settings(self, settings: Settings) -> None:
        """Show how figures are laid out."""
        for name, control in self.controls.items():
            control.show_value(getattr(settings, name))
        self._free.setVisible(settings.figure_width == FREE)

    def show_enabled(self, can_export: bool, has_phases: bool) -> None:
        """Enable the buttons when there is something to save."""
        self.figure_button.setEnabled(can_export)
        self.phases_button.setEnabled(can_export and has_phases)
        self.all_button.setEnabled(can_export)
