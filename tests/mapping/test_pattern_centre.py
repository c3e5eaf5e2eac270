from dataclasses import replace

import numpy as np
import pytest

from napari_bravais.io.sample_data import nickel_sample_path
from napari_bravais.io.scan import open_scan
from napari_bravais.mapping.hough import HoughError
from napari_bravais.mapping.pattern_centre import (
    CONVENTIONS,
    PatternCentre,
    good_pixels,
    optimise_pattern_centre,
    stored_pattern_centre,
    with_pattern_centre,
)


@pytest.mark.parametrize("shape", [(60, 60), (48, 80), (80, 48)])
def test_conventions_are_those_of_kikuchipy(shape):
    from kikuchipy.detectors import EBSDDetector

    for convention in CONVENTIONS:
        ours = PatternCentre(0.42, 0.63, 0.55, convention)
        theirs = EBSDDetector(shape=shape, pc=(0.42, 0.63, 0.55), convention=convention)
        np.testing.assert_allclose(ours.bruker(shape), theirs.pc_bruker()[0], rtol=1e-12)
        for other, expected in (("edax", theirs.pc_tsl()), ("oxford", theirs.pc_oxford())):
            turned = ours.converted(other, shape)
            np.testing.assert_allclose((turned.x, turned.y, turned.z), expected[0], rtol=1e-12)
        back = ours.converted("bruker", shape).converted(convention, shape)
        np.testing.assert_allclose((back.x, back.y, back.z), (0.42, 0.63, 0.55), rtol=1e-12)


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match=r"'tsl' is no convention .* bruker, edax, oxford"):
        PatternCentre(0.5, 0.5, 0.5, "tsl")
    with pytest.raises(ValueError, match=r"positive, not -0\.5"):
        PatternCentre(0.5, 0.5, -0.5)


def test_the_files_own_pattern_centre_is_found(every_sixth):
    scan, _ = every_sixth
    assert stored_pattern_centre(scan) == PatternCentre(0.486, 0.268, 0.583)
    assert stored_pattern_centre(replace(scan, detector=None)) is None
    unset = scan.detector.deepcopy()
    unset.pc = (0.5, 0.5, 0.5)
    assert stored_pattern_centre(replace(scan, detector=unset)) is None


def test_a_pattern_centre_is_found_again_from_a_bad_guess(every_sixth, quartz, rutile):
    scan, truth = every_sixth
    pixels = [(int(r), int(c)) for r, c in np.argwhere(truth >= 0)[::20]]
    start = PatternCentre(0.52, 0.30, 0.56).converted("edax", scan.signal_shape)
    fit = optimise_pattern_centre(scan, [quartz, rutile], start, pixels)
    assert fit.centre.convention == "edax" and fit.pixels == tuple(pixels)
    true = PatternCentre(0.486, 0.268, 0.583).converted("edax", scan.signal_shape)
    error = np.subtract((fit.centre.x, fit.centre.y, fit.centre.z), (true.x, true.y, true.z))
    assert np.abs(error).max() < 0.02
    assert fit.fit_after < 0.5 and fit.fit_after < fit.fit_before
    assert fit.indexed_after >= len(pixels) - 1


def test_no_pattern_is_told(every_sixth, quartz):
    scan, _ = every_sixth
    with pytest.raises(HoughError, match="no pattern was chosen"):
        optimise_pattern_centre(scan, [quartz], PatternCentre(0.5, 0.3, 0.55), [])


def test_good_pixels_are_spread_over_the_map_and_leave_the_pore_out(every_sixth):
    scan, truth = every_sixth
    pixels = good_pixels(scan, 9)
    assert len(set(pixels)) == 9
    assert all(truth[pixel] >= 0 for pixel in pixels)
    rows, columns = np.transpose(pixels)
    assert set((rows * 3 // 8).tolist()) == set((columns * 3 // 12).tolist()) == {0, 1, 2}
    one_row = replace(scan, patterns=scan.patterns[:1, :3])
    assert good_pixels(one_row, 9) == [(0, 0), (0, 1), (0, 2)]


def test_a_pattern_centre_by_hand_takes_the_place_of_the_files():
    scan = open_scan(nickel_sample_path())
    given = with_pattern_centre(scan, PatternCentre(0.4, 0.7, 0.5, "edax"))
    np.testing.assert_allclose(given.pattern_centre, (0.4, 0.3, 0.5))
    np.testing.assert_allclose(given.known_at(slice(None), 0)[1], [(0.4, 0.3, 0.5)] * 3)
    assert given.detector.sample_tilt == scan.detector.sample_tilt
    assert with_pattern_centre(replace(scan, detector=None), PatternCentre(0.5, 0.5, 0.5)).detector
