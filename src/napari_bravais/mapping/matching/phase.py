"""One phase of a map held against the materials that it may be."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from napari_bravais.mapping.matching.matcher import FURTHER, NOTHING_FITS, Matcher, Matches
from napari_bravais.model.candidates import Material

#: Grains of a phase whose patterns are held against materials, and how many of these.
GRAINS, MATERIALS = 6, 16

#: Materials that are named at most, and how likely they are at least.
CANDIDATES, LEAST_LIKELY = 3, 0.005

#: Probability of no known material from which on a phase is taken for an unknown one.
_UNKNOWN = 0.5


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
    excluded
        The likeliest material of all, where it has other elements than may be there.
    """

    probabilities: np.ndarray
    candidates: tuple[tuple[Material, float, float], ...]
    excluded: Material | None = None


def judge_phase(
    matcher: Matcher,
    prepared: np.ndarray,
    pattern_centre: np.ndarray,
    quality: np.ndarray,
    seen: tuple[np.ndarray, np.ndarray],
) -> MatchedPhase:
    """Judge a phase by prepared patterns, shape (n, 80, 80), of one camera.

    Parameters
    ----------
    matcher
        What holds them against the materials that the network thinks of.
    prepared, pattern_centre
        As for `Matcher.hold`.
    quality
        Of the patterns, shape (n,).
    seen
        What the network says of all of the phase's grains: means of the log-probabilities of the
        index's materials, shape (materials,), and of lattices, shape (14,).
    """
    means, logs = seen
    judged = judge(matcher, prepared, pattern_centre, quality, means, MATERIALS)
    return matched_phase(matcher, judged, logs)


def matched_phase(matcher: Matcher, judged: "Judged", logs: np.ndarray) -> MatchedPhase:
    """Return what a phase is like.

    Parameters
    ----------
    matcher
        What held its patterns.
    judged
        How they fit.
    logs
        Means over the phase's grains of the network's log-probabilities of lattices, shape (14,).
    """
    materials = judged.held.materials[0]
    correlations = judged.held.correlations.mean(axis=0)
    best = judged.material
    excluded = best is not None and not judged.shares[materials == best].any()
    return MatchedPhase(
        matcher.by_lattice(judged.likely[None], materials[None], logs[None])[0],
        candidates(matcher, materials, judged.shares, correlations),
        matcher.index.materials[best] if excluded else None,
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

    @property
    def material(self) -> int | None:
        """The likeliest material of the index, of whatever elements; None if none explains them."""
        if self.likely[-1] > _UNKNOWN:
            return None
        return int(self.held.materials[0][self.likely[:-1].argmax()])


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
    matcher, prepared, pattern_centre, quality
        As for `judge_phase`.
    seen
        The network's log-probabilities of the index's materials, shape (materials,).
    most
        How many materials; half as many again of those that are allowed. Where none of them fits,
        `FURTHER` times as many.
    allowed
        Which materials of the index may be candidates, as their elements may be there, shape
        (materials,); all by default. They do not narrow the lattices.
    progress
        Called with the materials done, and how many there are. What it raises ends it.
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
