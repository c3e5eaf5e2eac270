"""Where the network looks: the share of Grad-CAM's weight near low-index zone axes."""

import itertools

import numpy as np

from napari_bravais.lattices import LATTICES
from napari_bravais.model.classifier import Classifier
from napari_bravais.simulation.detector import expose
from napari_bravais.simulation.kinematical import standard_frame
from napari_bravais.simulation.projection import project, random_rotations
from napari_bravais.training.evaluate_patterns import MODERATE, SIZE
from napari_bravais.training.library import MasterLibrary
from napari_bravais.training.patterns import random_centres

#: Zone axes of each crystal that count as low-index: the shortest vectors of its lattice.
ZONE_AXES = 13

#: How near to one counts as near, in degrees.
NEAR = 6.0


def zone_axes(record: dict) -> np.ndarray:
    """Return the directions of the shortest lattice vectors, shape (ZONE_AXES, 3), unit length.

    Parameters
    ----------
    record
        Material of a library; directions are in the frame of its master pattern.
    """
    import spglib

    cell, positions = np.array(record["cell"]), np.array(record["positions"])
    if record["lattice"].startswith("m"):
        # monoclinic cells were turned to unique axis c before the simulation
        cell, positions = cell[[2, 0, 1]], positions[:, [2, 0, 1]]
    found = spglib.standardize_cell(
        (standard_frame(cell), positions, record["atomic_numbers"]),
        to_primitive=True,
        no_idealize=True,
    )
    primitive = standard_frame(cell) if found is None else found[0]
    indices = np.array([i for i in itertools.product(range(-4, 5), repeat=3) if i > (0, 0, 0)])
    coprime = np.gcd.reduce(indices, axis=1) == 1
    vectors = indices[coprime] @ primitive
    lengths = np.linalg.norm(vectors, axis=1)
    shortest = np.argsort(lengths, kind="stable")[:ZONE_AXES]
    return vectors[shortest] / lengths[shortest, None]


def directions(
    rotation: np.ndarray, centre: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return what directions of the crystal the pixels of a detector see.

    Parameters
    ----------
    rotation
        Detector to crystal frame, shape (3, 3).
    centre
        Pattern centre, Bruker's convention, shape (3,).
    size
        Pixels of a side.

    Returns
    -------
    tuple of numpy.ndarray
        Unit vectors, shape (size, size, 3), and the solid angle of each pixel, shape (size, size),
        in pixels squared over distance squared.
    """
    at = (np.arange(size) + 0.5) / size
    u, v = np.meshgrid(at - centre[0], centre[1] - at)
    rays = np.stack([u, v, np.full_like(u, centre[2])], axis=-1)
    length = np.linalg.norm(rays, axis=-1)
    return (rays / length[..., None]) @ rotation.T, centre[2] / length**3


def near_zone_axes(seen: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Tell which directions, shape (..., 3), lie near one of the zone axes, shape (n, 3)."""
    return np.abs(seen @ axes.T).max(axis=-1) > np.cos(np.radians(NEAR))


def evaluate_gaze(
    classifier: Classifier, library: MasterLibrary, materials: np.ndarray, each: int
) -> dict[str, dict]:
    """Measure how much of Grad-CAM's weight lies near low-index zone axes, by lattice.

    Parameters
    ----------
    classifier
        Whose Grad-CAM, for the true lattice.
    library
        Master patterns.
    materials
        Which of its materials.
    each
        Patterns of each lattice, their materials drawn at random.

    Returns
    -------
    dict
        By Pearson symbol, and ``"all"``: ``patterns``; mean share of the weight near zone axes,
        ``weight``; mean share of the solid angle, ``solid angle``; and ``elsewhere``, the share of
        the same weight near zone axes of a crystal turned at random, which says what a gaze at the
        middle of the pattern is worth by itself.
    """
    rng = np.random.default_rng(9)
    rows, everything = {}, []
    for lattice in LATTICES:
        own = materials[library.lattices[materials] == lattice.index]
        if not len(own):
            continue
        shares = _shares(classifier, library, rng.choice(own, each), lattice.pearson, rng)
        everything += shares
        if shares:
            rows[lattice.pearson] = _row(shares)
    return rows | ({"all": _row(everything)} if everything else {})


def _row(shares: list[tuple[float, float, float]]) -> dict:
    mean = np.mean(shares, axis=0).tolist()
    error = float(np.std([a - b for a, b, _ in shares]) / np.sqrt(len(shares)))
    names = ("weight", "solid angle", "elsewhere")
    return {"patterns": len(shares), **dict(zip(names, mean, strict=True)), "error": error}


def _shares(classifier, library, index, lattice, rng) -> list[tuple[float, float, float]]:
    """Return the three shares of each pattern in which anything speaks for its lattice."""
    n = len(index)
    rotations, centres = random_rotations(rng, n), random_centres(rng, n)
    turned = random_rotations(rng, n)
    clean = np.empty((n, SIZE, SIZE), np.float32)
    project(library.masters, index, rotations, centres, clean)
    shares = []
    for i, pattern in enumerate(expose(clean, rng, MODERATE)):
        heat = classifier.explain(pattern, lattice, pattern_centre=centres[i])
        seen, angle = directions(rotations[i], centres[i], SIZE)
        axes = zone_axes(library.records[index[i]])
        near, elsewhere = near_zone_axes(seen, axes), near_zone_axes(seen @ turned[i], axes)
        weight = heat * angle
        if weight.sum() > 0:
            shares.append(
                (
                    (weight * near).sum() / weight.sum(),
                    (angle * near).sum() / angle.sum(),
                    (weight * elsewhere).sum() / weight.sum(),
                )
            )
    return shares
