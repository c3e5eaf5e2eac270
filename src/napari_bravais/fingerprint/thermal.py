"""Hot copper: molecular dynamics with a tight-binding potential.

Potential and its parameters: F. Cleri and V. Rosato, Physical Review B 48 (1993) 22. Thermostat:
Langevin's, by the BAOAB splitting (B. Leimkuhler and C. Matthews, Applied Mathematics Research
eXpress 2013, 34). Lengths in angstroms, energies in electronvolts, times in femtoseconds.
"""

from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from ase import Atoms

#: Repulsion, hopping, their decays, and the distance of neighbours in the crystal.
A, XI, P, Q, R0 = 0.0855, 1.224, 10.960, 2.278, 2.556
CUTOFF = 6.0

#: Atomic mass unit in eV fs² / Å², Boltzmann's constant in eV / K, mass of copper.
UNIT, BOLTZMANN, MASS = 103.642697, 8.617333e-5, 63.546

#: Time step and relaxation time of the thermostat.
STEP, RELAXATION = 5.0, 100.0


@numba.njit(cache=True)
def energy_and_forces(positions: np.ndarray, side: float) -> tuple[float, np.ndarray]:
    """Return energy, and forces, shape (n, 3), of copper in a periodic cube of a given side."""
    number = len(positions)
    density, forces, energy = np.zeros(number), np.zeros((number, 3)), 0.0
    pair, hop = np.zeros((number, number)), np.zeros((number, number))
    offsets = np.zeros((number, number, 3))
    for i in range(number):
        for j in range(i):
            square = 0.0
            for axis in range(3):
                off = positions[i, axis] - positions[j, axis]
                off -= side * np.rint(off / side)
                offsets[i, j, axis] = off
                square += off * off
            if square < CUTOFF * CUTOFF:
                distance = np.sqrt(square)
                repulsion = 2 * A * np.exp(-P * (distance / R0 - 1))
                hopping = np.exp(-2 * Q * (distance / R0 - 1))
                energy += repulsion
                density[i] += hopping
                density[j] += hopping
                pair[i, j] = P / R0 * repulsion / distance
                hop[i, j] = XI * Q / R0 * hopping / distance
    roots = np.sqrt(density)
    for i in range(number):
        for j in range(i):
            if hop[i, j] > 0:
                push = pair[i, j] - hop[i, j] * (1 / roots[i] + 1 / roots[j])
                for axis in range(3):
                    forces[i, axis] += push * offsets[i, j, axis]
                    forces[j, axis] -= push * offsets[i, j, axis]
    return energy - XI * roots.sum(), forces


def copper(temperature: float) -> "Atoms":
    """Return 256 atoms of copper on their sites, expanded as at a temperature in kelvins."""
    from ase.build import bulk

    # thermal expansion, linear
    return bulk("Cu", "fcc", a=3.615 * (1 + 1.9e-5 * (temperature - 293)), cubic=True).repeat(4)


def hot_copper(temperature: float, snapshots: int, seed: int = 0) -> list["Atoms"]:
    """Return `copper` as it moves at a temperature.

    Parameters
    ----------
    temperature
        In kelvins; copper melts at 1358.
    snapshots
        How many structures: the first after two picoseconds, then one each half.
    seed
        Of velocities and thermostat.

    Returns
    -------
    list of ase.Atoms
        Their centre of mass rests; atoms that have left the cell are not put back into it.
    """
    random = np.random.default_rng(seed)
    atoms = copper(temperature)
    side, positions = atoms.cell[0, 0], atoms.positions.copy()
    speed = np.sqrt(BOLTZMANN * temperature / (MASS * UNIT))
    kept = np.exp(-STEP / RELAXATION)
    velocities = random.normal(0, speed, positions.shape)
    _, forces = energy_and_forces(positions, side)
    taken = []
    for steps in [400] + [100] * (snapshots - 1):
        for _ in range(steps):
            velocities += STEP / 2 * forces / (MASS * UNIT)
            positions += STEP / 2 * velocities
            noise = random.normal(0, speed, positions.shape)
            velocities = kept * velocities + np.sqrt(1 - kept**2) * noise
            velocities -= velocities.mean(axis=0)
            positions += STEP / 2 * velocities
            _, forces = energy_and_forces(positions, side)
            velocities += STEP / 2 * forces / (MASS * UNIT)
        snapshot = atoms.copy()
        snapshot.positions = positions
        taken.append(snapshot)
    return taken
