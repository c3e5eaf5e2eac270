"""One phase of a map: its grains' patterns assembled to a sphere, and what that says of it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from napari_bravais.io.scan import Scan
from napari_bravais.lattices import LATTICES
from napari_bravais.mapping.assembly.centring import centring
from napari_bravais.mapping.assembly.known import judge_sphere
from napari_bravais.mapping.assembly.orientations import Assembly
from napari_bravais.mapping.assembly.symmetry import SIZE, Symmetry, symmetry_of, weighed
from napari_bravais.mapping.grains import best_pixels
from napari_bravais.mapping.matching.matcher import Matcher
from napari_bravais.mapping.matching.phase import GRAINS, MatchedPhase
from napari_bravais.mapping.pooled_map import PooledMap, PooledPhase
from napari_bravais.mapping.sphere import Sphere
from napari_bravais.model.camera import of_middle_square
from napari_bravais.model.candidates import Material, floored_logs
from napari_bravais.model.classifier import Classifier

#: Grains of a phase that are assembled, the largest ones, and how many it needs.
MOST_GRAINS = 60
LEAST_GRAINS = 12

#: Patterns of each that are averaged, the best ones.
_PATTERNS_A_GRAIN = 10

#: To hold the sphere against materials takes as long as so many steps of its assembly, about.
_HOLDING = 10

#: How likely the sphere's likeliest material must be for it to be said to be of it.
_LIKELY = 0.5


class AssemblyError(Exception):
    """A phase cannot be assembled; the message says why."""


@dataclass(frozen=True)
class AssembledPhase:
    """What a phase's patterns show together.

    Attributes
    ----------
    phase
        The phase.
    grains
        How many grains' patterns were assembled.
    sphere
        What they show.
    symmetry
        Its symmetry.
    probabilities
        Of each lattice, shape (14,), by all that is known: the materials whose spheres are like
        this one, its symmetry and its bands.
    material
        The likeliest material that is known, its probability, and the correlation of the sphere
        with its own; None if the network has no atlas of materials, or the patterns agree on no
        sphere.
    """

    phase: PooledPhase
    grains: int
    sphere: Sphere
    symmetry: Symmetry
    probabilities: np.ndarray
    material: tuple[Material, float, float] | None

    def caption(self) -> str:
        """Say it in a few words."""
        name = f"Phase {self.phase.number + 1}"
        if self.symmetry.name == "unknown":
            return f"{name}: the patterns of its {self.grains} grains do not assemble to one sphere"
        best = LATTICES[int(self.probabilities.argmax())]
        return (
            f"{name}: {self.symmetry.name} ({', '.join(self.symmetry.lattices)}), Laue group "
            f"{self.symmetry.laue_group}, by the sphere of {self.grains} grains. {self._likeness()}"
            f"All in all: {best.name} ({best.pearson}), probability "
            f"{self.probabilities.max():.2f}"
        )

    def _likeness(self) -> str:
        """Say which material's sphere it is like."""
        if self.material is None:
            return ""
        material, likely, correlation = self.material
        if likely < _LIKELY:
            return "It is like no known material's. "
        return f"It is like {material.name}'s (correlation {correlation:.2f}). "


def assemble_phase(
    scan: Scan,
    quality: np.ndarray,
    pooled: PooledMap,
    number: int,
    classifier: Classifier,
    matcher: Matcher | None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> AssembledPhase:
    """Assemble the patterns of a phase's grains to a sphere, and find its symmetry.

    Nothing is assumed of the phase: neither its material nor its orientations. It takes some half
    a minute.

    Parameters
    ----------
    scan
        The scan that was mapped; its pattern centre must be known.
    quality
        Quality of each pattern, shape (ny, nx).
    pooled
        The map's phases and grains.
    number
        Which phase, from 0.
    classifier
        What prepares the patterns.
    matcher
        What holds the sphere against known materials, if there is an atlas of them.
    progress
        Called several times a second with the steps done, and how many there are. What it raises
        ends the assembly.

    Returns
    -------
    AssembledPhase

    Raises
    ------
    AssemblyError
        If the pattern centre is not known, or the phase has too few grains.
    ScanError
        If patterns cannot be read.
    """
    grains = _grains_of(scan, pooled, number)
    own = np.where(pooled.numbers == number, pooled.grains, -1)
    pixels, owner = best_pixels(own, grains, quality, _PATTERNS_A_GRAIN)
    rows, columns = np.unravel_index(pixels, quality.shape)
    patterns = scan.patterns_at(rows, columns)
    background, centres = scan.known_at(rows, columns)
    prepared = classifier.prepare(patterns, background)
    means = np.array([prepared[owner == grain].mean(axis=0) for grain in range(len(grains))])
    centre = of_middle_square(centres.mean(axis=0), scan.signal_shape)
    assembly = Assembly(means, centre)
    steps = 0

    def tell(done: int, of: int) -> None:
        nonlocal steps
        steps = of
        progress(done, steps + _HOLDING)

    assembly.run(tell)
    one, other = assembly.sphere(SIZE)
    symmetry = symmetry_of(one, other)
    sphere, phase = one + other, pooled.phases[number]
    probabilities, material = phase.probabilities, None
    if matcher is not None and symmetry.name != "unknown":
        _, best = np.unique(owner, return_index=True)
        embedded = classifier.embed(patterns[best], background, centres[best])
        known = _known(
            *(matcher, sphere, symmetry.agreement, embedded, prepared[best], centre),
            lambda done, of: progress(steps + _HOLDING * done // of, steps + _HOLDING),
        )
        probabilities, material = known.probabilities, known.candidates[0]
    probabilities = weighed(probabilities, symmetry.name, centring(sphere, symmetry))
    return AssembledPhase(phase, len(grains), sphere, symmetry, probabilities, material)


def _known(
    matcher: Matcher,
    sphere: Sphere,
    agreement: float,
    embedded: tuple[np.ndarray, np.ndarray, np.ndarray],
    prepared: np.ndarray,
    centre: np.ndarray,
    progress: Callable[[int, int], None],
) -> MatchedPhase:
    """Hold a sphere, and the patterns of the largest grains, against known materials."""
    lattices, quality, features = embedded
    materials = matcher.index.log_probabilities(features)
    seen = materials.mean(axis=0), floored_logs(lattices).mean(axis=0)
    largest = prepared[:GRAINS], centre, quality[:GRAINS]
    return judge_sphere(matcher, sphere, agreement, *largest, seen, progress)


def _grains_of(scan: Scan, pooled: PooledMap, number: int) -> np.ndarray:
    """Return the numbers of a phase's largest grains; not of single pixels and pairs.

    Raises `AssemblyError` if they cannot be assembled.
    """
    if scan.pattern_centres is None:
        raise AssemblyError(
            f"{scan.path}: no pattern centre is stored, without which patterns cannot be assembled;"
            " give it, by --pc or in the window"
        )

    of_it = pooled.grains[pooled.numbers == number]
    found, sizes = np.unique(of_it[of_it >= 0], return_counts=True)
    order = np.argsort(-sizes, kind="stable")
    grains = found[order][sizes[order] > 2][:MOST_GRAINS]
    if len(grains) < LEAST_GRAINS:
        raise AssemblyError(
            f"Phase {number + 1} has too few grains of more than two pixels to be assembled: "
            f"{len(grains)}, and {LEAST_GRAINS} are needed"
        )
    return grains
