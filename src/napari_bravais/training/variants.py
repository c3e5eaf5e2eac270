"""Variants of known crystals: the same bands in the same places, of other strengths.

Theory gives the place and the width of every band to the digit. How bright a band is depends on
inelastic scattering and on the detector too, and there real patterns part from theory. A network
that has seen each crystal in many such variants learns the lattice from what is certain. Planes
alike by symmetry change alike, and reflections that the lattice forbids stay dark.
"""

import numpy as np

from napari_bravais.simulation.kinematical import Reflectors, grey_levels, standard_frame

#: Share of variants drawn by kinematical bands alone, which may have another beam energy.
KINEMATICAL_SHARE = 0.4


def reflectors_of(record: dict) -> Reflectors:
    """Find the reflectors of a material, in the frame of its master pattern.

    Parameters
    ----------
    record
        Its line of ``structures.jsonl``: ``cell``, ``positions``, ``atomic_numbers``, ``lattice``.
    """
    cell = np.array(record["cell"])
    positions = np.array(record["positions"])
    if record["lattice"].startswith("m"):
        # monoclinic cells were turned to unique axis c before the simulation
        turn = [2, 0, 1]
        cell, positions = cell[turn], positions[:, turn]
    return Reflectors.of(standard_frame(cell), positions, np.array(record["atomic_numbers"]))


def variant(
    master: np.ndarray, reflectors: Reflectors, kilovolts: float, rng: np.random.Generator
) -> np.ndarray:
    """Draw a variant of a master pattern.

    Parameters
    ----------
    master
        Dynamical master pattern, square Lambert, shape (2, n, n), uint8.
    reflectors
        Of the same crystal in the same frame.
    kilovolts
        Beam energy of ``master`` in keV.
    rng
        Source of randomness.

    Returns
    -------
    numpy.ndarray
        Shape (2, n, n), uint8.
    """
    size = master.shape[-1]
    strengths = reflectors.amplitudes ** rng.uniform(0.7, 1.6)
    change = rng.normal(size=reflectors.families.max() + 1)[reflectors.families]
    if rng.random() < KINEMATICAL_SHARE:
        bands = reflectors.draw(
            strengths * np.exp(rng.uniform(0.2, 0.8) * change), rng, size, rng.uniform(10, 30)
        )
        northern = southern = bands
    else:
        mean = rng.uniform(0, 0.6)
        bands = reflectors.draw(strengths * (mean + change), rng, size, kilovolts)
        bands = (bands - bands.mean()) / (bands.std() + 1e-6)
        northern, southern = (master - master.mean()) / (master.std() + 1e-6)
        strength = rng.uniform(0, 0.6)
        northern = northern + strength * bands
        southern = southern[::-1, ::-1] + strength * bands
    # a pattern of bands alone has an inversion centre
    return grey_levels(np.stack([northern, southern[::-1, ::-1]]))
