"""Judging a classifier: simulated patterns by part of the library, and real ones."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from napari_bravais.lattices import LATTICES, PEARSON_SYMBOLS
from napari_bravais.model.classifier import Classifier
from napari_bravais.simulation.detector import DetectorFaults, expose
from napari_bravais.simulation.projection import project, random_rotations
from napari_bravais.training.library import MasterLibrary, is_seed
from napari_bravais.training.patterns import random_centres

#: The noise at which accuracy is stated; the other faults are those of training.
MODERATE = DetectorFaults(noise=(0.2, 0.6), contrast=(0.05, 0.4))

#: Detector size at which accuracy is stated, in pixels.
SIZE = 60


@dataclass
class Score:
    """How well a classifier read some patterns.

    Attributes
    ----------
    materials
        How many materials.
    patterns
        How many patterns.
    top1, top3
        Shares whose lattice came first, or among the first three.
    crystal_system
        Share whose crystal system came first, probabilities summed over its lattices.
    calibration_error
        Expected calibration error: mean gap between probability and accuracy over 15 bins.
    by_material
        Share whose lattice came first, for each material.
    """

    materials: int
    patterns: int
    top1: float
    top3: float
    crystal_system: float
    calibration_error: float
    by_material: dict[str, float] = field(default_factory=dict)


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Return the expected calibration error (Guo et al. 2017, arXiv:1706.04599).

    Parameters
    ----------
    probabilities
        Shape (n, classes).
    labels
        True class of each row, shape (n,).
    bins
        How many bins of equal width the likeliest class's probability is sorted into.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(right[number == b].mean() - confidence[number == b].mean()) * (number == b).mean()
        for b in np.unique(number)
    ]
    return float(sum(gaps))


def score(probabilities: np.ndarray, labels: np.ndarray, materials: np.ndarray) -> Score:
    """Score probabilities, shape (n, 14), against labels and by material name, shape (n,) each."""
    order = np.argsort(-probabilities, axis=1)
    right = order[:, 0] == labels
    systems = sorted({lattice.crystal_system for lattice in LATTICES})
    system_of = np.array([systems.index(lattice.crystal_system) for lattice in LATTICES])
    per_system = np.stack(
        [probabilities[:, system_of == s].sum(axis=1) for s in range(len(systems))], axis=1
    )
    names = sorted(set(materials))
    return Score(
        materials=len(names),
        patterns=len(labels),
        top1=float(right.mean()),
        top3=float((order[:, :3] == labels[:, None]).any(axis=1).mean()),
        crystal_system=float((per_system.argmax(axis=1) == system_of[labels]).mean()),
        calibration_error=calibration_error(probabilities, labels),
        by_material={name: float(right[materials == name].mean()) for name in names},
    )


def evaluate_simulated(
    classifier: Classifier, library: MasterLibrary, patterns_per_material: int = 40, seed: int = 1
) -> dict[str, Score]:
    """Score new patterns, in random orientations at moderate noise, of each part of a library.

    Returns
    -------
    dict of str to Score
        For the seed paper's trained materials, all trained ones, its blind test, and structure
        types that training never saw.
    """
    trained = library.indices("trained")
    parts = {
        "seed's trained materials": np.array([i for i in trained if is_seed(library.records[i])]),
        "all trained materials": trained,
        "seed's blind materials": library.indices("blind"),
        "new structure types": library.indices("new type"),
    }
    rng = np.random.default_rng(seed)
    scores = {}
    for name, materials in parts.items():
        index = np.repeat(materials, patterns_per_material)
        probabilities = []
        for part in np.array_split(index, max(1, len(index) // 256)):
            clean = np.empty((len(part), SIZE, SIZE), np.float32)
            rotations = random_rotations(rng, len(part))
            project(library.masters, part, rotations, random_centres(rng, len(part)), clean)
            # neighbours in a batch overlap at grain boundaries, so they must be other materials
            mixed = rng.permutation(len(part))
            exposed = expose(clean[mixed], rng, MODERATE)
            probabilities.append(classifier.predict(exposed)[np.argsort(mixed)])
        files = np.array([library.records[i]["file"].removesuffix(".npz") for i in index])
        scores[name] = score(np.concatenate(probabilities), library.lattices[index], files)
    return scores


def real_patterns(folder: Path | None) -> dict[str, tuple[np.ndarray, str]]:
    """Return real patterns and their lattice, by name.

    Parameters
    ----------
    folder
        Further scans to read beside those in kikuchipy's package: files that begin with ``si_``
        (cF) or ``fe_`` (cI).
    """
    import kikuchipy as kp
    from PIL import Image

    def imread(path):  # Pillow heeds a TIFF that stores white as zero
        return np.asarray(Image.open(path).convert("L"))

    data = Path(kp.data.__file__).parent
    scan = kp.data.nickel_ebsd_small()
    flat = scan.data / scan.static_background.astype(float)
    sets = {
        "nickel, 3x3 scan, as `bravais map` reads it": (flat, "cF"),
        "the same, static background left in": (scan.data, "cF"),
        "nickel, EDAX HDF5": (kp.load(data / "edax_h5ebsd" / "patterns.h5").data, "cF"),
        "nickel, NORDIF calibration": (
            np.stack([imread(f)[..., :60] for f in sorted((data / "nordif").glob("Cal*.bmp"))]),
            "cF",
        ),
    }
    for path in sorted(folder.iterdir()) if folder else ():
        lattice = {"si_": "cF", "fe_": "cI"}.get(path.name[:3])
        if lattice is not None:
            pixels = kp.load(path).data if path.suffix == ".h5" else imread(path)
            sets[path.name] = (pixels, lattice)
    return {
        name: (pixels.reshape(-1, *pixels.shape[-2:]), lattice)
        for name, (pixels, lattice) in sets.items()
    }


def evaluate_real(classifier: Classifier, folder: Path | None = None) -> dict[str, dict]:
    """Read real patterns; for each set the patterns, how many are right, and what was answered."""
    results = {}
    for name, (patterns, lattice) in real_patterns(folder).items():
        probabilities, quality = classifier.assess(patterns)
        answers = [PEARSON_SYMBOLS[i] for i in probabilities.argmax(axis=1)]
        results[name] = {
            "lattice": lattice,
            "patterns": len(patterns),
            "right": answers.count(lattice),
            "answers": {symbol: answers.count(symbol) for symbol in sorted(set(answers))},
            "quality": round(float(quality.mean()), 3),
        }
    return results
