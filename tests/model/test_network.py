import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from napari_bravais.model.camera import CAMERA, unknown
from napari_bravais.model.lines import SIZE
from napari_bravais.model.network import ARCHITECTURES, CRYSTAL, FEATURES, build_backbone


@pytest.mark.parametrize(
    ("architecture", "least", "most"),
    # in millions of weights; ResNet50 and Xception have 23.5 and 20.9 without a head
    [("compact", 1.0, 1.6), ("resnet50", 23, 25), ("xception", 20, 22)],
)
def test_every_architecture_answers_for_its_classes(architecture, least, most):
    backbone = build_backbone(architecture, classes=3)
    prepared = np.zeros((2, SIZE, SIZE, 1), np.float32)
    answer = backbone({"prepared": prepared, "camera": unknown(2)})
    assert answer["logits"].shape == (2, 3) and answer["quality"].shape == (2, 1)
    assert backbone.get_layer(FEATURES).output.shape[1] > 1
    assert least < backbone.count_params() / 1e6 < most


def test_a_class_is_as_likely_as_its_crystals_together():
    crystals = {"a": 0, "b": 2, "c": 2, "d": 0, "e": 2}
    backbone = build_backbone(classes=3, crystals=crystals)
    prepared = np.random.default_rng(0).normal(size=(4, SIZE, SIZE, 1)).astype(np.float32)
    answer = backbone({"prepared": prepared, "camera": unknown(4)})
    classes, each = (tf.nn.softmax(answer[name]).numpy() for name in ("logits", CRYSTAL))
    assert each.shape == (4, 5)
    np.testing.assert_allclose(classes[:, 0], each[:, [0, 3]].sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(classes[:, 2], each[:, [1, 2, 4]].sum(axis=1), rtol=1e-5)
    assert classes[:, 1].max() < 1e-20


def test_an_unknown_architecture_is_named():
    with pytest.raises(ValueError, match="no architecture 'vgg'; there are compact"):
        build_backbone("vgg")
    assert "compact" in ARCHITECTURES


@pytest.mark.tensorflow
def test_the_compact_network_is_cheap_enough_to_map_with():
    network = build_backbone()
    read = tf.function(
        lambda prepared, camera: network({"prepared": prepared, "camera": camera}, training=False)
    )
    inputs = tf.TensorSpec((1, SIZE, SIZE, 1)), tf.TensorSpec((1, CAMERA))
    graph = convert_variables_to_constants_v2(read.get_concrete_function(*inputs)).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation() | {"output": "none"}
    counted = tf.compat.v1.profiler.profile(graph, options=options).total_float_ops
    # multiplications and additions
    assert 0.05e9 < counted <= 0.1e9
