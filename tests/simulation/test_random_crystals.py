import numpy as np
import pytest

from napari_bravais.lattices import PEARSON_SYMBOLS
from napari_bravais.simulation.random_crystals import (
    pearson_of_space_group,
    random_crystal,
    random_master_pattern,
)

spglib = pytest.importorskip("spglib")


@pytest.mark.parametrize("symbol", PEARSON_SYMBOLS)
@pytest.mark.parametrize("tolerance", [1e-4, 0.03])
def test_random_crystals_have_the_lattice_asked_for(symbol, tolerance):
    rng = np.random.default_rng(0)
    for _ in range(4):
        dataset = spglib.get_symmetry_dataset(random_crystal(symbol, rng), symprec=tolerance)
        assert pearson_of_space_group(dataset.number, dataset.international) == symbol


def test_lattices_of_space_groups():
    expected = {
        (225, "Fm-3m"): "cF",
        (166, "R-3m"): "hR",
        (38, "Amm2"): "oS",
        (152, "P3_121"): "hP",
    }
    assert {key: pearson_of_space_group(*key) for key in expected} == expected


def test_master_patterns_have_an_inversion_centre_and_contrast():
    master = random_master_pattern("cF", np.random.default_rng(1))
    assert master.shape == (2, 161, 161) and master.dtype == np.uint8
    np.testing.assert_array_equal(master[1], master[0, ::-1, ::-1])
    assert master.std() > 10
