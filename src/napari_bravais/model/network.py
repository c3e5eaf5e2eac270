"""The networks, in Keras."""

from collections.abc import Mapping
from functools import partial

import keras
import numpy as np
from keras import layers

from napari_bravais.lattices import LATTICES
from napari_bravais.model.camera import CAMERA
from napari_bravais.model.crystals import SummedByLattice
from napari_bravais.model.line_angles import shifted_by_camera
from napari_bravais.model.lines import SIZE
from napari_bravais.model.preparation import Preparation
from napari_bravais.model.radon import Radon

#: Name of the layer whose output Grad-CAM explains: the last feature maps before pooling.
FEATURES = "features"

#: Name of the layer that sums prepared patterns along lines.
LINES = "lines"

#: Name of the network inside a saved model, which prepares patterns first.
BACKBONE = "backbone"

#: Name of the layer that tells the crystals apart which the network was trained with.
CRYSTAL = "crystal"


def _convolution(x, filters, kernel=3, strides=1, activation=True):
    x = layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False)(x)
    # The default momentum of 0.99 lets validation lag far behind training in short runs.
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.ReLU()(x) if activation else x


def _residual(x, filters, strides=1):
    """Two convolutions and a shortcut (He et al. 2016)."""
    shortcut = x
    if strides > 1 or x.shape[-1] != filters:
        if strides > 1:
            shortcut = layers.AveragePooling2D(strides)(shortcut)
        shortcut = _convolution(shortcut, filters, kernel=1, activation=False)
    y = _convolution(x, filters, strides=strides)
    y = _convolution(y, filters, activation=False)
    return layers.Add()([shortcut, y])


def _context(x, camera, hidden):
    """Tell every place what all of them hold together: many weights at hardly any cost."""
    whole = layers.GlobalAveragePooling2D(keepdims=True)(x)
    whole = layers.Concatenate()([whole, layers.Reshape((1, 1, CAMERA))(camera)])
    whole = layers.Conv2D(hidden, 1, activation="relu")(whole)
    # zeros: it begins as nothing, and the network as a plain residual one
    whole = layers.Conv2D(x.shape[-1], 1, kernel_initializer="zeros")(whole)
    return layers.ReLU()(layers.Add()([x, whole]))


def _compact(lines, camera):
    x = _convolution(lines, 16, kernel=5, strides=2)
    for filters, strides in ((32, 2), (32, 1), (64, 2)):
        x = layers.ReLU()(_residual(x, filters, strides))
    for filters, strides, hidden in ((64, 1, 256), (128, 2, 512), (176, 1, 1024)):
        x = shifted_by_camera(x, camera)
        x = layers.ReLU()(_residual(x, filters, strides))
        x = _context(x, camera, hidden)
    return layers.Concatenate()([x, _convolution(x, 80, kernel=1)])


def _application(name, lines, camera):
    """One of Keras's own networks, without its head and with untrained weights."""
    network = getattr(keras.applications, name)
    output = network(include_top=False, weights=None, input_tensor=lines).output
    return layers.ReLU()(shifted_by_camera(output, camera))


#: From lines of patterns to the last feature maps: 0.10 GFLOP a pattern with the Radon transform;
#: and the networks of the first seed paper (He et al. 2016, Chollet 2017), made to read lines too.
ARCHITECTURES = {
    "compact": _compact,
    "resnet50": partial(_application, "ResNet50"),
    "xception": partial(_application, "Xception"),
}


def build_backbone(
    architecture: str = "compact",
    classes: int = len(LATTICES),
    crystals: Mapping[str, int] | None = None,
) -> keras.Model:
    """Return a network that takes prepared patterns and tells their class and their quality.

    Parameters
    ----------
    architecture
        A key of `ARCHITECTURES`.
    classes
        How many classes it tells apart.
    crystals
        The class of each of the crystals that it tells apart, by their names, if it tells crystals
        apart: a class is then as likely as its crystals together, and they are a third answer. To
        tell crystals apart teaches more a pattern than to tell lattices apart.

    Returns
    -------
    keras.Model
        Inputs: ``prepared`` patterns, shape (n, 80, 80, 1), and what is known of the ``camera``,
        shape (n, 4) (`napari_bravais.model.camera`). Outputs: ``logits``, shape (n, classes),
        and ``quality``, shape (n, 1), in [0, 1], and logits of each ``crystal``, shape
        (n, crystals), if there are any. Its layer ``features`` holds the feature maps of whose
        means the logits, or else those of crystals, are dense functions.

    Raises
    ------
    ValueError
        If there is no such architecture.
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(f"no architecture {architecture!r}; there are {', '.join(ARCHITECTURES)}")
    prepared = keras.Input((SIZE, SIZE, 1), name="prepared")
    camera = keras.Input((CAMERA,), name="camera")
    lines = Radon(name=LINES, dtype="float32")(prepared)
    features = ARCHITECTURES[architecture](lines, camera)
    features = layers.Activation("linear", name=FEATURES)(features)
    pooled = layers.GlobalAveragePooling2D()(features)
    quality = layers.Dense(1, activation="sigmoid", dtype="float32", name="quality")(pooled)
    answers = {"quality": quality}
    if crystals:
        likely = layers.Dense(len(crystals), dtype="float32", name=CRYSTAL)(pooled)
        summed = SummedByLattice(crystals, classes, dtype="float32", name="logits")
        answers |= {CRYSTAL: likely, "logits": summed(likely)}
    else:
        answers["logits"] = layers.Dense(classes, dtype="float32", name="logits")(pooled)
    return keras.Model({"prepared": prepared, "camera": camera}, answers, name=BACKBONE)


def with_more_crystals(
    backbone: keras.Model, crystals: Mapping[str, int], weights: np.ndarray, bias: np.ndarray
) -> keras.Model:
    """Return a network that tells further crystals from those that it was trained on.

    Parameters
    ----------
    backbone
        A network that tells crystals apart; it stays as it is.
    crystals
        The class of each further crystal, by names that are not among the others'.
    weights, bias
        Their logits' weights of the means of the last feature maps, shape (channels, crystals), and
        biases, shape (crystals,), beside those of the others.
    """
    head, summed = backbone.get_layer(CRYSTAL), backbone.get_layer("logits")
    kernel, own = head.get_weights()
    wider = layers.Dense(kernel.shape[1] + len(bias), dtype="float32", name=CRYSTAL)
    likely = wider(head.input)
    wider.set_weights([np.hstack([kernel, weights]), np.append(own, bias)])
    every = SummedByLattice(
        summed.crystals | dict(crystals), summed.units, dtype="float32", name="logits"
    )
    answers = backbone.output | {CRYSTAL: likely, "logits": every(likely)}
    return keras.Model(backbone.input, answers, name=BACKBONE)


def with_features(backbone: keras.Model) -> keras.Model:
    """Return a network that answers with its lines and its last feature maps too."""
    inner = {name: backbone.get_layer(name).output for name in (LINES, FEATURES)}
    return keras.Model(backbone.input, backbone.output | inner)


def with_preparation(backbone: keras.Model) -> keras.Model:
    """Return a model that takes raw ``patterns``, shape (n, h, w), of any detector.

    Its second input, ``camera``, and its outputs are the backbone's; its layers are
    ``preparation`` and ``backbone``.
    """
    raw = keras.Input((None, None), name="patterns")
    camera = keras.Input((CAMERA,), name="camera")
    prepared = Preparation(name="preparation", dtype="float32")(raw)
    answers = backbone({"prepared": prepared, "camera": camera})
    return keras.Model({"patterns": raw, "camera": camera}, answers)
