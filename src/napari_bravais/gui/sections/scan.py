"""What is open, and the electron image."""

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QLabel, QPushButton, QWidget

from napari_bravais.gui.controls import Control, form
from napari_bravais.gui.section import Section, button, label, row
from napari_bravais.gui.settings import STORED, Settings

#: The pattern centre by hand.
_CENTRE = ("pc_x", "pc_y", "pc_z")

_NOTHING = "File name and size of the scan that is open"


class ScanSection(Section):
    """The scan that is open, another to open, its camera, and the image of its area."""

    setting_changed = Signal(str, object)
    open_clicked = Signal()
    image_chosen = Signal(str)
    add_image_clicked = Signal()
    align_toggled = Signal(bool)

    def __init__(self):
        super().__init__("Scan", "What is open.")
        self.file_label = label(_NOTHING)
        self.open_button = button(
            "Open…",
            "Open an EBSD scan: kikuchipy, Bruker, EDAX or Oxford HDF5, up1/up2, ebsp, NORDIF, "
            "EMsoft. You can also drop the file, a folder of images, or a saved result on the "
            "window.",
            self.open_clicked,
        )
        self.grid_label = label("Rows and columns of the map, and the step between patterns")
        self.pattern_label = label("Height and width of a pattern, and beam energy")
        self.detector_label = label(
            "Pattern centre (mean, in Bruker's convention) and tilt, as the file says them; rows "
            "and columns of patterns that are read at once"
        )
        self.controls = {name: Control(name) for name in ("pattern_centre", *_CENTRE, "averaging")}
        for control in self.controls.values():
            control.changed.connect(self.setting_changed.emit)
        self.image_box = QComboBox()
        self.image_box.setToolTip(
            "Image of the scanned area: those that the file stores, placed by its own metadata, "
            "and virtual forward-scatter images made from the patterns"
        )
        self.image_box.textActivated.connect(self.image_chosen.emit)
        self.add_image_button = button(
            "Add…", "Lay another image (TIFF, PNG) of the area over the map", self.add_image_clicked
        )
        self.align_button = QPushButton("Align")
        self.align_button.setCheckable(True)
        self.align_button.setToolTip(
            "Move, turn and stretch the image with the mouse until it fits the map: drag its frame "
            "and handles. Press again when it fits."
        )
        self.align_button.toggled.connect(self.align_toggled.emit)
        self.contents.addLayout(row(self.file_label, self.open_button, stretch=0))
        self.contents.addWidget(self.grid_label)
        self.contents.addWidget(self.pattern_label)
        self.contents.addWidget(self.detector_label)
        self._add_seen()
        self.contents.addLayout(
            row(self.image_box, self.add_image_button, self.align_button, stretch=0)
        )
        self.image_box.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )

    def _add_seen(self) -> None:
        layout = form()
        self.controls["pattern_centre"].add_to(layout)
        titled = []
        for name in _CENTRE:
            field = self.controls[name]
            titled += [QLabel(field.about["title"]), field.widget]
        self._centre = QWidget()
        by_hand = row(*titled)
        by_hand.setContentsMargins(0, 0, 0, 0)
        self._centre.setLayout(by_hand)
        layout.addRow(self._centre)
        self.controls["averaging"].add_to(layout)
        self.contents.addLayout(layout)

    def show_settings(self, settings: Settings) -> None:
        """Show whose pattern centre counts, and what is read."""
        for name, control in self.controls.items():
            control.show_value(getattr(settings, name))
        self._centre.setVisible(settings.pattern_centre != STORED)

    def show_scan(self, file: str, grid: str, pattern: str, detector: str, details: str) -> None:
        """Show what is open; the details (one fact a line) are a tooltip."""
        self.file_label.setText(file)
        self.grid_label.setText(grid)
        self.pattern_label.setText(pattern)
        self.detector_label.setText(detector)
        self.file_label.setToolTip(details)
        for text in (self.grid_label, self.pattern_label, self.detector_label):
            text.setVisible(bool(text.text()))

    def clear(self, text: str = "no scan is open") -> None:
        """Show that no scan is open."""
        self.show_scan(text, "", "", "", _NOTHING)
        self.show_images([], "")

    def enable_images(self, enabled: bool) -> None:
        """Let images be laid over a map, if there is a scan."""
        for widget in (self.image_box, self.add_image_button, self.align_button):
            widget.setEnabled(enabled)

    def show_images(self, names: list[str], current: str) -> None:
        """Show which images there are to choose from."""
        self.image_box.clear()
        self.image_box.addItems(names)
        self.image_box.setCurrentIndex(self.image_box.findText(current))
