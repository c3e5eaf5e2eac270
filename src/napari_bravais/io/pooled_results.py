"""Phases of a map to files."""

import csv
from pathlib import Path

import numpy as np

from napari_bravais.io.files import replacing
from napari_bravais.lattices import PEARSON_SYMBOLS
from napari_bravais.mapping.pooled_map import PooledMap

#: What `save_pooled` writes.
PHASES_TABLE, PHASES_IMAGE = "phases.csv", "phases.tif"


def save_pooled(pooled: PooledMap, directory: str | Path) -> tuple[Path, Path]:
    """Save a table of the phases, and an image of their numbers.

    Parameters
    ----------
    pooled
        The phases.
    directory
        Where to; it must be there.

    Returns
    -------
    tuple of pathlib.Path
        ``phases.csv``, a row a phase, and ``phases.tif``, unsigned 16 bits: the phase's number
        from 1, and 0 where a pixel is not classified.
    """
    import tifffile

    table, image = Path(directory) / PHASES_TABLE, Path(directory) / PHASES_IMAGE
    with replacing(table) as new_table, replacing(image) as new_image:
        with new_table.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(_HEAD)
            rows.writerows(_rows(pooled))
        tifffile.imwrite(new_image, (pooled.numbers + 1).astype(np.uint16))
    return table, image


def forget_pooled(directory: str | Path) -> None:
    """Remove what `save_pooled` wrote to a directory, whose map is another one now."""
    for name in (PHASES_TABLE, PHASES_IMAGE):
        (Path(directory) / name).unlink(missing_ok=True)


_HEAD = [
    *("phase", "lattice", "name", "probability", "pixels", "fraction", "grains", "orientations"),
    *(form.format(place) for place in (1, 2, 3) for form in ("candidate {}", "P(candidate {})")),
    *(f"P({symbol})" for symbol in PEARSON_SYMBOLS),
]


def _rows(pooled: PooledMap):
    for phase in pooled.phases:
        candidates = [
            text for name, _, likely in phase.candidates[:3] for text in (name, f"{likely:.4f}")
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
            *[""] * (6 - len(candidates)),
            *(f"{p:.4f}" for p in phase.probabilities),
        ]
