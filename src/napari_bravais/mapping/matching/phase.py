"""One phase of a map held against the materials that it may be."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from napari_bravais.io.scan import Scan
from napari_bravais.mapping.matching.matcher import FURTHER, NOTHING_FITS, Matcher, Matches
from napari_bravais.model.camera import of_middle_square
from napari_bravais.model.candidates import Material
from napari_bravais.model.classifier import Classifier

#: Grains of a phase whose patterns are held against materials, and how many of these.
GRAINS, MATERIALS = 6, 16

#: Materials that are named at most, and how likely they are at least.
CANDIDATES, LEAST_LIKELY = 3, 0.005


@dataclass(frozen=True)
class MatchedPhase:
    """What a phase's patterns are like.

    Attributes
    ----------
    probabilities
        Of each lattice, shape (14,).
    candidates
        The likeliest materials, made of the elements that may be there: each with its probability
        and the mean correlation of the patterns with what it would show.
    """

    probabilities: np.ndarray
    candidates: tuple[tuple[Material, float, float], ...]


def match_phase(
    scan: Scan,
    pixels: np.ndarray,
    quality: np.ndarray,
    seen: tuple[np.ndarray, np.ndarray],
    classifier: Classifier,
    matcher: Matcher,
    elements: Collection[str] | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> MatchedPhase:
    """Hold a phase's patterns against the materials that the network thinks of.

    Parameters
    ----------
    scan
        The scan; its pattern centre must be known.
    pixels
        Flat indices of the patterns, one of each grain, shape (n,).
    quality
        Of these, shape (n,).
    seen
        What the network says of all of the phase's grains: means of the log-probabilities of the
        index's materials, shape (materials,), and of lattices, shape (14,).
    classifier
        What prepares patterns.
    matcher
        What holds them.
    elements
        Symbols of the elements present: candidates with any other are left out. They do not narrow
        the lattices.
    progress
        Called with the materials done, and how many there are. What it raises ends it.

    Raises
    ------
    ScanError
        If patterns cannot be read.
    """
    rows, columns = np.unravel_index(pixels, scan.navigation_shape)
    patterns = scan.patterns_at(rows, columns)
    background, centres = scan.known_at(rows, columns)
    prepared = classifier.prepare(patterns, background)
    centre = of_middle_square(centres.mean(axis=0), scan.signal_shape)
    allowed = matcher.index.made_of(elements)
    return judge_phase(matcher, prepared, centre, quality, seen, allowed, progress)


def judge_phase(
    matcher: Matcher,
    prepared: np.ndarray,
    pattern_centre: np.ndarray,
    quality: np.ndarray,
    seen: tuple[np.ndarray, np.ndarray],
    allowed: np.ndarray | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> MatchedPhase:
    """Judge a phase by prepared patterns, shape (n, 80, 80), of one camera.

    Parameters
    ----------
    matcher, quality, seen, progress
        As for `match_phase`.
    prepared, pattern_centre
        As for `Matcher.hold`.
    allowed
        Which materials of the index may be candidates, shape (materials,); all by default.
    """
    means, logs = seen
    judged = judge(matcher, prepared, pattern_centre, quality, means, MATERIALS, allowed, progress)
    materials = judged.held.materials[0]
    return MatchedPhase(
        matcher.by_lattice(judged.likely[None], materials[None], logs[None])[0],
        candidates(matcher, materials, judged.shares, judged.held.correlations.mean(axis=0)),
    )


class Judged(NamedTuple):
    """Patterns of one phase, held against the materials that they may be of.

    Attributes
    ----------
    held
        How they fit, all held against the same materials.
    likely
        Probability of each of these and, last, of none of them, shape (k + 1,).
    shares
        The same of those made of the elements that may be there, shape (k,).
    """

    held: Matches
    likely: np.ndarray
    shares: np.ndarray


def judge(
    matcher: Matcher,
    prepared: np.ndarray,
    pattern_centre: np.ndarray,
    quality: np.ndarray,
    seen: np.ndarray,
    most: int,
    allowed: np.ndarray | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Judged:
    """Hold patterns of one phase against the materials that the network thinks of.

    Parameters
    ----------
    matcher, prepared, pattern_centre, quality, allowed, progress
        As for `judge_phase`.
    seen
        The network's log-probabilities of the index's materials, shape (materials,).
    most
        How many materials; half as many again of those that are allowed. Where none of them fits,
        `FURTHER` times as many.
    """
    materials = _tried(matcher, seen, most, allowed)

    def held_against(those: np.ndarray, before: int) -> Matches:
        return matcher.hold(
            prepared,
            pattern_centre,
            np.tile(those, (len(prepared), 1)),
            lambda done, of: progress(before + done, before + of),
        )

    first = held_against(materials, 0)
    held = matcher.see_order(first, prepared, pattern_centre)
    likely = matcher.posterior(held, seen, quality)
    if likely[-1] > NOTHING_FITS:
        more = np.setdiff1d(_tried(matcher, seen, FURTHER * most, allowed), materials)
        first = first.beside(held_against(more, len(materials)))
        held = matcher.see_order(first, prepared, pattern_centre)
        likely = matcher.posterior(held, seen, quality)
    return Judged(held, likely, matcher.posterior(held, seen, quality, allowed)[:-1])


def _tried(matcher: Matcher, seen: np.ndarray, most: int, allowed: np.ndarray | None) -> np.ndarray:
    """Return which materials of the index to hold patterns against, as `judge` says, shape (k,)."""
    materials = matcher.likeliest(seen, most)
    if allowed is None:
        return materials
    of_elements = matcher.likeliest(np.where(allowed, seen, -np.inf), most // 2)
    return np.union1d(materials, of_elements[allowed[of_elements]])


def candidates(
    matcher: Matcher, materials: np.ndarray, shares: np.ndarray, correlations: np.ndarray
) -> tuple[tuple[Material, float, float], ...]:
    """Return the likeliest of some materials, as `MatchedPhase` has them.

    Parameters
    ----------
    matcher
        What held patterns against them.
    materials
        Which materials of the index, shape (k,).
    shares, correlations
        Probability and correlation of each, shape (k,).
    """
    return tuple(
        (matcher.index.materials[materials[i]], float(shares[i]), float(correlations[i]))
        for i in np.argsort(-shares, kind="stable")[:CANDIDATES]
    )
