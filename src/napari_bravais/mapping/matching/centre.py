"""The pattern centre found by matching: nobody names a phase, the network names some to try.

One that is stored, or given by hand, is a beginning: files and people are often some percent off,
and of real nickel two percent too far a camera leaves a third of the probability.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np

from napari_bravais.io.scan import Scan
from napari_bravais.mapping.matching.downhill import Downhill, turn_between
from napari_bravais.mapping.matching.matcher import Matcher
from napari_bravais.mapping.pattern_centre import (
    PatternCentre,
    good_pixels,
    moved_to,
    stored_pattern_centre,
)
from napari_bravais.model.camera import of_middle_square
from napari_bravais.model.classifier import Classifier

#: Patterns that are used, the best ones. Where they are fewer, each has a greater say, and all that
#: follows is done the more thoroughly.
PATTERNS = 6

#: With how many materials each of these patterns is tried: the likeliest.
_MATERIALS = 6

#: Pattern centres that are tried first, Bruker's convention.
_GRID = ((0.5,), (0.15, 0.25, 0.35, 0.45, 0.55), (0.45, 0.52, 0.6, 0.68, 0.77, 0.87))

#: From how many of them, the best ones, it goes downhill, and the first step there.
_TRIES, _STEP = 3, 0.04

#: The same from a pattern centre that is stored or given: how far that may be off (standard
#: deviation), how much nearer and farther cameras are tried, and how often all is done anew, with
#: the materials that fit by the better camera, until it moves by less.
_OFF, _NEARER, _AGAIN, _MOVED = 0.03, (0.0, -0.03, 0.03), 3, 0.005

#: Log-likelihoods that differ by less are the same.
_SAME = 0.05

#: Share of the patterns' quality below which their correlation says that nothing fits.
_FITS = 0.75

#: A pattern has a say if it fits this share of what the best one does.
_SHARE = 0.6

#: Mean correlation below which nothing was found.
_LEAST = 0.3


class CentreError(Exception):
    """No pattern centre can be found; the message says why."""


@dataclass(frozen=True)
class FoundCentre:
    """A pattern centre found by matching.

    Attributes
    ----------
    centre
        The pattern centre, Bruker's convention.
    correlation
        Mean correlation of the patterns with what their materials show.
    materials
        Names of the materials that fitted the patterns best.
    """

    centre: PatternCentre
    correlation: float
    materials: tuple[str, ...]


@dataclass(frozen=True)
class Ready:
    """A scan by the pattern centre at which its patterns fit known materials best.

    Attributes
    ----------
    scan
        The scan, seen by that pattern centre.
    matcher
        What holds its patterns against materials; None if the classifier has no atlas, or no
        pattern centre is known and none was found.
    centre
        The pattern centre, the mean over the map; None where the matcher is.
    note
        What is to be said of it, if it is not as stored.
    """

    scan: Scan
    matcher: Matcher | None
    centre: PatternCentre | None = None
    note: str = ""


def ready_to_match(
    scan: Scan,
    classifier: Classifier,
    centre: PatternCentre | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Ready:
    """Make a scan ready to be held against known materials.

    The pattern centre that its file stores, or was given by hand, is moved as far as that explains
    patterns better; where nothing fits near it, or none is known, it is sought everywhere.

    Parameters
    ----------
    scan
        The scan.
    classifier
        What reads and prepares patterns.
    centre
        What an earlier search found; then there is no other.
    progress
        Called with the cameras done, and how many there are. What it raises ends the search.

    Raises
    ------
    ScanError
        If patterns cannot be read.
    """
    matcher = Matcher.beside(classifier)
    if matcher is None:
        return Ready(scan, None)
    stored = stored_pattern_centre(scan)
    if centre is None:
        search = _anywhere if stored is None else _better_centre
        centre = search(scan, classifier, matcher, progress)
    if stored is None:
        if centre is None:
            note = "No pattern centre is stored, and none could be found by matching."
            return Ready(scan, None, None, note)
        note = f"No pattern centre is stored; found by matching: {centre}."
        return Ready(moved_to(scan, centre), matcher, centre, note)
    if centre is None or np.abs(centre.minus(stored)).max() < _MOVED:
        return Ready(scan, matcher, stored)
    moved = ", ".join(f"{by:+.3f}" for by in centre.minus(stored))
    note = f"Pattern centre moved by ({moved}) to {centre}: known materials fit better there."
    return Ready(moved_to(scan, centre), matcher, centre, note)


def _anywhere(
    scan: Scan, classifier: Classifier, matcher: Matcher, progress: Callable[[int, int], None]
) -> PatternCentre | None:
    """Return the pattern centre of a scan that stores none; None if nothing fits."""
    try:
        return find_centre(scan, classifier, matcher, progress).centre
    except CentreError:
        return None


def _better_centre(
    scan: Scan, classifier: Classifier, matcher: Matcher, progress: Callable[[int, int], None]
) -> PatternCentre | None:
    """Return the mean pattern centre that fits best, near the one stored or not; None if none does.

    What fits nothing known is no reason to move it.
    """
    sharp = _Sharp.of(scan, classifier, matcher)
    enough = max(_LEAST, _FITS * float(sharp.quality.mean()))
    offset, correlation = offset_of(sharp.prepared, sharp.centres, sharp.seen, matcher, progress)
    if correlation >= enough:
        square = of_middle_square(np.array(scan.pattern_centre), scan.signal_shape) + offset
        return PatternCentre(*of_whole_detector(square, scan.signal_shape))
    try:
        found = find_centre(scan, classifier, matcher, progress)
    except CentreError:
        return None
    return found.centre if found.correlation >= enough else None


def find_centre(
    scan: Scan,
    classifier: Classifier,
    matcher: Matcher,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> FoundCentre:
    """Find the pattern centre of a scan, without any phase named.

    Sharp patterns all over the map are held against the materials that the network thinks of, by
    cameras on a grid; from the best one downhill, camera and orientations together.

    Parameters
    ----------
    scan
        The scan; its own pattern centre, if it has one, is not looked at.
    classifier
        What reads and prepares patterns.
    matcher
        What holds them.
    progress
        Called with the cameras done, and how many there are. What it raises ends the search.

    Raises
    ------
    CentreError
        If no material fits any pattern well enough.
    ScanError
        If patterns cannot be read.
    """
    sharp = _Sharp.of(replace(scan, detector=None), classifier, matcher)
    square, correlation, materials = centre_of(sharp.prepared, sharp.seen, matcher, progress)
    if correlation < _LEAST:
        raise CentreError(
            f"{scan.path}: no material that the network knows fits its patterns at any pattern "
            f"centre (correlation {correlation:.2f})"
        )
    names = dict.fromkeys(matcher.index.materials[material].name for material in materials)
    centre = PatternCentre(*of_whole_detector(square, scan.signal_shape))
    return FoundCentre(centre, correlation, tuple(names))


def centre_of(
    prepared: np.ndarray,
    seen: np.ndarray,
    matcher: Matcher,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[np.ndarray, float, np.ndarray]:
    """Find the pattern centre of prepared patterns of one camera.

    Parameters
    ----------
    prepared
        Prepared patterns, shape (n, 80, 80).
    seen
        The network's log-probabilities of the index's materials, shape (n, materials).
    matcher, progress
        As for `find_centre`.

    Returns
    -------
    tuple
        The pattern centre, shape (3,), Bruker's convention, of the square that was prepared; the
        mean correlation of the patterns that have a say; and the material that fits each of these.
    """
    thorough = PATTERNS // len(seen)
    materials = matcher.likeliest(seen, thorough * _MATERIALS)
    cameras = np.array(list(product(*_GRID)))
    held = []
    for done, camera in enumerate(cameras):
        progress(done, len(cameras))
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
            np.tile(cameras[camera], (len(chosen), 1)),
            held[camera].rotations[places],
            partial(progress, len(cameras), len(cameras)),
            np.zeros(3),
        )
        downhill.search(lambda correlations, _: correlations.mean(), _STEP, 1e-4)
        found.append(
            (cameras[camera] + downhill.offset, downhill.correlations.mean(), materials[places])
        )
    # as much as all patterns together are explained: fewer may fit better by a wrong camera
    return max(found, key=lambda one: one[1] ** 2 * len(one[2]))


def offset_of(
    prepared: np.ndarray,
    centres: np.ndarray,
    seen: np.ndarray,
    matcher: Matcher,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[np.ndarray, float]:
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
        As for `find_centre`.

    Returns
    -------
    tuple
        What is to be added to the pattern centres, shape (3,): what makes their patterns likeliest,
        if a stored centre is off by 0.03, a standard deviation; and the mean correlation, then, of
        the patterns that have a say.
    """
    materials = matcher.likeliest(seen, _MATERIALS)
    tries = len(_NEARER) + _AGAIN

    middle = centres.mean(axis=0)
    turns = np.array([turn_between(own, middle) for own in centres])

    been: dict[tuple, Downhill] = {}

    def from_there(offset: np.ndarray, done: int) -> Downhill:
        held = matcher.hold(prepared, middle + offset, materials)
        fits = held.correlations
        chosen = np.flatnonzero(fits.max(axis=1) >= _SHARE * fits.max())
        places = chosen, fits[chosen].argmax(axis=1)
        # the same patterns, of the same materials, lead down to the same place
        of = (*chosen, *materials[places])
        if of not in been:
            been[of] = Downhill(
                [matcher.target(int(material)) for material in materials[places]],
                prepared[chosen],
                centres[chosen],
                held.rotations[places] @ turns[chosen],
                partial(progress, done, tries),
                offset,
            )
            been[of].search(likelihood, _STEP / 2, _SAME)
        return been[of]

    def likelihood(correlations: np.ndarray, offset: np.ndarray) -> float:
        return matcher.weights.gain(correlations).sum() - 0.5 * ((offset / _OFF) ** 2).sum()

    # a wrong camera and a crystal that is stretched as much fit, too: no way leads down from there
    starts = [from_there(np.array([0, 0, z]), done) for done, z in enumerate(_NEARER)]
    best = max(starts, key=lambda one: one.worth)
    for again in range(_AGAIN):
        before, found = best.offset, from_there(best.offset, len(_NEARER) + again)
        best = max(best, found, key=lambda one: one.worth)
        if np.abs(best.offset - before).max() < _MOVED:
            break
    return best.offset, float(best.correlations.mean())


@dataclass(frozen=True)
class _Sharp:
    """Sharp patterns all over a map, and what the network sees in them."""

    prepared: np.ndarray
    centres: np.ndarray | None
    seen: np.ndarray
    quality: np.ndarray

    @classmethod
    def of(cls, scan: Scan, classifier: Classifier, matcher: Matcher) -> "_Sharp":
        pixels = np.array(good_pixels(scan, 4 * PATTERNS))
        place = pixels[:, 0], pixels[:, 1]
        patterns = scan.patterns_at(*place)
        background, centres = scan.known_at(*place)
        _, quality, features = classifier.embed(patterns, background, centres)
        best = np.argsort(-quality)[:PATTERNS]
        return cls(
            classifier.prepare(patterns[best], background),
            None if centres is None else of_middle_square(centres[best], scan.signal_shape),
            matcher.index.log_probabilities(features[best]),
            quality[best],
        )


def of_whole_detector(centre: np.ndarray, signal_shape: tuple[int, int]) -> np.ndarray:
    """Return the pattern centre of a detector, given that of its middle square, shape (3,).

    The inverse of `napari_bravais.model.camera.of_middle_square`.
    """
    height, width = signal_shape
    scale = np.array([width, height, height]) / min(height, width)
    middle = np.array([0.5, 0.5, 0.0])
    return (np.asarray(centre) - middle) / scale + middle
