"""Asking where to, and writing maps without holding up the window."""

import os
from collections.abc import Callable
from pathlib import Path

from napari.qt.threading import thread_worker
from napari.utils.notifications import show_error, show_info
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_bravais.io.figures import FORMATS, save_figure
from napari_bravais.io.results import save_results
from napari_bravais.io.scan import ElectronImage
from napari_bravais.mapping.phase_map import PhaseMap

_FILTERS = "PNG image (*.png);;SVG drawing (*.svg);;PDF document (*.pdf);;TIFF image (*.tif)"


def ask_for_figure(parent: QWidget, scan: Path) -> Path | None:
    """Ask for the file of a figure; None if the user cancels.

    Parameters
    ----------
    parent
        The widget that asks.
    scan
        The scan, beside which the figure is proposed.
    """
    proposal = _folder(scan) / f"{scan.stem}_bravais.png"
    name, kind = QFileDialog.getSaveFileName(parent, "Export map", str(proposal), _FILTERS)
    if not name:
        return None
    path = Path(name)
    if path.suffix.lower() not in FORMATS:
        path = path.with_name(path.name + kind[kind.index("(*") + 2 : -1])
    return path


def ask_for_folder(parent: QWidget, scan: Path) -> Path | None:
    """Ask for the folder that takes all results; None if the user cancels."""
    name = QFileDialog.getExistingDirectory(parent, "Export all results", str(_folder(scan)))
    return Path(name) / f"{scan.stem}_bravais" if name else None


def export_figure(
    phase_map: PhaseMap, image: ElectronImage | None, path: Path, done: Callable[[], None]
) -> None:
    """Write a figure in a thread; tell how it went, and call ``done`` in the main thread."""
    _in_thread(lambda: save_figure(phase_map, image, path), path, done)


def export_all(
    phase_map: PhaseMap, image: ElectronImage | None, folder: Path, done: Callable[[], None]
) -> None:
    """Write all results in a thread; tell how it went, and call ``done`` in the main thread."""
    _in_thread(lambda: save_results(phase_map, image, folder), folder, done)


def _in_thread(write: Callable, path: Path, done: Callable[[], None]) -> None:
    def attempt() -> str | None:
        try:
            write()
        except Exception as error:  # napari would show a traceback
            return getattr(error, "strerror", None) or str(error)
        return None

    def tell(fault: str | None) -> None:
        if fault is None:
            show_info(f"Saved {path.name} in {path.parent}")
        else:
            show_error(f"{path.name} was not saved in {path.parent}: {fault}")
        done()

    worker = thread_worker(attempt)()
    worker.returned.connect(tell)
    worker.start()


def _folder(scan: Path) -> Path:
    """Return the scan's folder if it can be written to, else the home folder."""
    return scan.parent if os.access(scan.parent, os.W_OK) else Path.home()
