import numpy as np
import pytest

from napari_bravais.lattices import LATTICES, UNCLASSIFIED, lattice
from napari_bravais.mapping.phase_map import PhaseMap, colour_table, percentage


def one_hot(labels) -> np.ndarray:
    return np.eye(14, dtype=np.float32)[np.asarray(labels)]


def test_nothing_is_mapped_in_an_empty_map():
    empty = PhaseMap.empty((2, 3), step=(0.5, 0.5), step_unit="um")
    assert empty.shape == (2, 3)
    assert empty.extent == (1.0, 1.5)
    assert not empty.mapped.any()
    assert (empty.labels == -1).all()
    assert empty.fractions() == [(UNCLASSIFIED, 0, 0.0)]


def test_labels_follow_the_threshold_and_leave_the_probabilities_alone():
    phase_map = PhaseMap(one_hot([[13, 7], [7, 7]]), np.float32([[0.9, 0.2], [0.6, np.nan]]))
    assert phase_map.labels.dtype == np.int8
    assert phase_map.labels.tolist() == [[13, 7], [7, -1]]
    phase_map.quality_threshold = 0.5
    assert phase_map.labels.tolist() == [[13, -1], [7, -1]]
    phase_map.quality_threshold = 0.0
    assert phase_map.labels.tolist() == [[13, 7], [7, -1]]


def test_fractions_are_of_the_mapped_pixels_largest_first_not_classified_last():
    quality = np.float32([[0.9, 0.9, 0.9], [0.9, 0.1, np.nan]])
    labels = [[13, 7, 7], [7, 7, 7]]
    phase_map = PhaseMap(one_hot(labels), quality, quality_threshold=0.5)
    assert phase_map.fractions() == [
        (lattice("tP"), 3, 0.6),
        (lattice("cF"), 1, 0.2),
        (UNCLASSIFIED, 1, 0.2),
    ]


def test_a_map_of_poor_patterns_that_were_not_averaged_is_noisy():
    shape = 4, 5
    flat = np.full((*shape, 14), 1 / 14, np.float32)
    good, poor = (np.full(shape, quality, np.float32) for quality in (0.6, 0.4))
    assert PhaseMap(flat, poor).noisy and not PhaseMap(flat, good).noisy
    assert not PhaseMap(flat, poor, provenance={"scan": {"averaged": True}}).noisy
    assert not PhaseMap(flat[:2], poor[:2]).noisy and not PhaseMap.empty(shape).noisy


def test_confidence_is_the_probability_of_the_likeliest():
    probabilities = np.full((1, 2, 14), 0.05, np.float32)
    probabilities[0, 0, 3] = 0.35
    probabilities[0, 1] = np.nan
    phase_map = PhaseMap(probabilities, np.float32([[1.0, np.nan]]))
    np.testing.assert_array_equal(phase_map.confidence, np.float32([[0.35, np.nan]]))


@pytest.mark.parametrize("shape", [(2, 3, 13), (3, 2, 14), (2, 3)])
def test_shapes_that_do_not_belong_together_are_refused(shape):
    with pytest.raises(ValueError, match=r"probabilities of shape \(ny, nx, 14\)"):
        PhaseMap(np.zeros(shape, np.float32), np.zeros((2, 3), np.float32))


def test_colour_table_is_indexed_by_label_plus_one():
    table = colour_table()
    assert table.shape == (15, 3) and table.dtype == np.uint8
    for entry in LATTICES:
        assert "#" + bytes(table[entry.index + 1]).hex() == entry.colour


@pytest.mark.parametrize(
    "fraction, text",
    [(0, "0.0 %"), (0.0001, "<0.1 %"), (0.0005, "0.1 %"), (0.1234, "12.3 %"), (1, "100.0 %")],
)
def test_percentages_never_hide_what_is_there(fraction, text):
    assert percentage(fraction) == text
