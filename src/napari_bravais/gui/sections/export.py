"""Figures and files of the map."""

from qtpy.QtCore import Signal

from napari_bravais.gui.section import Section, button, row


class ExportSection(Section):
    """Save the map as a figure, or all that is known of it."""

    figure_clicked = Signal()
    all_clicked = Signal()

    def __init__(self):
        super().__init__("Export", "Figures and files of the map, as it is shown.")
        self.figure_button = button(
            "Export map…",
            "Save electron image and map side by side, with legend and scale bar, as a figure",
            self.figure_clicked,
        )
        self.all_button = button(
            "Export all…",
            "Save to a folder: figures (PNG, SVG), label image (TIFF), area fractions (CSV), and "
            "all probabilities (NPZ), which open again here",
            self.all_clicked,
        )
        self.contents.addLayout(row(self.figure_button, self.all_button))

    def show_enabled(self, can_export: bool) -> None:
        """Enable the buttons when there is something to save."""
        self.figure_button.setEnabled(can_export)
        self.all_button.setEnabled(can_export)
