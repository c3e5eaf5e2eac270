"""Keeping the settings between sessions, in napari's preferences."""

from collections.abc import Callable

from napari.settings import get_plugin_settings

from napari_bravais.gui.notices import tell_warning
from napari_bravais.gui.settings import KEPT, Settings


class Preferences:
    """The page of this plugin in napari's Preferences.

    Parameters
    ----------
    changed
        Called with the settings that are kept (name to value) when the user changes them there.
    """

    def __init__(self, changed: Callable[[dict], None]):
        try:
            self._kept = get_plugin_settings("napari-bravais").window
        except KeyError:  # the plugin is disabled, but its widget was made by hand
            self._kept = None
            return
        self._changed = changed
        self._kept.events.connect(self._tell)

    def load(self) -> Settings:
        """Return what was kept, else the defaults."""
        return Settings(**self._values())

    def save(self, settings: Settings) -> None:
        """Keep settings; that they cannot be written to disk is told."""
        if self._kept is None:
            return
        try:
            with self._kept.events.blocker(self._tell):
                for name in KEPT:
                    setattr(self._kept, name, getattr(settings, name))
        except OSError as error:
            tell_warning(f"The settings are not kept for the next session: {error}")

    def release(self) -> None:
        """Listen no more."""
        if self._kept is not None:
            self._kept.events.disconnect(self._tell)

    def _values(self) -> dict:
        if self._kept is None:
            return {}
        return {name: getattr(self._kept, name) for name in KEPT if hasattr(self._kept, name)}

    def _tell(self, event=None) -> None:
        self._changed(self._values())
