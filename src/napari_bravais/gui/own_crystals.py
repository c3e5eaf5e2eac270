"""Crystals of the user's own: a process makes a network that knows them, too."""

import re
from pathlib import Path

from qtpy.QtCore import QObject, QProcess, Signal
from qtpy.QtWidgets import QFileDialog, QProgressDialog, QWidget

from napari_bravais.gui.command import end_command, fault_told, start_command
from napari_bravais.gui.notices import tell_error

_FILTER = "Crystals (*.cif);;Master patterns at 20 kV by EMsoft or ebsdsim (*.h5 *.npz)"

#: What the command says of the master patterns: share done, time left, crystal.
_PROGRESS = re.compile(r"(\d+)%\|[^|]*\| \S+ passed, (\S+) left(?:, (.+))?")

_STARTING = "Simulating master patterns, a minute or so each…"


class OwnCrystals(QObject):
    """Asks for crystals, and has a network made that knows them beside all that it knew.

    Parameters
    ----------
    parent
        Over which dialogs are shown.
    """

    made = Signal(str)  # path of the network

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self._parent = parent
        self.dialog: QProgressDialog | None = None  # while one is made

    def ask(self, network: str) -> None:
        """Ask for the crystals, and for the folder of the new network.

        Parameters
        ----------
        network
            Path of the network to begin with, empty for the bundled one.
        """
        if self.dialog is not None:
            self.dialog.raise_()
            return
        crystals, _ = QFileDialog.getOpenFileNames(
            self._parent, "Crystals that the network shall know", "", _FILTER
        )
        if not crystals:
            return
        folder = QFileDialog.getExistingDirectory(
            self._parent,
            "A folder for the network that knows them, or the folder of one that shall know more",
            str(Path(crystals[0]).parent),
        )
        if folder:
            self._make(crystals, Path(folder), network)

    def _make(self, crystals: list[str], folder: Path, network: str) -> None:
        process = QProcess(self)
        dialog = self.dialog = QProgressDialog(_STARTING, "Cancel", 0, 0, self._parent)
        dialog.setWindowTitle("Adding crystals")
        dialog.setMinimumWidth(420)
        dialog.setAutoClose(False)
        dialog.setAutoReset(False)
        dialog.canceled.connect(lambda: self._end(process))
        dialog.show()
        process.readyReadStandardError.connect(lambda: self._follow(process))
        process.finished.connect(lambda status, _: self._made(process, status, folder))
        begin = [f"--model={network}"] if network else []
        self._said = ""
        start_command(process, "add-crystals", *crystals, "-o", str(folder), *begin)

    def _follow(self, process: QProcess) -> None:
        """Show how far the process is."""
        self._said += bytes(process.readAllStandardError()).decode(errors="replace")
        if told := _PROGRESS.findall(self._said):
            percent, left, crystal = told[-1]
            if percent == "100":
                self.dialog.setMaximum(0)
                self.dialog.setLabelText("Telling them from what the network knows…")
            elif percent != "0":  # nobody knows earlier how long it will take
                self.dialog.setMaximum(100)
                self.dialog.setValue(int(percent))
                self.dialog.setLabelText(f"Simulating {crystal}; {left} left")
            elif crystal:
                self.dialog.setLabelText(f"Simulating {crystal}")

    def _made(self, process: QProcess, status: int, folder: Path) -> None:
        self._follow(process)
        self._end(process)
        if status:
            tell_error(fault_told(self._said, "No network could be made."))
        else:
            self.made.emit(str(folder / f"{folder.name}.keras"))

    def _end(self, process: QProcess) -> None:
        """End the process, without a word; what it simulated stays, to be taken up again."""
        end_command(process)
        process.deleteLater()
        self.dialog.blockSignals(True)
        self.dialog.deleteLater()
        self.dialog = None
