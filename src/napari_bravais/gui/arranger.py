"""From the Compare section to how maps stand beside or over each other."""

from dataclasses import replace

from qtpy.QtCore import QObject, QTimer

from napari_bravais.gui.scene import IMAGE, Scene
from napari_bravais.gui.sections.compare import CompareSection
from napari_bravais.gui.settings import FLICKER, Settings

#: Milliseconds that each map shows when two take turns.
_TURN = 700

#: Milliseconds after which the window has lived: at none it would not have painted.
_SOON = 1


class Arranger(QObject):
    """Keeps the section and the scene in step.

    Parameters
    ----------
    scene
        What is arranged.
    section
        The panel's section.
    """

    def __init__(self, scene: Scene, section: CompareSection):
        super().__init__(section)
        self._scene, self._section = scene, section
        self._turns = QTimer(self)
        self._turns.setInterval(_TURN)
        self._turns.timeout.connect(scene.flick)
        section.shown_changed.connect(self._show_map)
        section.pair_chosen.connect(lambda lower, upper: self._arrange(pair=(lower, upper)))

    def release(self) -> None:
        """End the turns."""
        self._turns.stop()

    def show_settings(self, settings: Settings) -> None:
        """Follow the settings."""
        self._section.show_settings(settings)
        wanted = {
            "view": settings.view,
            "grid": settings.grid,
            "blend": settings.blend / 100,
        }
        now = self._scene.arrangement
        if any(getattr(now, name) != value for name, value in wanted.items()):
            self._arrange(**wanted)

    def show_new(self, name: str, pair: tuple[str, str] | None = None) -> None:
        """Show a map that has come; lay it over the electron image, or a pair over each other."""
        shown = self._scene.arrangement.shown | {name}
        self._arrange(shown=shown, pair=pair or (IMAGE, name))
        self._fit_soon()

    def update(self) -> None:
        """Follow maps that came or went."""
        self._arrange()

    def _show_map(self, name: str, shown: bool) -> None:
        now = self._scene.arrangement.shown
        wanted = now | {name} if shown else now - {name}
        self._arrange(shown=wanted or now)  # the last map stays
        self._fit_soon()

    def _arrange(self, **changes) -> None:
        before = self._scene.arrangement
        self._scene.arrange(replace(self._scene.arrangement, **changes))
        now = self._scene.arrangement
        if (now.view == FLICKER) != self._turns.isActive():
            self._turns.start() if now.view == FLICKER else self._turns.stop()
        if (now.view, now.grid) != (before.view, before.grid) and self._scene.places:
            self._fit_soon()
        shown = {name: name in now.shown for name in self._scene.names}
        self._section.show_maps(shown, self._scene.pair)

    def _fit_soon(self) -> None:
        """Fit the view, when the window has had time to live."""
        QTimer.singleShot(_SOON, self._fit)

    def _fit(self) -> None:
        # a method of this object, so that it is not called once the panel is gone
        self._scene.reset_view()
