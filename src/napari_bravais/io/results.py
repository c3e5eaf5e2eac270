"""Maps to files and back."""

import csv
import json
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from napari_bravais.io.figures import FigureOptions, save_figure
from napari_bravais.io.files import replacing
from napari_bravais.io.scan import ElectronImage
from napari_bravais.mapping.indexed_map import IndexedMap
from napari_bravais.mapping.phase_map import PhaseMap, colour_table
from napari_bravais.mapping.shown_map import ShownMap

#: What `save_results` writes: what it is, and the name of its file.
RESULT_FILES = {
    "figure (PNG)": "figure.png",
    "figure (SVG)": "figure.svg",
    "labels": "labels.tif",
    "fractions": "fractions.csv",
    "map": "map.npz",
}

#: What `napari_bravais.io.pooled_results` writes beside them, of the same map.
PHASES_FILES = ("phases.csv", "phases.tif", "grains.tif")

#: And the figures of these.
PHASES_FIGURES = ("phases.png", "phases.svg")

#: What `napari_bravais.mapping.assembly.saving` writes beside these, of the same phases.
SYMMETRY_FILES = ("symmetry.csv", "spheres.png")

_CENTIMETRES = {"m": 1e2, "mm": 1e-1, "um": 1e-4, "nm": 1e-7}

#: Pixels a centimetre that a TIFF can say: its numbers have 32 bits.
_FINEST = 2**31


class ResultError(Exception):
    """A file is no saved map; the message names the file and the fault."""


def save_results(
    phase_map: PhaseMap,
    image: ElectronImage | None,
    directory: str | Path,
    options: FigureOptions | None = None,
) -> dict[str, Path]:
    """Save a map as figures, label image, table of fractions, and whole, to be opened again.

    Parameters
    ----------
    phase_map
        The map.
    image
        Image of the scanned area for the figures, or None.
    directory
        Where to; made if it is not there. Earlier results in it are replaced once all the new
        ones are complete, and the phases of the earlier map go.
    options
        Size, resolution and layout of the figures.

    Returns
    -------
    dict
        What was written (the keys of `RESULT_FILES`) and where.

    Raises
    ------
    OSError
        If the directory cannot be made or written to.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    paths = {what: directory / name for what, name in RESULT_FILES.items()}
    with ExitStack() as stack:
        new = {what: stack.enter_context(replacing(path)) for what, path in paths.items()}
        save_figure(phase_map, image, new["figure (PNG)"], options)
        save_figure(phase_map, image, new["figure (SVG)"], options)
        write_labels(phase_map, new["labels"])
        write_fractions(phase_map, new["fractions"])
        write_map(phase_map, new["map"])
        for name in (*PHASES_FILES, *PHASES_FIGURES, *SYMMETRY_FILES):
            (directory / name).unlink(missing_ok=True)
    return paths


def load_result(path: str | Path) -> PhaseMap:
    """Open a saved map again.

    Parameters
    ----------
    path
        The ``map.npz`` that `save_results` wrote, or the directory that holds it.

    Returns
    -------
    PhaseMap

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ResultError
        If the file is no saved map, or damaged.
    """
    path = Path(path)
    if path.is_dir():
        path = path / RESULT_FILES["map"]
    try:
        with np.load(path, allow_pickle=False) as arrays:
            about = json.loads(str(arrays["about"]))
            return PhaseMap(
                arrays["probabilities"],
                arrays["quality"],
                tuple(about["step"]),
                about["step_unit"],
                about["quality_threshold"],
                about["provenance"],
            )
    except FileNotFoundError:
        raise
    except Exception as error:  # NumPy, zipfile and zlib raise a dozen kinds for damaged files
        raise ResultError(f"{path} is no saved map, or damaged: {error}") from error


def write_map(phase_map: PhaseMap, path: Path) -> None:
    """Write the map whole, for `load_result`: the network's answers, however they are shown."""
    if isinstance(phase_map, ShownMap):
        phase_map = phase_map.answered
    about = {
        "step": phase_map.step,
        "step_unit": phase_map.step_unit,
        "quality_threshold": phase_map.quality_threshold,
        "provenance": phase_map.provenance,
    }
    np.savez_compressed(
        path,
        probabilities=phase_map.probabilities,
        quality=phase_map.quality,
        about=np.array(json.dumps(about)),
    )


def write_labels(phase_map: PhaseMap | IndexedMap, path: Path) -> None:
    """Write label + 1 (0 is *not classified*) with the colours and, where known, the pixel size."""
    import tifffile

    colours = np.zeros((3, 256), np.uint16)
    table = colour_table(phase_map.classes)
    colours[:, : len(table)] = table.T.astype(np.uint16) * 257  # to 16 bits
    meanings = [f"{value} = {entry.key}" for value, entry in enumerate(phase_map.classes)]
    how = [f"{name.replace('_', ' ')} {value}" for name, value in _how_shown(phase_map).items()]
    size = {"resolution": (1, 1), "resolutionunit": "NONE"}
    if phase_map.step_unit in _CENTIMETRES:
        step_y, step_x = (step * _CENTIMETRES[phase_map.step_unit] for step in phase_map.step)
        if min(step_x, step_y) > 1 / _FINEST:
            size = {"resolution": (1 / step_x, 1 / step_y), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(
        path,
        (phase_map.labels + 1).astype(np.uint8),
        photometric="palette",
        colormap=colours,
        description="; ".join([f"{phase_map.title}: {', '.join(meanings)}", *how]),
        metadata=None,
        software="napari-bravais",
        **size,
    )


def _how_shown(shown: PhaseMap | IndexedMap) -> dict:
    return shown.provenance.get("shown", {}) if isinstance(shown, ShownMap) else {}


def write_fractions(phase_map: PhaseMap | IndexedMap, path: Path) -> None:
    """Write a table of the lattices' pixels and area fractions."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["lattice", "name", "pixels", "fraction"])
        for lattice, pixels, fraction in phase_map.fractions():
            table.writerow([lattice.pearson, lattice.name, pixels, f"{fraction:.6f}"])
