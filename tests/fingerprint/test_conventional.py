"""The short way to a cubic crystal's conventional cell leads where spglib's does."""

import numpy as np
import pytest
import spglib

from napari_bravais.fingerprint.average import average_structure
from napari_bravais.fingerprint.conventional import conventional_cell, cubic_cell
from napari_bravais.fingerprint.defects import displaced, supercell, thinned
from napari_bravais.fingerprint.files import checked
from napari_bravais.fingerprint.gallery import EXAMPLES, example
from napari_bravais.fingerprint.prototypes import CUBIC_RATIOS, prototype, turned

CUBIC = (221, 225, 227, 229)
TOLERANCE = 0.01


def of_spglib(cell, sites, tolerance) -> np.ndarray:
    standard = spglib.standardize_cell(
        (cell, sites, np.ones(len(sites))), no_idealize=True, symprec=tolerance
    )
    return standard[0]


def primitive(group: int, ratio: float = 1.0):
    atoms = turned(prototype(group, 26, 2.5, ratio, primitive=True), np.random.default_rng(group))
    return np.asarray(atoms.cell), atoms.get_scaled_positions()


@pytest.mark.parametrize("group", EXAMPLES)
@pytest.mark.parametrize("vacancies", [0, 0.3])
def test_cubes_are_spglibs_and_no_others_are_cubes(group, vacancies):
    random = np.random.default_rng(group)
    crystal = turned(supercell(example(group)), random)
    atoms = displaced(thinned(crystal, vacancies, random), 0.1 * vacancies, random)
    average = average_structure(checked(atoms))
    found = cubic_cell(average.cell, average.sites, average.tolerance)
    assert (found is not None) == (group in CUBIC)
    if found is not None:
        assert np.linalg.det(found) > 0
        # the axes may be named in another order
        turn = found @ np.linalg.inv(of_spglib(average.cell, average.sites, average.tolerance))
        np.testing.assert_allclose(abs(turn), np.rint(abs(turn)), atol=1e-2)
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-2)


@pytest.mark.parametrize(
    ("group", "ratio"), [(group, ratio) for group in (139, 166) for ratio in CUBIC_RATIOS[group]]
)
def test_what_is_cubic_by_its_axial_ratio_is_so_within_spglibs_tolerance(group, ratio):
    for strain in (-0.02, -0.008, 0, 0.008, 0.02):
        cell, sites = primitive(group, ratio * (1 + strain))
        whole = spglib.get_symmetry_dataset((cell, sites, [1]), symprec=TOLERANCE)
        assert (cubic_cell(cell, sites, TOLERANCE) is not None) == (whole.number > 194)
        assert (strain == 0) == (whole.number > 194)


@pytest.mark.parametrize(
    ("sites", "is_cubic"),
    [
        ([[0, 0, 0], [0.5, 0.5, 0.5]], False),  # bcc has a smaller cell
        ([[0, 0, 0], [0.5, 0, 0]], False),  # and so has this, which is not cubic
        ([[0, 0, 0], [0.3, 0, 0]], False),
        ([[0, 0, 0], [0.2, 0.2, 0.2]], False),  # threefold axis, but only one
        ([[0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]], True),  # ReO3's oxygen
    ],
)
def test_a_cubic_lattice_alone_makes_no_cubic_crystal(sites, is_cubic):
    cell, sites = 3 * np.eye(3), np.array(sites)
    assert (cubic_cell(cell, sites, TOLERANCE) is not None) == is_cubic


def test_a_tetragonal_cell_of_half_the_height_is_not_taken_for_a_cube():
    cell = np.diag([3, 3, 1.5])
    assert cubic_cell(cell, np.zeros((1, 3)), TOLERANCE) is None
    np.testing.assert_allclose(
        np.sort(np.linalg.norm(conventional_cell(cell, np.zeros((1, 3)), TOLERANCE), axis=1)),
        [1.5, 3, 3],
    )
