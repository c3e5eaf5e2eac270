"""An assembled sphere held against those of known materials.

It shows all directions, and far less noise than a pattern: a relative that patterns cannot be told
from does not fit it as its own material would.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from napari_bravais.lambert import lambert_directions
from napari_bravais.mapping.assembly.symmetry import likeness_reached
from napari_bravais.mapping.matching.matcher import Matcher
from napari_bravais.mapping.matching.phase import MatchedPhase, candidates
from napari_bravais.mapping.matching.search import closer_everywhere
from napari_bravais.mapping.sphere import (
    Sphere,
    blurred,
    detector_directions,
    values_at,
)


class Counts(NamedTuple):
    """What a kind of correlation counts, as `napari_bravais.mapping.matching.evidence.Weights`."""

    pixels: float
    share: float


#: Materials that a sphere is held against.
_MATERIALS = 60

#: As how many independent pixels a sphere counts, and how much of the correlation that its noise
#: leaves possible a material reaches that is not its own; and the same of patterns by themselves,
#: whose share is of their quality. Chosen by 37 spheres of trained materials and of validation
#: types: their own materials reach 0.8 to 0.94 and 0.9 to 1.1, others up to 0.83 and 0.96. The
#: shares are less than what would part these best, for real patterns are not quite like simulated
#: ones: nickel's reach 0.93.
_SPHERE = Counts(100.0, 0.75)
_PATTERN = Counts(80.0, 0.88)

#: Degrees by which it is blurred more than the atlas's: patterns miss their places on it.
_BLUR = 0.8

#: Directions in which it is held against materials: a square Lambert projection's of that side.
_PLACES = 121

#: Variance of noise over that of what a pattern shows, and the least weight of a place that counts
#: as seen, of the mean.
_NOISE, _SEEN = 2.0, 0.3

#: Three cameras that see all directions, each a quarter of a turn wide: what turns theirs to the
#: sphere's, and side and pattern centre of their images.
_CAMERAS = np.array(
    [
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[0, 1, 0], [0, 0, 1], [1, 0, 0]],
        [[0, 0, 1], [1, 0, 0], [0, 1, 0]],
    ],
    np.float32,
)
_SIDE, _CENTRE = 80, np.array([0.5, 0.5, 0.5])


def judge_sphere(
    matcher: Matcher,
    sphere: Sphere,
    agreement: float,
    prepared: np.ndarray,
    pattern_centre: np.ndarray,
    quality: np.ndarray,
    seen: tuple[np.ndarray, np.ndarray],
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> MatchedPhase:
    """Judge a phase by its assembled sphere, and by some of its patterns.

    Where patterns have not found their places, they still tell a material that they are of.

    Parameters
    ----------
    matcher
        What holds it against materials.
    sphere
        What the phase's patterns show.
    agreement
        Correlation of its halves.
    prepared, pattern_centre, quality, seen
        Of some of the patterns, as for `napari_bravais.mapping.matching.phase.judge_phase`.
    progress
        Called with the materials done, once by the sphere and once by the patterns, and how many
        that is. What it raises ends it.

    Returns
    -------
    MatchedPhase
        The probability of each lattice, and the likeliest materials. Where none fits, the network
        tells the lattice, as far as it is trusted with materials that it does not know.
    """
    means, logs = seen
    materials = matcher.likeliest(means, _MATERIALS)
    correlations = _held(matcher, sphere, materials, lambda done, of: progress(done, 2 * of))
    every = np.tile(materials, (len(prepared), 1))
    held = matcher.hold(
        prepared, pattern_centre, every, lambda done, of: progress(of + done, 2 * of)
    )
    held = matcher.see_order(held, prepared, pattern_centre)
    weights = matcher.weights
    of_sphere = replace(weights, match=_SPHERE.pixels, share=_SPHERE.share)
    of_pattern = replace(weights, match=_PATTERN.pixels, share=_PATTERN.share)
    n = matcher.index.doubt.independent(len(prepared))
    likely = n * of_pattern.evidence(held.correlations, held.order).mean(axis=0)
    likely += of_sphere.gain(correlations) + weights.seen * means[materials]
    likely += np.log(matcher.index.prior[materials])
    reached = math.sqrt(likeness_reached(agreement))
    none = n * of_pattern.gain(of_pattern.share * quality).mean() + weights.another
    none += of_sphere.gain(of_sphere.share * np.array(reached))
    likely = np.exp(np.append(likely, none) - max(likely.max(), none))
    likely /= likely.sum()
    return MatchedPhase(
        matcher.by_lattice(likely[None], materials[None], logs[None])[0],
        candidates(matcher, materials, likely[:-1], correlations),
    )


def _held(
    matcher: Matcher,
    sphere: Sphere,
    materials: np.ndarray,
    progress: Callable[[int, int], None],
) -> np.ndarray:
    """Return the correlation with each material, shape (k,), as it fits best."""
    directions = lambert_directions(_PLACES).reshape(-1, 3).astype(np.float32)
    values = _shown(sphere, directions)
    views = np.array(
        [
            _shown(sphere, detector_directions(_SIDE, _CENTRE) @ camera.T).reshape(_SIDE, _SIDE)
            for camera in _CAMERAS
        ]
    )
    held = matcher.hold(views, _CENTRE, np.tile(materials, (len(views), 1)), progress)
    found = []
    for place, material in enumerate(materials):
        own = blurred(matcher.target(int(material)).spheres[1], _BLUR)
        starts = held.rotations[:, place] @ _CAMERAS.transpose(0, 2, 1)
        found.append(closer_everywhere(own, values, directions, starts))
    return np.array(found)


def _shown(sphere: Sphere, directions: np.ndarray) -> np.ndarray:
    """Return what it shows in some directions, shape (m,), 0 where too little was seen."""
    seen = (sphere.weight > _SEEN * sphere.weight.mean()).astype(np.float32)
    values = values_at(sphere.mean(_NOISE), directions)
    return np.where(values_at(seen, directions) < 0.5, 0, values).astype(np.float32)
