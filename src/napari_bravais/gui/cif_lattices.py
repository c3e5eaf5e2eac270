"""The lattice of each CIF file in the Hough panel: by its space group, and by its fingerprint."""

from pathlib import Path

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QFileDialog

from napari_bravais.fingerprint.classes import CLASSES
from napari_bravais.fingerprint.service import StructureService
from napari_bravais.gui.sections.compare import CompareSection
from napari_bravais.lattices import lattice_of_space_group
from napari_bravais.mapping.messages import Message

#: The tolerance at which spglib names the space group.
_TOLERANCE = "medium"


class CifLattices(QObject):
    """Asks about the CIF files that are named as phases, and shows what is said of them.

    spglib and the fingerprint's network answer in a process of their own, which starts with the
    first file.

    Parameters
    ----------
    section
        The section with the phases.
    """

    _arrived = Signal(object)

    def __init__(self, section: CompareSection):
        super().__init__(section)
        self._section = section
        self._said: dict[str, str | None] = {}  # None as long as the answer is waited for
        self._arrived.connect(self._receive)
        self._service = service = StructureService(self._arrived.emit)
        section.phases_changed.connect(self.show)
        section.cif_clicked.connect(self._choose)
        section.destroyed.connect(lambda: service.close())  # a bound method would be held weakly
        self._tell()

    def show(self, phases: list[str]) -> None:
        """Show the lattices of the CIF files among some phases."""
        files = [name for name in phases if Path(name).suffix.lower() == ".cif"]
        self._said = {name: text for name, text in self._said.items() if name in files}
        for name in files:
            if name not in self._said:
                self._said[name] = None
                self._service.classify(name)
        self._tell()

    def release(self) -> None:
        """End the process, for good."""
        self._service.close()

    def _choose(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self._section, "Phases", "", "CIF files (*.cif)")
        self._section.add_phases(paths)

    def _receive(self, message: Message) -> None:
        if message.kind == "died":
            text = f"The process that reads CIF files died: {message['reason']}"
            self._said = {name: said or text for name, said in self._said.items()}
        elif message["path"] in self._said:
            path = message["path"]
            # a label cannot break a path into lines
            error = message.facts.get("text", "").replace(path, Path(path).name)
            self._said[path] = error or sentence(message)
        self._tell()

    def _tell(self) -> None:
        lines = [said or f"{Path(name).name}: reading …" for name, said in self._said.items()]
        self._section.show_lattices("\n".join(dict.fromkeys(lines)))


def sentence(answered: Message) -> str:
    """Return the lattices of a structure in words, from an answer of the structures' process."""
    likeliest = CLASSES[answered["class"]]
    seen = {lattice_of_space_group(group).pearson for group in likeliest.space_groups}
    sure = float(answered.arrays["probabilities"].max())
    fingerprint = f"{' or '.join(sorted(seen))} by fingerprint ({likeliest.name}, {sure:.0%})"
    number = answered["space_group_numbers"].get(_TOLERANCE)
    if number is None:
        return f"{Path(answered['path']).name}: no lattice by spglib, {fingerprint}"
    own = lattice_of_space_group(number).pearson
    symbol = answered["space_groups"][_TOLERANCE]
    differ = "" if own in seen else ". They differ."
    return f"{Path(answered['path']).name}: {own} by spglib, {symbol}; {fingerprint}{differ}"
