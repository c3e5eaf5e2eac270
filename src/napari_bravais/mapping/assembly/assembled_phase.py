"""One phase of a map: its grains' patterns assembled to a sphere, and what that says of it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from napari_bravais.io.scan import Scan
from napari_bravais.lattices import LATTICES
from napari_bravais.mapping.assembly.centring import centring
from napari_bravais.mapping.assembly.orientations import Assembly
from napari_bravais.mapping.assembly.sphere import Sphere
from napari_bravais.mapping.assembly.symmetry import SIZE, Symmetry, symmetry_of, weighed
from napari_bravais.mapping.grains import best_pixels
from napari_bravais.mapping.pooled_map import PooledMap, PooledPhase
from napari_bravais.model.camera import of_middle_square
from napari_bravais.model.classifier import Classifier

#: Grains of a phase that are assembled, the largest ones, and how many it needs.
MOST_GRAINS = 60
LEAST_GRAINS = 12

#: Patterns of each that are averaged, the best ones.
_PATTERNS_A_GRAIN = 10


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
        Of each lattice, shape (14,): the phase's own, and what symmetry and bands of the sphere
        say.
    """

    phase: PooledPhase
    grains: int
    sphere: Sphere
    symmetry: Symmetry
    probabilities: np.ndarray

    def caption(self) -> str:
        """Say it in a line."""
        name = f"Phase {self.phase.number + 1}"
        if self.symmetry.name == "unknown":
            return f"{name}: the patterns of its {self.grains} grains do not assemble to one sphere"
        best = LATTICES[int(self.probabilities.argmax())]
        return (
            f"{name}: {self.symmetry.name} ({', '.join(self.symmetry.lattices)}), Laue group "
            f"{self.symmetry.laue_group}, by the sphere of {self.grains} grains; with its "
            f"bands and what else is known: {best.name} ({best.pearson}), probability "
            f"{self.probabilities.max():.2f}"
        )


def assemble_phase(
    scan: Scan,
    quality: np.ndarray,
    pooled: PooledMap,
    number: int,
    classifier: Classifier,
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
    if scan.pattern_centres is None:
        raise AssemblyError(
            f"{scan.path}: no pattern centre is stored, without which patterns cannot be assembled;"
            " give it, by --pc or in the window"
        )
    grains = _grains_of(pooled, number)
    if len(grains) < LEAST_GRAINS:
        raise AssemblyError(
            f"Phase {number + 1} has too few grains of more than two pixels to be assembled: "
            f"{len(grains)}, and {LEAST_GRAINS} are needed"
        )
    own = np.where(pooled.numbers == number, pooled.grains, -1)
    pixels, owner = best_pixels(own, grains, quality, _PATTERNS_A_GRAIN)
    rows, columns = np.unravel_index(pixels, quality.shape)
    patterns = scan.patterns.vindex[rows, columns].compute(scheduler="synchronous")
    background, centres = scan.known_at(rows, columns)
    prepared = classifier.prepare(patterns, background)
    means = np.array([prepared[owner == grain].mean(axis=0) for grain in range(len(grains))])
    assembly = Assembly(means, of_middle_square(centres.mean(axis=0), scan.signal_shape))
    assembly.run(progress)
    one, other = assembly.sphere(SIZE)
    symmetry = symmetry_of(one, other)
    phase = pooled.phases[number]
    sphere = one + other
    likely = centring(sphere, symmetry)
    probabilities = weighed(phase.probabilities, symmetry.name, likely)
    return AssembledPhase(phase, len(grains), sphere, symmetry, probabilities)


def _grains_of(pooled: PooledMap, number: int) -> np.ndarray:
    """Return the numbers of a phase's largest grains; not of single pixels and pairs."""
    of_it = pooled.grains[pooled.numbers == number]
    grains, sizes = np.unique(of_it[of_it >= 0], return_counts=True)
    order = np.argsort(-sizes, kind="stable")
    return grains[order][sizes[order] > 2][:MOST_GRAINS]
