"""What a match counts, fitted to new patterns: ``bravais weigh``."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from napari_bravais.mapping.matching.evidence import Weights
from napari_bravais.mapping.matching.matcher import Matcher
from napari_bravais.model.classifier import Classifier
from napari_bravais.training.evaluate_matching import Held, read_and_hold
from napari_bravais.training.export import UNKNOWN_SHARE
from napari_bravais.training.library import MasterLibrary

#: Where the search begins, and its first steps; all but two of them as logarithms. What order
#: counts is not sought: few patterns tell, and simulated ones more than real ones bear (iron). Nor
#: is trust: probabilities gain by none at all, but then nothing says which lattice is likeliest.
_BEGIN = {"match": 5.0, "seen": 0.0, "share": 0.8, "another": -6.0}
_STEP = {"match": 0.5, "seen": -0.5, "share": 0.1, "another": -2.0}
_PLAIN = ("share", "another")


def weights_of(
    whole: tuple[Classifier, Matcher],
    judged: tuple[Classifier, Matcher],
    library: MasterLibrary,
    patterns: int,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Weights:
    """Fit the weights of an atlas to new patterns: of trained materials, of types in no test.

    Parameters
    ----------
    whole
        What reads and what holds patterns against the whole index, as users do.
    judged
        The same, where a model is judged: structure types kept for calibration are not known.
    library
        Master patterns.
    patterns
        How many of materials that were trained on; of structure types kept for calibration there
        are a third as many, known and not.
    progress
        Called with the cameras done, and how many there are, of patterns of either kind.
    """
    rng = np.random.default_rng(104)
    listed = library.places([m.key for m in judged[1].index.materials])
    others = np.resize(library.indices("validation type"), patterns // 3)
    known = np.concatenate([rng.choice(listed, patterns), others])
    return fitted(
        [
            (whole[1], read_and_hold(*whole, library, known, 104, progress), 1 - UNKNOWN_SHARE),
            (judged[1], read_and_hold(*judged, library, others, 104, progress), UNKNOWN_SHARE),
        ]
    )


def fitted(parts: Sequence[tuple[Matcher, Held, float]]) -> Weights:
    """Return the weights that make the true lattices likeliest.

    Parameters
    ----------
    parts
        What held some patterns, these, and for how much all of them count.
    """
    from scipy.optimize import minimize

    begin = parts[0][0].weights

    def weights(parameters: np.ndarray) -> Weights:
        named = zip(_BEGIN, parameters.tolist(), strict=True)
        values = {name: x if name in _PLAIN else float(np.exp(x)) for name, x in named}
        return replace(begin, **{name: round(value, 4) for name, value in values.items()})

    def loss(parameters: np.ndarray) -> float:
        own = weights(parameters)
        return sum(share * _loss(matcher, held, own) for matcher, held, share in parts)

    first = np.array(list(_BEGIN.values()))
    simplex = np.vstack([first, first + np.diag(list(_STEP.values()))])
    options = {"maxiter": 400, "initial_simplex": simplex}
    return weights(minimize(loss, first, method="Nelder-Mead", options=options).x)


def _loss(matcher: Matcher, held: Held, weights: Weights) -> float:
    """Return the mean of minus the logarithm of how likely the true lattices are.

    The matcher is left with these weights.
    """
    readings, matcher.weights = held.readings, weights
    answer = matcher.lattice_probabilities(
        held.matches, readings.features, readings.probabilities, readings.quality
    )
    right = answer[np.arange(len(answer)), readings.labels]
    return -np.log(np.clip(right, 1e-6, 1)).mean()
