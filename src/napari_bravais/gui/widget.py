"""The dock widget's layout and signals; what they do is the controller's business."""

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from napari_bravais.gui.layers import title
from napari_bravais.gui.legend import Legend
from napari_bravais.gui.pattern_view import PatternView
from napari_bravais.gui.probability_bars import ProbabilityBars
from napari_bravais.lattices import LATTICES, Lattice

#: The least width, in pixels, so that the panel need not grow with the legend.
_WIDTH = 384


class Panel(QScrollArea):
    """Scan, Map, Legend, Inspect, Export, from top to bottom."""

    open_clicked = Signal()
    map_clicked = Signal()
    cancel_clicked = Signal()
    lattice_chosen = Signal(object)  # a Pearson symbol, or None for the likeliest
    export_figure_clicked = Signal()
    export_all_clicked = Signal()

    def __init__(self):
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        content = QWidget()
        sections = QVBoxLayout(content)
        sections.setContentsMargins(6, 0, 6, 6)
        sections.setSpacing(3)
        for name, build in (
            ("Scan", self._build_scan),
            ("Map", self._build_map),
            ("Legend", self._build_legend),
            ("Inspect", self._build_inspect),
            ("Export", self._build_export),
        ):
            sections.addWidget(_heading(name))
            sections.addLayout(build())
        sections.addStretch()
        self.setWidget(content)
        self.clear_scan()

    def _build_scan(self) -> QLayout:
        self.open_button = _button(
            "Open…",
            "Open an EBSD scan: kikuchipy, Bruker, EDAX or Oxford HDF5, up1/up2, ebsp, NORDIF, "
            "EMsoft. You can also drop the file on the window.",
            self.open_clicked,
        )
        self.file_label = _label("File name and size of the scan that is open")
        top = QHBoxLayout()
        top.addWidget(self.file_label, 1)
        top.addWidget(self.open_button)
        self.grid_label = _label("Rows and columns of the map, and the step between patterns")
        self.pattern_label = _label("Height and width of a pattern, and the beam energy")
        layout = QVBoxLayout()
        layout.setSpacing(2)
        layout.addLayout(top)
        layout.addWidget(self.grid_label)
        layout.addWidget(self.pattern_label)
        return layout

    def _build_map(self) -> QLayout:
        self.classifier_label = _label("The network that reads the patterns, and what it runs on")
        self.map_button = _button(
            "Map phases",
            "Let the network read the Bravais lattice from every pattern of the scan",
            self.map_clicked,
        )
        self.cancel_button = _button(
            "Cancel", "Stop mapping; what is painted is kept", self.cancel_clicked
        )
        self.progress_bar = QProgressBar()
        self.progress_bar.setToolTip("Patterns mapped, patterns a second, and the time left")
        buttons = QHBoxLayout()
        buttons.addWidget(self.map_button, 1)
        buttons.addWidget(self.cancel_button)
        layout = QVBoxLayout()
        layout.setSpacing(3)
        layout.addWidget(self.classifier_label)
        layout.addLayout(buttons)
        layout.addWidget(self.progress_bar)
        return layout

    def _build_legend(self) -> QLayout:
        self.legend = Legend()
        layout = QVBoxLayout()
        layout.addWidget(self.legend)
        return layout

    def _build_inspect(self) -> QLayout:
        self.pattern, self.bars = PatternView(), ProbabilityBars()
        self.bars.lattice_clicked.connect(self._choose)
        self.pixel_label = _label("The clicked pixel: row and column, and its position")
        self.answer_label = _label("What the network answers for the pixel, and the quality")
        pictures = QHBoxLayout()
        pictures.addWidget(self.pattern, 6)
        pictures.addWidget(self.bars, 5)
        layout = QVBoxLayout()
        layout.setSpacing(3)
        layout.addWidget(self.pixel_label)
        layout.addWidget(self.answer_label)
        layout.addLayout(pictures)
        layout.addLayout(self._build_explanation())
        return layout

    def _build_explanation(self) -> QLayout:
        self.lattice_box = QComboBox()
        self.lattice_box.setToolTip("The lattice that the glow over the pattern speaks for")
        self.lattice_box.addItem("the likeliest lattice", None)
        for lattice in LATTICES:
            self.lattice_box.addItem(title(lattice), lattice.pearson)
        self.lattice_box.activated.connect(
            lambda index: self.lattice_chosen.emit(self.lattice_box.itemData(index))
        )
        self.opacity_slider = QSlider(Qt.Orientation.Horizontal)
        self.opacity_slider.setToolTip("Strength of the glow over the pattern (Grad-CAM)")
        self.opacity_slider.setRange(0, 100)
        self.opacity_slider.setValue(50)
        self.opacity_slider.valueChanged.connect(
            lambda percent: self.pattern.set_opacity(percent / 100)
        )
        layout = QFormLayout()
        layout.setVerticalSpacing(3)
        layout.addRow("Explain", self.lattice_box)
        layout.addRow("Grad-CAM", self.opacity_slider)
        return layout

    def _build_export(self) -> QLayout:
        self.export_figure_button = _button(
            "Export map…",
            "Save electron image and map side by side, with legend and scale bar, as a figure",
            self.export_figure_clicked,
        )
        self.export_all_button = _button(
            "Export all…",
            "Save to a folder: figures (PNG, SVG), label image (TIFF), area fractions (CSV), and "
            "all probabilities (NPZ)",
            self.export_all_clicked,
        )
        layout = QHBoxLayout()
        layout.addWidget(self.export_figure_button, 1)
        layout.addWidget(self.export_all_button, 1)
        return layout

    def show_scan(self, file: str, grid: str, pattern: str, details: str) -> None:
        """Show what is open; the details (one fact a line) are a tooltip."""
        self.file_label.setText(file)
        self.grid_label.setText(grid)
        self.pattern_label.setText(pattern)
        self.file_label.setToolTip(details)

    def clear_scan(self, text: str = "no scan is open") -> None:
        """Show that no scan is open."""
        self.show_scan(text, "", "", "File name and size of the scan that is open")
        self.legend.clear()
        self.show_progress(0, 0, "")
        self.clear_pixel()

    def show_legend(self, fractions: list[tuple[Lattice, int, float]]) -> None:
        """Show what `PhaseMap.fractions` returns."""
        self.legend.show_fractions(fractions)
        self._fit()

    def show_progress(self, done: int, total: int, text: str) -> None:
        """Show how far the map is."""
        self.progress_bar.setMaximum(max(total, 1))
        self.progress_bar.setValue(done)
        self.progress_bar.setFormat(text)

    def show_enabled(self, *, can_open: bool, can_map: bool, can_cancel: bool, can_export: bool):
        """Enable the buttons that make sense now."""
        self.open_button.setEnabled(can_open)
        self.map_button.setEnabled(can_map)
        self.cancel_button.setEnabled(can_cancel)
        self.export_figure_button.setEnabled(can_export)
        self.export_all_button.setEnabled(can_export)

    def show_pixel(self, where: str, answer: str) -> None:
        """Say which pixel is inspected and what the network answers."""
        self.pixel_label.setText(where)
        self.answer_label.setText(answer)

    def reveal_inspection(self) -> None:
        """Scroll to the inspected pixel, which a long legend may have pushed out of sight."""
        self.ensureWidgetVisible(self.opacity_slider)

    def clear_pixel(self) -> None:
        """Show that no pixel is inspected."""
        self.show_pixel("Click a pixel of the image or the map.", "")
        self.pattern.clear()
        self.bars.clear()

    @property
    def chosen_lattice(self) -> str | None:
        """Pearson symbol of the lattice to explain, None for the likeliest."""
        return self.lattice_box.currentData()

    def showEvent(self, event) -> None:
        """Make room, now that the fonts are known."""
        super().showEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Be wide enough for the contents and the scroll bar."""
        width = max(_WIDTH, self.widget().minimumSizeHint().width())
        self.setMinimumWidth(width + self.verticalScrollBar().sizeHint().width())

    def _choose(self, lattice: str) -> None:
        self.lattice_box.setCurrentIndex(self.lattice_box.findData(lattice))
        self.lattice_chosen.emit(lattice)


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setStyleSheet("font-weight: bold; padding-top: 4px; border-bottom: 1px solid gray;")
    return label


def _label(tooltip: str) -> QLabel:
    label = QLabel()
    label.setToolTip(tooltip)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def _button(text: str, tooltip: str, clicked) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    button.clicked.connect(lambda: clicked.emit())
    return button
