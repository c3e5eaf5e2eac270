"""The set that the network learns from, and the defects that try it."""

import numpy as np
import pytest
from ase.build import bulk

from napari_bravais.fingerprint.classes import CLASS_OF_SPACE_GROUP, CLASSES
from napari_bravais.fingerprint.dataset import make_dataset, open_dataset, split
from napari_bravais.fingerprint.defects import (
    displaced,
    substituted,
    supercell,
    thinned,
    without_centres,
)
from napari_bravais.fingerprint.periodic import nearest_neighbours
from napari_bravais.fingerprint.prototypes import SPACE_GROUPS, solids
from napari_bravais.fingerprint.symmetry import TOLERANCES, space_group

SOLIDS = list(solids(32, seed=5))


def test_every_space_group_has_its_class():
    assert set(SPACE_GROUPS) == set(CLASS_OF_SPACE_GROUP)
    assert [each.index for each in CLASSES] == list(range(7))


def test_solids_are_what_spglib_says_at_every_tolerance():
    assert [solid.space_group for solid in SOLIDS] == 4 * list(SPACE_GROUPS)
    for solid in SOLIDS:
        for tolerance in (1e-3, 1e-6):
            assert space_group(solid.atoms, tolerance) == solid.space_group


def test_solids_vary_and_can_be_drawn_again():
    again = list(solids(32, seed=5))
    for one, other in zip(SOLIDS, again, strict=True):
        np.testing.assert_array_equal(one.atoms.positions, other.atoms.positions)
    assert len({solid.atoms.get_chemical_formula() for solid in SOLIDS}) > 15


def test_a_set_holds_fingerprints_and_is_split_nine_to_one(tmp_path):
    make_dataset(tmp_path, 16, seed=5)
    images, classes, facts = open_dataset(tmp_path)
    assert images.shape == (16, 64, 64, 3)
    assert [CLASS_OF_SPACE_GROUP[s.space_group].index for s in SOLIDS[:16]] == classes.tolist()
    assert facts["space_groups"] == {str(group): 2 for group in SPACE_GROUPS}
    trained, held_back = split(1000)
    assert len(held_back) == 100
    assert sorted([*trained, *held_back]) == list(range(1000))


def test_defects_are_as_many_as_asked_for():
    random = np.random.default_rng(0)
    crystal = supercell(bulk("Fe", "bcc", a=2.87, cubic=True))
    assert len(crystal) == 250
    assert len(thinned(crystal, 0.6, random)) == 100
    assert (substituted(crystal, 0.2, [79], random).numbers == 79).sum() == 50
    moves = displaced(crystal, 0.06, random).positions - crystal.positions
    assert moves.std() == pytest.approx(0.06, rel=0.1)


def test_without_all_centres_bcc_is_sc():
    random = np.random.default_rng(0)
    half = without_centres(4, 0.5, random, element="Fe", a=2.87)
    none = without_centres(4, 1.0, random, element="Fe", a=2.87)
    assert (len(half), len(none)) == (96, 64)
    assert space_group(none, 1e-3) == 221
    assert nearest_neighbours(none) == pytest.approx(2.87)


def test_spglib_gives_up_on_a_vacancy():
    crystal = supercell(bulk("Fe", "bcc", a=2.87, cubic=True))
    assert space_group(crystal, TOLERANCES["loose"]) == 229
    thin = thinned(crystal, 0.02, np.random.default_rng(0))
    assert space_group(thin, TOLERANCES["loose"]) != 229
