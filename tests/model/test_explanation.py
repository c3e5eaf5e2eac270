import keras
import numpy as np
import pytest

from napari_bravais.model.camera import unknown
from napari_bravais.model.explanation import grad_cam, of_bands, over_pattern, weights_of_lattice
from napari_bravais.model.network import FEATURES, LINES, build_backbone, with_features
from napari_bravais.model.radon import Radon


@pytest.mark.tensorflow
@pytest.mark.parametrize("rank", [1, 2])
def test_the_closed_form_is_the_gradients_grad_cam(rank):
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    lattices = np.arange(40) % 14
    backbone = build_backbone(crystals={str(k): int(own) for k, own in enumerate(lattices)})
    detailed = with_features(backbone)
    crystals, summed = map(backbone.get_layer, ("crystal", "logits"))
    prepared = np.random.default_rng(0).normal(size=(1, 80, 80, 1)).astype(np.float32)
    answer = detailed({"prepared": prepared, "camera": unknown(1)})
    lattice = int(np.argsort(answer["logits"][0])[-rank])
    features = tf.Variable(answer[FEATURES])
    with tf.GradientTape() as tape:
        logit = summed(crystals(tf.reduce_mean(features, axis=(1, 2))))[0, lattice]
    gradient = tape.gradient(logit, features).numpy()[0]
    weights = gradient.mean(axis=(0, 1))
    expected = np.clip((features.numpy()[0] * weights).sum(axis=-1), 0, None)
    assert expected.max() > 0
    expected /= expected.max()
    own = weights_of_lattice(
        answer["crystal"][0].numpy(), np.asarray(crystals.kernel), lattices == lattice
    )
    heat = grad_cam(features.numpy()[0], own)
    np.testing.assert_allclose(heat, expected, atol=1e-4)


def test_a_lattice_without_crystals_has_nothing_that_speaks_for_it():
    logits, kernel = np.ones(3, np.float32), np.ones((5, 3), np.float32)
    assert not weights_of_lattice(logits, kernel, np.zeros(3, bool)).any()


def test_nothing_for_the_class_gives_zeros():
    features = np.ones((6, 6, 4), np.float32)
    assert not grad_cam(features, -np.ones(4)).any()


def test_two_bands_are_hottest_where_they_cross():
    prepared = np.zeros((1, 80, 80, 1), np.float32)
    prepared[0, 20] = 1
    prepared[0, :, 50] = 1
    lines = np.asarray(Radon()(prepared))[0, ..., 0]
    heat = of_bands(np.ones((5, 5)), lines)
    assert np.unravel_index(heat.argmax(), heat.shape) == pytest.approx((20, 50), abs=1)
    assert heat[20].mean() > 3 * heat[25].mean()


def test_a_band_outside_the_heat_is_cold():
    prepared = np.zeros((1, 80, 80, 1), np.float32)
    prepared[0, 20] = 1  # a flat line
    prepared[0, :, 50] = 1  # a steep line
    lines = np.asarray(Radon()(prepared))[0, ..., 0]
    of_steep = np.zeros((5, 5))
    of_steep[1] = 1
    heat = of_bands(of_steep, lines)
    assert heat[60, 50] > 0.5 > 0.1 > heat[20, 10]


def test_heat_lies_over_the_middle_square():
    heat = np.zeros((6, 6), np.float32)
    heat[0, 0] = 1
    full = over_pattern(heat, (60, 100))
    assert full.shape == (60, 100)
    assert not full[:, :20].any() and not full[:, 80:].any()
    assert np.unravel_index(full.argmax(), full.shape)[1] < 30


@pytest.mark.tensorflow
def test_the_bundled_networks_map_is_its_gradients(classifier, sample_data):
    import tensorflow as tf

    from napari_bravais.io.scan import open_scan

    pattern = open_scan(sample_data / "quartz_rutile.h5").patterns[47, 0].compute()
    model = keras.saving.load_model(classifier.path, compile=False)
    detailed = with_features(model.get_layer("backbone"))
    tail = keras.Model(
        detailed.get_layer(FEATURES).output, model.get_layer("backbone").output["logits"]
    )
    prepared = np.asarray(model.get_layer("preparation")(pattern[None]))
    answer = detailed({"prepared": prepared, "camera": unknown(1)})
    features = tf.Variable(answer[FEATURES])
    with tf.GradientTape() as tape:
        logit = tail(features)[0, 10]
    gradient = tape.gradient(logit, features).numpy()[0]
    expected = np.clip((features.numpy()[0] * gradient.mean(axis=(0, 1))).sum(axis=-1), 0, None)
    bands = of_bands(expected / expected.max(), answer[LINES].numpy()[0, ..., 0])
    expected = over_pattern(bands, pattern.shape)
    np.testing.assert_allclose(classifier.explain(pattern, "hP"), expected, atol=1e-3)
