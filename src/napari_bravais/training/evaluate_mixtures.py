"""Phases that have to be found first: grains of several materials mixed, and grouped."""

from collections.abc import Callable, Sequence

import numpy as np

from napari_bravais.mapping.matching.grouping import Grains, matched_phases
from napari_bravais.mapping.matching.matcher import Matcher
from napari_bravais.mapping.pooling import group
from napari_bravais.model.candidates import floored_logs
from napari_bravais.model.classifier import Classifier
from napari_bravais.training.evaluate_patterns import Conditions, take
from napari_bravais.training.library import MasterLibrary
from napari_bravais.training.patterns import random_centres

#: Grains of each material of a sample, a pattern each; the last is the rarest.
GRAINS = (30, 30, 4)

#: What is measured of phases, as the table says it.
_COLUMNS = {
    "phases": "{:.1f}",
    "likeness": "{:.2f}",
    "rarest found": "{:.0%}",
    "right": "{:.1%}",
    "rarest right": "{:.1%}",
}


def evaluate_mixtures(
    classifier: Classifier,
    matcher: Matcher,
    library: MasterLibrary,
    parts: dict[str, np.ndarray],
    samples: int,
    progress: Callable[[int, int], None] = lambda done, of: None,
    grains: Sequence[int] = GRAINS,
) -> dict[str, dict]:
    """Group the grains of simulated samples into phases, by the network and by matching.

    Parameters
    ----------
    classifier, matcher
        What reads and what holds patterns.
    library
        Master patterns.
    parts
        Materials of each part; a sample is of several materials of one part, drawn at random.
    samples
        Of each part.
    progress
        Called with the samples done, and how many there are.
    grains
        Of each material of a sample, taken by one camera at moderate noise.

    Returns
    -------
    dict
        Of each part ``samples``, ``grains``, and for ``network`` and ``matched`` means over the
        samples of what `_score` measures.
    """
    found = {}
    for number, (name, own) in enumerate(parts.items()):
        rng = np.random.default_rng(12)
        rows: dict[str, list] = {"network": [], "matched": []}
        for done in range(samples):
            progress(number * samples + done, len(parts) * samples)
            materials = np.repeat(rng.choice(own, len(grains), False), grains)
            sample = _sample(classifier, matcher, library, materials, rng)
            for how, score in zip(rows, sample, strict=True):
                rows[how].append(score)
        means = {
            how: {key: float(np.mean([score[key] for score in scores])) for key in scores[0]}
            for how, scores in rows.items()
        }
        found[name] = {"samples": samples, "grains": list(grains), **means}
    return found


def _sample(
    classifier: Classifier,
    matcher: Matcher,
    library: MasterLibrary,
    materials: np.ndarray,
    rng: np.random.Generator,
) -> tuple[dict[str, float], dict[str, float]]:
    """Score the phases of one sample, by the network and by matching."""
    centre = random_centres(rng, 1)[0]
    patterns, centres = take(library, materials, Conditions(centre=tuple(centre)), rng)
    probabilities, quality, features = classifier.embed(patterns, pattern_centre=centre)
    truth, index = library.lattices[materials], matcher.index
    labels = group(index, features)
    by_network = [
        index.pooled(features[labels == number], probabilities[labels == number])
        for number in range(labels.max() + 1)
    ]
    grains = Grains(
        classifier.prepare(patterns),
        centres,
        quality,
        index.log_probabilities(features),
        floored_logs(probabilities),
    )
    regrouped, phases, _ = matched_phases(matcher, grains, labels)
    matched = [phase.probabilities for phase in phases]
    return (
        _score(materials, truth, labels, by_network),
        _score(materials, truth, regrouped, matched),
    )


def _score(
    materials: np.ndarray, truth: np.ndarray, labels: np.ndarray, probabilities: list[np.ndarray]
) -> dict[str, float]:
    """Score phases of which the last material's are the rarest.

    ``phases`` found; ``likeness`` of the grouping to the true one, the adjusted Rand index;
    ``rarest found``, whether that material and a phase have more grains in common than not;
    ``right``, the share of grains whose phase's lattice is; ``rarest right``, of that material's.
    """
    from sklearn.metrics import adjusted_rand_score

    right = np.argmax(probabilities, axis=1)[labels] == truth
    last = materials == materials[-1]
    own = labels == np.bincount(labels[last]).argmax()
    return {
        "phases": int(labels.max()) + 1,
        "likeness": float(adjusted_rand_score(materials, labels)),
        "rarest found": float((own & last).sum() > (own ^ last).sum()),
        "right": float(right.mean()),
        "rarest right": float(right[last].mean()),
    }


def as_markdown(measured: dict[str, dict]) -> str:
    """Return the table of a measurement by ``bravais evaluate-mixtures``."""
    lines = [
        "| three materials of | phases found, network | matched | grouping, Rand index | matched "
        "| rarest found | matched | lattice right | matched | of the rarest | matched |",
        "|" + "---|" * 11,
    ]
    for name, row in measured.items():
        cells = [
            form.format(row[how][key])
            for key, form in _COLUMNS.items()
            for how in ("network", "matched")
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)
