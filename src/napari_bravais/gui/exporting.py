"""Figures and files of the map that is shown."""

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import QObject

from napari_bravais.gui import exports
from napari_bravais.gui.classes import classes_of
from napari_bravais.gui.display import Display
from napari_bravais.gui.images import Images
from napari_bravais.gui.phases import Phases
from napari_bravais.gui.sections.export import ExportSection
from napari_bravais.gui.settings import LATTICES_LEVEL, figure_options
from napari_bravais.io.exports import export
from napari_bravais.io.figures import save_figure
from napari_bravais.io.pooled_results import save_pooled
from napari_bravais.io.results import save_results
from napari_bravais.mapping.shown_phases import ShownPhases


class Exporting(QObject):
    """Saves the map, as it is shown, with its image and its phases.

    Parameters
    ----------
    section
        The panel's section.
    display, images, phases
        What is shown.
    """

    def __init__(self, section: ExportSection, display: Display, images: Images, phases: Phases):
        super().__init__(section)
        self._section = section
        self._display, self._images, self._phases = display, images, phases
        self._scan: Path | None = None
        self._busy = False
        section.figure_clicked.connect(self._ask_and_save_figure)
        section.phases_clicked.connect(self._ask_and_save_phases)
        section.all_clicked.connect(self._ask_and_save_all)
        phases.changed.connect(self._show_enabled)

    def enable(self, scan: Path | None) -> None:
        """Let the map of a scan be saved, or none."""
        self._scan = scan
        self._show_enabled()

    def save_figure(self, path: Path) -> None:
        """Save the map as a figure."""
        shown, image = self._display.derived.as_shown(), self._images.current
        options = figure_options(self._display.settings)
        self._save(lambda: export("figure", shown, path, image, options), path)

    def save_phases(self, path: Path) -> None:
        """Save the map of phases as a figure."""
        phases, image = self._shown_phases(), self._images.current
        options = figure_options(self._display.settings)
        self._save(lambda: save_figure(phases, image, path, options), path)

    def save_all(self, folder: Path) -> None:
        """Save figures and tables of the map, and all answers, to a folder."""
        shown, image = self._display.derived.as_shown(), self._images.current
        options, phases = figure_options(self._display.settings), self._shown_phases()

        def save() -> None:
            save_results(shown, image, folder, options)
            if phases is not None:
                save_pooled(phases, image, folder, options)

        self._save(save, folder)

    def _shown_phases(self) -> ShownPhases | None:
        """Return the phases of the map as it is shown now, in the user's colours."""
        if self._phases.current is None:
            return None
        lattices = classes_of(LATTICES_LEVEL, self._display.settings.colours)
        return ShownPhases(self._phases.current, self._display.derived.phase_map, lattices)

    def _ask_and_save_figure(self) -> None:
        path = self._ask("Export map", "bravais")
        if path is not None:
            self.save_figure(path)

    def _ask_and_save_phases(self) -> None:
        path = self._ask("Export phases", "phases")
        if path is not None:
            self.save_phases(path)

    def _ask(self, title: str, what: str) -> Path | None:
        proposal = exports.folder_of(self._scan) / f"{self._scan.stem}_{what}.png"
        return exports.ask_for_file(self._section, title, proposal)

    def _ask_and_save_all(self) -> None:
        folder = exports.ask_for_folder(self._section, self._scan)
        if folder is not None:
            self.save_all(folder)

    def _save(self, write: Callable[[], None], path: Path) -> None:
        self._busy = True
        self._show_enabled()
        exports.in_thread(write, path, self._saved)

    def _saved(self) -> None:
        self._busy = False
        self._show_enabled()

    def _show_enabled(self) -> None:
        can_export = self._scan is not None and not self._busy
        self._section.show_enabled(can_export, self._phases.current is not None)
