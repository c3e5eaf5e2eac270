"""Makes the atlas that lies beside a classifier; see ``mapping/matching/atlas.py``."""

from collections.abc import Callable

import numpy as np

from napari_bravais.mapping.assembly.sphere import Sphere, detector_directions
from napari_bravais.mapping.matching.atlas import SIZE, Atlas, levels_of, symmetrised, symmetry_of
from napari_bravais.mapping.matching.evidence import Weights
from napari_bravais.model.candidates import MaterialIndex
from napari_bravais.model.classifier import Classifier
from napari_bravais.model.lines import SIZE as PREPARED
from napari_bravais.simulation.projection import project, random_rotations
from napari_bravais.training.evaluate_assembly import laue_group
from napari_bravais.training.library import MasterLibrary
from napari_bravais.training.patterns import random_centres

#: Rotations of each Laue group.
_ROTATIONS = {
    **{"-1": 1, "2/m": 2, "mmm": 4, "4/m": 4, "4/mmm": 8, "-3": 3},
    **{"-3m": 6, "6/m": 6, "6/mmm": 12, "m-3": 12, "m-3m": 24},
}

#: Clean patterns that a sphere is laid together from, by how many cameras.
_PATTERNS, _CAMERAS = 240, 12


def make_atlas(
    classifier: Classifier,
    library: MasterLibrary,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Atlas:
    """Make the atlas of the materials of a classifier's index; its weights are still to be fitted.

    Parameters
    ----------
    classifier
        What prepares patterns, and whose index lists the materials.
    library
        Master patterns, among them those of all these materials.
    progress
        Called with the materials done, and how many there are.

    Raises
    ------
    ValueError
        If the library lacks a material.
    """
    files = {record["file"].removesuffix(".npz"): i for i, record in enumerate(library.records)}
    keys = tuple(material.key for material in MaterialIndex.of(classifier).materials)
    missing = [key for key in keys if key not in files]
    if missing:
        raise ValueError(f"no master patterns of {', '.join(missing[:5])} ({len(missing)} in all)")
    rng = np.random.default_rng(0)
    levels = np.empty((len(keys), SIZE, SIZE), np.uint8)
    symmetries = []
    for number, key in enumerate(keys):
        progress(number, len(keys))
        place = files[key]
        sphere = _sphere(classifier, library.masters[place], rng)
        symmetries.append(
            symmetry_of(sphere, _ROTATIONS[laue_group(library.records[place]["space_group"])])
        )
        levels[number] = levels_of(symmetrised(sphere, symmetries[-1]))
    return Atlas(keys, levels, np.array(symmetries), Weights())


def _sphere(classifier: Classifier, master: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lay clean patterns of a master pattern, prepared as any others are, on a sphere."""
    n = _PATTERNS // _CAMERAS
    total, weight = np.zeros((2, SIZE, SIZE), np.float32)
    for centre in random_centres(rng, _CAMERAS):
        rotations = random_rotations(rng, n)
        clean = np.empty((n, PREPARED, PREPARED), np.float32)
        project(master[None], np.zeros(n, int), rotations, np.tile(centre, (n, 1)), clean)
        images = classifier.prepare(clean).reshape(n, -1)
        part = Sphere.of(images, detector_directions(PREPARED, centre), rotations, SIZE)
        total += part.total
        weight += part.weight
    sphere = total / np.maximum(weight, 1e-6)
    return (sphere - sphere.mean()) / sphere.std()
