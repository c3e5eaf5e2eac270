"""Raw patterns to network input: the one implementation, used in training and in inference.

It is a Keras layer inside the saved model, written with ``keras.ops``, so it runs on the device of
the model and on each of Keras's backends.
"""

import keras
import numpy as np
from keras import ops

from napari_bravais.model.lines import SIZE

#: Side of the coarse grid on which the background and the phosphor's edge are found.
COARSE = 40


def resampling_matrix(length: int, side: int, size: int) -> np.ndarray:
    """Weights that resample the middle of an axis.

    Parameters
    ----------
    length
        Pixels along the axis.
    side
        How many of them to keep, about the middle.
    size
        Pixels to resample these to.

    Returns
    -------
    numpy.ndarray
        Shape (size, length), float32, rows sum to one: a triangle filter as wide as the coarser of
        both grids, so that shrinking averages and enlarging interpolates linearly.
    """
    scale = side / size
    centre = (np.arange(size) + 0.5) * scale + (length - side) / 2
    distance = np.abs(np.arange(length) + 0.5 - centre[:, None]) / max(scale, 1.0)
    weights = np.clip(1 - distance, 0, None)
    inside = np.abs(np.arange(length) + 0.5 - length / 2) <= side / 2
    weights = weights * inside
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def smoothing_factors(size: int, sigma: float, coarse: int) -> tuple[np.ndarray, np.ndarray]:
    """Factor a wide Gaussian blur into shrinking and blurred enlarging.

    Parameters
    ----------
    size
        Pixels along the axis.
    sigma
        Standard deviation of the Gaussian in pixels; well over ``size / coarse``.
    coarse
        Pixels in between.

    Returns
    -------
    tuple of numpy.ndarray
        Shapes (coarse, size) and (size, coarse), float32. Their product is the blur, at a tenth of
        the arithmetic.
    """
    shrink = resampling_matrix(size, size, coarse)
    position = (np.arange(coarse) + 0.5) * size / coarse
    distance = np.arange(size)[:, None] + 0.5 - position
    enlarge = np.exp(-0.5 * (distance / sigma) ** 2)
    return shrink, (enlarge / enlarge.sum(axis=1, keepdims=True)).astype(np.float32)


@keras.saving.register_keras_serializable(package="napari_bravais")
class Preparation(keras.layers.Layer):
    """Prepare raw patterns: mask, crop, resample, flatten the background, normalise.

    Patterns of shape (n, h, w), any real scale, become shape (n, 80, 80, 1) with zero mean and
    unit deviation. The middle square of an oblong detector is kept, so angles are not distorted.
    Regions without any variation (dead borders, saturation), regions without light (outside a
    circular phosphor) and values that are not finite count as missing: they do not enter the
    background, and are zero in the output. A pattern with nothing in it becomes all zeros.

    Parameters
    ----------
    background
        Standard deviation of the Gaussian that measures the background, in pattern sides.
    contrast
        Standard deviation of the Gaussian that measures the local contrast, in pattern sides.
    limit
        Outputs are clipped at this many standard deviations.
    """

    def __init__(self, background=0.035, contrast=0.1, limit=3.5, **kwargs):
        super().__init__(**kwargs)
        self.background = background
        self.contrast = contrast
        self.limit = limit
        self.mean_factors = smoothing_factors(SIZE, background * SIZE, COARSE)
        self.contrast_factors = smoothing_factors(SIZE, contrast * SIZE, 16)

    def get_config(self):
        """Return the arguments of ``__init__``."""
        own = {"background": self.background, "contrast": self.contrast, "limit": self.limit}
        return {**super().get_config(), **own}

    def compute_output_spec(self, patterns):
        """Return the output's shape; it does not depend on the detector's."""
        return keras.KerasTensor((patterns.shape[0], SIZE, SIZE, 1), dtype="float32")

    def call(self, patterns):
        """Prepare patterns of shape (n, h, w)."""
        raw, present = self._readable(ops.cast(patterns, "float32"))
        height, width = patterns.shape[1:3]
        side = min(height, width)
        rows = resampling_matrix(height, side, SIZE)
        columns = resampling_matrix(width, side, SIZE)
        weight = ops.clip(_both_sides(rows, present, columns), 1e-6, 1.0)
        image = _both_sides(rows, raw * present, columns) / weight
        mask = ops.cast(weight > 0.5, "float32") * (1 - _unlit(image, weight, self.mean_factors[0]))
        image = image * mask

        share = mask / (_smooth(mask, self.mean_factors) + 1e-6)
        # The first round leaves what curves within the Gaussian and leans at the borders.
        for _ in range(2):
            image = image - _smooth(image, self.mean_factors) * share
        power = _smooth(image * image, self.contrast_factors)
        power = power / (_smooth(mask, self.contrast_factors) + 1e-6)
        overall = ops.mean(power, axis=(1, 2), keepdims=True)
        image = image * ops.rsqrt(power + 0.05 * overall + 1e-12)

        count = ops.sum(mask, axis=(1, 2), keepdims=True) + 1e-6
        mean = ops.sum(image * mask, axis=(1, 2), keepdims=True) / count
        image = (image - mean) * mask
        variance = ops.sum(image * image, axis=(1, 2), keepdims=True) / count
        image = ops.clip(image / ops.sqrt(variance + 1e-6), -self.limit, self.limit)
        return ops.expand_dims(image, -1)

    @staticmethod
    def _readable(raw):
        """Scale patterns, tame dead and hot pixels, and find the pixels that show something."""
        finite = ops.isfinite(raw)
        raw = ops.where(finite, raw, 0.0)
        raw = raw / (ops.max(ops.abs(raw), axis=(1, 2), keepdims=True) + 1e-30)
        channels = _as_channels(raw)
        contrast = _pool(channels) + _pool(-channels)  # the highest less the lowest
        flat = _as_images(_pool(ops.cast(contrast <= 1e-6, "float32")))
        present = ops.cast(finite, "float32") * (1 - flat)
        count = ops.sum(present, axis=(1, 2), keepdims=True) + 1e-6
        # A hot pixel hides the others in the first round's deviation; the third round finds them.
        for _ in range(3):
            mean = ops.sum(raw * present, axis=(1, 2), keepdims=True) / count
            variance = ops.sum(present * (raw - mean) ** 2, axis=(1, 2), keepdims=True) / count
            reach = 3.5 * ops.sqrt(variance)
            raw = ops.clip(raw, mean - reach, mean + reach)
        return (raw - mean) / (ops.sqrt(variance) + 1e-12), present


def _as_channels(images):
    """Lay images, shape (n, h, w), out as channels of one: libraries pool many at a time fast."""
    return ops.transpose(images[None], (0, 2, 3, 1))


def _as_images(channels):
    """Lay channels, shape (1, h, w, n), out as images again."""
    return ops.transpose(channels, (0, 3, 1, 2))[0]


def _pool(channels):
    """Largest value among each pixel and its eight neighbours."""
    return ops.max_pool(channels, 3, strides=1, padding="same")


def _unlit(images, weight, shrink):
    """Find what lies outside the phosphor: squares as dark throughout as no Kikuchi band is."""
    count = ops.sum(weight, axis=(1, 2), keepdims=True)
    mean = ops.sum(images * weight, axis=(1, 2), keepdims=True) / count
    darkest = ops.min(images, axis=(1, 2), keepdims=True)
    coarse = _as_channels(_both_sides(shrink, images, shrink))
    dark = _pool(coarse) < _as_channels(darkest + 0.2 * (mean - darkest))
    # once more than the squares themselves, to take the phosphor's rim along
    squares = _as_images(_pool(_pool(ops.cast(dark, "float32"))))
    # a product is the cheapest way to repeat them
    repeated = np.repeat(np.eye(COARSE, dtype=np.float32), SIZE // COARSE, axis=0)
    return _both_sides(repeated, squares, repeated)


def _both_sides(left, images, right):
    """Multiply images, shape (n, h, w), by ``left`` on the left and ``right``'s transpose."""
    return ops.matmul(ops.matmul(left, images), right.T)


def _smooth(images, factors):
    """Blur images, shape (n, h, w), with the factors of a Gaussian."""
    shrink, enlarge = factors
    return _both_sides(enlarge, _both_sides(shrink, images, shrink), enlarge)
