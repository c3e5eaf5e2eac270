"""The symmetry of spheres whose patterns are where they belong, and of one where they are not."""

import numpy as np
import pytest

from napari_bravais.lattices import PEARSON_SYMBOLS
from napari_bravais.mapping.assembly.orientations import Assembly
from napari_bravais.mapping.assembly.symmetry import SIZE, symmetry_of, weighed
from napari_bravais.mapping.sphere import super_fibonacci
from tests.mapping.assembly.conftest import CENTRE


def placed(patterns: np.ndarray, rotations: np.ndarray) -> Assembly:
    """Return an assembly that has found these rotations."""
    assembly = Assembly(patterns, CENTRE)
    assembly.rotations = rotations
    return assembly


@pytest.mark.parametrize(
    ("name", "system", "laue_group", "orders"),
    [
        ("rutile", "tetragonal", "4/mmm", [4, 2, 2, 2, 2]),
        ("quartz", "trigonal", "-3m", [3, 2, 2, 2]),
    ],
)
def test_the_symmetry_of_a_sphere_and_its_frame(take, name, system, laue_group, orders):
    patterns, rotations = take(name, 60)
    symmetry = symmetry_of(*placed(patterns, rotations).sphere(SIZE))
    assert (symmetry.name, symmetry.laue_group) == (system, laue_group)
    assert [order for _, order in symmetry.axes] == orders
    # both master patterns have their main axis at the pole
    np.testing.assert_allclose(np.abs(symmetry.frame[2]), [0, 0, 1], atol=0.03)
    np.testing.assert_allclose(symmetry.frame @ symmetry.frame.T, np.eye(3), atol=1e-6)
    for axis, order in symmetry.axes:
        expected = 0 if order == 2 else 1
        assert abs(axis @ symmetry.frame[2]) == pytest.approx(expected, abs=1e-6)
    assert symmetry.agreement > 0.5


def test_what_patterns_do_not_agree_on_is_unknown(take):
    patterns, _ = take("rutile", 24)
    symmetry = symmetry_of(*placed(patterns, super_fibonacci(24)).sphere(SIZE))
    assert symmetry.name == "unknown" and symmetry.axes == []
    even = np.full(14, 1 / 14)
    np.testing.assert_array_equal(weighed(even, symmetry.name, np.ones(14)), even)


def test_symmetry_decides_where_the_network_does_not_know():
    found = weighed(np.full(14, 1 / 14), "tetragonal", np.ones(14))
    assert found.sum() == pytest.approx(1)
    assert {PEARSON_SYMBOLS[i] for i in np.argsort(found)[-2:]} == {"tP", "tI"}
    sure = np.where(np.arange(14) == PEARSON_SYMBOLS.index("cF"), 0.999, 0.001 / 13)
    assert PEARSON_SYMBOLS[weighed(sure, "tetragonal", np.ones(14)).argmax()] == "cF"
    body = np.where(np.isin(PEARSON_SYMBOLS, "tI"), 0.8, np.isin(PEARSON_SYMBOLS, "tP") * 0.2)
    found = weighed(np.full(14, 1 / 14), "tetragonal", body)
    assert found[PEARSON_SYMBOLS.index("tI")] == pytest.approx(0.8 * 0.9)
    assert found[PEARSON_SYMBOLS.index("cF")] == pytest.approx(0.1 / 12)
