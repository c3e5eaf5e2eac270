from dataclasses import replace

import numpy as np
import pytest

from napari_bravais.io.sample_data import nickel_sample_path
from napari_bravais.io.scan import open_scan
from napari_bravais.mapping.matching import camera_search
from napari_bravais.mapping.matching.camera_search import of_whole_detector
from napari_bravais.mapping.matching.centre import (
    CentreError,
    find_centre,
    ready_to_match,
)
from napari_bravais.mapping.pattern_centre import PatternCentre, with_pattern_centre
from napari_bravais.model.camera import of_middle_square


@pytest.fixture(scope="module")
def scan(sample_data):
    """Return a corner of the sample scan, whose pattern centre is said to be elsewhere."""
    whole = open_scan(sample_data / "quartz_rutile.h5")
    corner = replace(whole, patterns=whole.patterns[20:44, 36:60])
    return with_pattern_centre(corner, PatternCentre(0.1, 0.9, 2.0)), whole.pattern_centre


def _try_first(monkeypatch, heights, distances):
    cameras = [(0.5, y, z) for y in heights for z in distances]
    monkeypatch.setattr(camera_search, "_CAMERAS", np.array(cameras))


def test_the_pattern_centre_is_found_without_naming_a_phase(classifier, matcher, scan, monkeypatch):
    _try_first(monkeypatch, (0.25, 0.45), (0.52, 0.68, 0.87))
    without, true = scan
    told = []
    found = find_centre(without, classifier, matcher, lambda done, of: told.append((done, of)))
    np.testing.assert_allclose((found.centre.x, found.centre.y, found.centre.z), true, atol=0.005)
    assert found.correlation > 0.5 and found.centre.convention == "bruker"
    assert found.materials
    assert told[0] == (0, 6) and told[-1] == (6, 6)


def test_crystals_turn_along_with_a_camera_that_goes_far(classifier, matcher, monkeypatch):
    _try_first(monkeypatch, (0.25,), (0.52,))
    real = open_scan(nickel_sample_path())
    elsewhere = with_pattern_centre(real, PatternCentre(0.1, 0.9, 2.0))
    found = find_centre(elsewhere, classifier, matcher).centre
    # stored with the patterns; refined by their authors against EMsoft's nickel
    np.testing.assert_allclose((found.x, found.y, found.z), real.pattern_centre, atol=0.01)


def test_where_nothing_fits_none_is_found(classifier, matcher, scan, monkeypatch):
    _try_first(monkeypatch, (0.3,), (0.6,))
    noise = np.random.default_rng(0).integers(0, 255, (6, 6, 60, 60)).astype(np.uint8)
    import dask.array as da

    empty = replace(scan[0], patterns=da.from_array(noise), static_background=None)
    with pytest.raises(CentreError, match="no material that the network knows fits"):
        find_centre(empty, classifier, matcher)


def test_pattern_centres_of_all_pixels_are_moved_alike(classifier, sample_data):
    scan = open_scan(sample_data / "quartz_rutile.h5")
    ny, nx = scan.navigation_shape
    drift = np.linspace(-0.005, 0.005, nx)[None, :, None] * np.array([1, 0, 0])
    centres = np.array(scan.pattern_centre) + drift + np.zeros((ny, nx, 3))
    detector = scan.detector.deepcopy()
    detector.pc = centres + np.array([0.02, 0.02, -0.02])
    ready = ready_to_match(replace(scan, detector=detector), classifier)
    by = ready.scan.pattern_centres - detector.pc
    np.testing.assert_allclose(by, np.broadcast_to(by[0, 0], by.shape), atol=1e-6)
    np.testing.assert_allclose(ready.scan.pattern_centre, scan.pattern_centre, atol=0.005)
    assert "moved" in ready.note


def test_a_camera_that_is_quite_another_is_sought_everywhere(classifier, scan, monkeypatch):
    _try_first(monkeypatch, (0.25,), (0.52, 0.68))
    elsewhere, true = scan  # said to be at (0.1, 0.9, 2)
    ready = ready_to_match(elsewhere, classifier)
    np.testing.assert_allclose(ready.scan.pattern_centre, true, atol=0.02)
    assert "moved" in ready.note


def test_what_fits_nothing_does_not_move_a_pattern_centre(classifier, scan, monkeypatch):
    _try_first(monkeypatch, (0.3,), (0.6,))
    noise = np.random.default_rng(0).integers(0, 255, (6, 6, 60, 60)).astype(np.uint8)
    import dask.array as da

    empty = replace(scan[0], patterns=da.from_array(noise), static_background=None)
    empty = with_pattern_centre(empty, PatternCentre(0.5, 0.3, 0.6))
    ready = ready_to_match(empty, classifier)
    assert ready.scan is empty and ready.matcher is not None and not ready.note


def test_the_middle_squares_centre_is_the_whole_detectors():
    for shape in ((60, 80), (80, 60), (60, 60)):
        centre = np.array([0.42, 0.21, 0.5])
        back = of_whole_detector(of_middle_square(centre, shape), shape)
        np.testing.assert_allclose(back, centre)
