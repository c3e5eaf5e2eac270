"""The one way out for maps: window, napari's *Save* and the command line all write through here."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_bravais.io.figure_parts import Map
from napari_bravais.io.figures import (
    FORMATS,
    FigureOptions,
    save_code_figure,
    save_comparison_figure,
    save_figure,
)
from napari_bravais.io.files import replacing
from napari_bravais.io.results import write_fractions, write_labels, write_map
from napari_bravais.io.scan import ElectronImage
from napari_bravais.io.text_maps import write_ang, write_ctf
from napari_bravais.lattices import LATTICES
from napari_bravais.mapping.indexed_map import IndexedMap
from napari_bravais.mapping.phase_map import PhaseMap

if TYPE_CHECKING:
    import pandas as pd

    from napari_bravais.mapping.comparison import Comparison


@dataclass(frozen=True)
class Export:
    """A kind of file that a map can be saved as.

    Attributes
    ----------
    key
        What `export` calls it.
    title
        What people call it.
    file_name
        Its name where results are saved together.
    suffixes
        The endings it may have.
    """

    key: str
    title: str
    file_name: str
    suffixes: tuple[str, ...]


#: The kinds by key. Where two share an ending, the first is meant unless the kind is named.
EXPORTS = {
    entry.key: entry
    for entry in (
        Export("labels", "Label image with colour table", "labels.tif", (".tif", ".tiff")),
        Export("figure", "Figure", "figure.png", tuple(FORMATS)),
        Export("pixels", "Probabilities of all pixels", "pixels.csv", (".csv",)),
        Export("fractions", "Area fractions", "fractions.csv", (".csv",)),
        Export("crystal_map", "Crystal map (orix)", "crystal_map.h5", (".h5", ".hdf5")),
        Export("ang", "EDAX text map", "map.ang", (".ang",)),
        Export("ctf", "Oxford Instruments text map", "map.ctf", (".ctf",)),
        Export("report", "Report", "report.html", (".html",)),
        Export("map", "Map that opens again here", "map.npz", (".npz",)),
    )
}


def export_kind(path: str | Path) -> str:
    """Return the key of the kind that a file's ending means.

    Raises
    ------
    ValueError
        If no kind of file has that ending.
    """
    suffix = Path(path).suffix.lower()
    for entry in EXPORTS.values():
        if suffix in entry.suffixes:
            return entry.key
    endings = dict.fromkeys(end for entry in EXPORTS.values() for end in entry.suffixes)
    raise ValueError(f"{path}: maps are saved as {', '.join(endings)}")


def export(
    kind: str,
    shown: Map,
    path: str | Path,
    image: ElectronImage | None = None,
    options: FigureOptions | None = None,
    comparison: "Comparison | None" = None,
) -> Path:
    """Save a map as one kind of file.

    Parameters
    ----------
    kind
        A key of `EXPORTS`.
    shown
        The map.
    path
        The file; it appears, or is replaced, only when it is complete.
    image
        Image of the scanned area, for figure and report.
    options
        Size, resolution and layout of the figure.
    comparison
        Comparison with another map, for the report.

    Returns
    -------
    pathlib.Path
        ``path``.

    Raises
    ------
    ValueError
        If there is no such kind, it does not go with the ending, or with the map.
    OSError
        If the file cannot be written.
    """
    path = Path(path)
    if kind not in EXPORTS:
        raise ValueError(f"{kind!r} is no kind of export; there are {', '.join(EXPORTS)}")
    if path.suffix.lower() not in EXPORTS[kind].suffixes:
        endings = ", ".join(EXPORTS[kind].suffixes)
        raise ValueError(f"{path}: {EXPORTS[kind].title.lower()} is saved as {endings}")
    if kind == "map" and isinstance(shown, IndexedMap):
        raise ValueError(f"{path}: a map of phases is saved whole as a crystal map (.h5)")
    if kind == "figure":
        return save_figure(shown, image, path, options)
    if kind == "report":
        from napari_bravais.io.report import save_report

        return save_report(shown, image, path, comparison)
    if kind in ("ang", "ctf"):
        return {"ang": write_ang, "ctf": write_ctf}[kind](shown, path)
    write: dict[str, Callable[[Any, Path], None]] = {
        "labels": write_labels,
        "pixels": _write_pixels,
        "fractions": write_fractions,
        "crystal_map": _write_crystal_map,
        "map": write_map,
    }
    with replacing(path) as temporary:
        write[kind](shown, temporary)
    return path


#: What `export_comparison` writes: what it is, and the name of its file.
COMPARISON_FILES = {
    "figure (PNG)": "comparison.png",
    "figure (SVG)": "comparison.svg",
    "difference": "difference.png",
    "confusion": "confusion.csv",
    "disagreements": "disagreements.csv",
    "numbers": "comparison.json",
}


def export_comparison(
    comparison: "Comparison",
    directory: str | Path,
    image: ElectronImage | None = None,
    options: FigureOptions | None = None,
) -> dict[str, Path]:
    """Save a comparison: both maps beside the image, the difference map, tables and numbers.

    Parameters
    ----------
    comparison
        What `napari_bravais.mapping.comparison.compare` returned.
    directory
        Where to; made if it is not there. Earlier files in it are replaced once all are complete.
    image
        Image of the scanned area for the figure, or None.
    options
        Size and resolution of the figures.

    Returns
    -------
    dict
        What was written (the keys of `COMPARISON_FILES`) and where.
    """
    from napari_bravais.mapping.comparison import DIFFERENCES

    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    paths = {what: directory / name for what, name in COMPARISON_FILES.items()}
    a, b = comparison.a, comparison.b
    colours = [entry.colour for entry in DIFFERENCES]
    kinds = list(zip(colours, comparison.difference_titles(), strict=True))
    with ExitStack() as stack:
        new = {what: stack.enter_context(replacing(path)) for what, path in paths.items()}
        for what in ("figure (PNG)", "figure (SVG)"):
            save_comparison_figure(a, image, b, comparison.names, new[what], options)
        save_code_figure(comparison.difference, kinds, "Difference", a, new["difference"], options)
        confusion_table(comparison).to_csv(new["confusion"], lineterminator="\n")
        _disagreement_table(comparison).to_csv(
            new["disagreements"], index=False, lineterminator="\n"
        )
        text = json.dumps(comparison.as_json(), indent=1, ensure_ascii=False)
        new["numbers"].write_text(text + "\n", encoding="utf-8")
    return paths


def confusion_table(comparison: "Comparison") -> "pd.DataFrame":
    """Return the confusion matrix: phases of the first map by lattices of the second."""
    import pandas as pd

    confusion = comparison.confusion
    table = pd.DataFrame(confusion.counts, confusion.rows, confusion.columns)
    table.index.name = f"{comparison.names[0]} / {comparison.names[1]}"
    return table


def _disagreement_table(comparison: "Comparison") -> "pd.DataFrame":
    import pandas as pd

    names = {entry.index: entry.pearson for entry in LATTICES}
    rows = [
        (p.row, p.column, p.pixels, p.inside, names[p.label_a], names[p.label_b])
        for p in comparison.disagreements()
    ]
    columns = ["row", "column", "pixels", "inside a grain", *comparison.names]
    return pd.DataFrame(rows, columns=columns)


def _write_crystal_map(shown: Map, path: Path) -> None:
    from orix.io import save

    save(path, shown.to_crystal_map(), overwrite=True)


def _write_pixels(shown: Map, path: Path) -> None:
    """Write a table of all pixels, row by row: place, class, and all that the map knows."""
    import pandas as pd

    rows, columns = np.indices(shown.shape)
    titles = np.array([entry.key for entry in shown.classes])
    table = {
        "row": rows,
        "column": columns,
        f"x / {shown.step_unit}": columns * shown.step[1],
        f"y / {shown.step_unit}": rows * shown.step[0],
        shown.kind: titles[shown.labels + 1],
    }
    if isinstance(shown, PhaseMap):
        table |= {"quality": shown.quality, "confidence": shown.confidence}
        probabilities = np.moveaxis(shown.class_probabilities, -1, 0)
        for entry, values in zip(shown.classes[1:], probabilities, strict=True):
            table[f"p {entry.key}"] = values
    else:
        names = np.array([*(phase.name for phase in shown.phases), "not indexed"])
        table |= {"phase": names[np.maximum(shown.phase_index, -1)], **shown.scores}
        if shown.rotations is not None:
            for place, name in enumerate("abcd"):
                table[f"quaternion {name}"] = shown.rotations[..., place]
    flat = {name: np.ravel(values) for name, values in table.items()}
    pd.DataFrame(flat).to_csv(path, index=False, float_format="%.6g", lineterminator="\n")
