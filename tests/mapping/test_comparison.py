import json
from math import isnan

import numpy as np
import pytest

from napari_bravais.lattices import lattice
from napari_bravais.mapping.boundaries import at_boundaries, misorientation_angles
from napari_bravais.mapping.comparison import (
    AGREE,
    AT_BOUNDARY,
    DIFFERENCES,
    INSIDE,
    NEITHER,
    ONLY_A,
    ONLY_B,
    compare,
)
from napari_bravais.mapping.indexed_map import NOT_INDEXED, CrystalPhase, IndexedMap
from napari_bravais.mapping.phase_map import PhaseMap

HP, TP = lattice("hP").index, lattice("tP").index
PHASES = (CrystalPhase("quartz", 152), CrystalPhase("rutile", 136))


def network(labels) -> PhaseMap:
    """Return a lattice map; -1 is not classified."""
    labels = np.asarray(labels)
    quality = np.where(labels < 0, 0.0, 1.0).astype(np.float32)
    return PhaseMap(np.eye(14, dtype=np.float32)[labels], quality, quality_threshold=0.5)


def hough(index, rotations=None) -> IndexedMap:
    index = np.asarray(index, np.int16)
    return IndexedMap(PHASES, index, rotations, source="Hough indexing")


@pytest.fixture
def halves():
    """Return quartz on the left, rutile on the right, 8 x 12, as both kinds of map."""
    index = np.zeros((8, 12), int)
    index[:, 6:] = 1
    return index, np.where(index == 0, HP, TP)


def test_maps_that_are_the_same_agree_wholly(halves):
    index, labels = halves
    same = compare(hough(index), network(labels))
    assert same.agreement == same.agreement_inside == same.agreement_at_boundaries == 1
    assert same.kappa == pytest.approx(1)
    assert (same.pixels, same.pixels_at_boundaries, same.pixels_inside) == (96, 16, 80)
    assert same.disagreements() == []
    assert (same.difference == AGREE).all()
    assert same.names == ("Hough indexing", "Neural network")


def test_disagreements_inside_grains_are_told_from_those_at_boundaries(halves):
    index, labels = halves
    labels[:2, 6] = HP  # at the boundary
    labels[3:6, 8:11] = HP  # inside
    labels[7, 0], index[7, 11], index[0, 0], labels[0, 0] = -1, NOT_INDEXED, NOT_INDEXED, -1
    result = compare(hough(index), network(labels))
    assert result.pixels == 93
    assert result.agreement == pytest.approx(1 - 11 / 93)
    assert result.agreement_at_boundaries == pytest.approx(1 - 2 / 16)
    assert result.agreement_inside == pytest.approx(1 - 9 / 77)
    difference = result.difference
    assert (difference[:2, 6] == AT_BOUNDARY).all() and (difference[3:6, 8:11] == INSIDE).all()
    assert (difference[7, 0], difference[7, 11], difference[0, 0]) == (ONLY_A, ONLY_B, NEITHER)
    inside, boundary = result.disagreements()
    assert (inside.pixels, inside.inside, inside.label_a, inside.label_b) == (9, True, TP, HP)
    assert (inside.row, inside.column) == (4, 9)
    assert (boundary.pixels, boundary.inside, boundary.column) == (2, False, 6)
    assert [entry.code for entry in DIFFERENCES] == list(range(6))
    assert result.difference_titles()[ONLY_B] == "Named by neural network alone"


def test_kappa_is_cohens(halves):
    """Cohen's own definition, on a table worked by hand: (0.7 - 0.5) / (1 - 0.5)."""
    first = hough([[0] * 25 + [1] * 25])
    second = network([[HP] * 20 + [TP] * 5 + [HP] * 10 + [TP] * 15])
    result = compare(first, second)
    assert result.agreement == pytest.approx(0.7)
    assert result.kappa == pytest.approx(0.4)


def test_confusion_counts_every_pixel_that_both_have_mapped(halves):
    index, labels = halves
    labels[3:6, 9:11] = lattice("oI").index
    labels[0, 0] = -1
    index[7] = NOT_INDEXED
    confusion = compare(hough(index), network(labels)).confusion
    assert confusion.rows == ["quartz (hP)", "rutile (tP)", "not indexed"]
    assert confusion.columns == [
        *("oI body-centred orthorhombic", "tP primitive tetragonal", "hP hexagonal"),
        "not classified",
    ]
    assert confusion.counts.tolist() == [[0, 0, 41, 1], [6, 36, 0, 0], [0, 6, 6, 0]]


def test_each_phase_is_judged_by_itself(halves):
    index, labels = halves
    labels[3:6, 9:11] = HP
    quartz, rutile = compare(hough(index), network(labels)).by_phase
    assert (quartz.name, quartz.lattice, quartz.agreement) == ("quartz (hP)", "hP", 1)
    assert rutile.pixels == 48 and rutile.agreement == pytest.approx(42 / 48)
    assert rutile.agreement_inside == pytest.approx(34 / 40)


def test_maps_with_nothing_in_common_give_no_numbers():
    result = compare(hough([[-1, -1]]), network([[HP, HP]]))
    assert isnan(result.agreement) and isnan(result.kappa)
    assert result.disagreements() == [] and result.by_phase == []
    told = json.loads(json.dumps(result.as_json(), allow_nan=False))
    assert told["agreement"]["all"] is None and told["kappa"] is None


def test_maps_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match="2 x 3 and 3 x 2 pixels cannot be compared"):
        compare(network(np.full((2, 3), HP)), network(np.full((3, 2), HP)))


def test_phases_without_a_lattice_are_not_judged():
    unknown = IndexedMap((CrystalPhase("unknown"),), np.zeros((2, 2), np.int16))
    assert compare(unknown, network(np.full((2, 2), HP))).pixels == 0


def test_single_wrong_pixels_make_no_boundary(halves):
    index, _ = halves
    index[3, 2] = 1
    assert not at_boundaries(hough(index))[2:5, 1:4].any()
    assert at_boundaries(hough(index), least_grain=1)[2:5, 2].all()


def test_grains_of_one_phase_are_told_apart_by_orientation():
    from orix.quaternion import Rotation

    turn = Rotation.from_axes_angles([0, 0, 1], [0, 30, 60], degrees=True).data
    rotations = np.zeros((6, 12, 4))
    rotations[:, :4], rotations[:, 4:8], rotations[:, 8:] = turn
    boundary = at_boundaries(hough(np.ones((6, 12), int), rotations))
    assert np.flatnonzero(boundary.any(axis=0)).tolist() == [3, 4, 7, 8]
    # tetragonal rutile looks the same after a quarter turn
    rotations[:, 8:] = Rotation.from_axes_angles([0, 0, 1], 120, degrees=True).data
    boundary = at_boundaries(hough(np.ones((6, 12), int), rotations))
    assert np.flatnonzero(boundary.any(axis=0)).tolist() == [3, 4]


def test_misorientations_are_orixs():
    from orix.quaternion import Misorientation, Rotation
    from orix.quaternion.symmetry import D3, O

    for group, number in ((O, 225), (D3, 152)):
        first, second = (Rotation.random((50,)) for _ in range(2))
        expected = np.degrees(
            Misorientation((first * ~second).data, symmetry=(group, group)).reduce().angle
        )
        ours = misorientation_angles(first.data, second.data, number)
        np.testing.assert_allclose(ours, expected, atol=1e-3)
