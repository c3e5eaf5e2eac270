"""Makes the atlas that lies beside a classifier; see ``mapping/matching/atlas.py``."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from napari_bravais.mapping.matching.atlas import (
    SIZE,
    Atlas,
    levels_of,
    rotations,
    symmetry_of,
)
from napari_bravais.mapping.matching.evidence import Weights
from napari_bravais.mapping.matching.order import Order
from napari_bravais.mapping.sphere import Sphere, detector_directions
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

#: No rotation but that by nothing.
_NONE = np.eye(3)[None]

#: Rotations of a cube.
_CUBE = 24

#: Least deviation of what order adds: of atoms that scatter alike, less than a pattern can show.
_FAINTEST = 0.02

#: Clean patterns that a sphere is laid together from, by how many cameras.
_PATTERNS, _CAMERAS = 240, 12


def make_atlas(
    classifier: Classifier,
    library: MasterLibrary,
    ordered: tuple[MasterLibrary, MasterLibrary] | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
    keep: Atlas | None = None,
) -> Atlas:
    """Make the atlas of the materials of a classifier's index; its weights are still to be fitted.

    Parameters
    ----------
    classifier
        What prepares patterns, and whose index lists the materials.
    library
        Master patterns, among them those of all these materials.
    ordered
        Of ordered crystals, and of the same with their atoms mixed, all as finely simulated: of
        those that are among the materials, and cubic, the atlas holds what order adds.
    progress
        Called with the materials done, and how many there are.
    keep
        An atlas of the same classifier: what it holds stays as it is, its weights too.

    Raises
    ------
    ValueError
        If the library lacks a material.
    """
    there = keep.places if keep else ()
    listed = [material.key for material in MaterialIndex.of(classifier).materials]
    keys = tuple(key for key in listed if key not in there)
    rng = np.random.default_rng(0)
    levels = np.empty((len(keys), SIZE, SIZE), np.uint8)
    symmetries = np.empty((len(keys), len(rotations())), bool)
    for number, place in enumerate(library.places(keys)):
        progress(number, len(keys))
        shown = Shown.of(classifier, library.masters[place], rng)
        turns = _ROTATIONS[laue_group(library.records[place]["space_group"])]
        symmetries[number] = symmetry_of(shown.sphere(), turns)
        levels[number] = levels_of(shown.sphere(rotations()[symmetries[number]]))
    orders = _orders(classifier, *ordered) if ordered else {}
    orders = {key: orders[key] for key in keys if key in orders}
    shares = np.array([order.added.std() for order in orders.values()])
    own = [
        [levels_of(order.mixed), levels_of(order.added / order.added.std())]
        for order in orders.values()
    ]
    own = np.array(own, np.uint8).reshape(-1, 2, SIZE, SIZE)
    made = Atlas(keys, levels, symmetries, Weights(), tuple(orders), own, shares)
    return keep.with_more(made) if keep else made


def _orders(
    classifier: Classifier, library: MasterLibrary, mixed: MasterLibrary
) -> dict[str, Order]:
    """Return what order adds to cubic crystals, by what identifies them.

    Of others it is not told which of the lattice's axes are whose.
    """
    found = {}
    places = {record["file"]: place for place, record in enumerate(mixed.records)}
    for master, record in zip(library.masters, library.records, strict=True):
        turns = _ROTATIONS[laue_group(record["space_group"])]
        if turns != _CUBE or record["file"] not in places:
            continue
        # both from the same patterns, so that they differ by nothing else
        both = [
            Shown.of(classifier, one, np.random.default_rng(7))
            for one in (master, mixed.masters[places[record["file"]]])
        ]
        symmetry = rotations()[symmetry_of(both[0].sphere(), turns)]
        order = Order.between(*(shown.sphere(symmetry) for shown in both))
        if order.added.std() > _FAINTEST:
            found[record["file"].removesuffix(".npz")] = order
    return found


@dataclass(frozen=True)
class Shown:
    """Clean patterns of a crystal, prepared as any others are, to be laid on a sphere.

    Make them with `Shown.of`.

    Attributes
    ----------
    images
        Of each camera, shape (n, pixels), float32.
    directions
        Unit vectors to the pixels of each camera, shape (pixels, 3).
    rotations
        Of each camera's patterns, detector to crystal, shape (n, 3, 3).
    """

    images: tuple[np.ndarray, ...]
    directions: tuple[np.ndarray, ...]
    rotations: tuple[np.ndarray, ...]

    @classmethod
    def of(
        cls,
        classifier: Classifier,
        master: np.ndarray,
        rng: np.random.Generator,
        patterns: int = _PATTERNS,
        cameras: int = _CAMERAS,
    ) -> "Shown":
        """Simulate patterns.

        Parameters
        ----------
        classifier
            What prepares them.
        master
            Square Lambert master pattern, shape (2, n, n), uint8.
        rng
            Source of cameras and orientations.
        patterns, cameras
            How many patterns, by how many cameras.
        """
        n = patterns // cameras
        images, directions, turned = [], [], []
        for centre in random_centres(rng, cameras):
            turned.append(random_rotations(rng, n))
            clean = np.empty((n, PREPARED, PREPARED), np.float32)
            project(master[None], np.zeros(n, int), turned[-1], np.tile(centre, (n, 1)), clean)
            images.append(classifier.prepare(clean).reshape(n, -1))
            directions.append(detector_directions(PREPARED, centre))
        return cls(tuple(images), tuple(directions), tuple(turned))

    def sphere(self, symmetry: np.ndarray = _NONE) -> np.ndarray:
        """Lay them on a sphere, in all orientations that symmetry makes equal.

        A sphere that is turned afterwards, and averaged, is blurred by its pixels once more: cubic
        crystals would fit their own patterns less well than others do.

        Parameters
        ----------
        symmetry
            Rotations that leave the crystal as it is, shape (k, 3, 3).

        Returns
        -------
        numpy.ndarray
            Shape (SIZE, SIZE), float32, of zero mean and unit deviation.
        """
        total, weight = np.zeros((2, SIZE, SIZE), np.float32)
        for parts in zip(self.images, self.directions, self.rotations, strict=True):
            for turn in symmetry:
                part = Sphere.of(*parts[:2], turn @ parts[2], SIZE)
                total += part.total
                weight += part.weight
        sphere = total / np.maximum(weight, 1e-6)
        return (sphere - sphere.mean()) / sphere.std()
