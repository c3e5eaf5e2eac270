"""How maps stand beside or over each other."""

from collections.abc import Iterable
from html import escape

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLineEdit,
    QProgressBar,
    QWidget,
)

from napari_bravais.gui.controls import Control, form
from napari_bravais.gui.section import Section, button, label, order_tabs, row
from napari_bravais.gui.settings import BLEND, FLICKER, SIDE_BY_SIDE, SWIPE, Settings
from napari_bravais.mapping.phase_map import percentage


class CompareSection(Section):
    """Which maps are shown, and how."""

    setting_changed = Signal(str, object)
    shown_changed = Signal(str, bool)  # name of a map, whether it is shown beside the others
    pair_chosen = Signal(str, str)  # the lower map and the upper one
    hough_clicked = Signal(list)  # names of phases
    phases_changed = Signal(list)  # their names
    cif_clicked = Signal()
    cancel_clicked = Signal()
    open_clicked = Signal()
    next_clicked = Signal()

    def __init__(self):
        super().__init__("Compare", "Maps beside each other or over each other.")
        self.controls = {name: Control(name) for name in ("view", "grid", "blend", "optimise")}
        for control in self.controls.values():
            control.changed.connect(self.setting_changed.emit)
        layout = form()
        self.controls["view"].add_to(layout)
        self.contents.addLayout(layout)
        self._boxes = QWidget()
        self._grid = QGridLayout(self._boxes)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(1)
        self.shown_boxes: dict[str, QCheckBox] = {}
        self._beside = QWidget()
        beside = form()
        beside.setContentsMargins(0, 0, 0, 0)
        self.controls["grid"].add_to(beside)
        beside.addRow(self._boxes)
        self._beside.setLayout(beside)
        self.contents.addWidget(self._beside)
        self._pair = QWidget()
        self.lower_box, self.upper_box = QComboBox(), QComboBox()
        self.lower_box.setToolTip("The lower map: on the left of the edge, first in turn")
        self.upper_box.setToolTip("The upper map: on the right of the edge, second in turn")
        for box in (self.lower_box, self.upper_box):
            box.textActivated.connect(self._tell_pair)
        pair = row(self.lower_box, self.upper_box)
        pair.setContentsMargins(0, 0, 0, 0)
        self._pair.setLayout(pair)
        self.contents.addWidget(self._pair)
        self._over = QWidget()
        over = form()
        over.setContentsMargins(0, 0, 0, 0)
        self.controls["blend"].add_to(over)
        self._over.setLayout(over)
        self.contents.addWidget(self._over)
        self.hint_label = label("How to use this view")
        self.contents.addWidget(self.hint_label)
        self._add_other_map()

    def _add_other_map(self) -> None:
        self._proposed: list[str] = []  # names of phases
        self.phases_edit = QLineEdit()
        self.phases_edit.setPlaceholderText("phases, such as quartz, rutile")
        self.phases_edit.setToolTip(
            "Phases to index by, with commas between them: names or formulas of the catalogue, or "
            "CIF files"
        )
        self.phases_edit.editingFinished.connect(self._tell_phases)
        self.cif_button = button("CIF…", "Add CIF files to the phases", self.cif_clicked)
        self.contents.addLayout(row(self.phases_edit, self.cif_button, stretch=0))
        self.lattices_label = label(
            "Bravais lattice of each CIF file: of its space group, which spglib finds, and as the "
            "network that reads diffraction fingerprints of structures sees it. They differ where "
            "defects hide the symmetry from spglib, and where the crystal is in none of the seven "
            "classes of elemental solids that the network knows."
        )
        self.contents.addWidget(self.lattices_label)
        centre = form()
        self.controls["optimise"].add_to(centre)
        self.contents.addLayout(centre)
        self.hough_button = button(
            "Hough map",
            "Index the scan by Hough transform (PyEBSDIndex) with these phases, in a process of "
            "its own, and compare",
            self.hough_clicked,
            self._phases,
        )
        self.cancel_button = button("Cancel", "Stop indexing", self.cancel_clicked)
        self.progress_bar = QProgressBar()
        self.progress_bar.setToolTip("Patterns indexed, patterns a second, and the time left")
        self.open_button = button(
            "Open map…",
            "Compare with a map made elsewhere: .ang, .ctf, orix's .h5, or a saved result",
            self.open_clicked,
        )
        self.next_button = button(
            "Next difference",
            "Go to the next place where the two maps part, the largest first",
            self.next_clicked,
        )
        self.result_label = label("How far the two maps agree, of the pixels that both name")
        self.contents.addLayout(row(self.hough_button, self.cancel_button, stretch=0))
        self.contents.addWidget(self.progress_bar)
        self.contents.addLayout(row(self.open_button, self.next_button))
        self.contents.addWidget(self.result_label)
        self.key_label = label("What the colours of the difference map mean, and their shares")
        self.key_label.setTextFormat(Qt.TextFormat.RichText)
        self.contents.addWidget(self.key_label)
        self.show_key([])
        self.show_enabled(can_index=False, indexing=False, compared=False)

    def add_phases(self, names: list[str]) -> None:
        """Add phases to those that are named."""
        if names:
            self.phases_edit.setText(", ".join(dict.fromkeys([*self._phases(), *names])))
            self._tell_phases()

    def propose_phases(self, names: list[str]) -> None:
        """Name phases for the user who has named none, in place of an earlier proposal."""
        if self._phases() in ([], self._proposed):
            self._proposed = list(names)
            self.phases_edit.setText(", ".join(names))
            self._tell_phases()

    def show_lattices(self, text: str) -> None:
        """Say which lattices the phases have that come from CIF files."""
        self.lattices_label.setText(text)
        self.lattices_label.setVisible(bool(text))

    def show_enabled(self, *, can_index: bool, indexing: bool, compared: bool) -> None:
        """Enable the buttons that make sense now."""
        self.hough_button.setEnabled(can_index and not indexing)
        self.cancel_button.setEnabled(indexing)
        self.progress_bar.setVisible(indexing)
        self.open_button.setEnabled(can_index)
        self.next_button.setEnabled(compared)

    def show_progress(self, done: int, total: int, text: str) -> None:
        """Show how far the indexing is; with a total of zero, that it goes on."""
        self.progress_bar.setRange(0, total)
        self.progress_bar.setValue(done)
        self.progress_bar.setFormat(text)

    def show_result(self, text: str) -> None:
        """Say how far the maps agree."""
        self.result_label.setText(text)
        self.result_label.setVisible(bool(text))

    def show_key(self, kinds: Iterable[tuple[str, str, float]]) -> None:
        """Explain the difference map: colour, meaning and share of the area of each kind."""
        rows = [
            f'<tr><td bgcolor="{colour}" style="border: 1px solid gray">&nbsp;&nbsp;&nbsp;</td>'
            f"<td>&nbsp;{escape(title)}&nbsp;</td>"
            f'<td align="right">{escape(percentage(share))}</td></tr>'
            for colour, title, share in kinds
        ]
        self.key_label.setText(f"<table>{''.join(rows)}</table>")
        self.key_label.setVisible(bool(rows))

    def show_settings(self, settings: Settings) -> None:
        """Show the view's controls that matter."""
        for name, control in self.controls.items():
            control.show_value(getattr(settings, name))
        side = settings.view == SIDE_BY_SIDE
        self._beside.setVisible(side)
        self._pair.setVisible(not side)
        self._over.setVisible(settings.view == BLEND)
        hints = {
            SWIPE: "Drag the edge on the image, or anywhere with Shift, to swipe.",
            FLICKER: "The two maps take turns; the space between blinks shows what differs.",
        }
        self.hint_label.setText(hints.get(settings.view, ""))
        self.hint_label.setVisible(settings.view in hints)

    def show_maps(self, shown: dict[str, bool], pair: tuple[str, str]) -> None:
        """Show which maps there are, which are shown side by side, and which over each other."""
        if list(shown) != list(self.shown_boxes):
            self._rebuild(list(shown))
        for name, is_shown in shown.items():
            self.shown_boxes[name].setChecked(is_shown)
        for box, name in zip((self.lower_box, self.upper_box), pair, strict=True):
            box.setCurrentIndex(box.findText(name))

    def _rebuild(self, names: list[str]) -> None:
        for box in self.shown_boxes.values():
            self._grid.removeWidget(box)
            box.hide()
            box.deleteLater()
        self.shown_boxes = {}
        for index, name in enumerate(names):
            box = QCheckBox(name)
            box.setToolTip(f"Show {name[:1].lower()}{name[1:]} beside the others")
            box.clicked.connect(lambda on, name=name: self.shown_changed.emit(name, on))
            self.shown_boxes[name] = box
            self._grid.addWidget(box, index // 2, index % 2)
        order_tabs(self.controls["grid"].widget, self.shown_boxes.values())
        for box in (self.lower_box, self.upper_box):
            box.clear()
            box.addItems(names)

    def _phases(self) -> list[str]:
        return [name.strip() for name in self.phases_edit.text().split(",") if name.strip()]

    def _tell_phases(self) -> None:
        self.phases_changed.emit(self._phases())

    def _tell_pair(self) -> None:
        self.pair_chosen.emit(self.lower_box.currentText(), self.upper_box.currentText())
