"""What happens in the window: from the buttons to the classifier's process, and back."""

import threading
from pathlib import Path

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QFileDialog

from napari_bravais.gui.arranger import Arranger
from napari_bravais.gui.comparing import DIFFERENCE, OTHER, Comparing
from napari_bravais.gui.display import CONFIDENCE, QUALITY, Display
from napari_bravais.gui.exporting import Exporting
from napari_bravais.gui.holding import Holding
from napari_bravais.gui.images import Images
from napari_bravais.gui.inspector import Inspector
from napari_bravais.gui.layers import MAP_NAME, warm_up
from napari_bravais.gui.network import Network
from napari_bravais.gui.notices import agreed, tell_error, tell_warning
from napari_bravais.gui.phases import PHASES, Phases
from napari_bravais.gui.pointer import Pointer
from napari_bravais.gui.reopening import (
    GIVEN_CENTRE,
    SCAN_PATH,
    Reopening,
    looks_like_result,
    shown_as,
)
from napari_bravais.gui.scene import Scene
from napari_bravais.gui.settings import (
    BRUKER,
    BY_THEMSELVES,
    CENTRE,
    STORED,
    Settings,
    centre_by_hand,
    seen_by,
)
from napari_bravais.gui.texts import Pace, progress_text, scan_texts
from napari_bravais.gui.widget import Panel
from napari_bravais.mapping.messages import Message
from napari_bravais.mapping.phase_map import PhaseMap
from napari_bravais.mapping.pooled_map import PooledMap
from napari_bravais.mapping.service import ClassifierService


class Controller(QObject):
    """Brings a `Panel` to life.

    Parameters
    ----------
    viewer
        The napari viewer that shows the layers.
    panel
        The panel; the controller is its child and ends with it.

    Attributes
    ----------
    phase_map
        What the network answered, finished or not; None before the first map.
    service
        The classifier's process.
    """

    _arrived = Signal(object)

    def __init__(self, viewer, panel: Panel):
        super().__init__(panel)
        self._panel = panel
        self.phase_map: PhaseMap | None = None
        self._scan: Message | None = None
        # numbers of the requests whose answers are waited for
        self._opening: int | None = None
        self._mapping: int | None = None
        self._cancelling, self._done = False, 0
        self._given_centre: dict = {}  # of the map under way
        self._pace = Pace()
        # the service talks in a thread of its own; the signal brings it to this one
        self._arrived.connect(self._receive)
        self.service = ClassifierService(self._arrived.emit)
        self.scene = Scene(viewer, (MAP_NAME, PHASES, OTHER, DIFFERENCE, CONFIDENCE, QUALITY))
        self.display = Display(self.scene, panel.map)
        self.arranger = Arranger(self.scene, panel.compare)
        self.network = Network(panel.map, self.scene, self.display, self.service)
        self.inspector = Inspector(panel, self.scene, self.display, self.service)
        self.images = Images(self.scene, panel.scan, self.service, self._show_image)
        self.comparing = Comparing(
            self.scene, self.arranger, self.display, panel.compare, self.inspector.inspect
        )
        self.phases = Phases(self.scene, self.arranger, self.display, panel, self.service)
        self.inspector.asked.connect(self.phases.say_at)
        self.holding = Holding(panel, self.inspector, self.display, self.phases, self.service)
        self.exporting = Exporting(panel.export, self.display, self.images, self.phases)
        self._pointer = Pointer(
            *(viewer, self.scene, self.inspector.inspect, self.display.hover_text),
            *(self.display.undo, self.display.redo),
        )
        self.reopening = Reopening(panel, self.open)
        self._connect()
        self._clear()
        self._show_enabled()
        self.network.loading()
        self.service.start()
        threading.Thread(target=warm_up, name="warm-up", daemon=True).start()

    def _connect(self) -> None:
        panel, service = self._panel, self.service
        panel.scan.open_clicked.connect(self._ask_for_scan)
        panel.map.map_clicked.connect(self._ask_and_map)
        panel.map.cancel_clicked.connect(self.cancel)
        panel.phases.map_clicked.connect(self._ask_and_map_by_found_centre)
        for section in (panel.scan, panel.compare, panel.export):
            section.setting_changed.connect(
                lambda name, value: self.display.change(**{name: value})
            )
        self.network.changed.connect(self._stop_waiting)
        self.network.loaded.connect(self.inspector.network_is)
        self.display.settings_changed.connect(self._show_settings)
        self.phases.named.connect(panel.compare.propose_phases)
        self.phases.located.connect(self.comparing.take_centre)
        self.display.painted.connect(self._show_progress)
        self._show_settings(self.display.settings)
        panel.destroyed.connect(lambda: service.close())  # a bound method would be held weakly

    def end(self) -> None:
        """End the classifier's process and leave the viewer alone; layers stay."""
        self.service.close()
        self._pointer.release()
        self.arranger.release()
        self.comparing.release()
        self.scene.release()
        self.display.release()
        self._panel.notice.release()

    # what the user asks for

    def open(self, path: str | Path) -> None:
        """Open a scan, whose image shows when it is read, or a saved result with its scan."""
        self._panel.notice.clear()
        if looks_like_result(Path(path)):
            self.reopening.open(Path(path))
            return
        self.reopening.forget()
        self._stop_waiting()
        self._opening = self.service.open(path)
        self._panel.scan.file_label.setText(f"Opening {Path(path).name}…")
        self._show_enabled()

    def map(self) -> None:
        """Map the scan that is open, afresh."""
        settings = self.display.settings
        centre = centre_by_hand(settings)
        given = {name: getattr(settings, name) for name in CENTRE}
        self._given_centre = {} if centre is None else {GIVEN_CENTRE: given}
        self.phases.stop_waiting()
        self._mapping = self.service.map(seen_by(settings))
        self._done, self._pace = 0, Pace()
        self._panel.map.show_progress(0, 0, "Waiting for the network…")
        self._show_enabled()

    def cancel(self) -> None:
        """Stop mapping; what was painted stays."""
        if self._mapping is None:
            return
        self._cancelling = True
        self.service.cancel()
        self._show_enabled()

    def inspect(self, pixel: tuple[int, int]) -> None:
        """Show the pattern of a pixel (row, column) and why it is what it is."""
        self.inspector.inspect(pixel)

    def _ask_for_scan(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self._panel, "Open an EBSD scan")
        if path:
            self.open(path)

    def _ask_and_map(self) -> None:
        if self._may_map():
            self.map()

    def _ask_and_map_by_found_centre(self) -> None:
        centre = self.phases.found.pattern_centre
        if self._may_map():
            self.display.change(pattern_centre=BRUKER, pc_x=centre.x, pc_y=centre.y, pc_z=centre.z)
            self.map()

    def _may_map(self) -> bool:
        anything = self.phase_map is not None and self.phase_map.mapped.any()
        return not anything or agreed(
            self._panel.map,
            "Map again",
            "Map this scan again? The map that is shown, and its phases, will be gone unless you "
            "have exported them.",
        )

    # what the service says

    def _receive(self, message: Message) -> None:
        getattr(self, f"_on_{message.kind}")(message)

    def _on_loading(self, message: Message) -> None:
        self.network.loading()

    def _on_ready(self, message: Message) -> None:
        self.network.ready(message)

    def _on_opened(self, message: Message) -> None:
        # a process that was started again opens the scan again, which shows already
        if message["id"] != self._opening:
            return
        shape = tuple(message["navigation_shape"])
        if self.reopening.refuses(Path(message["path"]), shape):
            self._stop_waiting(message["id"])
            if self._scan is not None:  # the window still shows it, the service has left it
                self.service.open(self._scan["path"])
            return
        self._opening = self.phase_map = None
        self._scan = message
        self._clear()
        # how patterns are seen is that of one scan
        self.display.change(pattern_centre=STORED, averaging=BY_THEMSELVES)
        self._panel.scan.show_scan(**scan_texts(message))
        self._panel.scroll_to_top()
        self.scene.show_scan(message, self.images.open(message))
        # the map's place is there from the start: while it grows, nothing need be moved for it
        self.display.show(self._empty_map(quality_threshold=self.display.advised or 0.0))
        self._show_image()
        self.arranger.show_new(MAP_NAME)
        self.comparing.open_scan()
        self._show_saved(*self.reopening.take())
        self.display.forget_history()
        self._show_enabled()

    def _show_saved(self, phase_map: PhaseMap | None, phases: PooledMap | None) -> None:
        """Show a map that was saved, of the scan that has been opened for it, and its phases."""
        if phase_map is None:
            return
        self.phase_map, self._done = phase_map, int(phase_map.mapped.sum())
        self._pace = Pace()  # the last one is that of another map
        self.display.change(**shown_as(phase_map))
        self.display.show(phase_map)
        self.arranger.show_new(MAP_NAME)
        self.display.finish()
        if phases is not None:
            self.phases.show(phases)

    def _on_image(self, message: Message) -> None:
        self.images.take(message)

    def _on_mapping(self, message: Message) -> None:
        if message["id"] != self._mapping:
            return
        self.phase_map = self._empty_map(
            quality_threshold=message["quality_threshold"],
            provenance=message["provenance"] | {SCAN_PATH: self._scan["path"]} | self._given_centre,
        )
        self._pace.start()
        self.phases.clear()
        self.display.show(self.phase_map)
        if MAP_NAME in self.scene.arrangement.shown:
            self.arranger.update()
        else:
            self.arranger.show_new(MAP_NAME)
        self._show_progress()

    def _empty_map(self, **attributes) -> PhaseMap:
        """Return a map of the scan that is open, in which nothing is mapped yet."""
        return PhaseMap.empty(
            tuple(self._scan["navigation_shape"]),
            step=tuple(self._scan["step"]),
            step_unit=self._scan["step_unit"],
            **attributes,
        )

    def _on_chunk(self, message: Message) -> None:
        if message["id"] != self._mapping:
            return
        rows, columns = slice(*message["rows"]), slice(*message["columns"])
        self.phase_map.probabilities[rows, columns] = message.arrays["probabilities"]
        self.phase_map.quality[rows, columns] = message.arrays["quality"]
        self._done += message.arrays["quality"].size
        self._pace.note(self._done)
        self.display.chunk_came(rows, columns)

    def _on_finished(self, message: Message) -> None:
        if message["id"] == self.phases.request:
            self.phases.stop_waiting()
        if message["id"] != self._mapping:
            return
        self._mapping, self._cancelling = None, False
        self.display.finish()
        self._show_enabled()

    def _on_finding(self, message: Message) -> None:
        self.phases.show_progress(message)

    def _on_phases(self, message: Message) -> None:
        self.phases.take(message)

    def _on_symmetry(self, message: Message) -> None:
        self.phases.take_symmetry(message)

    def _on_explained(self, message: Message) -> None:
        self.inspector.take(message)

    def _on_matched(self, message: Message) -> None:
        self.holding.take(message)

    _on_matching = _on_unmatched = _on_matched

    def _on_error(self, message: Message) -> None:
        if message["during"] == "load":
            self.network.failed(message)
            return
        waited_for = (self._opening, self._mapping, *(each.request for each in self._waiting))
        if message["id"] not in waited_for:
            return  # nobody waits for it any more
        self._stop_waiting(message["id"])
        tell_error(message["text"])

    def _on_died(self, message: Message) -> None:
        self._stop_waiting()
        if message["restarted"]:
            tell_warning(
                "The classifier's process ended unexpectedly; another one has been started. What "
                f"was mapped is kept. ({message['reason']})"
            )
            return
        self._panel.map.classifier_label.setText("The classifier does not run.")
        tell_error(
            "The classifier's process ended unexpectedly, again and again. It is started once "
            f"more when you need it. ({message['reason']})"
        )

    # what the panel shows

    def _clear(self) -> None:
        self._panel.scan.clear()
        self._panel.map.show_progress(0, 0, "")
        self.inspector.clear()
        self.holding.clear()
        self.phases.clear()
        self.display.show(None)

    @property
    def _waiting(self) -> tuple:
        """Those who wait for answers of their own."""
        return self.inspector, self.holding, self.images, self.phases

    def _stop_waiting(self, request: int | None = None) -> None:
        """Wait no more for the answer to a request, or to any."""
        for name in ("_opening", "_mapping"):
            if request is None or getattr(self, name) == request:
                setattr(self, name, None)
        for waiting in self._waiting:
            if request is None or waiting.request == request:
                waiting.stop_waiting()
        self._cancelling = self._cancelling and self._mapping is not None
        if self._opening is None:
            self.scene.drop_placeholders()
            if self._scan is None:
                self._panel.scan.clear()
            else:
                self._panel.scan.show_scan(**scan_texts(self._scan))
        self.display.finish()
        self._show_enabled()

    def _show_image(self) -> None:
        """Follow another image of the scanned area, or one that was moved."""
        self.arranger.update()
        self.display.show_image(self.images.current)

    def _show_settings(self, settings: Settings) -> None:
        self.inspector.show_settings(settings)
        self.holding.show_settings(settings)
        self.arranger.show_settings(settings)
        for section in (self._panel.scan, self._panel.export):
            section.show_settings(settings)

    def _show_progress(self) -> None:
        if self.phase_map is None:
            return
        total = self.phase_map.quality.size
        stopped = self._mapping is None and self._done < total
        text = progress_text(self._done, total, 0 if stopped else self._pace.rate)
        if stopped:
            text = f"Stopped at {text}"
        self._panel.map.show_progress(self._done, total, text)

    def _show_enabled(self) -> None:
        idle = self._mapping is None and self._opening is None
        section = self._panel.map
        self._panel.scan.open_button.setEnabled(self._opening is None)
        section.map_button.setEnabled(idle and self._scan is not None)
        self._panel.scan.enable_images(self._scan is not None)
        section.enable_choice(idle)
        section.cancel_button.setEnabled(self._mapping is not None and not self._cancelling)
        self.phases.enable(idle)
        can_export = idle and self.phase_map is not None
        self.exporting.enable(Path(self._scan["path"]) if can_export else None)
