"""Trains the small networks that tell centrings; see ``mapping/assembly/centring.py``."""

import hashlib
import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np

from napari_bravais.io.files import replacing
from napari_bravais.mapping.assembly.centring import (
    CELLS,
    DEGREES,
    PATH,
    STEP,
    TURNS,
    Network,
    averaged,
    looks,
    shapes,
)
from napari_bravais.mapping.matching.atlas import Atlas
from napari_bravais.model.classifier import Classifier
from napari_bravais.simulation.kinematical import Reflectors, grey_levels
from napari_bravais.simulation.random_crystals import random_crystal
from napari_bravais.training.atlas import Shown
from napari_bravais.training.evaluate_assembly import laue_group
from napari_bravais.training.library import MasterLibrary, structure_type, types_left_out

#: The system of whose centred lattices few crystals are known, so that random ones teach it, too;
#: patterns of each of these, and by how many cameras.
_FEW = "orthorhombic"
_PATTERNS, _CAMERAS = 30, 2

#: Side of their master patterns in pixels.
_SIZE = 161

#: Cells of a known and of a random crystal that are looked at: that it has, and that it has not; of
#: these some are nearly right, for their ratios are of another cell of the same lattice, or nearly.
_RIGHT, _WRONG, _NEARLY = (24, 3), (160, 16), (80, 8)
_NEARLY_RATIOS = np.log([1, 1, 2, 1 / 2, 3 / 2, 2 / 3, 3, 1 / 3, 2**0.5, 2**-0.5, 3**0.5, 3**-0.5])

#: How far a shape is off that is another one: logarithms of ratios, and degrees.
_ANOTHER, _TURNED = 0.09, 6.0

#: Space groups whose orthorhombic cells are centred on A in their first setting, the others on C.
_CENTRED_ON_A = (38, 39, 40, 41)

#: Hidden layers, and the penalty on squared weights where there are none: few cubic crystals are
#: known, and one cell of each.
_HIDDEN, _PENALTY = (96, 48), 0.06
_BATCH, _STEPS, _MOST_EPOCHS = 256, 3000, 150

#: Rates of learning, with hidden layers and without.
_RATES = (2e-3, 1e-2)

#: Parts that known crystals are split into, by structure type, to see how well new ones are told.
_FOLDS = 4

_POWERS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)

SEED = 106


@dataclass(frozen=True)
class Crystal:
    """A crystal's sphere, and what is to be told of it.

    Attributes
    ----------
    sphere
        In its standard frame, as `averaged` returns it, shape (n, n).
    system, laue_group, lattice
        A key of `CELLS`, its Laue group, and its Pearson symbol.
    ratios
        Logarithms of its conventional cell's lengths over a, shape (3,).
    centred
        Which axis goes through the faces that a face-centred orthorhombic cell is centred on.
    kind
        Its structure type; empty for a random crystal.
    """

    sphere: np.ndarray
    system: str
    laue_group: str
    lattice: str
    ratios: np.ndarray
    centred: int
    kind: str

    @classmethod
    def of(
        cls, sphere: np.ndarray, lattice: str, cell: np.ndarray, space_group: int, kind: str = ""
    ) -> "Crystal":
        """Describe a crystal by its sphere, lattice, conventional cell and space group."""
        lengths = np.linalg.norm(np.asarray(cell, float), axis=1)
        system = system_of(space_group)
        return cls(
            averaged(sphere, np.eye(3), system),
            system,
            laue_group(space_group),
            lattice,
            np.log(lengths / lengths[0]),
            0 if space_group in _CENTRED_ON_A else 2,
            kind,
        )


def system_of(space_group: int) -> str:
    """Return the crystal system of a space group, trigonal apart from hexagonal."""
    systems = ("triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal")
    return (*systems, "cubic")[bisect_left((2, 15, 74, 142, 167, 194), space_group)]


def known_crystals(atlas: Atlas, library: MasterLibrary) -> list[Crystal]:
    """Return the crystals of an atlas that are in no test, nor their structure types.

    Parameters
    ----------
    atlas
        Their spheres.
    library
        Their structures.
    """
    tested, found = types_left_out(), []
    for place, number in enumerate(library.places(atlas.keys)):
        record = library.records[number]
        kind, space_group = structure_type(record), record["space_group"]
        apart = kind in tested or library.parts[number] in ("blind", *set(tested.values()))
        if system_of(space_group) in CELLS and not apart:
            found.append(
                Crystal.of(
                    atlas.sphere(place), record["lattice"], record["cell"], space_group, str(kind)
                )
            )
    return found


def random_crystals(
    classifier: Classifier,
    count: int,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> list[Crystal]:
    """Draw orthorhombic crystals, and lay their kinematical patterns on spheres.

    Parameters
    ----------
    classifier
        What prepares the patterns.
    count
        How many; lattices take turns.
    progress
        Called with the crystals done, and how many there are.
    """
    import spglib

    rng, found = np.random.default_rng(SEED), []
    lattices = tuple(dict.fromkeys(CELLS[_FEW].answers))
    for done in range(count):
        progress(done, count)
        lattice = lattices[done % len(lattices)]
        cell, positions, numbers = random_crystal(lattice, rng)
        space_group = spglib.get_symmetry_dataset((cell, positions, numbers)).number
        bands = Reflectors.of(cell, positions, numbers, damping=rng.uniform(0.3, 1.2))
        grey = grey_levels(bands.draw(bands.amplitudes ** rng.uniform(0.9, 1.8), rng, _SIZE))
        master = np.stack([grey, grey[::-1, ::-1]])
        sphere = Shown.of(classifier, master, rng, _PATTERNS, _CAMERAS).sphere()
        found.append(Crystal.of(sphere, lattice, cell, space_group))
    return found


def seen_of(crystal: Crystal, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Look at cells that a crystal has and has not.

    Returns
    -------
    tuple of numpy.ndarray
        What is seen, shape (n, seen), and the answers, shape (n,): 0 for no such cell, else one
        more than the place in `Cells.answers`.
    """
    answers, drawn = CELLS[crystal.system].answers, not crystal.kind
    if crystal.system == "cubic":
        seen = looks(crystal.sphere, "cubic", shapes("cubic", crystal.laue_group))
        return seen, np.array([answers.index(crystal.lattice) + 1])
    if crystal.system == "orthorhombic":
        axes = rng.permutation(3)
        sphere = averaged(crystal.sphere, np.eye(3)[axes], crystal.system)
        right, wrong = _shapes_of_three(crystal.ratios[axes], rng, drawn)
        answer = answers.index(crystal.lattice) + 1
        if crystal.lattice == "oS":
            answer += int(np.flatnonzero(axes == crystal.centred)[0])
    else:
        sphere, answer = crystal.sphere, answers.index(crystal.lattice) + 1
        right, wrong = _shapes_about_one(crystal, rng, drawn)
    labels = np.repeat([answer, 0], [len(right), len(wrong)])
    return looks(sphere, crystal.system, np.concatenate([right, wrong])), labels


def _shapes_of_three(
    ratios: np.ndarray, rng: np.random.Generator, drawn: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return shapes that an orthorhombic cell has, but for the step, and others."""
    own = (ratios - ratios[0])[1:]
    right = own + rng.uniform(-STEP / 2, STEP / 2, (_RIGHT[drawn], 2))
    anywhere = rng.uniform(*CELLS["orthorhombic"].ratios, (_WRONG[drawn], 2))
    nearly = own + rng.choice(_NEARLY_RATIOS, (_NEARLY[drawn], 2))
    wrong = np.concatenate([anywhere, nearly])
    return right, wrong[np.abs(wrong - own).max(axis=1) > _ANOTHER]


def _shapes_about_one(
    crystal: Crystal, rng: np.random.Generator, drawn: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return shapes that a tetragonal or trigonal cell has, but for the steps, and others."""
    about = 90.0 if crystal.system == "tetragonal" else 120.0
    # of cells whose a lies along x, a* of hexagonal axes lies 30 degrees before it
    own = np.array([0.0 if crystal.system == "tetragonal" else -30.0])
    if crystal.lattice == "hP":
        own = np.append(own, own + 60)  # a rhombohedral one is another, turned so
    ratio = crystal.ratios[2]

    def turned(angles: np.ndarray) -> np.ndarray:
        return angles + rng.uniform(-DEGREES / 2, DEGREES / 2, len(angles))

    n = _RIGHT[drawn]
    right = ratio + rng.uniform(-STEP / 2, STEP / 2, n), turned(rng.choice(own, n))
    anywhere = rng.uniform(*CELLS[crystal.system].ratios, _WRONG[drawn])
    ratios = np.append(anywhere, ratio + rng.choice(_NEARLY_RATIOS, _NEARLY[drawn]))
    upright = turned(own[0] + rng.choice(TURNS[crystal.system], len(ratios)))
    angles = np.where(rng.random(len(ratios)) < 0.7, upright, rng.uniform(0, about, len(ratios)))
    apart = np.abs((angles[:, None] - own + about / 2) % about - about / 2).min(axis=1)
    another = (np.abs(ratios - ratio) > _ANOTHER) | (apart > _TURNED)
    return np.stack(right, axis=1), np.stack([ratios, angles], axis=1)[another]


def fitted(crystals: list[Crystal], seed: int) -> Network:
    """Train the network of a system.

    Parameters
    ----------
    crystals
        All of one system. A structure type counts for as much as the square root of its number, a
        lattice as much as any other, and all random crystals as much as all known ones.
    seed
        Seed of all that is drawn.
    """
    import keras

    rng, system = np.random.default_rng(seed), crystals[0].system
    keras.utils.set_random_seed(seed)
    seen, answers, counts = [], [], []
    for crystal, weight in zip(crystals, _weights(crystals), strict=True):
        looked, answer = seen_of(crystal, rng)
        seen.append(looked)
        answers.append(answer)
        # cells that it has count for as much as those that it has not
        counts.append(weight / np.bincount(answer > 0, minlength=2)[(answer > 0).astype(int)])
    seen, answers, counts = (np.concatenate(values) for values in (seen, answers, counts))
    mean, deviation = seen.mean(axis=0), seen.std(axis=0) + 1e-3
    hidden = () if system == "cubic" else _HIDDEN
    penalty = None if hidden else keras.regularizers.L2(_PENALTY)
    between = [
        layer
        for size in hidden
        for layer in (keras.layers.Dense(size, activation="relu"), keras.layers.Dropout(0.3))
    ]
    last = keras.layers.Dense(len(CELLS[system].answers) + 1, kernel_regularizer=penalty)
    noise = [keras.layers.GaussianNoise(0.2)] if hidden else []
    network = keras.Sequential([keras.Input((seen.shape[1],)), *noise, *between, last])
    batches = -(-len(seen) // _BATCH)
    epochs = min(-(-_STEPS // batches), _MOST_EPOCHS)
    rate = keras.optimizers.schedules.CosineDecay(_RATES[not hidden], epochs * batches)
    network.compile(
        keras.optimizers.AdamW(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    network.fit(
        (seen - mean) / deviation,
        answers,
        sample_weight=counts / counts.mean(),
        batch_size=_BATCH,
        epochs=epochs,
        verbose=0,
    )
    layers = [layer.get_weights() for layer in network.layers if layer.weights]
    return Network(mean, deviation, tuple((w, b) for w, b in layers), 1.0)


def _weights(crystals: list[Crystal]) -> np.ndarray:
    """Return how much each crystal counts; see `fitted`."""
    often = Counter(crystal.kind for crystal in crystals)
    weights = np.array([often[c.kind] ** -0.5 if c.kind else 1.0 for c in crystals])
    groups = [(c.lattice, bool(c.kind)) for c in crystals]
    for group in set(groups):
        own = np.array([other == group for other in groups])
        weights[own] /= weights[own].sum()
    return weights


def judged(crystals: list[Crystal]) -> tuple[float, float]:
    """Tell how well a system's lattices are told of structure types that were not trained on.

    Parameters
    ----------
    crystals
        All of one system.

    Returns
    -------
    tuple of float
        The share of structure types whose lattice is right, and the power that makes the
        probabilities of the right ones largest.
    """
    system = crystals[0].system
    names = list(dict.fromkeys(CELLS[system].answers))
    folds = np.array([crc32(c.kind.encode()) % _FOLDS if c.kind else -1 for c in crystals])
    likely, true, kinds = [], [], []
    for fold in range(_FOLDS):
        network = fitted([c for c, own in zip(crystals, folds, strict=True) if own != fold], fold)
        for crystal in (c for c, own in zip(crystals, folds, strict=True) if own == fold):
            tried = shapes(system, crystal.laue_group)
            found = network.likelihoods(crystal.sphere, system, tried)
            likely.append([found[name] for name in names])
            true.append(names.index(crystal.lattice))
            kinds.append(crystal.kind)
    likely, true = np.array(likely), np.array(true)
    often = Counter(kinds)
    weights = np.array([1 / often[kind] for kind in kinds])

    def loss(power: float) -> float:
        raised = likely**power
        own = raised[np.arange(len(true)), true] / raised.sum(axis=1)
        return -float(weights @ np.log(own + 1e-9))

    right = float(weights @ (likely.argmax(axis=1) == true) / weights.sum())
    return right, min(_POWERS, key=loss)


def save(networks: dict[str, Network], right: dict[str, float], path: Path = PATH) -> Path:
    """Write the networks of all systems, and their card beside them.

    Parameters
    ----------
    networks
        By system.
    right
        Shares of structure types whose lattice is right, as `judged` tells them, for the card.
    path
        The ``.npz`` file.
    """
    arrays = {}
    for system, network in networks.items():
        arrays[f"{system}/mean"] = network.mean.astype(np.float16)
        arrays[f"{system}/deviation"] = network.deviation.astype(np.float16)
        for number, (weights, biases) in enumerate(network.layers):
            arrays[f"{system}/weights{number}"] = weights.astype(np.float16)
            arrays[f"{system}/biases{number}"] = biases.astype(np.float16)
    with replacing(path) as temporary:
        np.savez_compressed(temporary, **arrays)
        card = {
            "sha256": hashlib.sha256(temporary.read_bytes()).hexdigest(),
            "powers": {system: network.power for system, network in networks.items()},
            "right": {system: round(share, 3) for system, share in right.items()},
        }
    path.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n", "utf-8")
    return path
