"""The sample scan: rutile needles in quartz, simulated, with its ground truth.

``python -m napari_bravais.simulation.sample sample_data`` makes both anew.
"""

import sys
from pathlib import Path

import numpy as np

from napari_bravais.lattices import NOT_CLASSIFIED, lattice
from napari_bravais.simulation.detector import degrade, standardise
from napari_bravais.simulation.projection import project, random_rotations

SHAPE = (48, 72)
SIGNAL_SHAPE = (60, 60)
STEP_UM = 2.0
BEAM_ENERGY_KEV = 20.0

#: Pattern centre in Bruker's convention.
PATTERN_CENTRE = (0.486, 0.268, 0.583)

#: The phases in the order of their master patterns, and their lattices.
PHASES = {"quartz": "hP", "rutile": "tP"}

QUARTZ, RUTILE, PORE = 0, 1, 2


def microstructure(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw quartz grains, rutile needles through them, and a pore.

    Returns
    -------
    tuple of numpy.ndarray
        Phase (0 quartz, 1 rutile, 2 pore) and grain number, each of shape ``SHAPE``.
    """
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    seeds = rng.uniform((0, 0), SHAPE, (7, 2))
    grain = np.hypot(y[..., None] - seeds[:, 0], x[..., None] - seeds[:, 1]).argmin(axis=-1)
    phase = np.full(SHAPE, QUARTZ)
    number = len(seeds)
    # sagenite: needles of rutile cross at angles near sixty degrees
    for angle in (12, 12, 12, 72, 72, 132, 132, 12):
        direction = np.radians(angle + rng.normal(0, 4))
        centre = rng.uniform((6, 8), (SHAPE[0] - 6, SHAPE[1] - 8))
        along = (x - centre[1]) * np.cos(direction) + (y - centre[0]) * np.sin(direction)
        across = (y - centre[0]) * np.cos(direction) - (x - centre[1]) * np.sin(direction)
        half_length = rng.uniform(12, 34)
        taper = np.clip((half_length - np.abs(along)) / 5, 0, 1)
        needle = np.abs(across) < rng.uniform(1.0, 2.6) * taper
        phase[needle] = RUTILE
        grain[needle] = number
        number += 1
    pore = ((y - 37) / 2.6) ** 2 + ((x - 61) / 3.8) ** 2 < 1
    phase[pore] = PORE
    return phase, grain


def neighbouring(grain: np.ndarray) -> np.ndarray:
    """Return for each pixel the flat index of a neighbour in another grain, else of itself."""
    own = np.arange(grain.size).reshape(grain.shape)
    other = own.copy()
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        shifted = np.roll(own, step, axis)
        differs = grain.ravel()[shifted] != grain
        # the map does not wrap around
        edge = [slice(None), slice(None)]
        edge[axis] = 0 if step == 1 else -1
        differs[tuple(edge)] = False
        other = np.where(differs, shifted, other)
    return other


def simulate(masters: np.ndarray, seed: int = 2020) -> tuple[np.ndarray, np.ndarray]:
    """Simulate the scan.

    Parameters
    ----------
    masters
        Master patterns of quartz and rutile, shape (2, 2, n, n).
    seed
        Seed of microstructure, orientations and noise.

    Returns
    -------
    tuple of numpy.ndarray
        Patterns, shape (ny, nx, h, w), uint8, and the lattice index at every pixel, shape
        (ny, nx), int8: -1 in the pore, which shows no pattern.
    """
    rng = np.random.default_rng(seed)
    phase, grain = microstructure(rng)
    n = phase.size
    flat_phase, flat_grain = phase.ravel(), grain.ravel()
    rotations = random_rotations(rng, grain.max() + 1)[flat_grain]
    # the beam moves over the sample, and the pattern centre with it
    row, column = np.divmod(np.arange(n), SHAPE[1])
    centres = np.array(PATTERN_CENTRE) + np.stack(
        [1e-4 * (column - SHAPE[1] / 2), 5e-5 * (row - SHAPE[0] / 2), 1e-5 * row], axis=1
    )
    clean = np.empty((n, *SIGNAL_SHAPE), np.float32)
    project(masters, np.minimum(flat_phase, RUTILE), rotations, centres.astype(np.float32), clean)
    standardise(clean)
    other = neighbouring(grain).ravel()
    share = rng.uniform(0.05, 0.3, n).astype(np.float32)[:, None, None]
    clean = (1 - share) * clean + share * clean[other]
    standardise(clean)
    clean[flat_phase == PORE] = 0
    patterns = _exposed(clean, flat_phase, flat_grain, rng)
    index = np.array([lattice(symbol).index for symbol in PHASES.values()] + [NOT_CLASSIFIED])
    return patterns.reshape(*SHAPE, *SIGNAL_SHAPE), index[phase].astype(np.int8)


def _exposed(clean, phase, grain, rng) -> np.ndarray:
    """Expose the patterns on one detector: its background, point spread, noise and a dust spot."""
    n = len(clean)
    brightness = rng.uniform(0.55, 0.8, grain.max() + 1)[grain]
    brightness[phase == RUTILE] += 0.15
    brightness[phase == PORE] = 0.4
    brightness = np.clip(brightness * rng.normal(1, 0.01, n), 0.2, 1)
    field = np.tile([0.45, 0.52, 0.3, 0.3, 0.1, -0.2, 0.0, 0.3, 0, 0, 0], (n, 1))
    ones = np.ones(n)
    degrade(clean, 0.55 * ones, 0.6 * ones, 0.1 * ones, field, ones, 255 * brightness, rng)
    y, x = np.mgrid[: SIGNAL_SHAPE[0], : SIGNAL_SHAPE[1]]
    dust = 1 - 0.12 * np.exp(-((y - 41) ** 2 + (x - 17) ** 2) / 4)
    return np.clip(clean * dust, 0, 255).astype(np.uint8)


def save(patterns: np.ndarray, truth: np.ndarray, folder: Path) -> None:
    """Write the scan in kikuchipy's HDF5 format, and the truth as a TIFF of label + 1."""
    import kikuchipy as kp
    import tifffile
    from orix.crystal_map import CrystalMap, Phase, PhaseList, create_coordinate_arrays
    from orix.quaternion import Rotation

    signal = kp.signals.EBSD(patterns)
    for axis, name in zip(signal.axes_manager.navigation_axes, "xy", strict=True):
        axis.name, axis.scale, axis.units = name, STEP_UM, "um"
    signal.detector = kp.detectors.EBSDDetector(
        shape=SIGNAL_SHAPE, pc=PATTERN_CENTRE, sample_tilt=70, convention="bruker"
    )
    coordinates, size = create_coordinate_arrays(SHAPE, (STEP_UM, STEP_UM))
    # kikuchipy's format wants a crystal map; the scan itself is not indexed
    signal.xmap = CrystalMap(
        rotations=Rotation.identity((size,)),
        phase_id=np.full(size, -1),
        phase_list=PhaseList(Phase("unknown")),
        x=coordinates["x"],
        y=coordinates["y"],
        scan_unit="um",
    )
    signal.metadata.set_item("General.title", "rutile in quartz, simulated")
    signal.metadata.set_item("Acquisition_instrument.SEM.beam_energy", BEAM_ENERGY_KEV)
    signal.save(folder / "quartz_rutile.h5", overwrite=True, compression="gzip")
    labels = (truth + 1).astype(np.uint8)
    tifffile.imwrite(folder / "quartz_rutile_truth.tif", labels, compression="zlib")


def main() -> None:
    """Make the sample in the folder named on the command line."""
    folder = Path(sys.argv[1])
    masters = np.stack([np.load(folder / "master_patterns" / f"{p}.npz")["mp"] for p in PHASES])
    save(*simulate(masters), folder)


if __name__ == "__main__":
    main()
