"""Scans behind File > Open Sample."""

from pathlib import Path

import napari
import numpy as np

from napari_bravais.gui.dock import show_dock
from napari_bravais.gui.reader import read_image
from napari_bravais.gui.scene import PLACEHOLDER
from napari_bravais.io.sample_data import nickel_sample_path, quartz_rutile_sample_path


def quartz_rutile() -> list[tuple]:
    """Open the scan of rutile needles in quartz (simulated)."""
    return _open(quartz_rutile_sample_path())


def nickel() -> list[tuple]:
    """Open the scan of nickel that comes with kikuchipy (real)."""
    return _open(nickel_sample_path())


def _open(path: Path) -> list[tuple]:
    viewer = napari.current_viewer()
    if viewer is None:
        return [read_image(path)]
    show_dock(viewer).controller.open(path)
    # napari asks samples for a layer at once; this one goes when the image is there
    layer = {"name": f"Opening {path.name}…", "metadata": {PLACEHOLDER: True}}
    if viewer.layers:
        layer["units"] = viewer.layers[-1].units[-2:]  # napari warns of layers that differ
    return [(np.zeros((1, 1), np.uint8), layer, "image")]
