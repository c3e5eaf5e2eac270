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
    SIZE,
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
        # a complex number is a pair of real ones: one product is faster than four
        cosine, sine = _cosine_and_sine(places()[:, None] * wave)
        self.forward = np.concatenate([cosine, sine], axis=1)
        cosine, sine = _cosine_and_sine(wave[:, None, None] * places()[:, None] * slopes())
        self.shift = np.block([[cosine, sine], [sine, -cosine]])
        cosine, sine = _cosine_and_sine(wave[:, None] * offsets())
        self.backward = np.concatenate([share[:, None] * cosine, -share[:, None] * sine])
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
        flat = self._sums(ops.transpose(images, (0, 2, 1)), -1)
        # half a turn on, lines are the same with the opposite offset
        before, after = flat[:, -WRAPPED:, ::-1], steep[:, :WRAPPED, ::-1]
        return ops.expand_dims(ops.concatenate([before, steep, flat, after], axis=1), -1)

    def _sums(self, images, order: int = 1):
        """Sum along lines x = offset + slope * y, shape (n, SLOPES, OFFSETS).

        With an ``order`` of -1 slopes and offsets come the other way round.
        """
        waves = ops.reshape(ops.matmul(images, self.forward), (-1, SIZE, 2, WAVES))
        waves = ops.reshape(ops.transpose(waves, (3, 0, 2, 1)), (WAVES, -1, 2 * SIZE))
        shift = self.shift.reshape(WAVES, 2 * SIZE, 2, SLOPES)[..., ::order]
        waves = ops.matmul(waves, shift.reshape(WAVES, 2 * SIZE, 2 * SLOPES))
        waves = ops.reshape(waves, (WAVES, -1, 2, SLOPES))
        waves = ops.reshape(ops.transpose(waves, (1, 3, 2, 0)), (-1, SLOPES, 2 * WAVES))
        sums = ops.matmul(waves, np.ascontiguousarray(self.backward[:, ::order]))
        return sums * np.ascontiguousarray(self.weights_of_lines[::order, ::order])


def _cosine_and_sine(phase: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.cos(phase).astype(np.float32), np.sin(phase).astype(np.float32)
