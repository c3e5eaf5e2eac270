"""The pattern centre found by matching: nobody names a phase, the network names some to try.

One that is stored, or given by hand, is a beginning: files and people are often some percent off,
and of real nickel two percent too far a camera leaves a third of the probability.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from napari_bravais.io.scan import Scan
from napari_bravais.mapping.matching.camera_search import (
    MOVED,
    PATTERNS,
    centre_of,
    of_whole_detector,
    offset_of,
    seeing,
)
from napari_bravais.mapping.matching.matcher import Matcher
from napari_bravais.mapping.pattern_centre import (
    PatternCentre,
    good_pixels,
    moved_to,
    stored_pattern_centre,
)
from napari_bravais.model.camera import of_middle_square
from napari_bravais.model.classifier import Classifier

#: Share of the patterns' quality below which their correlation says that nothing fits.
_FITS = 0.75

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
    if centre is None or np.abs(centre.minus(stored)).max() < MOVED:
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
    offset, correlation, _ = offset_of(sharp.prepared, sharp.centres, sharp.seen, matcher, progress)
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
    square, correlation, materials = centre_of(sharp.prepared, sharp.see, matcher, progress)
    if correlation < _LEAST:
        raise CentreError(
            f"{scan.path}: no material that the network knows fits its patterns at any pattern "
            f"centre (correlation {correlation:.2f})"
        )
    names = dict.fromkeys(matcher.index.materials[material].name for material in materials)
    centre = PatternCentre(*of_whole_detector(square, scan.signal_shape))
    return FoundCentre(centre, correlation, tuple(names))


@dataclass(frozen=True)
class _Sharp:
    """Sharp patterns all over a map: what the network sees in them by their pattern centres.

    `see` says what it would by others.
    """

    prepared: np.ndarray
    centres: np.ndarray | None
    seen: np.ndarray
    see: Callable[[np.ndarray | None], np.ndarray]
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
            seeing(classifier, matcher, patterns[best], background),
            quality[best],
        )
