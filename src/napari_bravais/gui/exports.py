"""Asking where to, and writing files without holding up the window."""

import os
from collections.abc import Callable
from pathlib import Path

from napari.qt.threading import thread_worker
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_bravais.gui.notices import tell_done, tell_error
from napari_bravais.io.figures import FORMATS

_FILTERS = "PNG image (*.png);;SVG drawing (*.svg);;PDF document (*.pdf);;TIFF image (*.tif)"


def ask_for_file(
    parent: QWidget, title: str, proposal: Path, filters: str = _FILTERS
) -> Path | None:
    """Ask for the file of a figure; None if the user cancels.

    Parameters
    ----------
    parent
        The widget that asks.
    title
        Title of the dialog.
    proposal
        The file that is proposed.
    filters
        Qt's file filters, of which the user's gives the extension if none is typed.
    """
    name, kind = QFileDialog.getSaveFileName(parent, title, str(proposal), filters)
    if not name:
        return None
    path = Path(name)
    suffixes = FORMATS if filters == _FILTERS else {path.suffix.lower(): ""}
    if path.suffix.lower() not in suffixes or not path.suffix:
        path = path.with_name(path.name + kind[kind.index("(*") + 2 :].rstrip(")").split()[0])
    return path


def ask_for_folder(parent: QWidget, scan: Path) -> Path | None:
    """Ask for the folder that takes all results; None if the user cancels."""
    name = QFileDialog.getExistingDirectory(parent, "Export all results", str(folder_of(scan)))
    return Path(name) / f"{scan.stem}_bravais" if name else None


def folder_of(scan: Path) -> Path:
    """Return the scan's folder if it can be written to, else the home folder."""
    return scan.parent if os.access(scan.parent, os.W_OK) else Path.home()


def in_thread(write: Callable, path: Path, done: Callable[[], None] | None = None) -> None:
    """Write a file or folder in a thread; tell how it went.

    Parameters
    ----------
    write
        What writes.
    path
        What is written, for the message.
    done
        Called in the main thread at the end, however it went.
    """

    def attempt() -> str | None:
        try:
            write()
        except Exception as error:  # napari would show a traceback
            return getattr(error, "strerror", None) or str(error)
        return None

    def tell(fault: str | None) -> None:
        if fault is None:
            tell_done(f"Saved {path.name} in {path.parent}")
        else:
            tell_error(f"{path.name} was not saved: {fault} ({path.parent})")
        if done is not None:
            done()

    worker = thread_worker(attempt)()
    worker.returned.connect(tell)
    worker.start()
