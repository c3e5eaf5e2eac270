"""Maps of fine-grained samples: how right their grains and their phases are, pixel by pixel."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_bravais.io.scan import Scan
from napari_bravais.mapping.engine import map_phases
from napari_bravais.mapping.phase_map import PhaseMap
from napari_bravais.mapping.pooled_map import PooledMap
from napari_bravais.mapping.pooling import find_phases
from napari_bravais.model.classifier import Classifier
from napari_bravais.simulation.detector import expose, standardise
from napari_bravais.simulation.projection import project, random_rotations
from napari_bravais.simulation.sample import neighbouring
from napari_bravais.training.evaluate_patterns import MODERATE, SIZE
from napari_bravais.training.library import MasterLibrary
from napari_bravais.training.patterns import random_centres

#: Rows and columns of the maps, and pixels of a grain.
SHAPE, _GRAIN = (96, 96), 22

#: How frequent the first two materials' grains are. The third lies in them in specks: one for so
#: many pixels, of radii between these.
_SHARES, _PIXELS_A_SPECK, _RADII = (0.7, 0.3), 115, (0.8, 1.4)

#: How much of a pattern its neighbour in another grain may be, where it touches one.
_MEETING = (0.03, 0.3)

#: Patterns that are exposed at a time.
_BATCH = 1024

#: What is measured, as the table says it.
_COLUMNS = {
    "grains": ("grains", "{:.0f}"),
    "grains found": ("of more than two pixels found", "{:.0f}"),
    "in another grain": ("pixels in another grain", "{:.1%}"),
    "classified": ("pixels classified", "{:.1%}"),
    "pixels right": ("of these lattice right, network", "{:.1%}"),
    "phases right": ("by their phases", "{:.1%}"),
    "specks right, network": ("of the third material, network", "{:.1%}"),
    "specks right": ("by their phases", "{:.1%}"),
    "phases": ("phases found", "{:.1f}"),
}


@dataclass(frozen=True)
class Sample:
    """A simulated scan, and what is true of it.

    Attributes
    ----------
    scan
        The scan, its pattern centre known.
    lattices
        Index of each pixel's lattice, shape (ny, nx).
    materials
        Which of the three materials it is of, shape (ny, nx).
    grains
        Number of its grain, shape (ny, nx).
    """

    scan: Scan
    lattices: np.ndarray
    materials: np.ndarray
    grains: np.ndarray


def evaluate_maps(
    classifier: Classifier,
    library: MasterLibrary,
    parts: dict[str, np.ndarray],
    samples: int,
    progress: Callable[[int, int], None] = lambda done, of: None,
    shape: tuple[int, int] = SHAPE,
) -> dict[str, dict]:
    """Map simulated samples of three materials, find their phases, and score both.

    Parameters
    ----------
    classifier
        What maps them.
    library
        Master patterns.
    parts
        Materials of each part; a sample is of three materials of one part, drawn at random.
    samples
        Of each part.
    progress
        Called with the samples done, and how many there are.
    shape
        Rows and columns of the maps.

    Returns
    -------
    dict
        Of each part, means over the samples of what `score` measures.
    """
    found = {}
    for number, (name, own) in enumerate(parts.items()):
        rng = np.random.default_rng(15)
        rows = []
        for done in range(samples):
            progress(number * samples + done, len(parts) * samples)
            sample = draw(library, rng.choice(own, 3, False), shape, rng)
            mapped = map_phases(sample.scan, classifier)
            rows.append(score(sample, mapped, find_phases(sample.scan, mapped, classifier)))
        means = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
        found[name] = {"samples": samples, **means}
    return found


def draw(
    library: MasterLibrary,
    materials: np.ndarray,
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> Sample:
    """Simulate a scan of fine grains of two materials with specks of a third, by one camera.

    Parameters
    ----------
    library
        Master patterns.
    materials
        Which three of its materials, shape (3,).
    shape
        Rows and columns.
    rng
        Source of everything drawn.
    """
    import dask.array as da
    from kikuchipy.detectors import EBSDDetector

    which, grains = _microstructure(shape, rng)
    centre = tuple(map(float, random_centres(rng, 1)[0]))
    rotations = random_rotations(rng, grains.max() + 1)[grains.ravel()]
    clean = np.empty((which.size, SIZE, SIZE), np.float32)
    centres = np.tile(np.float32(centre), (which.size, 1))
    project(library.masters, materials[which.ravel()], rotations, centres, clean)
    standardise(clean)
    share = rng.uniform(*_MEETING, which.size).astype(np.float32)[:, None, None]
    clean += share * (clean[neighbouring(grains).ravel()] - clean)
    faults = replace(MODERATE, overlap=0)
    parts = (expose(clean[a : a + _BATCH], rng, faults) for a in range(0, len(clean), _BATCH))
    patterns = np.concatenate([_stored(part) for part in parts]).reshape(*shape, SIZE, SIZE)
    scan = Scan(
        patterns=da.from_array(patterns, chunks=(8, shape[1], SIZE, SIZE)),
        step=(1.0, 1.0),
        step_unit="um",
        detector=EBSDDetector(shape=(SIZE, SIZE), pc=centre, convention="bruker"),
        beam_energy=None,
        path=Path("simulated"),
    )
    return Sample(scan, library.lattices[materials][which], which, grains)


def _microstructure(
    shape: tuple[int, int], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return which material each pixel is of, and the number of its grain, both of that shape."""
    from scipy.spatial import cKDTree

    place = np.indices(shape).reshape(2, -1).T
    count = place.shape[0] // _GRAIN
    grains = cKDTree(rng.uniform((0, 0), shape, (count, 2))).query(place)[1]
    which = rng.choice(2, count, p=_SHARES)[grains]
    for speck in range(place.shape[0] // _PIXELS_A_SPECK):
        away = np.linalg.norm(place - rng.uniform((0, 0), shape), axis=1)
        inside = away < rng.uniform(*_RADII)
        grains[inside], which[inside] = count + speck, 2
    return which.reshape(shape), grains.reshape(shape)


def _stored(patterns: np.ndarray) -> np.ndarray:
    """Return patterns in all grey levels of a byte."""
    low, high = patterns.min(axis=(1, 2), keepdims=True), patterns.max(axis=(1, 2), keepdims=True)
    return np.rint(255 * (patterns - low) / np.maximum(high - low, 1e-9)).astype(np.uint8)


def score(sample: Sample, mapped: PhaseMap, pooled: PooledMap) -> dict[str, float]:
    """Score a map of a sample.

    ``grains`` there are; ``grains found``, of more than two pixels; pixels ``in another grain``,
    than that of which most of a found grain is; the share of pixels ``classified``, and of these,
    whose lattice is right by the network (``pixels right``) and by their phases (``phases right``);
    the same two of the specks; and the ``phases`` found.
    """
    classified = mapped.labels >= 0
    found, true = pooled.grains[classified], sample.grains[classified]
    together = np.zeros((found.max() + 1, true.max() + 1), int)
    np.add.at(together, (found, true), 1)
    by_network = (mapped.probabilities.argmax(axis=-1) == sample.lattices)[classified]
    by_phase = (pooled.lattices == sample.lattices)[classified]
    specks = sample.materials[classified] == 2
    return {
        "grains": len(np.unique(sample.grains)),
        "grains found": int((together.sum(axis=1) > 2).sum()),
        "in another grain": 1 - float(together.max(axis=1).sum() / together.sum()),
        "classified": float(classified.mean()),
        "pixels right": float(by_network.mean()),
        "phases right": float(by_phase.mean()),
        "specks right, network": float(by_network[specks].mean()),
        "specks right": float(by_phase[specks].mean()),
        "phases": len(pooled.phases),
    }


def as_markdown(measured: dict[str, dict]) -> str:
    """Return the table of a measurement by ``bravais evaluate-maps``."""
    lines = [
        f"| three materials of | {' | '.join(title for title, _ in _COLUMNS.values())} |",
        "|" + "---|" * (1 + len(_COLUMNS)),
    ]
    for name, row in measured.items():
        cells = (form.format(row[key]) for key, (_, form) in _COLUMNS.items())
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)
