"""The network: as published, whole, and right where it must be."""

import shutil

import numpy as np
import pytest

from napari_bravais.fingerprint.answer import answer, symbol
from napari_bravais.fingerprint.classes import CLASS_OF_SPACE_GROUP, CLASSES
from napari_bravais.fingerprint.classifier import BUNDLED, StructureClassifier, calibrated
from napari_bravais.fingerprint.cluster import fingerprint
from napari_bravais.fingerprint.defects import displaced, substituted, supercell, thinned
from napari_bravais.fingerprint.evaluate import calibration_error
from napari_bravais.fingerprint.export import calibration_temperature
from napari_bravais.fingerprint.files import checked
from napari_bravais.fingerprint.gallery import EXAMPLES, example
from napari_bravais.fingerprint.local import bicrystal, local_map
from napari_bravais.fingerprint.network import network
from napari_bravais.fingerprint.responses import (
    _strided_back,
    _unpooled,
    activations,
    class_response,
    most_active,
    response_map,
)
from napari_bravais.fingerprint.transitions import SPECIAL, rhombohedral_path
from napari_bravais.model.card import ModelError


@pytest.fixture(scope="module")
def bundled() -> StructureClassifier:
    return StructureClassifier.bundled()


def test_the_network_is_the_papers_table_2():
    from keras import layers

    found = [layer for layer in network().layers if layer.weights or "Pool" in type(layer).__name__]
    kinds = [type(layer) for layer in found]
    pair = [layers.Conv2D, layers.Conv2D]
    dense = [layers.Dense, layers.BatchNormalization, layers.Dense]
    assert kinds == [*pair, layers.MaxPooling2D, *pair, layers.MaxPooling2D, *pair, *dense]
    convolutions = [layer for layer in found if isinstance(layer, layers.Conv2D)]
    assert [layer.filters for layer in convolutions] == [32, 32, 16, 16, 8, 8]
    assert {layer.kernel_size for layer in convolutions} == {(7, 7)}
    assert (found[-3].units, found[-1].units) == (128, 7)


@pytest.mark.parametrize("group", EXAMPLES)
def test_defects_do_not_change_the_class(bundled, group):
    random = np.random.default_rng(group)
    crystal = supercell(example(group))
    made = [
        crystal,
        displaced(crystal, 0.06, random),
        thinned(crystal, 0.25, random),
        thinned(crystal, 0.4, random),
        substituted(crystal, 0.5, [29], random),
    ]
    probabilities = bundled.predict(np.stack([fingerprint(checked(atoms)) for atoms in made]))
    assert probabilities.argmax(axis=1).tolist() == 5 * [CLASS_OF_SPACE_GROUP[group].index]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_the_rhombohedral_path_is_cubic_exactly_where_it_should_be(bundled):
    for name, ratio in SPECIAL.items():
        found = rhombohedral_path(bundled, ratio * np.array([0.985, 1, 1.015])).argmax(axis=1)
        assert [CLASSES[index].key for index in found] == ["hex/rh", name, "hex/rh"]


def test_an_answer_says_it_all(bundled):
    said = answer(checked(example(225)), bundled)
    assert (said.formula, said.atoms, said.crystal_class.key) == ("Cu4", 4, "fcc")
    assert said.space_groups == {"tight": 225, "medium": 225, "loose": 225}
    assert said.response.shape == (64, 64, 3)
    assert symbol(225) == "Fm-3m (225)"
    assert symbol(None) == "none"


def test_a_grain_boundary_is_seen(bundled):
    atoms = checked(bicrystal("boundary"))
    probabilities, places = local_map(bundled, atoms, 18)
    keys = np.array([each.key for each in CLASSES])[probabilities.argmax(axis=-1)]
    assert (keys[:, 1] == "bcc").all()
    assert (keys[:, -2] == "fcc").all()
    assert places.shape == (*keys.shape, 3)
    with pytest.raises(ValueError, match="'nonsense'"):
        bicrystal("nonsense")


def test_what_is_no_fingerprint_is_refused(bundled):
    with pytest.raises(ValueError, match="64, 64, 3"):
        bundled.predict(np.zeros((1, 32, 32, 3)))


def test_a_damaged_network_is_refused(tmp_path):
    path = tmp_path / BUNDLED.name
    with pytest.raises(ModelError, match="no such model file"):
        StructureClassifier.load(path)
    path.write_bytes(BUNDLED.read_bytes()[:-1])
    with pytest.raises(ModelError, match=r"model card .* cannot be read"):
        StructureClassifier.load(path)
    shutil.copy(BUNDLED.with_suffix(".json"), tmp_path)
    with pytest.raises(ModelError, match="damaged"):
        StructureClassifier.load(path)


def test_projecting_back_is_the_convolutions_adjoint(bundled):
    from keras import ops

    random = np.random.default_rng(0)
    layer = bundled.model.get_layer("conv1b")
    image, activity = random.random((1, 64, 64, 32)), random.random((64, 64, 32))
    image, activity = image.astype(np.float32), activity.astype(np.float32)
    there = np.asarray(ops.conv(image, layer.kernel, padding="same"))[0]
    back = np.asarray(ops.conv_transpose(activity[None], layer.kernel, padding="same"))[0]
    assert (there * activity).sum() == pytest.approx((image[0] * back).sum(), rel=1e-3)
    np.testing.assert_allclose(_strided_back(activity, layer), np.clip(back, 0, None), atol=1e-5)


def test_unpooling_puts_values_where_they_were():
    before = np.arange(16.0).reshape(4, 4, 1)
    pooled = np.array([[1.0, 2.0], [3.0, 4.0]])[..., None]
    back = _unpooled(pooled, before)[..., 0]
    assert (back[1, 1], back[3, 3]) == (1, 4)
    assert np.count_nonzero(back) == 4


def test_filters_are_chosen_by_their_answers(bundled):
    answers = activations(bundled.model, fingerprint(checked(example(221))))
    chosen = most_active(answers["conv1a"])
    sums = answers["conv1a"].sum(axis=(0, 1))
    assert sums[chosen].min() >= np.delete(sums, chosen).max()
    assert response_map(bundled.model, answers, "conv1a", chosen).shape == (64, 64, 3)
    assert not response_map(bundled.model, answers, "conv3b", []).any()


@pytest.mark.parametrize("group", EXAMPLES)
def test_class_templates_show_the_peaks(bundled, group):
    image = fingerprint(checked(example(group)))
    template = class_response(bundled.model, image)
    for channel in range(3):
        assert np.corrcoef(template[..., channel].ravel(), image[..., channel].ravel())[0, 1] > 0.4


def test_calibration_finds_the_temperature():
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (4000, 7))
    odds = calibrated(logits, 3)
    classes = np.array([random.choice(7, p=row) for row in odds])
    assert calibration_temperature(logits, classes) == pytest.approx(3, rel=0.05)
    assert calibration_error(odds, classes) < 0.03
    assert calibration_error(np.eye(7)[logits.argmax(axis=1)], classes) > 0.2
