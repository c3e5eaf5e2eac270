"""From the network's answers and the settings to what the map shows, a little at a time."""

import time
from collections import deque

from qtpy.QtCore import QObject, QTimer, Signal

from napari_bravais.gui.classes import with_colour
from napari_bravais.gui.derived import DerivedMap
from napari_bravais.gui.layers import (
    MAP_NAME,
    certainty,
    class_colours,
    hover_texts,
    map_layer,
    number_layer,
)
from napari_bravais.gui.preferences import Preferences
from napari_bravais.gui.scene import Scene
from napari_bravais.gui.sections.map import MapSection
from napari_bravais.gui.settings import AUTOMATIC, SYSTEMS_LEVEL, History, Settings
from napari_bravais.gui.writer import IMAGE, MAP
from napari_bravais.io.scan import ElectronImage
from napari_bravais.mapping.phase_map import PhaseMap

CONFIDENCE, QUALITY = "Confidence", "Pattern quality"

#: What is painted.
_NAMES = MAP_NAME, CONFIDENCE, QUALITY

#: Title of the map's pane while it shows crystal systems.
SYSTEMS_TITLE = "Crystal systems"

#: Milliseconds between two paintings of a map that grows: they never fill the window's time.
_REPAINT = 100

#: Seconds that one painting may take before the window has its turn.
_BUDGET = 0.01

#: Pixels that are derived at once: a few milliseconds.
_BAND = 16_384

#: Milliseconds of rest after which changed settings are kept, and a drag counts as ended.
_REST = 800


class Display(QObject):
    """Shows a map under settings that act at once and can be undone.

    Parameters
    ----------
    scene
        Where maps are shown.
    section
        The panel's section with the controls and the legend.

    Attributes
    ----------
    derived
        The map that is shown, None before the first.
    advised
        Quality threshold that the network advises, None before it is loaded.
    growing
        Whether the network is still at work on it.
    """

    settings_changed = Signal(object)  # Settings
    painted = Signal()

    def __init__(self, scene: Scene, section: MapSection):
        super().__init__(section)
        self._scene, self._section = scene, section
        self.derived: DerivedMap | None = None
        self.advised: float | None = None
        self.growing = False
        self._image: ElectronImage | None = None
        self._queue: deque[tuple[slice, slice]] = deque()
        self._timer = self._single_shot(self._work)
        self._rest = self._single_shot(self._keep)
        self._preferences = Preferences(lambda values: self.change(**values))
        self.history = History(self._preferences.load())
        section.setting_changed.connect(lambda name, value: self.change(**{name: value}))
        section.undo_clicked.connect(self.undo)
        section.redo_clicked.connect(self.redo)
        section.reset_clicked.connect(self.reset)
        section.legend.hide_clicked.connect(self.hide)
        section.legend.isolate_clicked.connect(self.isolate)
        section.legend.colour_chosen.connect(self.recolour)

    @property
    def settings(self) -> Settings:
        """The settings now."""
        return self.history.settings

    def release(self) -> None:
        """Keep the settings and end."""
        self._timer.stop()
        self._keep()
        self._preferences.release()

    # what the user changes

    def change(self, **values) -> None:
        """Change some settings."""
        before = self.settings
        self.history.change(**values)
        self._apply(before)

    def undo(self) -> None:
        """Take the last change back."""
        before = self.settings
        self.history.undo()
        self._apply(before)

    def redo(self) -> None:
        """Make a change again that was taken back."""
        before = self.settings
        self.history.redo()
        self._apply(before)

    def reset(self) -> None:
        """Show the map as the network answered it."""
        before = self.settings
        self.history.reset()
        self._apply(before)

    def forget_history(self) -> None:
        """Let nothing be undone that was done before: it was done to another scan."""
        self.history.forget()
        self.show_settings()

    def hide(self, key: str) -> None:
        """Hide a class, or show it again."""
        self.change(hidden=self.settings.hidden ^ {key})

    def isolate(self, key: str) -> None:
        """Show one class alone, or all again."""
        others = frozenset(entry.key for entry in self.derived.classes if entry.key != key)
        self.change(hidden=frozenset() if self.settings.hidden == others else others)

    def recolour(self, key: str, colour: str) -> None:
        """Change the colour of a class."""
        self.change(colours=with_colour(self.settings.colours, key, colour))
        self.history.pause()

    # what the network answers

    def show(self, phase_map: PhaseMap | None) -> None:
        """Show a map, or none; an empty one keeps the place of one to come."""
        self._queue.clear()
        self.growing = False
        self.derived = None if phase_map is None else DerivedMap(phase_map, self.settings)
        if phase_map is not None:
            self._show_layers()
            self._queue_all()
        self.show_settings()
        self._show_noisy()

    def show_image(self, image: ElectronImage | None) -> None:
        """Take over the image that stands beside the map, for napari's *Save*."""
        self._image = image
        if (place := self._scene.places.get(MAP_NAME)) is not None:
            place.layer.metadata[IMAGE] = image

    def chunk_came(self, rows: slice, columns: slice) -> None:
        """Take over a rectangle that the network has answered."""
        self.growing = True
        self._queue.append(self.derived.touched_by(rows, columns))
        self._schedule(_REPAINT)

    def finish(self) -> None:
        """Show all that is there now: no more comes."""
        self.growing = False
        if self.derived is not None:
            self._work(float("inf"))
        self._show_noisy()

    def hover_text(self, pixel: tuple[int, int]) -> str:
        """Return what to say of a pixel under the cursor; empty if another layer speaks."""
        place = self._scene.places.get(MAP_NAME)
        # not "is": napari hands out proxies of its layers
        if place is None or self._scene.active != place.layer:
            return ""
        return certainty(self.derived, pixel)

    def show_settings(self) -> None:
        """Bring the panel up to date."""
        self._section.show_settings(self.settings, self.threshold)
        self._section.show_history(can_undo=self.history.can_undo, can_redo=self.history.can_redo)
        self._show_legend()

    def advise(self, threshold: float) -> None:
        """Take over the quality threshold that the network advises."""
        self.advised = threshold
        self.show_settings()

    @property
    def is_mapped(self) -> bool:
        """Whether there is a map of which at least a part is there."""
        return self.derived is not None and bool(self.derived.phase_map.mapped.any())

    @property
    def threshold(self) -> float | None:
        """The quality threshold of the map that is shown, or of the next one, if it is known."""
        wanted = self.settings.quality_threshold
        if wanted > AUTOMATIC:
            return wanted
        return self.derived.threshold if self.is_mapped else self.advised

    def _apply(self, before: Settings) -> None:
        """Bring everything up to date with changed settings."""
        now = self.settings
        if now == before:
            return
        self._rest.start(_REST)
        if self.derived is not None:
            self.derived.settings = now
            if (now.level, now.colours, now.hidden) != (
                before.level,
                before.colours,
                before.hidden,
            ):
                self._recolour_layer()
            marks = ("quality_threshold", "smoothing", "level")
            if any(getattr(now, name) != getattr(before, name) for name in marks):
                self._queue.clear()
                self._queue_all()
        self.show_settings()
        self.settings_changed.emit(now)

    def _show_layers(self) -> None:
        """Show the map in the layers that are there; make those that are not."""
        derived, places = self.derived, self._scene.places
        numbers = (
            (CONFIDENCE, derived.confidence, "viridis"),
            (QUALITY, derived.phase_map.quality, "gray"),
        )
        for name, data, colours in numbers:
            if name in places:
                self._scene.repaint(name, data)
            else:
                self._scene.set_map(
                    name, number_layer(name, data, derived.phase_map, colours), data
                )
        if MAP_NAME in places:
            self._scene.repaint(MAP_NAME, derived.values)
        else:
            self._scene.set_map(MAP_NAME, map_layer(derived), derived.values)
            self._recolour_layer()
        # for napari's Save
        places[MAP_NAME].layer.metadata.update({MAP: derived, IMAGE: self._image})

    def _recolour_layer(self) -> None:
        place = self._scene.places.get(MAP_NAME)
        if place is None:
            return
        systems = self.settings.level == SYSTEMS_LEVEL
        place.layer.name = SYSTEMS_TITLE if systems else MAP_NAME  # its pane's title
        place.layer.colormap = class_colours(self.derived.classes, self.settings.hidden)
        place.layer.features = hover_texts(self.derived.classes)

    def _queue_all(self) -> None:
        ny, nx = self.derived.values.shape
        height = max(1, _BAND // nx)
        self._queue.extend(
            (slice(top, min(top + height, ny)), slice(0, nx)) for top in range(0, ny, height)
        )
        self._schedule(0)

    def _schedule(self, delay: int) -> None:
        if not self._timer.isActive() or self._timer.remainingTime() > delay:
            self._timer.start(delay)

    def _work(self, budget: float = _BUDGET) -> None:
        """Derive and paint what waits, for as long as the window can spare."""
        end = time.monotonic() + budget
        while self._queue and time.monotonic() < end:
            block = self._queue.popleft()
            self.derived.update(*block)
            for name in _NAMES:
                self._scene.paint(name, *block)
        for name in _NAMES:
            self._scene.refresh(name, thumbnail=not (self.growing or self._queue))
        self._show_legend()
        self.painted.emit()
        if self._queue:
            self._schedule(5)

    def _show_legend(self) -> None:
        fractions = [] if self.derived is None else self.derived.fractions()
        self._section.show_fractions(fractions, self.settings.hidden)

    def _show_noisy(self) -> None:
        self._section.show_noisy(self.derived is not None and self.derived.phase_map.noisy)

    def _keep(self) -> None:
        self.history.pause()
        self._preferences.save(self.settings)

    def _single_shot(self, run) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.timeout.connect(lambda: run())
        return timer
