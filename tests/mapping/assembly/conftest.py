"""Patterns of the bundled master patterns, in many orientations."""

from collections.abc import Callable

import numpy as np
import pytest

from napari_bravais.model.preparation import Preparation
from napari_bravais.simulation.detector import DetectorFaults, expose
from napari_bravais.simulation.projection import project, random_rotations

#: Pattern centre of all these patterns.
CENTRE = np.array([0.5, 0.4, 0.6])


@pytest.fixture(scope="session")
def take(sample_data) -> Callable[[str, int], tuple[np.ndarray, np.ndarray]]:
    """Return what takes noisy patterns of a material: prepared, and their rotations."""

    def take(name: str, n: int) -> tuple[np.ndarray, np.ndarray]:
        master = np.load(sample_data / "master_patterns" / f"{name}.npz")["mp"]
        rng = np.random.default_rng(0)
        rotations = random_rotations(rng, n)
        clean = np.empty((n, 60, 60), np.float32)
        centres = np.tile(CENTRE.astype(np.float32), (n, 1))
        project(master[None], np.zeros(n, int), rotations, centres, clean)
        faults = DetectorFaults(noise=(0.2, 0.4), structured=0, stretched=0, jpeg=0, smoothed=0)
        taken = expose(clean, rng, faults)
        return np.asarray(Preparation(dtype="float32")(taken))[..., 0], rotations

    return take
