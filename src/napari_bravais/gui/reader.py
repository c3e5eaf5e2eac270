"""napari's way in for scans: drag and drop, File > Open."""

from collections.abc import Callable
from pathlib import Path

import napari

from napari_bravais.gui.dock import show_dock
from napari_bravais.gui.reopening import looks_like_result
from napari_bravais.io.readers import IMAGE_POSITIONS, IMAGE_SUFFIXES

#: What napari takes for "opened, but no layer to add": the layers come when they are ready.
_NO_LAYER = [(None,)]

_HDF5 = {".h5", ".hdf5", ".h5ebsd", ".h5oina"}

#: One of these stands at the root of every EBSD file in HDF5.
_MARKS = {"manufacturer", "emdata"}


def get_reader(path: str | list[str]) -> Callable[[str], list[tuple]] | None:
    """Return a reader for an EBSD scan, or None if the path does not look like one.

    Parameters
    ----------
    path
        A file or directory; of a list of several nothing is taken.
    """
    if isinstance(path, list):
        if len(path) != 1:
            return None
        path = path[0]
    return _read if looks_like_scan(Path(path)) else None


def looks_like_scan(path: Path) -> bool:
    """Say, after the cheapest look, whether a path may be an EBSD scan."""
    if looks_like_result(path):
        return True
    if path.is_dir():
        return any(_shows_pattern(file) for file in path.iterdir())
    if path.suffix.lower() not in _HDF5:
        return True  # the manifest lets only the other formats' extensions through
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return any(name.strip().lower() in _MARKS for name in file)
    except OSError:
        return True  # missing or damaged: opening it says so better than a refusal would


def _shows_pattern(file: Path) -> bool:
    placed = any(convention.search(file.stem) for convention in IMAGE_POSITIONS)
    return placed and file.suffix.lower() in IMAGE_SUFFIXES


def _read(path: str | list[str]) -> list[tuple]:
    """Open a scan in the current window, or, where there is none, return its electron image."""
    path = path[0] if isinstance(path, list) else path
    viewer = napari.current_viewer()
    if viewer is None:
        return [read_image(Path(path))]
    show_dock(viewer).controller.open(path)
    return _NO_LAYER


def read_image(path: Path) -> tuple:
    """Return a scan's electron image as napari's layer data."""
    from napari_bravais.gui.layers import image_layer
    from napari_bravais.io.electron_image import forward_scatter_image
    from napari_bravais.io.scan import open_scan

    scan = open_scan(path)
    return image_layer(forward_scatter_image(scan), scan.step_unit).as_layer_data_tuple()
