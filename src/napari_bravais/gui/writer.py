"""napari's way out for maps: File > Save Selected Layers."""

from pathlib import Path
from typing import Any

from napari_bravais.gui.derived import DerivedMap
from napari_bravais.gui.settings import figure_options
from napari_bravais.io.exports import export, export_kind

#: Keys of a map layer's metadata: the map itself (a `DerivedMap`, if settings say how it is shown),
#: and the electron image for figures.
MAP, IMAGE = "bravais_map", "bravais_image"


def write_map(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a map layer as what the file's ending says: figure, label image, table, map, report.

    Parameters
    ----------
    path
        The file.
    data
        What the layer shows; the map behind it is written, as the panel exports it.
    meta
        The layer's attributes; its metadata hold the map.

    Returns
    -------
    list of str
        The file; none if the layer is no map of this plugin.
    """
    metadata = meta.get("metadata", {})
    shown = metadata.get(MAP)
    if shown is None:
        return []
    options = None
    if isinstance(shown, DerivedMap):
        shown, options = shown.as_shown(), figure_options(shown.settings)
    return [str(export(export_kind(path), shown, Path(path), metadata.get(IMAGE), options))]
