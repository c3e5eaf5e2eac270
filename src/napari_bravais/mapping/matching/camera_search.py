"""The camera by which patterns fit known materials best, sought everywhere or near one."""

from collections.abc import Callable
from functools import partial
from itertools import product

import numpy as np

from napari_bravais.mapping.matching.downhill import Downhill, turn_between
from napari_bravais.mapping.matching.matcher import Matcher
from napari_bravais.model.classifier import Classifier

#: Patterns that are used, the best ones. Where they are fewer, each has a greater say, and all that
#: follows is done the more thoroughly.
PATTERNS = 6

#: With how many materials each of these patterns is tried: the likeliest.
_MATERIALS = 6

#: Pattern centres that are tried first, Bruker's convention, shape (cameras, 3).
_CAMERAS = np.array(
    list(product((0.5,), (0.15, 0.25, 0.35, 0.45, 0.55), (0.45, 0.52, 0.6, 0.68, 0.77, 0.87)))
)

#: From how many of them, the best ones, it goes downhill, and the first step there.
_TRIES, _STEP = 3, 0.04

#: The same near a pattern centre: how far that may be off (standard deviation), how much nearer and
#: farther cameras are tried, and how often all is done anew, with the materials that fit by the
#: better camera, until it moves by less.
_OFF, _NEARER, _AGAIN, MOVED = 0.03, (0.0, -0.03, 0.03), 3, 0.005

#: Log-likelihoods that differ by less are the same.
_SAME = 0.05

#: A pattern has a say if it fits this share of what the best one does.
_SHARE = 0.6


def seeing(
    classifier: Classifier,
    matcher: Matcher,
    patterns: np.ndarray,
    background: np.ndarray | None = None,
) -> Callable[[np.ndarray | None], np.ndarray]:
    """Return what `centre_of` calls to see patterns, shape (n, height, width)."""

    def see(square: np.ndarray | None) -> np.ndarray:
        told = None if square is None else of_whole_detector(square, patterns.shape[1:])
        return matcher.index.log_probabilities(classifier.embed(patterns, background, told)[2])

    return see


def centre_of(
    prepared: np.ndarray,
    see: Callable[[np.ndarray | None], np.ndarray],
    matcher: Matcher,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[np.ndarray, float, np.ndarray]:
    """Find the pattern centre of prepared patterns of one camera, of which nothing is known.

    It is sought on a grid and downhill from there; then near what was found, with the materials
    that the network thinks of when it is told.

    Parameters
    ----------
    prepared
        Prepared patterns, shape (n, 80, 80).
    see
        Returns the network's log-probabilities of the index's materials, shape (n, materials), when
        it is told a pattern centre, shape (3,), of the square that was prepared, or none.
    matcher
        What holds patterns.
    progress
        Called with the cameras done, and how many there are. What it raises ends the search.

    Returns
    -------
    tuple
        The pattern centre, shape (3,), Bruker's convention, of the square that was prepared; the
        mean correlation of the patterns that have a say; and the material that fits each of these.
    """
    begin = _anywhere(prepared, see(None), matcher, progress)
    cameras = len(_CAMERAS)
    offset, correlation, materials = offset_of(
        prepared,
        np.tile(begin, (len(prepared), 1)),
        see(begin),
        matcher,
        lambda done, of: progress(cameras, cameras),
    )
    return begin + offset, correlation, materials


def _anywhere(
    prepared: np.ndarray,
    seen: np.ndarray,
    matcher: Matcher,
    progress: Callable[[int, int], None],
) -> np.ndarray:
    """Return about where the pattern centre is, as `centre_of` does."""
    thorough = PATTERNS // len(seen)
    materials = matcher.likeliest(seen, thorough * _MATERIALS)
    held = []
    for done, camera in enumerate(_CAMERAS):
        progress(done, len(_CAMERAS))
        held.append(matcher.hold(prepared, camera, materials))
    fits = np.array([matches.correlations for matches in held])  # cameras, n, k
    # each pattern's best material by each camera, the next best ones where patterns are few
    best = np.argsort(-fits, axis=2, kind="stable")[..., :thorough]
    reached = np.take_along_axis(fits, best, axis=2)
    # fewer patterns mislead more often, and to go downhill with them takes as much less time
    tries = thorough**2 * _TRIES
    order = np.argsort(-(reached**2).sum(axis=1), axis=None, kind="stable")[:tries]
    found = []
    for camera, rank in zip(*np.unravel_index(order, reached[:, 0].shape), strict=True):
        own = reached[camera, :, rank]
        chosen = np.flatnonzero(own >= _SHARE * own.max())
        places = chosen, best[camera, chosen, rank]
        downhill = Downhill(
            [matcher.target(int(material)) for material in materials[places]],
            prepared[chosen],
            np.tile(_CAMERAS[camera], (len(chosen), 1)),
            held[camera].rotations[places],
            partial(progress, len(_CAMERAS), len(_CAMERAS)),
            np.zeros(3),
        )
        downhill.search(lambda correlations, _: correlations.mean(), _STEP, 1e-4)
        # as much as all patterns together are explained: fewer may fit better by a wrong camera
        explained = downhill.correlations.mean() ** 2 * len(chosen)
        found.append((explained, _CAMERAS[camera] + downhill.offset))
    return max(found, key=lambda one: one[0])[1]


def offset_of(
    prepared: np.ndarray,
    centres: np.ndarray,
    seen: np.ndarray,
    matcher: Matcher,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[np.ndarray, float, np.ndarray]:
    """Find by how much pattern centres are off, the same for all of them.

    Parameters
    ----------
    prepared
        Prepared patterns, shape (n, 80, 80).
    centres
        Of each, Bruker's convention, of the square that was prepared, shape (n, 3).
    seen
        The network's log-probabilities of the index's materials, shape (n, materials).
    matcher, progress
        As for `centre_of`.

    Returns
    -------
    tuple
        What is to be added to the pattern centres, shape (3,): what makes their patterns likeliest,
        if these are off by 0.03, a standard deviation; the mean correlation, then, of the patterns
        that have a say; and the material that fits each of these.
    """
    materials = matcher.likeliest(seen, _MATERIALS)
    tries = len(_NEARER) + _AGAIN

    middle = centres.mean(axis=0)
    turns = np.array([turn_between(own, middle) for own in centres])

    been: dict[tuple, tuple[Downhill, np.ndarray]] = {}

    def from_there(offset: np.ndarray, done: int) -> tuple[Downhill, np.ndarray]:
        held = matcher.hold(prepared, middle + offset, materials)
        fits = held.correlations
        chosen = np.flatnonzero(fits.max(axis=1) >= _SHARE * fits.max())
        places = chosen, fits[chosen].argmax(axis=1)
        # the same patterns, of the same materials, lead down to the same place
        of = (*chosen, *materials[places])
        if of not in been:
            downhill = Downhill(
                [matcher.target(int(material)) for material in materials[places]],
                prepared[chosen],
                centres[chosen],
                held.rotations[places] @ turns[chosen],
                partial(progress, done, tries),
                offset,
            )
            downhill.search(likelihood, _STEP / 2, _SAME)
            been[of] = downhill, materials[places]
        return been[of]

    def likelihood(correlations: np.ndarray, offset: np.ndarray) -> float:
        return matcher.weights.gain(correlations).sum() - 0.5 * ((offset / _OFF) ** 2).sum()

    # a wrong camera and a crystal that is stretched as much fit, too: no way leads down from there
    starts = [from_there(np.array([0, 0, z]), done) for done, z in enumerate(_NEARER)]
    best, fitting = max(starts, key=lambda one: one[0].worth)
    for again in range(_AGAIN):
        before, found = best.offset, from_there(best.offset, len(_NEARER) + again)
        best, fitting = max((best, fitting), found, key=lambda one: one[0].worth)
        if np.abs(best.offset - before).max() < MOVED:
            break
    return best.offset, float(best.correlations.mean()), fitting


def of_whole_detector(centre: np.ndarray, signal_shape: tuple[int, int]) -> np.ndarray:
    """Return the pattern centre of a detector, given that of its middle square, shape (3,).

    The inverse of `napari_bravais.model.camera.of_middle_square`.
    """
    height, width = signal_shape
    scale = np.array([width, height, height]) / min(height, width)
    middle = np.array([0.5, 0.5, 0.0])
    return (np.asarray(centre) - middle) / scale + middle
