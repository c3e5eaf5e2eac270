"""The dynamics of hot copper."""

import numpy as np
import pytest

from napari_bravais.fingerprint.thermal import (
    BOLTZMANN,
    copper,
    energy_and_forces,
    hot_copper,
)


def test_copper_is_bound_as_it_is_and_rests_on_its_sites():
    atoms = copper(293)
    energy, forces = energy_and_forces(atoms.positions, atoms.cell[0, 0])
    assert energy / len(atoms) == pytest.approx(-3.51, abs=0.05)  # measured: -3.49 eV
    np.testing.assert_allclose(forces, 0, atol=1e-9)
    for scale in (0.98, 1.02):
        other, _ = energy_and_forces(scale * atoms.positions, scale * atoms.cell[0, 0])
        assert other > energy


def test_forces_are_the_slope_of_the_energy():
    atoms = copper(293)
    side = atoms.cell[0, 0]
    positions = atoms.positions + np.random.default_rng(0).normal(0, 0.1, (256, 3))
    _, forces = energy_and_forces(positions, side)
    for atom, axis in ((0, 0), (100, 1), (255, 2)):
        energies = []
        for step in (-1e-4, 1e-4):
            moved = positions.copy()
            moved[atom, axis] += step
            energies.append(energy_and_forces(moved, side)[0])
        assert forces[atom, axis] == pytest.approx((energies[0] - energies[1]) / 2e-4, rel=1e-4)


def test_atoms_stay_near_their_sites_as_equipartition_says():
    (warm,) = hot_copper(300, 1)
    off = warm.positions - copper(300).positions
    square = (off**2).sum(axis=1).mean()
    assert 0.08 < np.sqrt(square) < 0.22  # measured by diffraction: 0.15 Å
    at_rest, _ = energy_and_forces(copper(300).positions, warm.cell[0, 0])
    energy, _ = energy_and_forces(warm.positions, warm.cell[0, 0])
    # three halves of kT an atom in a harmonic crystal
    assert (energy - at_rest) / len(warm) == pytest.approx(1.5 * BOLTZMANN * 300, rel=0.15)
