"""What a pattern centre that is off does to matching, and what it is worth to move it."""

from collections.abc import Callable
from itertools import product

import numpy as np

from napari_bravais.lattices import lattice
from napari_bravais.mapping.matching.camera_search import centre_of, offset_of, seeing
from napari_bravais.mapping.matching.matcher import Matcher
from napari_bravais.mapping.matching.phase import judge_phase
from napari_bravais.model.camera import of_middle_square
from napari_bravais.model.candidates import floored_logs
from napari_bravais.model.classifier import Classifier
from napari_bravais.training.evaluate_patterns import Conditions, take
from napari_bravais.training.evaluate_real import RealSet
from napari_bravais.training.evaluate_scores import calibration_error
from napari_bravais.training.library import MasterLibrary
from napari_bravais.training.patterns import random_centres

#: By how much pattern centres are off: the standard deviation of each coordinate of simulated ones,
#: and how far real ones are taken to each corner of a cube.
OFF, CORNERS = 0.02, 0.03

#: Patterns of each phase.
_ORIENTATIONS = 6


def evaluate_centres(
    classifier: Classifier,
    matcher: Matcher,
    library: MasterLibrary,
    materials: np.ndarray,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> dict:
    """Judge phases by their pattern centres, by some that are off, both moved, and by none.

    Parameters
    ----------
    classifier, matcher
        What reads and what holds.
    library
        Master patterns.
    materials
        Which of its materials, each a phase of six orientations, taken by a camera of its own at
        moderate noise.
    progress
        Called with the phases done, and how many there are.

    Returns
    -------
    dict
        ``exact``, ``exact, moved``, ``off``, ``off, moved`` and ``none, found``, where nothing was
        told: the share of phases whose lattice is ``right``, the mean probability of the right one,
        the ``calibration_error``, and how far ``away`` pattern centres are from the true ones in
        the coordinate that is farthest, its median and its ninth decile.
    """
    rng = np.random.default_rng(12)
    answers, away = {}, {}
    for done, material in enumerate(materials):
        progress(done, len(materials))
        true = random_centres(rng, 1)[0]
        own = np.full(_ORIENTATIONS, material)
        patterns, _ = take(library, own, Conditions(centre=tuple(true)), rng)
        prepared = classifier.prepare(patterns)
        tried = {}
        for name, told in (("exact", true), ("off", true + rng.normal(0, OFF, 3))):
            embedded = classifier.embed(patterns, pattern_centre=told)
            tried[name] = told, embedded
            tried[f"{name}, moved"] = _moved(matcher, prepared, told, embedded), embedded
        found, *_ = centre_of(prepared, seeing(classifier, matcher, patterns), matcher)
        tried["none, found"] = found, classifier.embed(patterns, pattern_centre=found)
        for how, (centre, embedded) in tried.items():
            answers.setdefault(how, []).append(_judged(matcher, prepared, centre, embedded))
            away.setdefault(how, []).append(np.abs(centre - true).max())
    labels = library.lattices[materials]
    rows = np.arange(len(labels))
    return {
        how: {
            "right": float((np.argmax(own, axis=1) == labels).mean()),
            "probability of the right one": float(np.array(own)[rows, labels].mean()),
            "calibration_error": calibration_error(np.array(own), labels),
            "away": np.percentile(away[how], (50, 90)).tolist(),
        }
        for how, own in answers.items()
    }


def evaluate_real_centres(
    classifier: Classifier, matcher: Matcher, sets: dict[str, RealSet]
) -> dict[str, dict]:
    """Hold real patterns of which the pattern centre is stored by some that are off.

    Returns
    -------
    dict
        Of each set, by the pattern centre as it is ``stored``, this ``moved``, the eight that are
        ``off`` by `CORNERS` in each coordinate, and these ``off, moved``: ``patterns``, how many of
        them are ``right``, and the mean probability of the right one; and how far pattern centres
        are from the stored one at most.
    """
    results = {}
    for name, real in sets.items():
        if real.pattern_centre is None:
            continue
        prepared = classifier.prepare(real.patterns)
        stored = of_middle_square(real.pattern_centre, real.patterns.shape[1:])
        true, found = lattice(real.lattice).index, {}
        for corner in [(0, 0, 0), *product((-CORNERS, CORNERS), repeat=3)]:
            told = stored + np.array(corner)
            embedded = classifier.embed(real.patterns, pattern_centre=told)
            moved = _moved(matcher, prepared, told, embedded)
            kind = "off" if any(corner) else "stored"
            for how, centre in ((kind, told), (f"{kind}, moved", moved)):
                lattices, quality, features = embedded
                held = matcher.hold_each(prepared, centre, features, quality)
                answer = matcher.lattice_probabilities(held, features, lattices, quality)
                found.setdefault(how, []).append((answer, np.abs(centre - stored).max()))
        results[name] = {}
        for how, own in found.items():
            answers = np.concatenate([answer for answer, _ in own])
            results[name][how] = {
                "patterns": len(answers),
                "right": int((answers.argmax(axis=1) == true).sum()),
                "probability of the right one": float(answers[:, true].mean()),
                "away": float(max(away for _, away in own)),
            }
    return results


def as_markdown(measured: dict) -> str:
    """Return the tables of what both functions returned, as ``simulated`` and ``real``."""
    lines = [
        "| phases of six orientations, simulated | pattern centre | away, median (nine in ten) "
        "| lattice right | P(right) | calibration error |",
        "|---|---|---|---|---|---|",
    ]
    for name, rows in measured["simulated"].items():
        for how, row in rows.items():
            away = "{:.3f} ({:.3f})".format(*row["away"])
            shares = f"{row['right']:.1%} | {row['probability of the right one']:.2f}"
            lines.append(f"| {name} | {how} | {away} | {shares} | {row['calibration_error']:.3f} |")
    lines += [
        "",
        "| real patterns | pattern centre | away from the stored one, at most | how many | right "
        "| P(right) |",
        "|---|---|---|---|---|---|",
    ]
    for name, rows in measured["real"].items():
        for how, row in rows.items():
            counts = f"{row['patterns']} | {row['right']}"
            sure = row["probability of the right one"]
            lines.append(f"| {name} | {how} | {row['away']:.3f} | {counts} | {sure:.2f} |")
    return "\n".join(lines)


def _moved(
    matcher: Matcher, prepared: np.ndarray, centre: np.ndarray, embedded: tuple[np.ndarray, ...]
) -> np.ndarray:
    """Return a pattern centre, of a square, moved to where six patterns fit best."""
    _, quality, features = embedded
    best = np.argsort(-quality)[:_ORIENTATIONS]
    seen, centres = matcher.index.log_probabilities(features[best]), np.tile(centre, (len(best), 1))
    offset, *_ = offset_of(prepared[best], centres, seen, matcher)
    return centre + offset


def _judged(
    matcher: Matcher, prepared: np.ndarray, centre: np.ndarray, embedded: tuple[np.ndarray, ...]
) -> np.ndarray:
    """Return the probabilities of a phase's lattices."""
    lattices, quality, features = embedded
    means = matcher.index.log_probabilities(features).mean(axis=0)
    seen = means, floored_logs(lattices).mean(axis=0)
    return judge_phase(matcher, prepared, centre, quality, seen).probabilities
