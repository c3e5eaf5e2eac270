"""Judging a classifier: everything that ``bravais evaluate`` measures."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from napari_bravais.model.candidates import MaterialIndex
from napari_bravais.model.card import ModelError
from napari_bravais.model.classifier import Classifier
from napari_bravais.training.evaluate_conditions import evaluate_conditions, evaluate_doubt
from napari_bravais.training.evaluate_gaze import evaluate_gaze
from napari_bravais.training.evaluate_patterns import FINE_SIZE, SIZE, Conditions, Readings, read
from napari_bravais.training.evaluate_pooled import (
    evaluate_candidates,
    evaluate_pooled,
)
from napari_bravais.training.evaluate_real import (
    evaluate_real,
    evaluate_steadiness,
    read_real,
    real_patterns,
)
from napari_bravais.training.evaluate_scores import Score, score
from napari_bravais.training.library import MasterLibrary, is_everyday, is_seed

#: Seed of the patterns that are judged; no other patterns share it.
_SEED = 1


@dataclass(frozen=True)
class Amounts:
    """How many patterns are judged.

    Attributes
    ----------
    patterns
        New patterns of each material.
    varied
        Patterns of each of the seed paper's materials under each varied condition.
    doubtful
        Patterns of each kind that show no crystal.
    gazes
        Patterns of each lattice whose Grad-CAM is measured.
    """

    patterns: int = 100
    varied: int = 8
    doubtful: int = 300
    gazes: int = 30


def parts_of(library: MasterLibrary) -> dict[str, np.ndarray]:
    """Return the materials of each part that accuracy is stated for, by its name."""
    trained = library.indices("trained")

    def those(tell: Callable[[dict], bool]) -> np.ndarray:
        return np.array([i for i in trained if tell(library.records[i])], int)

    return {
        "seed's trained materials": those(is_seed),
        "everyday trained materials": those(is_everyday),
        "all trained materials": trained,
        "further known materials": library.indices("known"),
        "seed's blind materials": library.indices("blind"),
        "new structure types": library.indices("new type"),
    }


def at_other_energies(library: MasterLibrary) -> dict[str, np.ndarray]:
    """Return the trained materials at each beam energy but the usual one, by what it is called."""
    own = library.indices("other energy")
    energies = np.array([library.records[i]["beam_energy_kev"] for i in own])
    return {f"trained materials, {e:g} kV": own[energies == e] for e in np.unique(energies)}


def evaluate(
    classifier: Classifier,
    library: MasterLibrary,
    amounts: Amounts | None = None,
    real: Path | None = None,
    progress: Callable[[str], None] = print,
) -> dict:
    """Measure everything.

    Parameters
    ----------
    classifier
        What is judged. What needs an index of materials is left out if none lies beside its file.
    library
        Master patterns.
    amounts
        How many patterns.
    real
        Folder of further real patterns; see `real_patterns`.
    progress
        Told what comes next.

    Returns
    -------
    dict
        JSON-able; `napari_bravais.training.report` writes it as a page and as figures.
    """
    amounts = amounts or Amounts()
    parts = {name: own for name, own in parts_of(library).items() if len(own)}
    judged = np.unique(np.concatenate([*parts.values()]))
    progress("simulated patterns")
    readings = read(classifier, library, judged, amounts.patterns, seed=_SEED)
    otherwise = {
        f"pattern centre not known, {SIZE}x{SIZE}": Conditions(centre_known=False),
        f"pattern centre known, {FINE_SIZE}x{FINE_SIZE}": Conditions(size=FINE_SIZE),
    }
    fewer = -(-amounts.patterns // 3)
    seeds = next(iter(parts.values()))
    measured = {
        "model": classifier.name,
        "model_sha256": classifier.checksum,
        "measured": datetime.now(UTC).date().isoformat(),
        "amounts": asdict(amounts),
        "simulated": {
            name: asdict(_scored(library, readings.of(own))) for name, own in parts.items()
        },
        "simulated, otherwise": {
            how: _totals(library, read(classifier, library, judged, fewer, taken, _SEED), parts)
            for how, taken in otherwise.items()
        },
    }
    progress("pooled evidence")
    measured |= _pooled(classifier, library, readings, parts, amounts)
    progress("noise, size and camera distance")
    measured["conditions"] = evaluate_conditions(classifier, library, seeds, amounts.varied)
    measured["doubt"] = evaluate_doubt(classifier, library, seeds, amounts.doubtful)
    progress("where the network looks")
    trained = library.indices("trained")
    measured["gaze"] = evaluate_gaze(classifier, library, trained, amounts.gazes)
    progress("real patterns")
    sets = real_patterns(real)
    measured["real"] = evaluate_real(classifier, sets)
    measured["steadiness"] = evaluate_steadiness(
        partial(read_real, classifier), sets, classifier.quality_threshold
    )
    return measured


def _scored(library: MasterLibrary, readings: Readings) -> Score:
    files = [record["file"].removesuffix(".npz") for record in library.records]
    return score(readings.probabilities, readings.labels, np.array(files)[readings.materials])


def _totals(library: MasterLibrary, readings: Readings, parts: dict[str, np.ndarray]) -> dict:
    """Score parts as wholes: what is in no figure and no table of materials is left out."""
    return {
        name: {**asdict(_scored(library, readings.of(own))), "by_material": {}, "confusion": []}
        for name, own in parts.items()
    }


def _pooled(
    classifier: Classifier,
    library: MasterLibrary,
    readings: Readings,
    parts: dict[str, np.ndarray],
    amounts: Amounts,
) -> dict:
    """Measure what needs the index of materials; nothing if there is none."""
    try:
        index = MaterialIndex.of(classifier).judged()
    except ModelError as error:
        return {"no pooling": str(error)}
    pooled = {
        name: {n: asdict(s) for n, s in evaluate_pooled(index, library, readings.of(own)).items()}
        for name, own in parts.items()
    }
    return {
        "pooled": pooled,
        "candidates": evaluate_candidates(index, library, readings),
    }
