import numpy as np
import pytest

from napari_bravais.model.lines import SIZE
from napari_bravais.model.preparation import Preparation, resampling_matrix, smoothing_factors


@pytest.fixture(scope="module")
def prepare():
    layer = Preparation(dtype="float32")
    return lambda patterns: np.asarray(layer(np.asarray(patterns, np.float32)))[..., 0]


@pytest.fixture
def bands():
    """Three bright bands on a bright, uneven background, 60x60."""
    y, x = np.mgrid[:60, :60] / 60
    pattern = 100 * np.exp(-((y - 0.4) ** 2 + (x - 0.6) ** 2) / 0.3) + 20 * x
    for a, b, c in ((1, 0.5, 0.7), (-0.3, 1, 0.4), (0.8, -0.6, 0.1)):
        pattern += 8 * (np.abs(a * x + b * y - c) < 0.03)
    return pattern


def test_output_has_zero_mean_and_unit_deviation(prepare, bands):
    prepared = prepare([bands])
    assert prepared.shape == (1, SIZE, SIZE)
    assert abs(prepared.mean()) < 1e-3  # clipping is not quite symmetric
    assert 0.9 < prepared.std() <= 1.0001


@pytest.mark.parametrize(("gain", "offset"), [(0.01, 0), (257, 0), (1, 3000), (1e6, -5e6)])
def test_gain_and_offset_do_not_matter(prepare, bands, gain, offset):
    first, second = prepare([bands, gain * bands + offset])
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.999


def test_a_smooth_background_is_removed(prepare, bands):
    y, x = np.mgrid[:60, :60] / 60
    tilted = bands + 40 * y + 30 * x * y
    first, second = prepare([bands, tilted])
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.93


def test_the_middle_square_of_an_oblong_detector_is_kept(prepare, bands):
    wide = np.pad(bands, ((0, 0), (20, 20)), mode="linear_ramp")
    np.testing.assert_allclose(prepare([wide])[0], prepare([bands])[0], atol=0.2)


@pytest.mark.parametrize("side", [30, 96, 240])
def test_any_detector_size_gives_the_same_picture(prepare, bands, side):
    from skimage.transform import resize

    other = resize(bands, (side, side), order=1, anti_aliasing=True)
    first, second = prepare([bands])[0], prepare([other])[0]
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > (0.85 if side == 30 else 0.97)


def test_hot_and_dead_pixels_do_not_drown_the_pattern(prepare, bands):
    bad = bands.copy()
    bad[10, 10], bad[40, 22], bad[33, 50] = 65535, 65535, 0
    first, second = prepare([bands, bad])
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.92


@pytest.mark.parametrize("value", [0, 4095])
def test_dead_rows_and_gaps_between_sensors_are_missing(prepare, bands, value):
    rng = np.random.default_rng(0)
    noisy = bands + rng.normal(size=bands.shape)
    gaps = noisy.copy()
    gaps[29:31], gaps[:, 29:31], gaps[7], gaps[:, 50] = value, value, value, value
    whole, with_gaps = prepare([noisy, gaps])
    assert not with_gaps[SIZE // 2 - 1 : SIZE // 2 + 1].any()
    assert not with_gaps[:, SIZE // 2 - 1 : SIZE // 2 + 1].any()
    seen = with_gaps != 0
    assert 0.85 < seen.mean() < 0.95
    assert np.corrcoef(whole[seen], with_gaps[seen])[0, 1] > 0.9


def test_rows_without_a_hot_pixel_are_not_taken_for_dead(prepare, bands):
    hot = bands.copy()
    hot[np.arange(0, 60, 5), np.arange(12) * 7 % 60] = 65535
    (prepared,) = prepare([hot])
    assert prepared.any(axis=0).all() and prepared.any(axis=1).all()


def test_outside_a_circular_phosphor_is_zero_and_does_not_disturb_inside(prepare, bands):
    y, x = np.mgrid[:60, :60]
    outside = np.hypot(y - 29.5, x - 29.5) > 29
    rng = np.random.default_rng(0)
    masked = np.where(outside, rng.uniform(0, 3, bands.shape), bands)
    plain, circular = prepare([bands, masked])
    assert not circular[:6, :6].any()
    inside = np.s_[25:55, 25:55]
    assert np.corrcoef(plain[inside].ravel(), circular[inside].ravel())[0, 1] > 0.98


def test_nothing_and_not_a_number_become_zeros(prepare, bands):
    broken = bands.copy()
    broken[20:25] = np.nan
    broken[30, 30] = np.inf
    empty, constant, nan, holey = prepare(
        [np.zeros((60, 60)), np.full((60, 60), 7.0), np.full((60, 60), np.nan), broken]
    )
    assert not empty.any() and not constant.any() and not nan.any()
    assert np.isfinite(holey).all() and holey.std() > 0.8
    assert not holey[28:32].any()


def test_resampling_weights_sum_to_one_and_keep_a_ramp():
    weights = resampling_matrix(480, 480, SIZE)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    ramp = weights @ (np.arange(480) + 0.5)
    np.testing.assert_allclose(ramp[2:-2], ((np.arange(SIZE) + 0.5) * 480 / SIZE)[2:-2], rtol=1e-3)


def test_the_factored_blur_is_a_gaussian_blur():
    from scipy.ndimage import gaussian_filter1d

    shrink, enlarge = smoothing_factors(SIZE, 9.6, 32)
    signal = np.random.default_rng(0).normal(size=SIZE).cumsum()
    exact = gaussian_filter1d(signal, 9.6)
    np.testing.assert_allclose((enlarge @ shrink @ signal)[30:66], exact[30:66], atol=0.3)
