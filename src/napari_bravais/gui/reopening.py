"""Opening saved results again: the map, how it was shown, and the scan that it is of."""

from collections.abc import Callable
from pathlib import Path

from napari.qt.threading import thread_worker
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_bravais.gui.notices import tell_error, tell_warning
from napari_bravais.gui.settings import AVERAGED, BY_THEMSELVES, CENTRE, UNDONE, Settings
from napari_bravais.io.pooled_results import load_pooled
from napari_bravais.io.results import RESULT_FILES, ResultError, load_result
from napari_bravais.mapping.phase_map import PhaseMap
from napari_bravais.mapping.pooled_map import PooledMap

#: Keys of a map's provenance: the scan's path, the settings that gave its pattern centre, and how
#: the map was shown.
SCAN_PATH, GIVEN_CENTRE, WINDOW = "scan_path", "given_centre", "window"


def looks_like_result(path: Path) -> bool:
    """Say, after the cheapest look, whether a path may be a saved result."""
    return path.suffix.lower() == ".npz" or (path / RESULT_FILES["map"]).is_file()


class Reopening(QObject):
    """Reads a saved result, finds its scan, and waits for it to be opened.

    Parameters
    ----------
    parent
        The widget that asks where the scan is, if it has moved.
    open_scan
        Called with the path of the scan.
    """

    def __init__(self, parent: QWidget, open_scan: Callable[[Path], None]):
        super().__init__(parent)
        self._open_scan = open_scan
        self._waiting: PhaseMap | None = None
        self._phases: PooledMap | None = None

    def open(self, path: Path) -> None:
        """Open a result; its map is there for `take` once the scan is open."""

        def attempt():
            try:
                phase_map = load_result(path)
                return phase_map, *_phases_beside(path, phase_map.shape), None
            except Exception as error:  # napari would show a traceback
                return None, None, None, str(error)

        def found(answer) -> None:
            phase_map, phases, doubt, fault = answer
            if fault is not None:
                tell_error(fault)
                return
            if doubt is not None:
                tell_warning(f"The map is opened without its phases: {doubt}")
            scan = scan_of(phase_map, path) or self._ask(phase_map)
            if scan is None:
                tell_warning(f"{path.name} was not opened: it needs its scan to be inspected.")
                return
            self._open_scan(scan)
            self._waiting, self._phases = phase_map, phases

        worker = thread_worker(attempt)()
        worker.returned.connect(found)
        worker.start()

    def forget(self) -> None:
        """Wait no more: another scan is opened."""
        self._waiting = self._phases = None

    def refuses(self, scan: Path, shape: tuple[int, int]) -> bool:
        """Say whether a map waits that is not of this scan; tell it, and wait no more."""
        if self._waiting is None or self._waiting.shape == shape:
            return False
        (rows, columns), (ny, nx) = self._waiting.shape, shape
        tell_error(
            f"{scan.name} has {ny} × {nx} pixels, but the saved map {rows} × {columns}: it is the "
            "map of another scan. Nothing was opened."
        )
        self.forget()
        return True

    def take(self) -> tuple[PhaseMap | None, PooledMap | None]:
        """Return the map that waits for the scan that has just been opened, and its phases."""
        phase_map, phases = self._waiting, self._phases
        self.forget()
        return phase_map, phases

    def _ask(self, phase_map: PhaseMap) -> Path | None:
        name = phase_map.provenance.get("scan", {}).get("file", "the scan")
        path, _ = QFileDialog.getOpenFileName(self.parent(), f"Where is {name}?")
        return Path(path) if path else None


def _phases_beside(result: Path, shape: tuple[int, int]) -> tuple[PooledMap | None, str | None]:
    """Return the phases that were saved with a map of some shape, or what is wrong with them."""
    if result.name == RESULT_FILES["map"]:
        result = result.parent
    try:
        phases = load_pooled(result) if result.is_dir() else None
    except ResultError as error:
        return None, str(error)
    if phases is not None and phases.numbers.shape != shape:
        return None, f"those in {result} are of another map."
    return phases, None


def scan_of(phase_map: PhaseMap, result: Path) -> Path | None:
    """Return the scan of a saved map: where it was, or beside the result; None if it has moved."""
    facts = phase_map.provenance
    places = [Path(facts[SCAN_PATH])] if SCAN_PATH in facts else []
    if name := facts.get("scan", {}).get("file"):
        folder = result if result.is_dir() else result.parent
        places += [folder / Path(name).name, folder.parent / Path(name).name]
    return next((place for place in places if place.exists()), None)


def shown_as(phase_map: PhaseMap) -> dict:
    """Return the settings with which a saved map was made and shown."""
    kept = phase_map.provenance.get(WINDOW, {})
    centre = phase_map.provenance.get(GIVEN_CENTRE, {})
    defaults = Settings()
    return (
        {name: kept.get(name, getattr(defaults, name)) for name in sorted(UNDONE - {"hidden"})}
        | {name: centre[name] for name in CENTRE if name in centre}
        | {"averaging": AVERAGED if phase_map.averaged else BY_THEMSELVES}
        | {"hidden": frozenset()}
    )
