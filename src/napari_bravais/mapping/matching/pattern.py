"""One pattern held against the materials that it may be of, and what these would show."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from napari_bravais.io.scan import Scan, ScanError
from napari_bravais.mapping.matching.matcher import MATERIALS, Matcher
from napari_bravais.mapping.matching.phase import LEAST_LIKELY, candidates, judge
from napari_bravais.model.camera import of_middle_square
from napari_bravais.model.candidates import Material, floored_logs
from napari_bravais.model.card import ModelError
from napari_bravais.model.classifier import Classifier


@dataclass(frozen=True)
class MatchedPattern:
    """What a pattern is like.

    Attributes
    ----------
    probabilities
        Of each lattice, shape (14,).
    candidates
        The likeliest materials, made of the elements that may be there: each with its probability
        and the correlation of the pattern with what it would show.
    expected
        What each of these would show, in the orientation that fits best, shape (candidates, h, w)
        as the prepared pattern.
    tried
        How many materials the pattern was held against.
    none
        Probability that it is of none of them.
    quality
        Pattern quality: the correlation to be expected with the right one.
    """

    probabilities: np.ndarray
    candidates: tuple[tuple[Material, float, float], ...]
    expected: np.ndarray
    tried: int
    none: float
    quality: float


def match_pattern(
    scan: Scan,
    pixel: tuple[int, int],
    classifier: Classifier,
    matcher: Matcher | None = None,
    elements: Collection[str] | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> MatchedPattern:
    """Hold a pattern against the materials that the network thinks of.

    Parameters
    ----------
    scan
        The scan; its pattern centre must be known, to a percent of the detector: a scan of another
        is had by `napari_bravais.mapping.matching.centre.ready_to_match`.
    pixel
        Row and column.
    classifier
        What reads and prepares patterns.
    matcher
        What holds them; by default what lies beside the classifier.
    elements
        Symbols of the elements present: candidates with any other are left out. They do not narrow
        the lattices.
    progress
        Called with the materials done, and how many there are. What it raises ends it.

    Raises
    ------
    ModelError
        If the classifier brings no atlas of what materials show.
    ScanError
        If the pattern cannot be read, or no pattern centre is known.
    """
    if matcher is None and (matcher := Matcher.beside(classifier)) is None:
        raise ModelError(f"{classifier.path} brings no atlas of what materials show")
    if scan.pattern_centre is None:
        raise ScanError(f"{scan.path} stores no pattern centre, without which nothing can be held")
    place = tuple(np.array([index]) for index in pixel)
    pattern = scan.patterns_at(*place)
    background, centres = scan.known_at(*place)
    probabilities, quality, features = classifier.embed(pattern, background, centres)
    prepared = classifier.prepare(pattern, background)
    centre = of_middle_square(centres[0], scan.signal_shape)
    seen = matcher.index.log_probabilities(features)[0]
    allowed = matcher.index.made_of(elements)
    judged = judge(matcher, prepared, centre, quality, seen, MATERIALS, allowed, progress)
    materials, shares = judged.held.materials[0], judged.shares
    named = candidates(matcher, materials, shares, judged.held.correlations[0])
    named = tuple(one for one in named if one[1] >= LEAST_LIKELY)
    best = np.argsort(-shares, kind="stable")[: len(named)]
    size = prepared.shape[-1]
    expected = [
        matcher.expected(int(materials[i]), judged.held.rotations[0, i], centre, size) for i in best
    ]
    return MatchedPattern(
        matcher.by_lattice(judged.likely[None], materials[None], floored_logs(probabilities))[0],
        named,
        np.array(expected, np.float32).reshape(len(best), size, size),
        len(materials),
        float(judged.likely[-1]),
        float(quality[0]),
    )
