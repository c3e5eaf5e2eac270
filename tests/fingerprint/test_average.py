"""The average structure is found whatever was done to the real one."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from napari_bravais.fingerprint.average import average_structure
from napari_bravais.fingerprint.defects import displaced, supercell, thinned
from napari_bravais.fingerprint.files import checked
from napari_bravais.fingerprint.gallery import EXAMPLES, example
from napari_bravais.fingerprint.prototypes import prototype, turned

#: Atoms in the primitive cell.
SITES = {139: 1, 141: 2, 166: 1, 194: 2, 221: 1, 225: 1, 227: 2, 229: 1}


def cell_of(structure) -> np.ndarray:
    from ase.cell import Cell

    return Cell(structure.conventional_cell).cellpar()


@pytest.mark.parametrize("group", EXAMPLES)
def test_defects_and_setting_leave_lattice_sites_and_scale(group):
    random = np.random.default_rng(group)
    element, bond, ratio = EXAMPLES[group]
    pristine = average_structure(checked(example(group)))
    primitive = supercell(prototype(group, element, bond, ratio, primitive=True))
    made = displaced(thinned(turned(primitive, random), 0.5, random), 0.06, random)
    found = average_structure(checked(made))
    assert len(found.sites) == len(pristine.sites) == SITES[group]
    assert cell_of(found) == pytest.approx(cell_of(pristine), rel=1e-6)
    assert found.bond_length == pytest.approx(bond, rel=0.01)
    assert pristine.bond_length == pytest.approx(bond)


def test_a_cloud_without_a_cell_has_its_lattice():
    atoms = bulk("Fe", "bcc", a=2.87, cubic=True).repeat(6)
    cloud = turned(atoms, np.random.default_rng(0))
    cloud.pbc = False
    found = average_structure(checked(displaced(cloud, 0.05, np.random.default_rng(1))))
    assert cell_of(found) == pytest.approx([2.87, 2.87, 2.87, 90, 90, 90], rel=0.01)


def test_a_glass_has_none():
    random = np.random.default_rng(0)
    points = random.uniform(0, 40, (6000, 3))
    # no two atoms nearer than 2 Å, otherwise at random
    kept = []
    for point in points:
        if not kept or np.linalg.norm(np.array(kept) - point, axis=1).min() > 2:
            kept.append(point)
    assert average_structure(checked(Atoms(f"Si{len(kept)}", kept))) is None


@pytest.mark.parametrize("primitive", [True, False])
@pytest.mark.parametrize(("ratio", "z"), [(6**0.5, 0.24), (2.75, 0.227)])
def test_layers_in_pairs_are_not_taken_for_even_ones(primitive, ratio, z):
    random = np.random.default_rng(0)
    arsenic = prototype(166, 33, 2.6, ratio, z=z, primitive=primitive)
    crystal = turned(arsenic, random)
    expected = average_structure(checked(prototype(166, 33, 2.6, ratio, z=z)))
    for made in (crystal, displaced(thinned(supercell(crystal), 0.25, random), 0.06, random)):
        found = average_structure(checked(made))
        assert len(found.sites) == 2
        assert cell_of(found) == pytest.approx(cell_of(expected), rel=1e-3)
    assert cell_of(expected)[5] == pytest.approx(120)


def test_no_site_is_missed_and_four_layers_are_not_two():
    random = np.random.default_rng(0)
    lanthanum = supercell(prototype(194, 57, 3.74, 3.22, double=True))
    for made in (lanthanum, displaced(thinned(lanthanum, 0.25, random), 0.1, random)):
        found = average_structure(checked(made))
        assert len(found.sites) == 4
        assert found.conventional_cell[2] @ found.conventional_cell[2] == pytest.approx(
            (lanthanum.cell[2] @ lanthanum.cell[2]) / 16, rel=0.01
        )
