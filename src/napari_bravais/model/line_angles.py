"""What a network makes of the camera: at what angle the lattice plane of each line stands."""

import keras
import numpy as np
from keras import layers, ops

from napari_bravais.model.camera import CAMERA, USUAL_DISTANCE
from napari_bravais.model.lines import REACH, SIZE, SLOPES, WRAPPED

#: Facts that `LineAngles` gives of each line.
FACTS = 4


@keras.saving.register_keras_serializable(package="napari_bravais")
class LineAngles(keras.layers.Layer):
    """Facts of lines, seen from the pattern centre.

    What is told of the camera, shape (n, 4), becomes shape (n, rows, columns, 4), laid out as
    `napari_bravais.model.radon.Radon` lays out lines, but coarser: 1; the angle between the line's
    lattice plane and the normal of the detector, in radians; that squared; and the logarithm of how
    wide a radian is there. All zero where nothing is known.

    Parameters
    ----------
    rows, columns
        Shape of the grid.
    """

    def __init__(self, rows: int, columns: int, **kwargs):
        super().__init__(**kwargs)
        self.rows, self.columns = rows, columns
        turn = _middles(rows) * 2 * (SLOPES + WRAPPED) - WRAPPED
        angle = turn / SLOPES * np.pi / 2 - np.pi / 4
        offset = (2 * _middles(columns) - 1) * REACH / SIZE
        self.cosine, self.sine = (f(angle)[:, None].astype(np.float32) for f in (np.cos, np.sin))
        # offsets are measured along an axis, distances across the line
        across = np.maximum(np.abs(self.cosine), np.abs(self.sine))
        self.distance = (offset * across).astype(np.float32)

    def get_config(self):
        """Return the arguments of ``__init__``."""
        return {**super().get_config(), "rows": self.rows, "columns": self.columns}

    def compute_output_spec(self, camera):
        """Return the output's shape."""
        shape = (camera.shape[0], self.rows, self.columns, FACTS)
        return keras.KerasTensor(shape, dtype=self.compute_dtype)

    def call(self, camera):
        """Tell the facts, from what is told of the camera, shape (n, 4)."""
        known, x, y, z = (camera[:, i, None, None] for i in range(CAMERA))
        far = USUAL_DISTANCE * (1 + z)
        slope = (self.distance - x * self.cosine + y * self.sine) / far
        angle = ops.arctan(slope)
        width = ops.log(far * (1 + slope**2)) + 0.3  # about zero for the usual camera
        facts = ops.stack([ops.ones_like(angle), angle, angle**2, width], axis=-1)
        return facts * known[..., None]


def _middles(n: int) -> np.ndarray:
    """Return the middles of ``n`` equal parts of the range from 0 to 1."""
    return (np.arange(n) + 0.5) / n


def shifted_by_camera(x, camera, hidden: int = 16):
    """Let what is told of the camera scale and shift features, each in its place.

    It begins as nothing: a network that is not told of the camera yet stays as it is.

    Parameters
    ----------
    x
        Features of lines, shape (n, rows, columns, channels), Keras tensor.
    camera
        What is told of the camera, shape (n, 4), Keras tensor.
    hidden
        Features in between.
    """
    facts = LineAngles(*x.shape[1:3])(camera)
    facts = layers.Conv2D(hidden, 1, activation="relu", use_bias=False)(facts)
    scale = layers.Conv2D(x.shape[-1], 1, kernel_initializer="zeros", use_bias=False)(facts)
    shift = layers.Conv2D(x.shape[-1], 1, kernel_initializer="zeros", use_bias=False)(facts)
    return layers.Add()([x, layers.Multiply()([x, scale]), shift])
