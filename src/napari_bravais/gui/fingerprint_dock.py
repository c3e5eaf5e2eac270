"""The *Structure* dock widget: an atomic structure's fingerprint and crystal class."""

from pathlib import Path

import napari
import numpy as np
from qtpy.QtCore import QEvent, QObject, Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QGridLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_bravais.fingerprint.classes import CLASSES
from napari_bravais.fingerprint.service import StructureService
from napari_bravais.gui.own_context import free_in_own_context
from napari_bravais.mapping.messages import Message

#: Width in pixels at which napari shows the widget's whole title.
_WIDTH = 300

_FILTER = "Structures (*.cif *.vasp *.poscar POSCAR* CONTCAR* *.extxyz *.xyz *.lmp *.data);;All (*)"


class ClassBars(QWidget):
    """The probabilities of the seven classes as bars."""

    def __init__(self):
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        self.bars = []
        for each in CLASSES:
            bar = QProgressBar()
            bar.setRange(0, 1000)
            bar.setFormat("")
            bar.setStyleSheet(f"QProgressBar::chunk {{ background-color: {each.colour}; }}")
            bar.setFixedHeight(12)
            label, value = QLabel(each.key), QLabel()
            label.setToolTip(each.name)
            value.setMinimumWidth(48)
            for column, widget in enumerate((label, bar, value)):
                grid.addWidget(widget, each.index, column)
            self.bars.append((bar, value))

    def show_probabilities(self, probabilities: np.ndarray | None) -> None:
        """Show probabilities, shape (7,); None empties the bars."""
        for index, (bar, value) in enumerate(self.bars):
            probability = 0.0 if probabilities is None else float(probabilities[index])
            bar.setValue(round(1000 * probability))
            value.setText("" if probabilities is None else f"{probability:.1%}")


class _Relay(QObject):
    """Brings messages to the window's thread; it outlives the widget, whose end may cross one."""

    said = Signal(object)


class StructureDock(QWidget):
    """Opens structure files and shows what the network and spglib say of them.

    Parameters
    ----------
    napari_viewer
        The viewer that it belongs to.
    """

    def __init__(self, napari_viewer: napari.Viewer):
        super().__init__()
        self._viewer = napari_viewer
        free_in_own_context()
        self._waiting: int | None = None
        self._layers: list = []
        relay = _Relay()
        relay.said.connect(self._receive)
        # a function that names the relay keeps it alive, as its bound signal would not
        self._service = service = StructureService(lambda message: relay.said.emit(message))
        self.destroyed.connect(lambda: service.close())  # a bound method would be held weakly
        self.setAcceptDrops(True)
        self.setMinimumWidth(_WIDTH)
        self.open_button = QPushButton("Open a structure…")
        self.open_button.setToolTip("CIF, POSCAR, extxyz, LAMMPS and what else ASE reads")
        self.open_button.clicked.connect(self._choose)
        self.status_label = QLabel("Open a file, or drop one here.")
        self.status_label.setWordWrap(True)
        self.bars = ClassBars()
        self.space_group_labels = {name: QLabel("–") for name in ("tight", "medium", "loose")}
        form = QFormLayout()
        for name, label in self.space_group_labels.items():
            form.addRow(f"spglib, {name}", label)
        layout = QVBoxLayout(self)
        layout.addWidget(self.open_button)
        layout.addWidget(self.status_label)
        layout.addWidget(self.bars)
        layout.addLayout(form)
        layout.addStretch()

    def open(self, path: str | Path) -> None:
        """Classify a structure file; what was asked before is no longer waited for."""
        self._waiting = self._service.classify(path)
        self.status_label.setText(f"Reading {Path(path).name} …")

    def event(self, event: QEvent) -> bool:
        """End the process when napari takes the widget out of its dock, which is for good."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self._service.close()
        return super().event(event)

    def dragEnterEvent(self, event) -> None:
        """Take files."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event) -> None:
        """Open the first file that is dropped."""
        self.open(event.mimeData().urls()[0].toLocalFile())

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a structure", "", _FILTER)
        if path:
            self.open(path)

    def _receive(self, message: Message) -> None:
        if message.kind == "died":
            self.status_label.setText(f"The classifier's process died: {message['reason']}")
        elif message["id"] == self._waiting and message.kind == "error":
            self._show_space_groups({})
            self.bars.show_probabilities(None)
            self.status_label.setText(message["text"])
        elif message["id"] == self._waiting:
            self._show(message)

    def _show(self, message: Message) -> None:
        name = Path(message["path"]).name
        of_atoms = "1 atom" if message["atoms"] == 1 else f"{message['atoms']:,} atoms"
        likeliest = CLASSES[message["class"]]
        self.status_label.setText(f"{name}: {message['formula']}, {of_atoms}\n{likeliest.name}")
        self.bars.show_probabilities(message.arrays["probabilities"])
        self._show_space_groups(message["space_groups"])
        self._show_layers(name, message.arrays["fingerprint"], message.arrays["response"])

    def _show_space_groups(self, groups: dict[str, str]) -> None:
        for name, label in self.space_group_labels.items():
            label.setText(groups.get(name, "–"))

    def _show_layers(self, name: str, fingerprint: np.ndarray, response: np.ndarray) -> None:
        """Show fingerprint and response map in place of the last structure's."""
        for layer in self._layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        image = self._viewer.add_image(fingerprint, rgb=True, name=f"{name}: fingerprint")
        glow = self._viewer.add_image(
            response,
            name=f"{name}: response map",
            colormap="inferno",
            blending="additive",
            opacity=0.6,
            contrast_limits=(0, 1),
        )
        self._layers = [image, glow]
        self._viewer.reset_view()
