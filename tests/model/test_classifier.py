import json
import shutil

import keras
import numpy as np
import pytest

from napari_bravais import open_scan
from napari_bravais.lattices import PEARSON_SYMBOLS, lattice
from napari_bravais.model.candidates import MaterialIndex, index_path
from napari_bravais.model.classifier import BUNDLED, Classifier, ModelError
from napari_bravais.model.preparation import Preparation


@pytest.fixture(scope="module")
def nickel():
    import kikuchipy as kp

    return kp.data.nickel_ebsd_small().data.reshape(9, 60, 60)


def answers_to_nickel(classifier, nickel, background_divided_out):
    import kikuchipy as kp

    scan = kp.data.nickel_ebsd_small()
    background = scan.static_background if background_divided_out else None
    probabilities = classifier.predict(nickel, background, scan.detector.pc_average)
    return [PEARSON_SYMBOLS[i] for i in probabilities.argmax(axis=1)]


@pytest.mark.parametrize("background_divided_out", [False, True])
def test_real_nickel_is_face_centred_cubic(classifier, nickel, background_divided_out):
    assert answers_to_nickel(classifier, nickel, background_divided_out) == ["cF"] * 9


def test_probabilities_are_float32_and_sum_to_one(classifier, nickel):
    probabilities = classifier.predict(nickel)
    assert probabilities.shape == (9, 14) and probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32, np.float64])
def test_the_dtype_does_not_matter(classifier, nickel, dtype):
    expected = classifier.predict(nickel[:2])
    np.testing.assert_allclose(classifier.predict(nickel[:2].astype(dtype)), expected, atol=1e-3)


def test_batches_do_not_matter(classifier, nickel):
    many = np.concatenate([nickel] * 31)
    probabilities, quality = classifier.assess(many)
    assert probabilities.shape == (279, 14)
    np.testing.assert_allclose(probabilities[:9], probabilities[-9:], atol=1e-4)
    np.testing.assert_allclose(quality[:9], classifier.assess(nickel)[1], atol=1e-4)


def test_the_pattern_centre_can_be_told(classifier, nickel):
    centre = (0.42, 0.21, 0.5)
    told = classifier.predict(nickel, pattern_centre=centre)
    each = classifier.predict(nickel, pattern_centre=np.tile(centre, (9, 1)))
    np.testing.assert_array_equal(told, each)
    unknown = classifier.predict(nickel)
    assert np.abs(told - unknown).max() > 0.01
    # a camera that training never had counts as unknown
    np.testing.assert_array_equal(classifier.predict(nickel, pattern_centre=(0.5, 0.5, 3)), unknown)
    with pytest.raises(ValueError, match="pattern centre"):
        classifier.predict(nickel, pattern_centre=(0.5, 0.5))


def test_noise_and_blanks_are_below_the_threshold_and_patterns_above(classifier, nickel):
    rng = np.random.default_rng(0)
    nothing = np.stack([rng.normal(100, 10, (60, 60)), np.zeros((60, 60)), np.full((60, 60), 9)])
    assert (classifier.assess(nothing)[1] < classifier.quality_threshold).all()
    assert (classifier.assess(nickel)[1] > classifier.quality_threshold).all()


def test_materials_that_its_index_adds_are_told_beside_the_networks_own(classifier, nickel):
    alone = Classifier.bundled(whole=False)
    assert alone.checksum == classifier.checksum and alone.index_checksum is None
    *_, features = alone.embed(nickel)
    np.testing.assert_allclose(classifier.embed(nickel)[2], features, atol=1e-5)
    own, every = alone.crystals(features), classifier.crystals(features)
    added = MaterialIndex.of(classifier).kept_out
    assert added > 100 and every.shape[1] == own.shape[1] + added
    np.testing.assert_array_equal(every[:, : own.shape[1]], own)
    assert not np.allclose(alone.predict(nickel), classifier.predict(nickel), atol=1e-3)


def test_no_patterns_give_no_rows(classifier):
    assert classifier.predict(np.empty((0, 60, 60), np.uint8)).shape == (0, 14)


@pytest.mark.parametrize(
    ("patterns", "fault"),
    [
        (np.zeros((60, 60)), "shape"),
        (np.zeros((1, 4, 60)), "8x8"),
        (np.zeros((1, 60, 60), complex), "real"),
        (np.full((1, 60, 60), "a"), "real"),
    ],
)
def test_what_is_no_pattern_is_refused(classifier, patterns, fault):
    with pytest.raises(ValueError, match=fault):
        classifier.predict(patterns)


def test_explanation_covers_the_pattern(classifier, sample_data):
    quartz = open_scan(sample_data / "quartz_rutile.h5").patterns[47, 0].compute()
    likeliest = PEARSON_SYMBOLS[classifier.predict(quartz[None])[0].argmax()]
    heat = classifier.explain(quartz, likeliest)
    assert heat.shape == (60, 60) and heat.dtype == np.float32
    assert heat.min() >= 0 and 0.8 < heat.max() <= 1
    np.testing.assert_array_equal(classifier.explain(quartz), heat)
    assert not np.allclose(classifier.explain(quartz, "aP"), heat)
    with pytest.raises(ValueError, match="no Bravais lattice"):
        classifier.explain(quartz, "cubic")


def copy_model(folder):
    path = folder / "model.keras"
    shutil.copy(BUNDLED, path)
    shutil.copy(BUNDLED.with_suffix(".json"), path.with_suffix(".json"))
    return path


def test_a_copied_model_loads_with_its_index_or_without(tmp_path, classifier, nickel):
    path = copy_model(tmp_path)
    loaded, alone = Classifier.load(path), Classifier.bundled(whole=False)
    np.testing.assert_allclose(loaded.predict(nickel), alone.predict(nickel), atol=1e-6)
    for ending in (".npz", ".json"):
        shutil.copy(index_path(BUNDLED).with_suffix(ending), index_path(path).with_suffix(ending))
    loaded = Classifier.load(path)
    np.testing.assert_allclose(loaded.predict(nickel), classifier.predict(nickel), atol=1e-6)
    index_path(path).write_bytes(b"no index")
    with pytest.raises(ModelError, match=r"model-materials\.npz: the file is damaged"):
        Classifier.load(path)


def test_a_damaged_model_is_refused(tmp_path):
    path = copy_model(tmp_path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.keras: the file is damaged"):
        Classifier.load(path)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(ModelError, match="there is no such model file"):
        Classifier.load(tmp_path / "absent.keras")
    path = copy_model(tmp_path)
    path.with_suffix(".json").unlink()
    with pytest.raises(ModelError, match=r"model card model\.json cannot be read"):
        Classifier.load(path)


def save_with_card(model, path):
    import hashlib

    model.save(path)
    card = {"name": "x", "quality_threshold": 0.1}
    card["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".json").write_text(json.dumps(card))


def test_a_model_that_carries_code_is_refused(tmp_path):
    path = tmp_path / "lambda.keras"
    inputs = keras.Input((None, None))
    save_with_card(keras.Model(inputs, keras.layers.Lambda(lambda x: x + 1)(inputs)), path)
    with pytest.raises(ModelError, match="Lambda"):
        Classifier.load(path)


def test_another_kind_of_model_is_refused(tmp_path):
    path = tmp_path / "other.keras"
    inputs = keras.Input((4,))
    save_with_card(keras.Model(inputs, keras.layers.Dense(3)(inputs)), path)
    with pytest.raises(ModelError, match="no preparation"):
        Classifier.load(path)


def test_a_model_that_is_not_told_of_the_camera_is_refused(tmp_path):
    path = tmp_path / "earlier.keras"
    prepared = keras.Input((80, 80, 1))
    backbone = keras.Model(prepared, keras.layers.Flatten()(prepared), name="backbone")
    raw = keras.Input((None, None))
    save_with_card(keras.Model(raw, backbone(Preparation(name="preparation")(raw))), path)
    with pytest.raises(ModelError, match="patterns and their camera"):
        Classifier.load(path)


def test_a_static_background_is_divided_out(classifier, nickel):
    background = np.linspace(1, 3, 60) * np.ones((60, 1))
    bright = nickel[:2] * background
    with_background = classifier.assess(bright, background)
    for got, expected in zip(with_background, classifier.assess(nickel[:2]), strict=True):
        np.testing.assert_allclose(got, expected, atol=0.02)
    background[:10] = 0  # dark: nothing to see there
    assert np.isfinite(classifier.predict(bright, background)).all()
    with pytest.raises(ValueError, match="static background"):
        classifier.predict(nickel, background[:30])


def test_what_the_network_sees_explains_its_answers(classifier, nickel):
    probabilities, quality, features = classifier.embed(nickel)
    for got, expected in zip((probabilities, quality), classifier.assess(nickel), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-4)
    head = keras.saving.load_model(classifier.path, compile=False).get_layer("backbone")
    kernel, bias = head.get_layer("crystal").get_weights()
    index = MaterialIndex.of(classifier)
    more = features @ index.more_weights + index.more_bias
    likely = np.exp(np.hstack([features @ kernel + bias, more]))
    likely /= likely.sum(axis=1, keepdims=True)
    added = [lattice(each.lattice).index for each in index.materials[-index.kept_out :]]
    lattices = np.array([*head.get_layer("logits").crystals.values(), *added])
    summed = np.stack([likely[:, lattices == i].sum(axis=1) for i in range(14)], axis=1)
    np.testing.assert_allclose(summed, probabilities, atol=1e-4)
