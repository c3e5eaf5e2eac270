from dataclasses import replace

import numpy as np
import pytest

from napari_bravais.simulation.detector import DetectorFaults, expose, standardise

#: Faults that come and go, taken away.
NONE = dict.fromkeys(
    ("overlap", "mask", "dust", "dead", "compressed", "blur", "stretched", "jpeg", "smoothed"), 0
)


@pytest.fixture
def clean():
    y, x = np.mgrid[:60, :60]
    one = np.sin(x / 4) + np.cos((x + y) / 5)
    return np.stack([one, one.T, -one, one[::-1]]).astype(np.float32)


def correlation(a, b):
    return np.corrcoef(a.ravel(), b.ravel())[0, 1]


def test_the_same_seed_gives_the_same_exposures(clean):
    first = expose(clean, np.random.default_rng(3))
    np.testing.assert_array_equal(first, expose(clean, np.random.default_rng(3)))
    assert (first != expose(clean, np.random.default_rng(4))).any()


def test_exposures_are_whole_grey_levels_and_the_input_is_left_alone(clean):
    before = clean.copy()
    exposed = expose(clean, np.random.default_rng(0))
    np.testing.assert_array_equal(exposed, np.round(exposed))
    assert exposed.min() >= 0
    np.testing.assert_array_equal(clean, before)


def test_more_noise_hides_more(clean):
    likeness = []
    for noise in (0.05, 0.5, 2.0):
        faults = DetectorFaults(noise=(noise, noise * 1.01), contrast=(0.3, 0.31), **NONE)
        exposed = expose(clean, np.random.default_rng(0), faults)
        high = exposed[0] - np.roll(exposed[0], 12, axis=1)
        likeness.append(correlation(high, clean[0] - np.roll(clean[0], 12, axis=1)))
    assert likeness[0] > likeness[1] > likeness[2]


def test_eased_faults_grow_to_the_full_ones():
    faults = DetectorFaults()
    assert faults.eased(1.0).noise == pytest.approx(faults.noise)
    assert faults.eased(0.0).noise[1] < faults.eased(0.5).noise[1] < faults.noise[1]


def test_standardise_copes_with_a_blank():
    patterns = np.zeros((1, 8, 8), np.float32)
    standardise(patterns)
    assert not patterns.any()


def test_sharpened_exposures_lose_broad_intensities_and_keep_fine_ones():
    y, x = np.mgrid[:60, :60]
    # a period of 20 pixels, and one of 4 with the same strength
    clean = (np.sin(2 * np.pi * x / 20) + np.sin(2 * np.pi * y / 4))[None].repeat(64, axis=0)
    faults = DetectorFaults(noise=(0.01, 0.02), cloud=0, excess=0, tone=1, flattened=1, **NONE)
    spectra = {}
    for sharpened in (0.0, 0.9):
        changed = replace(faults, sharpened=sharpened)
        exposed = expose(clean.astype(np.float32), np.random.default_rng(0), changed)
        spectrum = np.abs(np.fft.fft2(exposed)).mean(axis=0)
        spectra[sharpened] = spectrum[0, 3] / spectrum[15, 0]
    assert spectra[0.9] < 0.8 * spectra[0.0]


def test_smoothed_exposures_have_less_noise_from_pixel_to_pixel(clean):
    noisy = DetectorFaults(noise=(2.0, 2.01), contrast=(0.2, 0.21), structured=0, **NONE)
    roughness = []
    for smoothed in (0.0, 1.0):
        changed = replace(noisy, smoothed=smoothed)
        exposed = expose(clean.repeat(8, axis=0), np.random.default_rng(0), changed)
        exposed /= exposed.std(axis=(1, 2), keepdims=True)
        roughness.append(np.abs(np.diff(exposed, axis=1)).mean(axis=(1, 2)))
    assert roughness[1].mean() < 0.75 * roughness[0].mean()
