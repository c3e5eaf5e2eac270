"""Batches of training patterns, each made on the fly and never seen twice."""

from dataclasses import dataclass
from functools import cache
from itertools import product

import keras
import numpy as np

from napari_bravais.lattices import LATTICES, PEARSON_SYMBOLS
from napari_bravais.model.backend import compiled
from napari_bravais.model.camera import PATTERN_CENTRES, told, unknown
from napari_bravais.model.network import CRYSTAL
from napari_bravais.model.preparation import Preparation
from napari_bravais.simulation.detector import DetectorFaults, expose
from napari_bravais.simulation.projection import project, random_rotations
from napari_bravais.simulation.random_crystals import random_master_pattern
from napari_bravais.training.library import (
    MasterLibrary,
    crystal_name,
    crystals_of,
    hides_in_another,
    is_element,
    is_everyday,
    is_seed,
    is_standard,
)
from napari_bravais.training.variants import reflectors_of, variant

#: Detector sizes in pixels, and how often each is drawn.
DETECTOR_SIZES = {32: 0.05, 40: 0.08, 48: 0.12, 60: 0.28, 72: 0.15, 96: 0.18, 128: 0.14}

#: Share of patterns whose pattern centre the network is told, and how far off that is: as scans do.
KNOWN_CENTRES = 0.6
CENTRE_ERROR = 0.01

#: How much oftener than others everyday materials are drawn, and the seed paper's among them.
EVERYDAY_WEIGHT = 5.0
SEED_WEIGHT = 15.0

#: Everyday elements: most maps are of metals, with a little of something else dissolved at most.
ELEMENT_WEIGHT = 12.0

#: And those oftener still that detectors are set up with: every laboratory will try them.
STANDARD_WEIGHT = 110.0

#: And ordered forms of common structures, which hardly differ from these.
HIDDEN_WEIGHT = 0.3

#: Batches that wait to be shown once more, mirrored or turned.
WAITING = 30

#: Share of patterns that a grain of the same crystal shines into, and how brightly at most.
MEETING = 0.2
MEETING_LIGHT = 0.35

#: The eight ways to lay a pattern: rows and columns exchanged, rows and columns reversed.
UPRIGHT, MIRRORED, *TURNED = product((False, True), repeat=3)

#: Label of a pattern that shows no crystal; the loss of the lattice passes over it.
NO_CRYSTAL = -1


def random_centres(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw pattern centres, shape (n, 3), float32."""
    return np.stack([rng.uniform(*r, n) for r in PATTERN_CENTRES], axis=1).astype(np.float32)


@cache
def _photograph(name: str) -> np.ndarray:
    from skimage import data

    return getattr(data, name)()


def photographs(rng: np.random.Generator, n: int, size: int) -> np.ndarray:
    """Return patches of scikit-image's photographs, shape (n, size, size): no crystal in them."""
    from skimage import transform

    patches = []
    for _ in range(n):
        name = rng.choice(["camera", "coins", "grass", "gravel", "brick", "moon", "page"])
        photograph = _photograph(name)
        side = int(rng.integers(min(photograph.shape) // 4, min(photograph.shape)))
        top, left = (int(rng.integers(0, length - side + 1)) for length in photograph.shape)
        patch = photograph[top : top + side, left : left + side].astype(np.float32)
        patches.append(transform.resize(patch, (size, size), anti_aliasing=True))
    return np.array(patches, np.float32)


@dataclass(frozen=True)
class Drawn:
    """Exposures, and what a network should answer.

    Attributes
    ----------
    prepared
        Prepared exposures, shape (n, 80, 80, 1).
    camera
        What the network is told of the cameras, shape (n, 4) (`napari_bravais.model.camera`).
    labels
        Lattices, shape (n,), `NO_CRYSTAL` without a crystal.
    correlation
        Correlations with the noise-free patterns, shape (n,).
    materials
        Materials, shape (n,).
    """

    prepared: np.ndarray
    camera: np.ndarray
    labels: np.ndarray
    correlation: np.ndarray
    materials: np.ndarray


class Exposures:
    """Draws exposures of crystals in random orientations with what the network should answer.

    Parameters
    ----------
    library
        Master patterns.
    materials
        Which of them to draw from.
    random_share
        Share of patterns from random crystals with kinematical bands.
    variant_share
        Share of the others that come from variants, with bands of other strengths.
    empty_share
        Share of exposures without any crystal: noise or photographs.
    faults
        Faults of the detectors.
    seed
        Seed of everything drawn.

    Attributes
    ----------
    difficulty
        From 0, little noise, to 1, all of ``faults``; training raises it.
    """

    #: Random crystals at hand; each batch replaces one.
    POOL = 700

    #: Variants drawn anew for each batch: each is then shown some thirty times, mirrored or not.
    NEW_VARIANTS = 6

    def __init__(
        self,
        library: MasterLibrary,
        materials: np.ndarray,
        random_share: float = 0.0,
        variant_share: float = 0.0,
        empty_share: float = 0.0,
        faults: DetectorFaults | None = None,
        seed: int = 0,
    ):
        self.rng = np.random.default_rng(seed)
        self.faults = faults or DetectorFaults()
        self.difficulty = 1.0
        self.empty_share = empty_share
        self.random_share = random_share
        self.variant_share = variant_share
        self.preparation = compiled(Preparation(dtype="float32"))
        pool = self.POOL if random_share else 0
        self.library = library
        self.first_random = len(library.masters)
        self.masters = np.concatenate(
            [library.masters, np.zeros((pool, *library.masters.shape[1:]), np.uint8)]
        )
        drawn = np.arange(pool) % len(LATTICES)
        self.lattices = np.concatenate([library.lattices, drawn])
        self.next_random = 0
        for _ in range(pool):
            self._renew_random()
        self.variants = library.masters.copy() if variant_share else None
        self.reflectors = {}
        self.materials = materials
        self.weights = self.shares(library, materials)
        if variant_share:
            # none may begin as the original: a network would be spared them for half an hour
            for i in materials:
                self._renew_variant(i)

    @staticmethod
    def shares(library: MasterLibrary, materials: np.ndarray) -> np.ndarray:
        """Return how often each material is drawn: everyday ones oftener, rare lattices too."""
        records = [library.records[i] for i in materials]
        everyday = np.array([is_everyday(record) for record in records])
        # several master patterns of one crystal, as at several beam energies, share its weight
        seeds = np.array([is_seed(record) for record in records])
        weight = np.where(everyday, np.where(seeds, SEED_WEIGHT, EVERYDAY_WEIGHT), 1.0)
        weight[everyday & ~seeds & [is_element(record) for record in records]] = ELEMENT_WEIGHT
        weight[[is_standard(record) for record in records]] = STANDARD_WEIGHT
        weight[[hides_in_another(record) for record in records]] = HIDDEN_WEIGHT
        crystals = crystals_of(records)
        weight /= np.bincount(crystals)[crystals]
        own = library.lattices[materials]
        per_lattice = np.bincount(own, weight, len(LATTICES))
        # between lattices as rare as they are, and lattices as frequent as one another
        share = weight / np.sqrt(per_lattice[own])
        return share / share.sum()

    def _renew_variants(self) -> None:
        for i in self.rng.choice(self.materials, self.NEW_VARIANTS, p=self.weights):
            self._renew_variant(i)

    def _renew_variant(self, i: int) -> None:
        record = self.library.records[i]
        if i not in self.reflectors:
            self.reflectors[i] = reflectors_of(record)
        self.variants[i] = variant(
            self.library.masters[i], self.reflectors[i], record["beam_energy_kev"], self.rng
        )

    def _renew_random(self) -> None:
        slot = self.first_random + self.next_random
        lattice = PEARSON_SYMBOLS[self.lattices[slot]]
        self.masters[slot] = random_master_pattern(lattice, self.rng)
        self.next_random = (self.next_random + 1) % (len(self.masters) - self.first_random)

    def draw(self, n: int) -> Drawn:
        """Draw ``n`` exposures of one detector size."""
        rng = self.rng
        size = int(rng.choice(list(DETECTOR_SIZES), p=list(DETECTOR_SIZES.values())))
        index = rng.choice(self.materials, n, p=self.weights)
        if self.random_share:
            self._renew_random()
            random = rng.integers(self.first_random, len(self.masters), n)
            index = np.where(rng.random(n) < self.random_share, random, index)
        centres = random_centres(rng, n)
        if self.variant_share:
            self._renew_variants()
        clean = self._project(index, centres, size)
        labels = self.lattices[index].copy()
        empty = np.flatnonzero(rng.random(n) < self.empty_share)
        clean[empty] = photographs(rng, empty.size, size) if empty.size else 0
        clean[empty[rng.random(empty.size) < 0.6]] = 0
        labels[empty] = NO_CRYSTAL
        prepared = self._prepare(expose(clean, rng, self.faults.eased(self.difficulty)))
        ideal = self._prepare(clean)
        correlation = np.clip((prepared * ideal).mean(axis=(1, 2, 3)), 0, 1)
        correlation[empty] = 0
        said = centres + rng.normal(0, CENTRE_ERROR, centres.shape)
        known = rng.random((n, 1)) < KNOWN_CENTRES
        camera = np.where(known, told(said, (size, size)), unknown(n))
        return Drawn(prepared, camera, labels, correlation, index)

    def _project(self, index: np.ndarray, centres: np.ndarray, size: int) -> np.ndarray:
        """Project master patterns, or variants of them, in random orientations."""
        clean = self._in_random_orientations(index, centres, size)
        # a map has boundaries, most of them between grains of one phase
        meeting = np.flatnonzero(self.rng.random(len(index)) < MEETING)
        other = self._in_random_orientations(index[meeting], centres[meeting], size)
        light = self.rng.uniform(0, MEETING_LIGHT, (meeting.size, 1, 1)).astype(np.float32)
        clean[meeting] += light * (other - clean[meeting])
        return clean

    def _in_random_orientations(
        self, index: np.ndarray, centres: np.ndarray, size: int
    ) -> np.ndarray:
        n = len(index)
        rotations = random_rotations(self.rng, n)
        clean = np.empty((n, size, size), np.float32)
        project(self.masters, index, rotations, centres, clean)
        if self.variant_share:
            varied = (index < self.first_random) & (self.rng.random(n) < self.variant_share)
            of_variants = np.empty((varied.sum(), size, size), np.float32)
            project(self.variants, index[varied], rotations[varied], centres[varied], of_variants)
            clean[varied] = of_variants
        return clean

    def _prepare(self, patterns):
        return keras.ops.convert_to_numpy(self.preparation(patterns))


class TrainingBatches(keras.utils.PyDataset):
    """Exposures as Keras wants them; a worker thread makes them while the network trains.

    Parameters
    ----------
    exposures
        Where patterns come from.
    batch_size
        Patterns a batch.
    batches
        Batches an epoch.

    Attributes
    ----------
    lattices
        The index of the lattice of each crystal that is drawn, by the crystal's name.
    """

    def __init__(self, exposures: Exposures, batch_size: int, batches: int):
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=6)
        self.exposures = exposures
        self.batch_size = batch_size
        self.batches = batches
        materials = exposures.materials
        names = [crystal_name(exposures.library.records[i]) for i in materials]
        self.lattices = dict(zip(names, exposures.lattices[materials].tolist(), strict=True))
        # random ones have no number
        self.crystals = np.full(len(exposures.masters), NO_CRYSTAL)
        numbers = {name: number for number, name in enumerate(self.lattices)}
        self.crystals[materials] = [numbers[name] for name in names]
        self.waiting = []

    def __len__(self) -> int:
        """Return the batches an epoch."""
        return self.batches

    def __getitem__(self, _):
        """Return the next batch, whatever its number: a third are new.

        The others are earlier ones mirrored, or turned in any way (some detectors stand so, some
        files store them so): that leaves a crystal its lattice, and costs less than exposing.
        """
        if len(self.waiting) > WAITING:
            return self.waiting.pop(self.exposures.rng.integers(len(self.waiting)))
        drawn = self.exposures.draw(self.batch_size)
        shown = drawn.labels != NO_CRYSTAL
        answers = {
            "logits": drawn.labels,
            "quality": drawn.correlation,
            CRYSTAL: np.where(shown, self.crystals[drawn.materials], NO_CRYSTAL),
        }
        turned = TURNED[self.exposures.rng.integers(len(TURNED))]
        self.waiting += [(laid(drawn, way), answers) for way in (MIRRORED, turned)]
        return laid(drawn, UPRIGHT), answers


def laid(drawn: Drawn, way: tuple[bool, bool, bool]) -> dict[str, np.ndarray]:
    """Return exposures laid in one of the eight ways, and the cameras that would see them so."""
    prepared, (known, x, y, z) = drawn.prepared, drawn.camera.T
    exchanged, rows_reversed, columns_reversed = way
    if columns_reversed:
        prepared, x = prepared[:, :, ::-1], -x
    if rows_reversed:
        prepared, y = prepared[:, ::-1], -y
    if exchanged:
        prepared, x, y = prepared.swapaxes(1, 2), y, x
    return {"prepared": prepared, "camera": np.stack([known, x, y, z], axis=1)}
