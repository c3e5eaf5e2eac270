"""The Radon transform of prepared patterns: every straight line of a pattern becomes a point.

Kikuchi bands are straight, so their sums along lines stand out of noise that hides every single
pixel; Hough indexing rests on the same (Krieger Lassen 1994, PhD thesis, DTU). A network that
reads lines learns from half as many patterns (`docs/training-log.md`, compact-12).
"""

import keras
import numpy as np
from keras import ops

from napari_bravais.model.lines import (
    OFFSETS,
    PERIOD,
    SLOPES,
    WAVES,
    WRAPPED,
    line_weights,
    offsets,
    places,
    slopes,
)


@keras.saving.register_keras_serializable(package="napari_bravais")
class Radon(keras.layers.Layer):
    """Sum prepared patterns along lines.

    Each row is shifted and all are added: a product in the Fourier space of the rows, so that
    sums between pixels need no interpolation.

    Prepared patterns of shape (n, 80, 80, 1) become shape (n, 80, 80, 1): direction by offset.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        # waves that the offsets' spacing cannot show are damped, and the last left out
        wave = 2 * np.pi * np.arange(WAVES) / PERIOD
        share = np.where(wave == 0, 1, 2) / PERIOD
        share = share * np.exp(-0.5 * (wave / (0.8 * np.pi)) ** 4)
        self.forward = _cosine_and_sine(places()[:, None] * wave)
        self.shift = _cosine_and_sine(wave[:, None, None] * places()[:, None] * slopes())
        self.backward = _cosine_and_sine(wave[:, None] * offsets(), share[:, None])
        self.weights_of_lines = line_weights()

    def compute_output_spec(self, prepared):
        """Return the output's shape."""
        shape = (prepared.shape[0], 2 * (SLOPES + WRAPPED), OFFSETS, 1)
        return keras.KerasTensor(shape, dtype=self.compute_dtype)

    def call(self, prepared):
        """Transform prepared patterns of shape (n, 80, 80, 1)."""
        images = prepared[..., 0]
        steep = self._sums(images)
        # flat lines, in the order in which directions go on from the steep ones
        flat = self._sums(ops.transpose(images, (0, 2, 1)))[:, ::-1, ::-1]
        lines = ops.concatenate([steep, flat], axis=1)
        # half a turn on, lines are the same with the opposite offset
        before, after = lines[:, -WRAPPED:, ::-1], lines[:, :WRAPPED, ::-1]
        return ops.expand_dims(ops.concatenate([before, lines, after], axis=1), -1)

    def _sums(self, images):
        """Sum along lines x = offset + slope * y, shape (n, SLOPES, OFFSETS)."""
        cosine, sine = (ops.transpose(ops.matmul(images, f), (2, 0, 1)) for f in self.forward)
        along, across = self.shift
        real = ops.matmul(cosine, along) + ops.matmul(sine, across)
        imaginary = ops.matmul(cosine, across) - ops.matmul(sine, along)
        real, imaginary = (ops.transpose(part, (1, 2, 0)) for part in (real, imaginary))
        cosine, sine = self.backward
        sums = ops.matmul(real, cosine) - ops.matmul(imaginary, sine)
        return sums * self.weights_of_lines


def _cosine_and_sine(phase: np.ndarray, share: np.ndarray | float = 1.0):
    return tuple((function(phase) * share).astype(np.float32) for function in (np.cos, np.sin))
