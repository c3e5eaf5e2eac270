import numpy as np
import pytest

from napari_bravais.lattices import PEARSON_SYMBOLS, lattice_of_space_group
from napari_bravais.simulation.random_crystals import random_crystal, random_master_pattern

spglib = pytest.importorskip("spglib")


@pytest.mark.parametrize("symbol", PEARSON_SYMBOLS)
@pytest.mark.parametrize("tolerance", [1e-4, 0.03])
def test_random_crystals_have_the_lattice_asked_for(symbol, tolerance):
    rng = np.random.default_rng(0)
    for _ in range(4):
        dataset = spglib.get_symmetry_dataset(random_crystal(symbol, rng), symprec=tolerance)
        assert lattice_of_space_group(dataset.number).pearson == symbol


def test_master_patterns_have_an_inversion_centre_and_contrast():
    master = random_master_pattern("cF", np.random.default_rng(1))
    assert master.shape == (2, 161, 161) and master.dtype == np.uint8
    np.testing.assert_array_equal(master[1], master[0, ::-1, ::-1])
    assert master.std() > 10
