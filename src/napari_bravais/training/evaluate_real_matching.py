"""Real patterns held against master patterns: as they are, and cropped, binned, noisier, turned."""

from dataclasses import replace
from functools import partial

import numpy as np

from napari_bravais.lattices import lattice
from napari_bravais.mapping.matching.camera_search import (
    PATTERNS,
    centre_of,
    of_whole_detector,
    seeing,
)
from napari_bravais.mapping.matching.matcher import Matcher
from napari_bravais.model.camera import of_middle_square
from napari_bravais.model.classifier import Classifier
from napari_bravais.training.evaluate_real import RealSet, evaluate_steadiness, read_real


def evaluate_real_matching(
    classifier: Classifier, matcher: Matcher, sets: dict[str, RealSet]
) -> dict[str, dict]:
    """Count the real patterns that are read right, and find pattern centres that no file stores.

    Returns
    -------
    dict
        ``real``, of each set: ``patterns``; ``centre``, that of the middle square, and whether it
        was ``found``; ``correlation`` with what fits best, its mean; and for ``network``, told the
        file's centre or none, and ``matched`` how many are ``right`` and the mean probability.
        ``steadiness``, of ``network`` and ``matched``: what `evaluate_steadiness` returns; a
        centre that was found is told to both, moved as the pattern is changed.
    """
    rows, told = {}, {}
    for name, real in sets.items():
        told[name] = real
        if real.pattern_centre is None:
            centre = _found_centre(classifier, matcher, real)
            told[name] = replace(real, pattern_centre=centre)
        alone, _ = read_real(classifier, real)
        both, _, correlations = _held(classifier, matcher, told[name])
        true = lattice(real.lattice).index
        centre = of_middle_square(told[name].pattern_centre, real.patterns.shape[1:])
        rows[name] = {
            "patterns": len(real.patterns),
            "centre": [round(float(value), 3) for value in centre],
            "found": real.pattern_centre is None,
            "correlation": float(correlations.max(axis=1).mean()),
        } | {
            how: {
                "right": int((answer.argmax(axis=1) == true).sum()),
                "probability of the right one": float(answer[:, true].mean()),
            }
            for how, answer in (("network", alone), ("matched", both))
        }

    def hold(real: RealSet) -> tuple[np.ndarray, np.ndarray]:
        return _held(classifier, matcher, real)[:2]

    ways = (("network", partial(read_real, classifier)), ("matched", hold))
    threshold = classifier.quality_threshold
    steadiness = {how: evaluate_steadiness(answer, told, threshold) for how, answer in ways}
    return {"real": rows, "steadiness": steadiness}


def _found_centre(classifier: Classifier, matcher: Matcher, real: RealSet) -> tuple[float, ...]:
    """Return the pattern centre of the whole detector that known materials fit best."""
    quality = classifier.embed(real.patterns)[1]
    best = np.argsort(-quality)[:PATTERNS]
    see = seeing(classifier, matcher, real.patterns[best])
    centre, *_ = centre_of(classifier.prepare(real.patterns[best]), see, matcher)
    return tuple(of_whole_detector(centre, real.patterns.shape[1:]))


def _held(classifier: Classifier, matcher: Matcher, real: RealSet) -> tuple[np.ndarray, ...]:
    """Return lattices' probabilities (n, 14), each pattern by itself, quality and correlations."""
    prepared = classifier.prepare(real.patterns)
    centre = of_middle_square(real.pattern_centre, real.patterns.shape[1:])
    probabilities, quality, features = classifier.embed(
        real.patterns, pattern_centre=real.pattern_centre
    )
    held = matcher.hold_each(prepared, centre, features, quality)
    both = matcher.lattice_probabilities(held, features, probabilities, quality)
    return both, quality, held.correlations


def real_tables(measured: dict) -> list[str]:
    """Return the lines of the tables of what `evaluate_real_matching` measured."""
    lines = [
        "| real patterns | how many | pattern centre | correlation | right, network | matched "
        "| P(right), network | matched |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in measured.get("real", {}).items():
        numbers = [str(row[how]["right"]) for how in ("network", "matched")]
        sure = (f"{row[how]['probability of the right one']:.2f}" for how in ("network", "matched"))
        centre = ", ".join(f"{value:.2f}" for value in row["centre"])
        facts = [f"{centre}{' (found)' if row['found'] else ''}", f"{row['correlation']:.2f}"]
        lines.append(f"| {' | '.join([name, str(row['patterns']), *facts, *numbers, *sure])} |")
    steady = measured.get("steadiness", {"network": {}, "matched": {}})
    lines += [
        "",
        "| real patterns, changed | how many | classified | right, network | matched "
        "| same answer, network | matched | drift, network | matched |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for change, alone in steady["network"].items():
        both = alone, steady["matched"][change]
        shares = [f"{row[key]:.1%}" for key in ("right", "same") for row in both]
        cells = [change, str(alone["patterns"]), f"{alone['classified']:.1%}", *shares]
        drifts = [f"{row['drift']:.2f}" for row in both]
        lines.append(f"| {' | '.join([*cells, *drifts])} |")
    return lines
