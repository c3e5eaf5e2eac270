"""Grains grouped into phases once more, by which materials fit them: what the network sees is less.

The network's grouping mixes up a few percent of the grains of three phases, and may miss one of a
few grains; known materials in the right orientation tell nearly all of them apart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from napari_bravais.mapping.clustering import cluster
from napari_bravais.mapping.matching.matcher import MATERIALS, Matcher, Matches
from napari_bravais.mapping.matching.phase import (
    GRAINS,
    Judged,
    MatchedPhase,
    judge,
    matched_phase,
)
from napari_bravais.mapping.matching.phase import MATERIALS as OF_A_PHASE

#: How much better a known material must explain a grain than by chance for an unknown phase to
#: lose it, in the logarithm of the likelihood: of many known ones some fit a little
#: (`docs/training-log.md`).
_STAYS = 12.0

#: What a material has to explain better than all others for each grain that is its own: more than
#: where the network tells them apart, for a match says more, and so does one by chance.
_PRICE_A_GRAIN = 3.0

#: Grains that fit none of the phases, the largest, of which others are sought.
_MISFITS = 30

#: Orientations, in which other materials fit such a grain best, near which a phase's own is sought.
_RELATIVES = 8

#: Grains are held together whose pattern centres differ by less, in sides of the detector.
_SAME_CENTRE = 0.005


@dataclass(frozen=True)
class Grains:
    """What is seen in some grains, the largest first.

    Attributes
    ----------
    prepared
        The best pattern of each, prepared, shape (n, 80, 80).
    centres
        Pattern centres of the squares that were prepared, Bruker's convention, shape (n, 3).
    quality
        Of these patterns, shape (n,).
    seen
        What the network says of each: log-probabilities of the index's materials, shape
        (n, materials).
    logs
        The same of lattices, shape (n, 14).
    """

    prepared: np.ndarray
    centres: np.ndarray
    quality: np.ndarray
    seen: np.ndarray
    logs: np.ndarray

    def of(self, chosen: np.ndarray) -> "Grains":
        """Return some of them."""
        return Grains(*(values[chosen] for values in vars(self).values()))


def matched_phases(
    matcher: Matcher,
    grains: Grains,
    labels: np.ndarray,
    allowed: np.ndarray | None = None,
    progress: Callable[[str, int, int], None] = lambda what, done, of: None,
) -> tuple[np.ndarray, list[MatchedPhase], list[int | None]]:
    """Judge phases by what known materials would show, and regroup their grains by that.

    Parameters
    ----------
    matcher
        What holds patterns against materials.
    grains
        The grains.
    labels
        Phase of each by what the network sees, shape (n,), from 0.
    allowed
        Which materials of the index may be candidates, shape (materials,); all by default.
    progress
        Called with what is gone through, how many of these are done, and how many there are. What
        it raises ends it.

    Returns
    -------
    labels, phases, materials
        Phase of each grain, from 0; what each phase is like; and which material of the index, of
        whatever elements, explains it, None if none does.
    """
    known: dict[bytes, Judged] = {}  # a phase whose grains stay is judged once

    def judged(labels: np.ndarray) -> list[Judged]:
        phases = [labels == number for number in range(labels.max() + 1)]
        for number, own in enumerate(phases):
            if own.tobytes() not in known:
                tell = partial(progress, f"phase {number + 1}: materials")
                known[own.tobytes()] = _judged(matcher, grains.of(own), allowed, tell)
        return [known[own.tobytes()] for own in phases]

    found = judged(labels)
    regrouped = _regrouped(matcher, grains, labels, found, progress)
    if (regrouped != labels).any():
        labels, found = regrouped, judged(regrouped)
    logs = [grains.logs[labels == number].mean(axis=0) for number in range(len(found))]
    phases = [matched_phase(matcher, each, own) for each, own in zip(found, logs, strict=True)]
    return labels, phases, [each.material for each in found]


def _judged(
    matcher: Matcher,
    own: Grains,
    allowed: np.ndarray | None,
    progress: Callable[[int, int], None],
) -> Judged:
    """Hold a phase's largest grains against the materials that it may be."""
    largest = own.of(np.arange(min(GRAINS, len(own.quality))))
    centre, seen = largest.centres.mean(axis=0), own.seen.mean(axis=0)
    patterns = largest.prepared, centre, largest.quality
    return judge(matcher, *patterns, seen, OF_A_PHASE, allowed, progress)


def _regrouped(
    matcher: Matcher,
    grains: Grains,
    labels: np.ndarray,
    judged: list[Judged],
    progress: Callable[[str, int, int], None],
) -> np.ndarray:
    """Return the phase of each grain by the fewest materials that explain them all.

    A phase that is unknown is one more: its own grains stay in it unless a material fits them
    clearly.
    """
    tell = partial(progress, "grains: materials")
    by_chance = _by_chance(matcher, grains)
    unknown = [number for number, each in enumerate(judged) if each.material is None]
    known = [each.material for each in judged if each.material is not None]
    materials = np.unique(np.array(known, int))
    fits = _explained(matcher, grains, materials, tell)
    fits_none = (fits.max(axis=1, initial=-np.inf) < by_chance) & ~np.isin(labels, unknown)
    misfits = np.flatnonzero(fits_none)[:_MISFITS]
    further = _further(matcher, grains, misfits, materials, by_chance, fits, progress)
    fits = np.concatenate([fits, _explained(matcher, grains, further, tell)], axis=1)
    stays = [by_chance + np.where(labels == number, _STAYS, 0) for number in unknown]
    return cluster(np.column_stack([fits, *stays]), _PRICE_A_GRAIN)


def phases_of_further(
    matcher: Matcher,
    materials: Sequence[int | None],
    shares: np.ndarray,
    grains: Grains,
    labels: np.ndarray,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> np.ndarray:
    """Return the phase of further grains, of which no phase is made, by what fits them.

    Parameters
    ----------
    matcher
        What holds patterns against materials.
    materials
        Of each phase the material that explains it, as `matched_phases` returns it.
    shares
        How frequent each phase is, shape (phases,).
    grains
        The further grains.
    labels
        Phase of each by what the network says, shape (n,): of one that is unknown it stays unless
        the material of another fits it clearly.
    progress
        Called with the materials done, and how many there are. What it raises ends it.
    """
    stays = np.where(labels[:, None] == np.arange(len(materials)), _STAYS, 0)
    fits = _by_chance(matcher, grains)[:, None] + stays
    known = [number for number, material in enumerate(materials) if material is not None]
    tried, places = np.unique([materials[number] for number in known], return_inverse=True)
    fits[:, known] = _explained(matcher, grains, tried.astype(int), progress)[:, places]
    return (fits + np.log(shares)).argmax(axis=1)


def _by_chance(matcher: Matcher, grains: Grains) -> np.ndarray:
    """Return how well what is not known is explained by chance, log-likelihoods, shape (n,)."""
    weights = matcher.weights
    return weights.gain(weights.share * grains.quality) + weights.another


def _further(
    matcher: Matcher,
    grains: Grains,
    rows: np.ndarray,
    materials: np.ndarray,
    by_chance: np.ndarray,
    fits: np.ndarray,
    progress: Callable[[str, int, int], None],
) -> np.ndarray:
    """Return materials that explain some grains better than chance does, each by itself.

    They also show how such a grain may lie: one in a hundred fits none of the phases' materials
    because its orientation was missed, and a relative found it. So these are held against it near
    by, and what that explains is written into ``fits``.
    """
    found = []
    for done, row in enumerate(rows):
        progress("unexplained: grains", done, len(rows))
        own = grains.of([row])
        tried = matcher.likeliest(own.seen[0], MATERIALS)
        held = matcher.hold(own.prepared, own.centres[0], tried[None])
        explained = _likelihoods(matcher, own, held)[0]
        if explained.max() > by_chance[row]:
            found.append(tried[explained.argmax()])
            turns = held.rotations[0, np.argsort(-explained)[:_RELATIVES]]
            near = matcher.hold(own.prepared, own.centres[0], materials[None], near=turns)
            fits[row] = np.maximum(fits[row], _likelihoods(matcher, own, near)[0])
    return np.setdiff1d(np.array(found, int), materials)


def _explained(
    matcher: Matcher,
    grains: Grains,
    materials: np.ndarray,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> np.ndarray:
    """Return how well materials explain grains, log-likelihoods, shape (n, k)."""
    explained = np.empty((len(grains.quality), len(materials)))
    if not len(materials):
        return explained
    _, cell = np.unique(np.round(grains.centres / _SAME_CENTRE), axis=0, return_inverse=True)
    cells = int(cell.max()) + 1
    for number in range(cells):
        own = grains.of(np.flatnonzero(cell == number))
        centre, tried = own.centres.mean(axis=0), np.tile(materials, (len(own.quality), 1))

        def tell(done: int, of: int, before: int = number) -> None:
            progress(before * of + done, cells * of)

        held = matcher.hold(own.prepared, centre, tried, tell)
        explained[cell == number] = _likelihoods(matcher, own, held)
    return explained


def _likelihoods(matcher: Matcher, grains: Grains, held: Matches) -> np.ndarray:
    """Return log-likelihoods of what grains of one camera were held against, shape (n, k)."""
    held = matcher.see_order(held, grains.prepared, grains.centres.mean(axis=0))
    seen = np.take_along_axis(grains.seen, held.materials, axis=1)
    return matcher.weights.seen * seen + matcher.weights.evidence(held.correlations, held.order)
