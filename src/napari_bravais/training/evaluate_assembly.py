"""How often the symmetry of an assembled sphere is right, and what it adds to the network."""

import json
import time
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_bravais.io.files import replacing
from napari_bravais.lattices import PEARSON_SYMBOLS
from napari_bravais.mapping.assembly.centring import centring
from napari_bravais.mapping.assembly.known import judge_sphere
from napari_bravais.mapping.assembly.orientations import Assembly
from napari_bravais.mapping.assembly.symmetry import LATTICES_WITH, SIZE, symmetry_of, weighed
from napari_bravais.mapping.matching.matcher import Matcher
from napari_bravais.mapping.matching.phase import GRAINS, judge_phase
from napari_bravais.mapping.sphere import Sphere
from napari_bravais.model.candidates import MaterialIndex, floored_logs
from napari_bravais.model.classifier import Classifier
from napari_bravais.simulation.detector import expose
from napari_bravais.simulation.projection import project, random_rotations
from napari_bravais.training.evaluate_patterns import MODERATE
from napari_bravais.training.evaluate_patterns import SIZE as DETECTOR
from napari_bravais.training.evaluate_scores import calibration_error
from napari_bravais.training.library import MasterLibrary, structure_type
from napari_bravais.training.patterns import random_centres

#: Laue groups in the order of space groups, and the last space group of each.
_LAUE_GROUPS = ("-1", "2/m", "mmm", "4/m", "4/mmm", "-3", "-3m", "6/m", "6/mmm", "m-3", "m-3m")
_LAST_SPACE_GROUPS = (2, 15, 74, 88, 142, 148, 167, 176, 194, 206, 230)


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
        Of each material its ``file``, ``name``, ``lattice`` and ``Laue group``; the ``symmetry``,
        the Laue group ``found``, ``likeness`` and ``agreement`` of what was assembled;
        ``probabilities`` of the lattices by the network and by matching six of the patterns, the
        material not being known unless it was trained on, and those ``by the sphere``, held against
        the same materials; the same two if the whole index is ``known``, with the key of the
        sphere's likeliest ``material``, None if its own is not there either; how likely each is by
        its ``centring``; ``seconds``.
    """
    whole = MaterialIndex.of(classifier)
    matchers = Matcher(classifier, whole.judged()), Matcher(classifier, whole)
    lines = log.read_text().splitlines() if log.exists() else []
    rows = {row["file"]: row for row in map(json.loads, lines)}
    for i in materials:
        record = library.records[i]
        if record["file"] not in rows:
            rows[record["file"]] = _measured(classifier, matchers, library, i, patterns)
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
    """Return the shares of materials of which each is right."""
    places = np.arange(len(rows))
    systems = [
        row["symmetry"] != "unknown" and row["lattice"] in LATTICES_WITH[row["symmetry"]]
        for row in rows
    ]
    true = np.array([row["lattice"] for row in rows])
    labels = np.array([PEARSON_SYMBOLS.index(row["lattice"]) for row in rows])
    pooled = _column(rows, "probabilities")
    alone = _likeliest(pooled)
    even = np.ones(len(PEARSON_SYMBOLS))
    both = [weighed(p, row["symmetry"], even) for p, row in zip(pooled, rows, strict=True)]
    bands = np.array([row["centring"] for row in rows])
    every, sphere, known = (
        [weighed(p, row["symmetry"], own) for p, row, own in zip(of, rows, bands, strict=True)]
        for of in (pooled, _column(rows, "by the sphere"), _column(rows, "known by the sphere"))
    )
    there = np.array([row["material"] is not None for row in rows])
    named = [row["material"] == row["file"].removesuffix(".npz") for row in rows]
    told = np.array(systems) & (bands.min(axis=1) < 1)  # else none can be told apart
    families = true.astype("U1") == alone.astype("U1")
    return {
        "materials": len(rows),
        "Laue group right": np.mean([row["Laue group"] == row["found"] for row in rows]),
        "system right": np.mean(systems),
        "family right by matching": np.mean(families),
        "lattice right by matching": np.mean(alone == true),
        "lattice right by symmetry, too": np.mean(_likeliest(both) == true),
        "lattice right by bands, too": np.mean(_likeliest(every) == true),
        "mean P(right) by symmetry, too": np.array(both)[places, labels].mean(),
        "mean P(right) by bands, too": np.array(every)[places, labels].mean(),
        "centrings to be told": int(told.sum()),
        "right by bands alone": int((_likeliest(bands) == true)[told].sum()),
        "lattice right by the sphere, too": np.mean(_likeliest(sphere) == true),
        "mean P(right) by the sphere, too": np.array(sphere)[places, labels].mean(),
        "calibration error": calibration_error(np.array(sphere), labels),
        "materials of the whole index": int(there.sum()),
        "lattice right by matching, known": np.mean(
            (_likeliest(_column(rows, "known")) == true)[there]
        ),
        "lattice right by the sphere, known": np.mean((_likeliest(known) == true)[there]),
        "material right, known": np.mean(np.array(named)[there]),
    }


def laue_group(space_group: int) -> str:
    """Return the Laue group of a space group, by the number that the last one of it has."""
    return _LAUE_GROUPS[bisect_left(_LAST_SPACE_GROUPS, space_group)]


def _column(rows: list[dict], name: str) -> list[np.ndarray]:
    return [np.array(row[name]) for row in rows]


def _likeliest(probabilities: list[np.ndarray]) -> np.ndarray:
    return np.array(PEARSON_SYMBOLS)[np.argmax(probabilities, axis=1)]


@dataclass(frozen=True)
class _Assembled:
    """Patterns of a material, as prepared, what the network sees in them, and their sphere."""

    prepared: np.ndarray
    centre: np.ndarray
    embedded: tuple[np.ndarray, np.ndarray, np.ndarray]
    halves: tuple[Sphere, Sphere]


def _measured(
    classifier: Classifier,
    matchers: tuple[Matcher, Matcher],
    library: MasterLibrary,
    i: int,
    patterns: int,
) -> dict:
    started = time.perf_counter()
    rng = np.random.default_rng([7, i])
    centre = random_centres(rng, 1)[0]
    clean = np.empty((patterns, DETECTOR, DETECTOR), np.float32)
    centres = np.tile(centre, (patterns, 1))
    project(library.masters, np.full(patterns, i), random_rotations(rng, patterns), centres, clean)
    taken = expose(clean, rng, MODERATE)
    embedded = classifier.embed(taken, pattern_centre=centre)
    prepared = classifier.prepare(taken)
    assembly = Assembly(prepared, centre)
    assembly.run()
    assembled = _Assembled(prepared, centre, embedded, assembly.sphere(SIZE))
    row = _judged(matchers, library.records[i], assembled)
    return row | {"seconds": round(time.perf_counter() - started, 1)}


def _judged(matchers: tuple[Matcher, Matcher], record: dict, assembled: _Assembled) -> dict:
    probabilities, quality, features = assembled.embedded
    symmetry = symmetry_of(*assembled.halves)
    sphere = assembled.halves[0] + assembled.halves[1]
    logs = floored_logs(probabilities).mean(axis=0)
    seen = [(m.index.log_probabilities(features).mean(axis=0), logs) for m in matchers]
    best = np.argsort(-quality)[:GRAINS]
    patterns = assembled.prepared[best], assembled.centre, quality[best]
    phases = [judge_phase(m, *patterns, own) for m, own in zip(matchers, seen, strict=True)]
    spheres = phases
    if symmetry.name != "unknown":
        spheres = [
            judge_sphere(matcher, sphere, symmetry.agreement, *patterns, own)
            for matcher, own in zip(matchers, seen, strict=True)
        ]
    own = record["file"].removesuffix(".npz") in matchers[1].atlas.places
    return {
        "file": record["file"],
        "name": record["name"],
        "lattice": record["lattice"],
        "Laue group": laue_group(record["space_group"]),
        "symmetry": symmetry.name,
        "found": symmetry.laue_group,
        "agreement": round(symmetry.agreement, 3),
        "likeness": {name: round(value, 3) for name, value in symmetry.likeness.items()},
        "probabilities": _rounded(phases[0].probabilities),
        "by the sphere": _rounded(spheres[0].probabilities),
        "known": _rounded(phases[1].probabilities),
        "known by the sphere": _rounded(spheres[1].probabilities),
        "material": spheres[1].candidates[0][0].key if own else None,
        "centring": _rounded(centring(sphere, symmetry)),
    }


def _rounded(probabilities: np.ndarray) -> list[float]:
    return [round(float(p), 6) for p in probabilities]
