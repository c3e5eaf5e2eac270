"""What happens in the window: from buttons and clicks to the classifier, and back to layers."""

import threading
import time
from pathlib import Path

from napari.utils.notifications import show_error, show_warning
from qtpy.QtCore import QObject, QTimer, Signal
from qtpy.QtWidgets import QFileDialog

from napari_bravais.gui import exports
from napari_bravais.gui.layers import warm_up
from napari_bravais.gui.scene import Scene
from napari_bravais.gui.texts import answer_text, pixel_text, progress_text, scan_texts
from napari_bravais.gui.widget import Panel
from napari_bravais.io.scan import ElectronImage
from napari_bravais.mapping.messages import Message
from napari_bravais.mapping.phase_map import PhaseMap
from napari_bravais.mapping.service import ClassifierService

#: Milliseconds between two paintings, so that they never fill the window's time.
_REPAINT = 100


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
        The map that is shown, finished or not; None before the first.
    service
        The classifier's process.
    """

    _arrived = Signal(object)

    def __init__(self, viewer, panel: Panel):
        super().__init__(panel)
        self._panel = panel
        self._scene = Scene(viewer, self.inspect)
        self.phase_map: PhaseMap | None = None
        self._image: ElectronImage | None = None
        self._scan: Message | None = None
        self._pixel: tuple[int, int] | None = None
        # numbers of the requests whose answers are waited for
        self._opening: int | None = None
        self._mapping: int | None = None
        self._explaining: int | None = None
        self._cancelling = self._exporting = False
        self._done = 0
        self._pace: tuple[int, float] | None = None  # patterns done, and when, at the first block
        self._repaint = QTimer(self)
        self._repaint.setSingleShot(True)
        self._repaint.setInterval(_REPAINT)
        # the service talks in a thread of its own; the signal brings it to this one
        self._arrived.connect(self._receive)
        self.service = ClassifierService(self._arrived.emit)
        self._connect()
        self._show_enabled()
        panel.classifier_label.setText("Loading network…")
        self.service.start()
        threading.Thread(target=warm_up, name="warm-up", daemon=True).start()

    def _connect(self) -> None:
        panel = self._panel
        panel.open_clicked.connect(self._ask_for_scan)
        panel.map_clicked.connect(self.map)
        panel.cancel_clicked.connect(self.cancel)
        panel.lattice_chosen.connect(self._explain)
        panel.export_figure_clicked.connect(self._ask_and_export_figure)
        panel.export_all_clicked.connect(self._ask_and_export_all)
        self._repaint.timeout.connect(self._show_map)
        service = self.service
        panel.destroyed.connect(lambda: service.close())  # a bound method would be held weakly

    def end(self) -> None:
        """End the classifier's process and leave the viewer alone; layers stay."""
        self.service.close()
        self._scene.release()

    # what the user asks for

    def open(self, path: str | Path) -> None:
        """Open a scan; its image shows when it is read."""
        self._stop_waiting()
        self._opening = self.service.open(path)
        self._panel.file_label.setText(f"Opening {Path(path).name}…")
        self._show_enabled()

    def map(self) -> None:
        """Map the scan that is open, afresh."""
        self._mapping = self.service.map()
        self._done, self._pace = 0, None
        self._panel.show_progress(0, 0, "Waiting for the network…")
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
        self._pixel = pixel
        self._scene.mark(pixel)
        self._panel.reveal_inspection()
        self._explain(self._panel.chosen_lattice)

    def export_figure(self, path: Path) -> None:
        """Save the map as a figure."""
        self._exporting = True
        self._show_enabled()
        exports.export_figure(self.phase_map, self._image, path, self._exported)

    def export_all(self, folder: Path) -> None:
        """Save everything that is known of the map to a folder."""
        self._exporting = True
        self._show_enabled()
        exports.export_all(self.phase_map, self._image, folder, self._exported)

    def _ask_for_scan(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self._panel, "Open an EBSD scan")
        if path:
            self.open(path)

    def _ask_and_export_figure(self) -> None:
        path = exports.ask_for_figure(self._panel, Path(self._scan["path"]))
        if path is not None:
            self.export_figure(path)

    def _ask_and_export_all(self) -> None:
        folder = exports.ask_for_folder(self._panel, Path(self._scan["path"]))
        if folder is not None:
            self.export_all(folder)

    def _explain(self, lattice: str | None) -> None:
        if self._pixel is None:
            return
        self._explaining = self.service.explain(*self._pixel, lattice)
        self._panel.show_pixel(pixel_text(self._scan, self._pixel), "Reading the pattern…")

    # what the service says

    def _receive(self, message: Message) -> None:
        getattr(self, f"_on_{message.kind}")(message)

    def _on_loading(self, message: Message) -> None:
        self._panel.classifier_label.setText("Loading network…")

    def _on_ready(self, message: Message) -> None:
        self._panel.classifier_label.setText(f"{message['model']} on {message['device']}")

    def _on_opened(self, message: Message) -> None:
        # a process that was started again opens the scan again, which shows already
        if message["id"] != self._opening:
            return
        self._opening = self._pixel = self.phase_map = None
        self._scan = message
        facts = message["image"]
        self._image = ElectronImage(
            facts["name"],
            message.arrays["image"],
            tuple(facts["step"]),
            tuple(facts["offset"]),
            facts["virtual"],
        )
        self._panel.clear_scan()
        self._panel.show_scan(**scan_texts(message))
        self._scene.show_scan(message, self._image)
        self._show_enabled()

    def _on_mapping(self, message: Message) -> None:
        if message["id"] != self._mapping:
            return
        self.phase_map = PhaseMap.empty(
            tuple(self._scan["navigation_shape"]),
            step=tuple(self._scan["step"]),
            step_unit=self._scan["step_unit"],
            quality_threshold=message["quality_threshold"],
            provenance=message["provenance"],
        )
        self._scene.show_map(self.phase_map)
        self._show_map()

    def _on_chunk(self, message: Message) -> None:
        if message["id"] != self._mapping:
            return
        rows, columns = slice(*message["rows"]), slice(*message["columns"])
        self.phase_map.probabilities[rows, columns] = message.arrays["probabilities"]
        self.phase_map.quality[rows, columns] = message.arrays["quality"]
        self._scene.paint(rows, columns)
        self._done += message.arrays["quality"].size
        if self._pace is None:
            self._pace = self._done, time.monotonic()
        if not self._repaint.isActive():
            self._repaint.start()

    def _on_finished(self, message: Message) -> None:
        if message["id"] != self._mapping:
            return
        self._mapping, self._cancelling = None, False
        self._show_map()
        self._show_enabled()

    def _on_explained(self, message: Message) -> None:
        if message["id"] != self._explaining:
            return
        self._explaining = None
        threshold = None if self.phase_map is None else self.phase_map.quality_threshold
        probabilities = message.arrays["probabilities"]
        self._panel.show_pixel(
            pixel_text(self._scan, self._pixel),
            answer_text(probabilities, message["quality"], threshold),
        )
        self._panel.pattern.show_pattern(message.arrays["pattern"], message.arrays["heat"])
        self._panel.bars.show_probabilities(probabilities, message["lattice"])

    def _on_error(self, message: Message) -> None:
        if message["during"] == "load":
            self._panel.classifier_label.setText("The network could not be loaded.")
        elif message["id"] not in (self._opening, self._mapping, self._explaining):
            return  # nobody waits for it any more
        self._stop_waiting(message["id"])
        show_error(message["text"])

    def _on_died(self, message: Message) -> None:
        self._stop_waiting()
        if message["restarted"]:
            show_warning(
                "The classifier's process ended unexpectedly; another one has been started. What "
                f"was mapped is kept. ({message['reason']})"
            )
            return
        self._panel.classifier_label.setText("The classifier does not run.")
        show_error(
            "The classifier's process ended unexpectedly, again and again. It is started once "
            f"more when you need it. ({message['reason']})"
        )

    # what the panel shows

    def _stop_waiting(self, request: int | None = None) -> None:
        """Wait no more for the answer to a request, or to any."""
        explaining = self._explaining
        for name in ("_opening", "_mapping", "_explaining"):
            if request is None or getattr(self, name) == request:
                setattr(self, name, None)
        self._cancelling = self._cancelling and self._mapping is not None
        if self._opening is None:
            self._scene.drop_placeholders()
            if self._scan is None:
                self._panel.clear_scan()
            else:
                self._panel.show_scan(**scan_texts(self._scan))
        if explaining is not None and self._explaining is None:
            self._panel.show_pixel(pixel_text(self._scan, self._pixel), "")
        self._show_map()
        self._show_enabled()

    def _show_map(self) -> None:
        """Bring layers, legend and progress up to date."""
        if self.phase_map is None:
            return
        self._scene.refresh()
        self._panel.show_legend(self.phase_map.fractions())
        total = self.phase_map.quality.size
        text = progress_text(self._done, total, self._rate if self._mapping else 0)
        if self._mapping is None and self._done < total:
            text = f"Stopped at {text}"
        self._panel.show_progress(self._done, total, text)

    @property
    def _rate(self) -> float:
        """Patterns a second since the first block, which is slower than the others."""
        if self._pace is None:
            return 0.0
        done, since = self._pace
        return (self._done - done) / max(time.monotonic() - since, 1e-3)

    def _exported(self) -> None:
        self._exporting = False
        self._show_enabled()

    def _show_enabled(self) -> None:
        idle = self._mapping is None and self._opening is None
        self._panel.show_enabled(
            can_open=self._opening is None,
            can_map=idle and self._scan is not None,
            can_cancel=self._mapping is not None and not self._cancelling,
            can_export=idle and self.phase_map is not None and not self._exporting,
        )
