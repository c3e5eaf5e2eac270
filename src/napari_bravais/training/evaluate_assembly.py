"""How often the symmetry of an assembled sphere is right, and what it adds to the network."""

import json
import time
from pathlib import Path

import numpy as np

from napari_bravais.assembly.orientations import Assembly
from napari_bravais.assembly.symmetry import LATTICES_WITH, SIZE, symmetry_of
from napari_bravais.io.files import replacing
from napari_bravais.lattices import PEARSON_SYMBOLS
from napari_bravais.model.candidates import MaterialIndex
from napari_bravais.model.classifier import Classifier
from napari_bravais.simulation.detector import expose
from napari_bravais.simulation.projection import project, random_rotations
from napari_bravais.training.evaluate_patterns import MODERATE
from napari_bravais.training.evaluate_patterns import SIZE as DETECTOR
from napari_bravais.training.library import MasterLibrary, structure_type
from napari_bravais.training.patterns import random_centres


def evaluate_assembly(
    classifier: Classifier,
    library: MasterLibrary,
    materials: np.ndarray,
    patterns: int,
    log: Path,
) -> list[dict]:
    """Assemble the sphere of each of some materials.

    Parameters
    ----------
    classifier
        What reads the patterns, for comparison.
    library
        Master patterns.
    materials
        Which of its materials.
    patterns
        Patterns of each, at moderate noise, by one camera.
    log
        A line of JSON for each material; those that it has are not assembled again.

    Returns
    -------
    list of dict
        Of each material its ``file``, ``name``, ``lattice``; ``symmetry`` and ``likeness`` of what
        was assembled; ``probabilities`` of the lattices by the pooled network alone; ``seconds``.
    """
    index = MaterialIndex.of(classifier)
    lines = log.read_text().splitlines() if log.exists() else []
    rows = {row["file"]: row for row in map(json.loads, lines)}
    for i in materials:
        record = library.records[i]
        if record["file"] not in rows:
            rows[record["file"]] = _measured(classifier, index, library, i, patterns)
            with replacing(log) as temporary:
                temporary.write_text("".join(json.dumps(row) + "\n" for row in rows.values()))
    return [rows[library.records[i]["file"]] for i in materials]


def one_of_each_type(library: MasterLibrary, part: str) -> np.ndarray:
    """Return one material of each structure type of a part: the first by name."""
    first = {}
    for i in library.indices(part):
        first.setdefault(structure_type(library.records[i]), i)
    return np.array(sorted(first.values()))


def summary(rows: list[dict]) -> dict[str, float]:
    """Return the shares of materials whose symmetry, or lattice, is right."""
    symmetries = [row["lattice"] in LATTICES_WITH[row["symmetry"]] for row in rows]
    alone = [_likeliest(row, PEARSON_SYMBOLS) == row["lattice"] for row in rows]
    both = [_likeliest(row, LATTICES_WITH[row["symmetry"]]) == row["lattice"] for row in rows]
    return {
        "materials": len(rows),
        "symmetry right": float(np.mean(symmetries)),
        "lattice right by the network": float(np.mean(alone)),
        "lattice right by both": float(np.mean(both)),
    }


def _likeliest(row: dict, lattices: tuple[str, ...]) -> str:
    """Return what the network finds likeliest among some lattices."""
    return max(lattices, key=lambda symbol: row["probabilities"][PEARSON_SYMBOLS.index(symbol)])


def _measured(
    classifier: Classifier, index: MaterialIndex, library: MasterLibrary, i: int, patterns: int
) -> dict:
    rng = np.random.default_rng([7, i])
    centre = random_centres(rng, 1)[0]
    clean = np.empty((patterns, DETECTOR, DETECTOR), np.float32)
    centres = np.tile(centre, (patterns, 1))
    project(library.masters, np.full(patterns, i), random_rotations(rng, patterns), centres, clean)
    taken = expose(clean, rng, MODERATE)
    probabilities, _, features = classifier.embed(taken, pattern_centre=centre)
    started = time.perf_counter()
    prepared = np.array([classifier.prepare(pattern) for pattern in taken])
    assembly = Assembly(prepared, centre)
    assembly.run()
    symmetry = symmetry_of(*assembly.sphere(SIZE))
    record = library.records[i]
    return {
        "file": record["file"],
        "name": record["name"],
        "lattice": record["lattice"],
        "symmetry": symmetry.name,
        "likeness": {name: round(value, 3) for name, value in symmetry.likeness.items()},
        "probabilities": [round(float(p), 5) for p in index.pooled(features, probabilities)],
        "seconds": round(time.perf_counter() - started, 1),
    }
