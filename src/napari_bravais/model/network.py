"""The networks, in Keras."""

import keras
from keras import layers

from napari_bravais.lattices import LATTICES
from napari_bravais.model.preparation import SIZE, Preparation

#: Name of the layer whose output Grad-CAM explains: the last feature maps before pooling.
FEATURES = "features"


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


def compact_backbone() -> keras.Model:
    """Return the compact network: 0.12 GFLOP a pattern, from prepared patterns to two answers.

    Returns
    -------
    keras.Model
        Input: prepared patterns, shape (n, 96, 96, 1). Outputs: ``logits``, shape (n, 14), and
        ``quality``, shape (n, 1), in [0, 1]. Its layer ``features`` holds the feature maps whose
        means both answers are dense functions of.
    """
    prepared = keras.Input((SIZE, SIZE, 1), name="prepared")
    x = _convolution(prepared, 16, kernel=5, strides=2)
    for filters, strides in ((32, 2), (32, 1), (64, 2), (64, 1), (128, 2), (160, 1)):
        x = layers.ReLU()(_residual(x, filters, strides))
    x = layers.Activation("linear", name=FEATURES)(x)
    pooled = layers.GlobalAveragePooling2D()(x)
    logits = layers.Dense(len(LATTICES), dtype="float32", name="logits")(pooled)
    quality = layers.Dense(1, activation="sigmoid", dtype="float32", name="quality")(pooled)
    return keras.Model(prepared, {"logits": logits, "quality": quality}, name="backbone")


def with_features(backbone: keras.Model) -> keras.Model:
    """Return a network that answers with its last feature maps too, as ``features``."""
    outputs = {**backbone.output, FEATURES: backbone.get_layer(FEATURES).output}
    return keras.Model(backbone.input, outputs)


def with_preparation(backbone: keras.Model) -> keras.Model:
    """Return a model that takes raw patterns, shape (n, h, w), of any detector.

    Its layers are ``preparation`` and ``backbone``; its outputs are the backbone's.
    """
    raw = keras.Input((None, None), name="patterns")
    prepared = Preparation(name="preparation", dtype="float32")(raw)
    return keras.Model(raw, backbone(prepared))
