"""Another map of the scan, Hough-indexed or from a file, beside the network's: where they part."""

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from napari.layers import Labels
from napari.qt.threading import thread_worker
from napari.utils.colormaps import DirectLabelColormap
from qtpy.QtCore import QObject, QProcess, QTimer
from qtpy.QtWidgets import QFileDialog

from napari_bravais.gui.arranger import Arranger
from napari_bravais.gui.cif_lattices import CifLattices
from napari_bravais.gui.classes import classes_of, values_of
from napari_bravais.gui.command import end_command, fault_told, start_command
from napari_bravais.gui.display import Display
from napari_bravais.gui.garbage import leave_alone_what_lives
from napari_bravais.gui.layers import MAP_NAME, class_colours, hover_texts, labels_layer
from napari_bravais.gui.notices import tell_error
from napari_bravais.gui.scene import Scene
from napari_bravais.gui.sections.compare import CompareSection
from napari_bravais.gui.settings import AVERAGED, Settings, centre_by_hand
from napari_bravais.gui.texts import progress_text
from napari_bravais.gui.writer import MAP
from napari_bravais.io.vendor_maps import read_map, stored_map
from napari_bravais.mapping.comparison import DIFFERENCES, Comparison, compare, map_title
from napari_bravais.mapping.hough import SOURCE
from napari_bravais.mapping.pattern_centre import PatternCentre
from napari_bravais.mapping.phase_map import percentage
from napari_bravais.mapping.phases import fault_of

OTHER, DIFFERENCE = "Other map", "Difference"

_FILTER = "Maps (*.ang *.ctf *.h5 *.npz)"

#: Milliseconds of rest after a change of the map before it is compared anew.
_REST = 400


class Comparing(QObject):
    """Makes or opens another map and compares the map that is shown with it.

    Parameters
    ----------
    scene, arranger
        Where maps are shown.
    display
        The network's map, as it is shown.
    section
        The panel's section.
    inspect
        Called with the pixel (row, column) to inspect.
    """

    def __init__(
        self,
        scene: Scene,
        arranger: Arranger,
        display: Display,
        section: CompareSection,
        inspect,
    ):
        super().__init__(section)
        self._scene, self._arranger, self._display = scene, arranger, display
        self._section, self._inspect = section, inspect
        self._lattices = CifLattices(section)
        self.other = None
        self.comparison: Comparison | None = None
        self._look: tuple = ()  # level and colours in which the other map is shown
        self._count = 0  # how often was compared: only the last result counts
        self._places: list = []
        self._scan = 0  # how many scans were opened: answers about an earlier one come too late
        self._folder: tempfile.TemporaryDirectory | None = None
        self._running: list[QProcess] = []  # one at the most
        self._since: tuple[int, float] | None = None  # patterns done, and when, at the first block
        self._centre = ""  # what optimising the pattern centre gave for the other map, in words
        self._new_centre = ""  # the same, for the map that is being made
        self._found_centre: PatternCentre | None = None
        self._result = ""  # what is said of the other map
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST)
        self._rest.timeout.connect(self._compare)
        display.painted.connect(self._again)
        display.settings_changed.connect(self._follow_settings)
        section.hough_clicked.connect(self.index)
        section.cancel_clicked.connect(self.cancel)
        section.open_clicked.connect(self._ask_and_open)
        section.next_clicked.connect(self.go_on)
        section.show_result("")
        running = self._running
        section.destroyed.connect(lambda: _end(running))  # a bound method would be held weakly

    def release(self) -> None:
        """End the processes, and listen no more."""
        self._rest.stop()
        self._scan += 1
        self._count += 1
        self._lattices.release()
        self.cancel()

    def open_scan(self) -> None:
        """Begin anew with another scan, and with the map that its file stores."""
        self.cancel()
        self._scan += 1
        self._count += 1
        self.other = self.comparison = self._found_centre = None
        self._say("")
        self._section.show_key([])
        self._section.propose_phases([])  # those of the last scan's phases
        self._show_enabled()
        path = Path(self._scene.scan["path"])
        self._read(lambda: stored_map(path), path, stored=True)

    def take_centre(self, centre: PatternCentre | None) -> None:
        """Take over the pattern centre that was found: a scan that stores none is indexed by it."""
        self._found_centre = centre

    def index(self, phases: list[str]) -> None:
        """Index the scan by Hough transform, in a process of its own, and show the map."""
        if not phases:
            self._section.show_result("Name the phases to index by, such as quartz, rutile.")
            return
        if fault := fault_of(phases):  # told at once: the process takes seconds to come to it
            tell_error(fault)
            return
        stored, settings = self._scene.scan["pattern_centre"], self._display.settings
        centre = centre_by_hand(settings) or (None if stored else self._found_centre)
        if not (centre or stored or settings.optimise):
            tell_error(
                f"{Path(self._scene.scan['path']).name} stores no pattern centre. Find phases looks"
                " for it, or give it yourself under Scan, or optimise one."
            )
            return
        self.cancel()
        self._folder = tempfile.TemporaryDirectory(prefix="bravais-hough-")
        options = [f"--phase={name}" for name in phases]
        options += seen_options(settings, centre)
        process = QProcess()
        self._running.append(process)
        process.readyReadStandardOutput.connect(lambda: self._follow(process))
        process.finished.connect(lambda status, _: self._indexed(process, status))
        places = [self._scene.scan["path"], "-o", self._folder.name]
        start_command(process, "hough", *places, "--progress=lines", *options)
        self._since, self._new_centre = None, ""
        self._section.show_progress(0, 0, "")
        names = ", ".join(phases)
        self._section.show_result(f"Indexing by Hough transform, which starts slowly: {names}…")
        self._show_enabled()

    def cancel(self) -> None:
        """Stop indexing."""
        if self._running:
            _end(self._running)
            self._section.show_result(self._result)
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        self._show_enabled()

    def open(self, path: Path) -> None:
        """Compare with a map from a file."""
        self._read(lambda: read_map(path), path)

    def go_on(self) -> None:
        """Inspect the next place where the maps part."""
        if not self._places and self.comparison is not None:
            self._places = list(self.comparison.disagreements())
        if self._places:
            place = self._places.pop(0)
            self._inspect((int(place.row), int(place.column)))

    def _ask_and_open(self) -> None:
        folder = str(Path(self._scene.scan["path"]).parent)
        path, _ = QFileDialog.getOpenFileName(self._section, "Compare with a map", folder, _FILTER)
        if path:
            self.open(Path(path))

    def _follow(self, process: QProcess) -> None:
        """Show how far the process is."""
        while process.canReadLine():
            line = bytes(process.readLine()).decode(errors="replace").strip()
            _, *numbers = line.split("\t")
            if len(numbers) == 2:
                self._show_progress(*map(int, numbers))
            elif line.startswith("Pattern centre: "):
                self._new_centre = line
                self._section.show_result(line)

    def _show_progress(self, done: int, total: int) -> None:
        now = time.monotonic()
        # the first block is slower than the others, which wait for nothing to be compiled
        first, since = self._since = self._since or (done, now)
        rate = (done - first) / max(now - since, 1e-3)
        self._section.show_progress(done, total, progress_text(done, total, rate))

    def _indexed(self, process: QProcess, status: int) -> None:
        self._running.remove(process)
        if status:
            said = bytes(process.readAllStandardError()).decode(errors="replace")
            self._section.show_result(self._result)
            tell_error(fault_told(said, "Hough indexing failed."))
            self._show_enabled()
            return
        path = next(Path(self._folder.name).glob("*.h5"))
        self._read(lambda: replace(read_map(path), source=SOURCE), path, centre=self._new_centre)

    def _read(self, read, path: Path, stored: bool = False, centre: str = "") -> None:
        """Read a map in a thread, and show it if it fits, else all stays as it is.

        Nobody asked for a stored one. ``centre`` is what to say of the pattern centre.
        """
        scan = self._scan

        def attempt():
            try:
                return read(), None
            except Exception as error:  # napari would show a traceback
                return None, str(error)

        def take(answer) -> None:
            other, fault = answer
            if scan != self._scan:
                return
            shape = tuple(self._scene.scan["navigation_shape"])
            if fault is None and other is not None and other.shape != shape:
                fault = f"{path.name} is a map of {other.shape} pixels, but the scan's is {shape}."
            if fault is not None:
                if not self._running:  # else the section says what is being made
                    self._section.show_result(self._result)
                if not stored:
                    tell_error(fault)
            elif other is not None:
                self._centre = centre
                self._say(centre)
                self._show(other, wanted=not stored)
            self._show_enabled()
            if stored:  # a scan is open now, with all that has to be imported for it
                leave_alone_what_lives()

        worker = thread_worker(attempt)()
        worker.returned.connect(take)
        worker.start()

    def _show(self, other, wanted: bool) -> None:
        """Show another map; one that nobody asked for waits for the network's to stand beside."""
        self.other = other
        settings = self._display.settings
        classes = classes_of(settings.level, settings.colours)
        values = values_of(other.labels, other.mapped, classes)
        layer = self._labels(map_title(other), values, class_colours(classes, settings.hidden))
        layer.features = hover_texts(classes)
        layer.metadata[MAP] = other
        self._look = settings.level, settings.colours, settings.hidden
        self._scene.set_map(OTHER, layer, values)
        if wanted or self._display.is_mapped:
            self._arranger.show_new(OTHER)
        else:
            self._arranger.update()
            self._say(
                "The file stores a map of its own, which will stand beside the network's. Tick "
                "«Other map» to see it now."
            )
        self._compare()

    def _follow_settings(self, settings: Settings) -> None:
        """Show the other map in the classes and colours of the network's."""
        look = settings.level, settings.colours, settings.hidden
        place = self._scene.places.get(OTHER)
        if look == self._look or place is None:
            return
        self._look = look
        classes = classes_of(settings.level, settings.colours)
        place.layer.colormap = class_colours(classes, settings.hidden)
        place.layer.features = hover_texts(classes)
        self._scene.repaint(OTHER, values_of(self.other.labels, self.other.mapped, classes))

    def _again(self) -> None:
        """Compare anew once the map rests."""
        if self.other is not None and not self._display.growing:
            self._rest.start()

    def _compare(self) -> None:
        """Compare the maps in a thread: it takes a while on large ones."""
        derived, other = self._display.derived, self.other
        if other is None or not self._display.is_mapped:
            return
        self._count += 1
        number = self._count

        def work() -> Comparison:
            return compare(derived.as_phase_map(), other)

        worker = thread_worker(work)()
        worker.returned.connect(lambda found: number == self._count and self._show_found(found))
        worker.start()

    def _show_found(self, found: Comparison) -> None:
        if OTHER not in self._scene.places:  # the user has removed it, or closed the window
            return
        self.comparison, self._places = found, []
        difference = np.asarray(found.difference, np.uint8)
        if DIFFERENCE in self._scene.places:
            self._scene.repaint(DIFFERENCE, difference)
        else:
            colours = {kind.code: kind.colour for kind in DIFFERENCES} | {None: "transparent"}
            layer = self._labels(DIFFERENCE, difference, DirectLabelColormap(color_dict=colours))
            self._scene.set_map(DIFFERENCE, layer, difference)
            self._arranger.show_new(OTHER)
            self._arranger.show_new(DIFFERENCE, (MAP_NAME, OTHER))
        self._scene.activate(MAP_NAME)  # which says what is under the cursor
        agreement = f"With {map_title(self.other)}: {_agreement(found)}"
        self._say("\n".join(filter(None, (agreement, self._centre))))
        self._section.show_key(_key(found, difference))
        self._show_enabled()

    def _say(self, result: str) -> None:
        """Say what is to be said of the other map, and keep it for when something else fails."""
        self._result = result
        self._section.show_result(result)

    def _labels(self, name: str, values: np.ndarray, colours: DirectLabelColormap) -> Labels:
        scan = self._scene.scan
        return labels_layer(name, values, scan["step"], scan["step_unit"], colours)

    def _show_enabled(self) -> None:
        self._section.show_enabled(
            can_index=self._scene.scan is not None,
            indexing=bool(self._running),
            compared=self.comparison is not None,
        )


def _key(found: Comparison, difference: np.ndarray) -> list[tuple[str, str, float]]:
    """Return colour, meaning and share of the area of each kind of difference that there is."""
    shares = np.bincount(difference.ravel(), minlength=len(DIFFERENCES)) / difference.size
    colours = (kind.colour for kind in DIFFERENCES)
    kinds = zip(colours, found.difference_titles(), shares, strict=True)
    return [kind for kind in kinds if kind[2]]


def seen_options(settings: Settings, centre: PatternCentre | None) -> list[str]:
    """Return what the command line is told of the pattern centre, and of averaging."""
    options = []
    if centre:
        options += [
            f"--pc={centre.x},{centre.y},{centre.z}",
            f"--convention={centre.convention}",
        ]
    if settings.averaging == AVERAGED:
        options.append("--average")
    if settings.optimise:
        options.append(f"--optimise={settings.optimise}")
    return options


def _end(running: list[QProcess]) -> None:
    while running:
        end_command(running.pop())


def _agreement(found: Comparison) -> str:
    """Say how far two maps agree; what is not defined is left out."""
    if not found.pixels:
        return "nothing to compare, as no pixel is named by both"
    shares = (
        (found.agreement, "of what both name agree"),
        (found.agreement_inside, "inside grains"),
        (found.agreement_at_boundaries, "at boundaries"),
    )
    said = [f"{percentage(share)} {where}" for share, where in shares if share == share]
    return ", ".join(said + ([f"kappa {found.kappa:.3f}"] if found.kappa == found.kappa else []))
