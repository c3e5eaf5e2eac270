"""New simulated patterns of a library's materials, and what a classifier reads in them."""

from dataclasses import dataclass

import numpy as np

from napari_bravais.model.classifier import Classifier
from napari_bravais.simulation.detector import DetectorFaults, expose
from napari_bravais.simulation.projection import project, random_rotations
from napari_bravais.training.library import MasterLibrary
from napari_bravais.training.patterns import random_centres

#: The noise at which accuracy is stated, the static background removed or smooth, the patterns
#: stored as the camera took them; the other faults are those of training.
MODERATE = DetectorFaults(
    noise=(0.2, 0.6), contrast=(0.05, 0.4), blur=1, structured=0, stretched=0, jpeg=0, smoothed=0
)

#: Detector size at which accuracy is stated, in pixels.
SIZE = 60

#: Side of a fine detector; the first seed paper's patterns were finer still (1244x1024).
FINE_SIZE = 240

#: Pixels of patterns that are in memory at once.
_PIXELS = 2**21


@dataclass(frozen=True)
class Readings:
    """What a classifier read in patterns whose material is known.

    Attributes
    ----------
    materials
        Which material of the library each pattern is of, shape (n,).
    labels
        Index of its lattice, shape (n,).
    probabilities
        Shape (n, classes).
    quality
        Shape (n,).
    features
        What the network sees, shape (n, channels).
    """

    materials: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    quality: np.ndarray
    features: np.ndarray

    def of(self, materials: np.ndarray) -> "Readings":
        """Return the readings of some materials."""
        kept = np.isin(self.materials, materials)
        return Readings(*(values[kept] for values in vars(self).values()))


@dataclass(frozen=True)
class Conditions:
    """How patterns are taken.

    Attributes
    ----------
    faults
        Faults of the detector.
    size
        Side of the detector in pixels.
    distance
        Distance of the camera in sides of the detector; the usual range by default.
    centre
        Pattern centre of all patterns; each has its own by default.
    centre_known
        Whether the classifier is told the pattern centre, as it is where a scan stores one.
    """

    faults: DetectorFaults = MODERATE
    size: int = SIZE
    distance: float | None = None
    centre: tuple[float, float, float] | None = None
    centre_known: bool = True


def take(
    library: MasterLibrary,
    materials: np.ndarray,
    conditions: Conditions,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Take a pattern of each material, in random orientations.

    Returns
    -------
    tuple of numpy.ndarray
        Patterns, shape (n, size, size), float32, and their pattern centres, shape (n, 3).
    """
    n = len(materials)
    centres = random_centres(rng, n)
    if conditions.centre is not None:
        centres[:] = conditions.centre
    if conditions.distance is not None:
        centres[:, 2] = conditions.distance
    clean = np.empty((n, conditions.size, conditions.size), np.float32)
    project(library.masters, materials, random_rotations(rng, n), centres, clean)
    # neighbours in a batch overlap at grain boundaries, so they must be other materials
    mixed = rng.permutation(n)
    return expose(clean[mixed], rng, conditions.faults)[np.argsort(mixed)], centres


def read(
    classifier: Classifier,
    library: MasterLibrary,
    materials: np.ndarray,
    each: int,
    conditions: Conditions | None = None,
    seed: int = 1,
) -> Readings:
    """Take patterns of materials and read them.

    Parameters
    ----------
    classifier
        What reads them.
    library
        Master patterns.
    materials
        Which of its materials.
    each
        Patterns of each.
    conditions
        How the patterns are taken; by default at moderate noise.
    seed
        Seed of orientations, pattern centres and faults.
    """
    conditions = conditions or Conditions()
    rng = np.random.default_rng(seed)
    index = np.repeat(materials, each)
    most = max(16, _PIXELS // conditions.size**2)
    answers = []
    for part in np.array_split(index, max(1, len(index) // most)):
        patterns, centres = take(library, part, conditions, rng)
        known = centres if conditions.centre_known else None
        answers.append(classifier.embed(patterns, pattern_centre=known))
    return Readings(
        index, library.lattices[index], *map(np.concatenate, zip(*answers, strict=True))
    )
