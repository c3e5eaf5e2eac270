"""The pattern centre found by matching: nobody names a phase, the network names some to try."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np

from napari_bravais.io.scan import Scan
from napari_bravais.mapping.matching.matcher import Matcher
from napari_bravais.mapping.matching.search import Target, View, closer
from napari_bravais.mapping.pattern_centre import PatternCentre, good_pixels
from napari_bravais.mapping.sphere import detector_directions
from napari_bravais.model.classifier import Classifier

#: Patterns that are used, the best ones. Where they are fewer, each has a greater say, and all that
#: follows is done the more thoroughly.
PATTERNS = 6

#: With how many materials each of these patterns is tried: the likeliest.
_MATERIALS = 6

#: Pattern centres that are tried first, Bruker's convention.
_GRID = ((0.5,), (0.15, 0.25, 0.35, 0.45, 0.55), (0.45, 0.52, 0.6, 0.68, 0.77, 0.87))

#: From how many of them, the best ones, it goes downhill, and the first steps there.
_TRIES, _STEPS = 3, (0.04, 0.04, 0.04)

#: Directions along the side of a detector by which two cameras are compared.
_SIDE = 8

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
    pixels = np.array(good_pixels(scan, 4 * PATTERNS))
    patterns = scan.patterns.vindex[pixels[:, 0], pixels[:, 1]].compute(scheduler="synchronous")
    background, _ = scan.known_at(pixels[:, 0], pixels[:, 1])
    _, quality, features = classifier.embed(patterns, background)
    best = np.argsort(-quality)[:PATTERNS]
    prepared = classifier.prepare(patterns[best], background)
    seen = matcher.index.log_probabilities(features[best])
    square, correlation, materials = centre_of(prepared, seen, matcher, progress)
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
        downhill = _Downhill(
            [matcher.target(int(material)) for material in materials[places]],
            prepared[chosen],
            cameras[camera],
            held[camera].rotations[places],
            partial(progress, len(cameras), len(cameras)),
        )
        downhill.search()
        found.append((downhill.camera, downhill.best, materials[places]))
    # as much as all patterns together are explained: fewer may fit better by a wrong camera
    return max(found, key=lambda one: one[1] ** 2 * len(one[2]))


class _Downhill:
    """Turns crystals along while the camera is moved."""

    def __init__(
        self,
        targets: list[Target],
        prepared: np.ndarray,
        camera: np.ndarray,
        rotations: np.ndarray,
        pulse: Callable[[], None],
    ):
        self._targets, self._pulse = targets, pulse
        self._prepared = prepared
        # the best camera so far and the orientations by it: where the next one begins
        self.best, self.camera, self._rotations = 0.0, camera, rotations

    def search(self) -> None:
        from scipy.optimize import minimize

        simplex = np.vstack([self.camera, self.camera + np.diag(_STEPS)])
        options = {"initial_simplex": simplex, "maxfev": 80, "xatol": 1e-3, "fatol": 1e-4}
        minimize(
            lambda place: -self.correlation(place),
            self.camera,
            method="Nelder-Mead",
            options=options,
        )

    def correlation(self, camera: np.ndarray) -> float:
        self._pulse()  # what it raises ends the search
        if camera[2] < 0.2:  # the detector cannot be that near
            return 0.0
        view = View.of(self._prepared, camera)
        starts = self._rotations @ _turn_between(camera, self.camera)
        found = [
            closer(view, np.array([i]), target, starts[i][None, None])
            for i, target in enumerate(self._targets)
        ]
        correlation = float(np.mean([correlations[0] for correlations, _ in found]))
        if correlation > self.best:
            self.best, self.camera = correlation, np.array(camera)
            self._rotations = np.array([rotations[0] for _, rotations in found])
        return correlation


def _turn_between(camera: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the rotation that brings a camera's directions nearest to another's, shape (3, 3).

    A pixel that the centre moves away from is seen elsewhere: most of that is a turn.
    """
    from scipy.spatial.transform import Rotation

    own, others = (detector_directions(_SIDE, centre) for centre in (camera, other))
    return Rotation.align_vectors(others, own)[0].as_matrix()


def of_whole_detector(centre: np.ndarray, signal_shape: tuple[int, int]) -> np.ndarray:
    """Return the pattern centre of a detector, given that of its middle square, shape (3,).

    The inverse of `napari_bravais.model.camera.of_middle_square`.
    """
    height, width = signal_shape
    scale = np.array([width, height, height]) / min(height, width)
    middle = np.array([0.5, 0.5, 0.0])
    return (np.asarray(centre) - middle) / scale + middle
