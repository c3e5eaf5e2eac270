"""How much it adds to hold patterns against master patterns: ``bravais evaluate-matching``."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from napari_bravais.mapping.matching.matcher import Matcher, Matches
from napari_bravais.mapping.matching.phase import judge_phase
from napari_bravais.model.candidates import floored_logs
from napari_bravais.model.classifier import Classifier
from napari_bravais.training.evaluate_patterns import SIZE, Conditions, Readings, take
from napari_bravais.training.evaluate_real_matching import real_tables
from napari_bravais.training.evaluate_scores import Score, calibration_error, score
from napari_bravais.training.library import MasterLibrary
from napari_bravais.training.patterns import random_centres

#: By how many cameras patterns are taken: targets are shared by those of one.
_CAMERAS = 6


@dataclass(frozen=True)
class Held:
    """Patterns that were read, and held against materials.

    Attributes
    ----------
    readings
        What the classifier read.
    matches
        What they were held against.
    """

    readings: Readings
    matches: Matches

    def rows(self, kept: slice) -> "Held":
        """Return some of them."""
        readings = (values[kept] for values in vars(self.readings).values())
        matches = (values[kept] for values in vars(self.matches).values())
        return Held(Readings(*readings), Matches(*matches))


def read_and_hold(
    classifier: Classifier,
    matcher: Matcher,
    library: MasterLibrary,
    materials: np.ndarray,
    seed: int,
    progress: Callable[[int, int], None] = lambda done, of: None,
    size: int = SIZE,
) -> Held:
    """Take a pattern of each material at moderate noise, read it, and hold it against materials.

    Parameters
    ----------
    classifier, matcher
        What reads and what holds.
    library
        Master patterns.
    materials
        Which of its materials, shape (n,); one may be there several times.
    seed
        Seed of everything drawn.
    progress
        Called with the cameras done, and how many there are.
    size
        Side of the detector in pixels.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(materials))
    parts = []
    for done, own in enumerate(np.array_split(materials[order], _CAMERAS)):
        progress(done, _CAMERAS)
        centre = random_centres(rng, 1)[0]
        patterns, _ = take(library, own, Conditions(centre=tuple(centre), size=size), rng)
        answers = classifier.embed(patterns, pattern_centre=centre)
        prepared = classifier.prepare(patterns)
        held = matcher.hold_each(prepared, centre, answers[2], answers[1])
        parts.append((*answers, *vars(held).values()))
    back = np.argsort(order)
    found = [np.concatenate(values)[back] for values in zip(*parts, strict=True)]
    readings = Readings(materials, library.lattices[materials], *found[:3])
    return Held(readings, Matches(*found[3:]))


def scores(matcher: Matcher, library: MasterLibrary, held: Held) -> dict[str, Score]:
    """Score the network alone, and with what it is held against."""
    readings = held.readings
    names = np.array([record["file"].removesuffix(".npz") for record in library.records])
    both = matcher.lattice_probabilities(
        held.matches, readings.features, readings.probabilities, readings.quality
    )
    return {
        how: score(probabilities, readings.labels, names[readings.materials])
        for how, probabilities in (("network", readings.probabilities), ("matched", both))
    }


def evaluate_matching(
    classifier: Classifier,
    matcher: Matcher,
    library: MasterLibrary,
    parts: dict[str, np.ndarray],
    patterns: int,
    progress: Callable[[int, int], None] = lambda done, of: None,
    size: int = SIZE,
) -> dict[str, dict[str, Score]]:
    """Score the network alone, and with what it is held against.

    Parameters
    ----------
    classifier, matcher
        What reads and what holds.
    library
        Master patterns.
    parts
        Materials of each part that is scored.
    patterns
        How many of each part: as many of each of its materials, or of some drawn at random.
    progress
        Called with the cameras done, and how many there are.
    size
        Side of the detector in pixels.
    """
    rng = np.random.default_rng(9)
    drawn = {name: np.resize(rng.permutation(own), patterns) for name, own in parts.items()}
    materials = np.concatenate([*drawn.values()])
    held = read_and_hold(classifier, matcher, library, materials, 9, progress, size)
    found, start = {}, 0
    for name, own in drawn.items():
        found[name] = scores(matcher, library, held.rows(slice(start, start + len(own))))
        start += len(own)
    return found


def evaluate_phases(
    classifier: Classifier,
    matcher: Matcher,
    library: MasterLibrary,
    materials: np.ndarray,
    orientations: int,
) -> dict:
    """Measure phases of some orientations each, as `bravais phases` judges them.

    Parameters
    ----------
    classifier, matcher
        What reads and what holds.
    library
        Master patterns.
    materials
        Which of its materials, each a phase, taken by a camera of its own at moderate noise.
    orientations
        Of each phase.

    Returns
    -------
    dict
        ``network`` and ``matched``: shares of phases whose lattice is right, and calibration
        errors; ``known`` and ``material``: how many phases are in the index, and the share of these
        whose material comes first.
    """
    rng = np.random.default_rng(10)
    index, names = matcher.index, [record["file"] for record in library.records]
    known = {each.key for each in index.materials}
    alone, both, first = [], [], []
    for material in materials:
        own = np.full(orientations, material)
        centre = random_centres(rng, 1)[0]
        patterns, _ = take(library, own, Conditions(centre=tuple(centre)), rng)
        probabilities, quality, features = classifier.embed(patterns, pattern_centre=centre)
        means = index.log_probabilities(features).mean(axis=0)
        seen = means, floored_logs(probabilities).mean(axis=0)
        phase = judge_phase(matcher, classifier.prepare(patterns), centre, quality, seen)
        alone.append(index.pooled(features, probabilities))
        both.append(phase.probabilities)
        key = names[material].removesuffix(".npz")
        if key in known:
            first.append(phase.candidates[0][0].key == key)
    labels = library.lattices[materials]
    return {
        how: {
            "right": float((np.argmax(answers, axis=1) == labels).mean()),
            "calibration_error": calibration_error(np.array(answers), labels),
        }
        for how, answers in (("network", alone), ("matched", both))
    } | {"known": len(first), "material": float(np.mean(first)) if first else None}


def evaluate_phases_of(
    classifier: Classifier,
    matcher: Matcher,
    library: MasterLibrary,
    parts: dict[str, np.ndarray],
    phases: int,
    orientations: int,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, dict]:
    """Measure phases of each part by `evaluate_phases`.

    Parameters
    ----------
    classifier, matcher, library, orientations
        As for `evaluate_phases`.
    parts
        Materials of each part.
    phases
        How many of each are measured at most, drawn at random.
    progress
        Called with the parts done, and how many there are.
    """
    found = {}
    for done, (name, own) in enumerate(parts.items()):
        progress(done, len(parts))
        drawn = np.random.default_rng(11).permutation(own)[:phases]
        found[name] = evaluate_phases(classifier, matcher, library, drawn, orientations) | {
            "phases": len(drawn),
            "orientations": orientations,
        }
    return found


def as_markdown(measured: dict) -> str:
    """Return the tables of a measurement by ``bravais evaluate-matching``."""
    text = "\n".join(_tables(measured))
    if "whole" in measured:
        text += "\n\nHeld against the whole index, with the materials that are kept out above:\n\n"
        text += "\n".join(_tables(measured["whole"]))
    return text


def _tables(measured: dict) -> list[str]:
    lines = []
    for title, parts in measured.get("single patterns", {}).items():
        lines += [
            f"| single patterns, simulated, {title} | lattice right, network | matched "
            "| first three | matched | calibration error | matched |",
            "|---|---|---|---|---|---|---|",
        ]
        for name, both in parts.items():
            network, matched = both["network"], both["matched"]
            shares = (f"{how[key]:.1%}" for key in ("top1", "top3") for how in (network, matched))
            errors = (f"{how['calibration_error']:.3f}" for how in (network, matched))
            lines.append(f"| {name} | {' | '.join([*shares, *errors])} |")
        lines.append("")
    lines += [
        "| phases, simulated | how many | lattice right, network | matched | calibration error "
        "| matched | right material first |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in measured.get("phases", {}).items():
        shares = (f"{row[how]['right']:.1%}" for how in ("network", "matched"))
        errors = (f"{row[how]['calibration_error']:.3f}" for how in ("network", "matched"))
        material = "" if row["material"] is None else f"{row['material']:.1%} of {row['known']}"
        cells = [name, str(row["phases"]), *shares, *errors, material]
        lines.append(f"| {' | '.join(cells)} |")
    lines.append("")
    lines += real_tables(measured)
    return lines
