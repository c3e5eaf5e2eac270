"""The phases of the map that is shown, found by pooling the evidence of its grains."""

import numpy as np
from napari.qt.threading import thread_worker
from qtpy.QtCore import QObject, Signal

from napari_bravais.gui.arranger import Arranger
from napari_bravais.gui.classes import phase_classes, phase_values
from napari_bravais.gui.display import Display
from napari_bravais.gui.layers import MAP_NAME, class_colours, hover_texts, labels_layer
from napari_bravais.gui.notices import tell_error
from napari_bravais.gui.scene import Scene
from napari_bravais.gui.settings import Settings, seen_by
from napari_bravais.gui.texts import Pace
from napari_bravais.gui.widget import Panel
from napari_bravais.mapping.messages import Message
from napari_bravais.mapping.pattern_centre import PatternCentre
from napari_bravais.mapping.pooled_map import NO_PHASE, PooledMap, phase_of
from napari_bravais.mapping.service import ClassifierService

PHASES = "Phases"

_STALE = (
    "Threshold, smoothing, pattern centre, network, or what is read was changed since these were "
    "found: Find phases again."
)


class Phases(QObject):
    """Finds the phases of the map, and shows them as a map beside the others.

    Parameters
    ----------
    scene, arranger
        Where maps are shown.
    display
        The map whose phases are found, as it is shown.
    panel
        The panel that says what they are.
    service
        What finds them.

    Attributes
    ----------
    request
        Number of the request whose answer is waited for, or None.
    found
        The phases, None before they were found.
    """

    named = Signal(list)  # names of the likeliest materials, to index by
    located = Signal(object)  # PatternCentre by which known materials fit best
    changed = Signal()  # whether there are phases of the map as it is shown now

    def __init__(
        self,
        scene: Scene,
        arranger: Arranger,
        display: Display,
        panel: Panel,
        service: ClassifierService,
    ):
        super().__init__(panel)
        self._scene, self._arranger, self._display = scene, arranger, display
        self._section = section = panel.phases
        self._inspect, self._service = panel.inspect, service
        self.request: int | None = None
        self.found: PooledMap | None = None
        self._asked = 0  # how often: only the last answer counts
        self._looking = False
        self._idle = False
        self._stage, self._pace = ("", 0), Pace()
        # settings that they were found under, and are looked for under
        self._of: tuple = ()
        self._asked_of: tuple = ()
        self._colours = ""
        section.find_clicked.connect(self.find)
        section.symmetry_clicked.connect(self.find_symmetry)
        section.cancel_clicked.connect(self.cancel)
        display.settings_changed.connect(self._follow_settings)
        self.changed.connect(lambda: self.say_at(scene.pixel))

    def find(self, elements: str = "") -> None:
        """Look for the phases of the map that is shown."""
        derived, settings = self._display.derived, self._display.settings
        self._asked += 1
        number = self._asked
        self._asked_of = _matters(settings)
        self._looking = True
        self._section.show_progress("", 0, 0)
        self._show_enabled()

        def smooth():  # a large map takes a while
            try:
                return derived.as_phase_map(), None
            except Exception as error:  # napari would show a traceback
                return None, str(error)

        def ask(answer) -> None:
            phase_map, fault = answer
            if number != self._asked:
                return
            if fault is not None:
                self.stop_waiting()
                tell_error(fault)
                return
            seen, centre = seen_by(settings), self.centre(settings)
            self.request = self._service.find_phases(phase_map, elements, seen, centre)

        worker = thread_worker(smooth)()
        worker.returned.connect(ask)
        worker.start()

    def find_symmetry(self) -> None:
        """Look for the symmetry of the phases that were found."""
        if self.found is None or self._looking:
            return
        self._asked += 1
        self._looking = True
        self._section.spheres.clear()
        self._section.show_progress("", 0, 0)
        self._show_enabled()
        quality = self._display.derived.phase_map.quality
        settings = self._display.settings
        seen, centre = seen_by(settings), self.centre(settings)
        self.request = self._service.find_symmetry(quality, self.found, seen, centre)

    def cancel(self) -> None:
        """Stop looking for phases or symmetry; what was found before stays."""
        if self.request is None:
            self.stop_waiting()
        else:
            self._service.cancel()
            self._section.cancel_button.setEnabled(False)

    def say_at(self, pixel: tuple[int, int] | None) -> None:
        """Say of what phase an inspected pixel (row, column) is, if of any."""
        phase = NO_PHASE if pixel is None or self.current is None else self.found.numbers[pixel]
        self._inspect.show_phase("" if phase == NO_PHASE else self.found.phases[phase].title)

    @property
    def current(self) -> PooledMap | None:
        """The phases of the map as it is shown now, None if it has changed since."""
        return self.found if self._of == _matters(self._display.settings) else None

    def centre(self, settings: Settings) -> PatternCentre | None:
        """Return the pattern centre that was found for the same patterns, as they are seen."""
        if self.found is None or self._of[-1] != _matters(settings)[-1]:
            return None
        return self.found.pattern_centre

    def clear(self) -> None:
        """Forget the phases: another map begins."""
        self.found = None
        self._scene.remove(PHASES)
        self._section.show_phases([], [])
        self._section.spheres.clear()
        self.stop_waiting()
        self.changed.emit()

    def stop_waiting(self) -> None:
        """Wait no more for the answer to a request."""
        self._asked += 1
        self.request, self._looking = None, False
        self._show_enabled()

    def enable(self, idle: bool) -> None:
        """Let phases be looked for, or not."""
        self._idle = idle
        self._show_enabled()

    def show_progress(self, message: Message) -> None:
        """Show how far the service is, and how long what it is at will take."""
        if message["id"] != self.request:
            return
        what, done, total = (message[name] for name in ("what", "done", "total"))
        if (what, total) != self._stage or not done:
            self._stage, self._pace = (what, total), Pace()
            self._pace.start()
        self._pace.note(done)
        self._section.show_progress(what, done, total, self._pace.rate)

    def take(self, message: Message) -> None:
        """Show the phases that the service has found."""
        if message["id"] != self.request:
            return
        self.stop_waiting()
        phases = tuple(phase_of(facts) for facts in message["phases"])
        images = (message.arrays[name] for name in ("numbers", "grains"))
        centre = PatternCentre.by(message["centre"])
        found = PooledMap(phases, *images, centre, message["note"])
        self._take(found, self._asked_of)
        self.named.emit(message["named"])

    def take_symmetry(self, message: Message) -> None:
        """Show the symmetry of a phase that the service has found."""
        if message["id"] == self.request:
            self._section.spheres.add(message["text"], message.arrays.get("picture"))

    def show(self, found: PooledMap) -> None:
        """Show phases that were saved, of the map as it is shown now."""
        self._take(found, _matters(self._display.settings))

    def _take(self, found: PooledMap, of: tuple) -> None:
        self.found, self._of = found, of
        self._section.spheres.clear()
        settings = self._display.settings
        self._colours = settings.colours
        classes = phase_classes(found.phases, settings.colours)
        values = phase_values(self.found, self._display.derived.phase_map.mapped)
        if PHASES in self._scene.places:
            self._recolour(classes)
            self._scene.repaint(PHASES, values)
        else:
            self._show(values, classes)
        self._say(settings)
        self._show_enabled()
        self.located.emit(found.pattern_centre)
        self.changed.emit()

    def _show(self, values: np.ndarray, classes: list) -> None:
        scan = self._scene.scan
        colours = class_colours(classes)
        layer = labels_layer(PHASES, values, scan["step"], scan["step_unit"], colours)
        layer.features = hover_texts(classes, "phase")
        self._scene.set_map(PHASES, layer, values)
        self._arranger.show_new(PHASES, (MAP_NAME, PHASES))

    def _recolour(self, classes: list) -> None:
        layer = self._scene.places[PHASES].layer
        layer.colormap = class_colours(classes)
        layer.features = hover_texts(classes, "phase")

    def _follow_settings(self, settings: Settings) -> None:
        """Follow the colours, and say if the map is no more what it was."""
        if self.found is None:
            return
        if settings.colours != self._colours and PHASES in self._scene.places:
            self._colours = settings.colours
            self._recolour(phase_classes(self.found.phases, settings.colours))
        self._say(settings)
        self.changed.emit()

    def _say(self, settings: Settings) -> None:
        classes = phase_classes(self.found.phases, settings.colours)
        current = self.current is self.found
        note = self.found.note if current else _STALE
        if not self.found.phases:
            note = "Nothing is classified, so there is no phase."
        better = current and bool(self.found.note and self.found.pattern_centre)
        self._section.show_phases(list(self.found.phases), classes[:-1], note, better)

    def _show_enabled(self) -> None:
        can_find = self._idle and self._display.is_mapped
        found = self.found is not None and bool(self.found.phases)
        self._section.show_enabled(can_find=can_find, found=found, finding=self._looking)


def _matters(settings: Settings) -> tuple:
    """Return the settings that phases depend on; the last ones alone, their pattern centre."""
    return settings.quality_threshold, settings.smoothing, (seen_by(settings), settings.model)
