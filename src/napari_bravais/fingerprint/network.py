"""The network of the paper's table 2, in Keras."""

from napari_bravais.fingerprint.classes import CLASSES
from napari_bravais.fingerprint.diffraction import SIZE
from napari_bravais.model.backend import quiet_keras

#: Filters of the three pairs of convolutions; a pooling layer follows the first and the second.
FILTERS = (32, 16, 8)


def network():
    """Return the network: fingerprints (n, 64, 64, 3) in, logits of the seven classes out.

    The softmax is left to the loss and to the classifier, which calibrates it.
    """
    keras = quiet_keras()
    layers = keras.layers
    image = keras.Input((SIZE, SIZE, 3), name="fingerprint")
    x = image
    for pair, filters in enumerate(FILTERS, 1):
        for one in "ab":
            x = layers.Conv2D(
                filters,
                7,
                padding="same",
                activation="relu",
                kernel_initializer="orthogonal",
                name=f"conv{pair}{one}",
            )(x)
        if pair < len(FILTERS):
            x = layers.MaxPooling2D(2, name=f"pool{pair}")(x)
    x = layers.Flatten()(x)
    x = layers.Dense(128, activation="relu", name="dense")(x)
    x = layers.Dropout(0.25)(x)
    x = layers.BatchNormalization()(x)
    logits = layers.Dense(len(CLASSES), dtype="float32", name="logits")(x)
    return keras.Model(image, logits, name="ziletti2018")
