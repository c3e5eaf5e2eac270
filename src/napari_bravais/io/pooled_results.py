"""Phases of a map to files and back."""

import csv
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from napari_bravais.io.figures import FigureOptions, save_figure
from napari_bravais.io.files import replacing
from napari_bravais.io.results import (
    PHASES_FIGURES,
    PHASES_FILES,
    SYMMETRY_FILES,
    ResultError,
)
from napari_bravais.io.scan import ElectronImage
from napari_bravais.lattices import PEARSON_SYMBOLS
from napari_bravais.mapping.pattern_centre import PatternCentre
from napari_bravais.mapping.pooled_map import PooledMap, PooledPhase
from napari_bravais.mapping.shown_phases import ShownPhases

#: Candidate materials of a phase that the table has room for.
_CANDIDATES = 3


def save_pooled(
    shown: ShownPhases,
    image: ElectronImage | None,
    directory: str | Path,
    options: FigureOptions | None = None,
) -> tuple[Path, ...]:
    """Save a table of the phases, images of their numbers and of the grains', and figures.

    Parameters
    ----------
    shown
        The phases.
    image
        Image of the scanned area for the figures, or None.
    directory
        Where to; it must be there.
    options
        Size, resolution and layout of the figures.

    Returns
    -------
    tuple of pathlib.Path
        ``phases.csv``, a row a phase, each with the map's mean pattern centre in Bruker's
        convention, if patterns were held against materials by it; ``phases.tif``, unsigned 16
        bits: the phase's number from 1, and 0 where a pixel is not classified; ``grains.tif``,
        32 bits: the same of grains; and ``phases.png`` and ``phases.svg``. The symmetry of phases
        that were there before goes.
    """
    import tifffile

    pooled = shown.pooled
    paths = _paths(directory, (*PHASES_FILES, *PHASES_FIGURES))
    with ExitStack() as stack:
        table, phases, grains, *figures = (stack.enter_context(replacing(path)) for path in paths)
        with table.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(_HEAD)
            rows.writerows(_rows(pooled))
        tifffile.imwrite(phases, (pooled.numbers + 1).astype(np.uint16))
        tifffile.imwrite(grains, (pooled.grains + 1).astype(np.uint32))
        for figure in figures:
            save_figure(shown, image, figure, options)
        for name in SYMMETRY_FILES:  # of other phases
            (Path(directory) / name).unlink(missing_ok=True)
    return paths


def load_pooled(directory: str | Path) -> PooledMap | None:
    """Read what `save_pooled` wrote; None where not all of it is there.

    Raises
    ------
    ResultError
        If a file is damaged, or not of the same map as the others.
    """
    import tifffile

    table, *images = _paths(directory, PHASES_FILES)
    if not all(path.exists() for path in (table, *images)):
        return None
    path = table
    try:
        with table.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        phases = tuple(_phase(row) for row in rows)
        centre = _centre(rows[0]) if rows else None
        numbers, grains = (tifffile.imread(path := image).astype(np.int64) - 1 for image in images)
    except Exception as error:  # the libraries raise a dozen kinds for damaged files
        raise ResultError(f"{path} holds no phases of a map, or is damaged: {error}") from error
    if numbers.shape != grains.shape or numbers.ndim != 2 or numbers.max() >= len(phases):
        raise ResultError(f"{table} and the images beside it are not of the same map")
    return PooledMap(phases, numbers.astype(np.int16), grains.astype(np.int32), centre)


def _paths(directory: str | Path, names: Iterable[str]) -> tuple[Path, ...]:
    return tuple(Path(directory) / name for name in names)


_CANDIDATE = ("candidate {}", "formula {}", "P(candidate {})")

_EXCLUDED = "fits but has other elements"

_HEAD = [
    *("phase", "lattice", "name", "probability", "pixels", "fraction", "grains", "orientations"),
    *(form.format(place + 1) for place in range(_CANDIDATES) for form in _CANDIDATE),
    *("correlation", "PCx", "PCy", "PCz"),
    *(_EXCLUDED, "its formula"),
    *(f"P({symbol})" for symbol in PEARSON_SYMBOLS),
]


def _rows(pooled: PooledMap):
    centre = pooled.pattern_centre
    camera = [f"{value:.5f}" for value in (centre.x, centre.y, centre.z)] if centre else [""] * 3
    for phase in pooled.phases:
        candidates = [
            text
            for name, formula, likely in phase.candidates[:_CANDIDATES]
            for text in (name, formula, f"{likely:.4f}")
        ]
        yield [
            phase.number + 1,
            phase.lattice.pearson,
            phase.lattice.name,
            f"{phase.probability:.4f}",
            phase.pixels,
            f"{phase.fraction:.6f}",
            phase.grains,
            phase.orientations,
            *candidates,
            *[""] * (_CANDIDATES * len(_CANDIDATE) - len(candidates)),
            "" if phase.correlation is None else f"{phase.correlation:.6f}",
            *camera,
            *(phase.excluded or ("", "")),
            *(f"{p:.4f}" for p in phase.probabilities),
        ]


def _centre(row: dict[str, str]) -> PatternCentre | None:
    values = [row.get(f"PC{axis}") for axis in "xyz"]
    return PatternCentre(*map(float, values)) if all(values) else None


def _phase(row: dict[str, str]) -> PooledPhase:
    places = ([form.format(place + 1) for form in _CANDIDATE] for place in range(_CANDIDATES))
    return PooledPhase(
        number=int(row["phase"]) - 1,
        pixels=int(row["pixels"]),
        grains=int(row["grains"]),
        fraction=float(row["fraction"]),
        orientations=int(row["orientations"]),
        probabilities=np.array([float(row[f"P({symbol})"]) for symbol in PEARSON_SYMBOLS]),
        candidates=tuple(
            (row[name], row[formula], float(row[likely]))
            for name, formula, likely in places
            if row[name]
        ),
        correlation=float(row["correlation"]) if row.get("correlation") else None,
        excluded=(row[_EXCLUDED], row["its formula"]) if row.get(_EXCLUDED) else None,
    )
