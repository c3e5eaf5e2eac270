"""From a pixel that the user points at to its pattern, and why it is what it is."""

from pathlib import Path

from qtpy.QtCore import QObject, QTimer, Signal

from napari_bravais.gui import exports
from napari_bravais.gui.display import Display
from napari_bravais.gui.inspection import Inspection
from napari_bravais.gui.scene import Scene
from napari_bravais.gui.settings import Settings, seen_by
from napari_bravais.gui.texts import answer_text, pixel_text
from napari_bravais.gui.widget import Panel
from napari_bravais.mapping.messages import Message
from napari_bravais.mapping.seen import AS_STORED
from napari_bravais.mapping.service import ClassifierService

#: Milliseconds after which is said that an answer is on its way.
_PATIENCE = 150


class Inspector(QObject):
    """Inspects pixels; the latest one always wins.

    Parameters
    ----------
    panel
        The panel that shows them.
    scene
        Where the ring is.
    display
        The map that is shown, and the settings.
    service
        What explains.

    Attributes
    ----------
    request
        Number of the request whose answer is waited for, or None.
    shown
        What is shown, None before the first answer.
    """

    asked = Signal(tuple)  # the pixel
    answered = Signal()

    def __init__(self, panel: Panel, scene: Scene, display: Display, service: ClassifierService):
        super().__init__(panel)
        self._panel, self._section = panel, panel.inspect
        self._scene, self._display, self._service = scene, display, service
        self.request: int | None = None
        self.shown: Inspection | None = None
        self._look: tuple = ()
        self._seen = AS_STORED
        self._loaded = self._warm = False  # the first answer of a network takes longer
        # most answers come so soon that a word in between would only flicker
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(_PATIENCE)
        self._patience.timeout.connect(self._show_waiting)
        self._section.lattice_chosen.connect(self._explain)
        self._section.pin_clicked.connect(self.pin)
        self._section.save_clicked.connect(self._ask_and_save)
        self._section.pins.clicked.connect(self.inspect)
        self._section.setting_changed.connect(lambda name, value: display.change(**{name: value}))
        display.painted.connect(self._show_texts)

    def inspect(self, pixel: tuple[int, int]) -> None:
        """Show the pattern of a pixel (row, column) and why it is what it is."""
        first = self._scene.pixel is None
        self._ask(pixel, self._section.chosen_lattice)  # at once: both processes work meanwhile
        self._scene.mark(pixel)
        if first:  # later the user may have scrolled to where else it is wanted
            self._panel.reveal_inspection()

    def network_is(self, loaded: bool) -> None:
        """Take notice whether the network can answer; let another read the pixel that is shown."""
        self._loaded, self._warm = loaded, False
        if loaded and self.request is None and self.shown is not None:
            self._ask(self.shown.pixel, self._section.chosen_lattice)
        self._show_waiting()

    def clear(self) -> None:
        """Forget all pixels: another scan is open."""
        self.request = self.shown = None
        self._section.clear()

    def pin(self) -> None:
        """Pin the pixel that is shown."""
        if self.shown is not None:
            self._section.pins.add(self.shown)
            self._panel.ensureWidgetVisible(self._section.pins, 0, 4)

    def save(self, path: Path) -> None:
        """Save what is shown as a figure."""
        from napari_bravais.io.pattern_figure import save_pattern_figure

        inspection, settings = self.shown, self._display.settings
        overlay = inspection.picture(settings.pattern, settings.glow / 100, settings.glow_colours)
        plain = inspection.picture(settings.pattern, 0, settings.glow_colours)
        lines = [pixel_text(self._scene.scan, inspection.pixel), self._answer()]
        answer = inspection.probabilities, inspection.explained, lines
        held = self._section.held.shown
        exports.in_thread(lambda: save_pattern_figure(plain, overlay, *answer, path, held), path)

    def show_settings(self, settings: Settings) -> None:
        """Follow the settings."""
        look = settings.pattern, settings.glow, settings.glow_colours, settings.known
        if look != self._look:  # else the pins would be drawn anew with each step of any slider
            self._look = look
            self._section.show_settings(settings)
            self._show_picture(settings)
        seen = seen_by(settings)
        if seen != self._seen:
            self._seen = seen
            if self.shown is not None:
                self._ask(self.shown.pixel, self._section.chosen_lattice)

    def take(self, message: Message) -> None:
        """Show the service's answer."""
        if message["id"] != self.request:
            return
        self.request, self._warm = None, True
        self._patience.stop()
        self.shown = Inspection.from_message(message)
        self._show_texts()
        self._show_picture(self._display.settings)
        self._section.show_enabled(True)
        self.answered.emit()

    def stop_waiting(self) -> None:
        """Wait no more for an answer."""
        if self.request is not None:
            self.request = None
            self._section.show_pixel(pixel_text(self._scene.scan, self._scene.pixel), "")

    def _explain(self, lattice: str | None) -> None:
        if self._scene.pixel is not None:
            self._ask(self._scene.pixel, lattice)

    def _ask(self, pixel: tuple[int, int], lattice: str | None) -> None:
        seen = seen_by(self._display.settings)
        self.request = self._service.explain(*pixel, lattice, seen)
        self.asked.emit(pixel)
        self._patience.start()

    def _show_waiting(self) -> None:
        """Say that an answer is on its way, if it still is."""
        if self.request is None:
            return
        if self._loaded:
            text = "Reading the pattern…" + ("" if self._warm else " The first takes longer.")
        else:
            text = "Loading the network… The pattern follows."
        self._section.show_pixel(pixel_text(self._scene.scan, self._scene.pixel), text)

    def _show_texts(self) -> None:
        """Say where the pixel is and what it is, which may depend on threshold and smoothing."""
        if self.shown is not None and self.request is None:
            self._section.show_pixel(pixel_text(self._scene.scan, self.shown.pixel), self._answer())

    def _answer(self) -> str:
        derived, shown = self._display.derived, self.shown
        text = answer_text(shown.probabilities, shown.quality, self._display.threshold)
        drawn = None if derived is None else derived.at(shown.pixel)
        if drawn is not None and drawn.members and shown.likeliest.index not in drawn.members:
            text += f"   ·   on the map: {drawn.title}"
        return text

    def _show_picture(self, settings: Settings) -> None:
        if self.shown is not None:
            picture = self.shown.picture(
                settings.pattern, settings.glow / 100, settings.glow_colours
            )
            self._section.show_answer(picture, self.shown.probabilities, self.shown.explained)

    def _ask_and_save(self) -> None:
        scan = Path(self._scene.scan["path"])
        row, column = self.shown.pixel
        proposal = exports.folder_of(scan) / f"{scan.stem}_row{row}_column{column}.png"
        path = exports.ask_for_file(self._panel, "Save pattern", proposal)
        if path is not None:
            self.save(path)
