"""Raw patterns to network input: the one implementation, used in training and in inference.

It is a Keras layer inside the saved model, written with ``keras.ops``, so it runs on the device of
the model and on each of Keras's backends.
"""

import keras
import numpy as np
from keras import ops

from napari_bravais.model.lines import SIZE

#: Sides of the coarse grids on which background and local contrast are measured.
COARSE_BACKGROUND = 32
COARSE_CONTRAST = 16


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
        Standard deviation of the Gaussian in pixels; over ``size / coarse``, or it is not smooth.
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
    # shrinking blurs already, by a triangle of that variance
    variance = sigma**2 - (size / coarse) ** 2 / 6
    enlarge = np.exp(-0.5 * distance**2 / variance)
    return shrink, (enlarge / enlarge.sum(axis=1, keepdims=True)).astype(np.float32)


@keras.saving.register_keras_serializable(package="napari_bravais")
class Preparation(keras.layers.Layer):
    """Prepare raw patterns: mask, crop, resample, flatten the background, normalise.

    Patterns of shape (n, h, w), any real scale, become shape (n, 80, 80, 1) with zero mean and
    unit deviation. The middle square of an oblong detector is kept, so angles are not distorted.
    Regions without any variation (dead borders, saturation), rows and columns with hardly any (dead
    ones, gaps between sensors), regions without light (outside a circular phosphor) and values that
    are not finite count as missing: they do not enter the background, and are zero in the output.
    A pattern with nothing in it becomes all zeros.

    Parameters
    ----------
    background
        Standard deviation of the Gaussian that measures the background, in pattern sides.
    contrast
        Standard deviation of the Gaussian that measures the local contrast, in pattern sides.
    limit
        Outputs are clipped at this many standard deviations.
    """

    def __init__(self, background=0.0365, contrast=0.1, limit=3.5, **kwargs):
        super().__init__(**kwargs)
        self.background = background
        self.contrast = contrast
        self.limit = limit
        self.background_factors = smoothing_factors(SIZE, background * SIZE, COARSE_BACKGROUND)
        self.contrast_factors = smoothing_factors(SIZE, contrast * SIZE, COARSE_CONTRAST)

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
        mask = ops.cast(weight > 0.5, "float32") * (1 - _unlit(image, weight))
        image = self._flattened(image * mask, mask)
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

    def _flattened(self, image, mask):
        """Take the background off, which is measured twice on a coarse grid.

        The first round leaves what curves within the Gaussian and leans at the borders.
        """
        shrink, enlarge = self.background_factors
        around = shrink @ enlarge  # the Gaussian, from the coarse grid to itself
        present = _both_sides(shrink, mask, shrink)
        light = _both_sides(shrink, image, shrink)
        share = present / (_both_sides(around, present, around) + 1e-6)
        light = 2 * light - _both_sides(around, light, around) * share
        share = mask / (_both_sides(enlarge, present, enlarge) + 1e-6)
        return image - _both_sides(enlarge, light, enlarge) * share

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
        # only now: among hot pixels all other rows would seem dead
        present = present * _live(raw, 1) * _live(raw, 2)
        return (raw - mean) / (ops.sqrt(variance) + 1e-12), present


def _live(images, axis):
    """Find dead rows or columns, and gaps between sensors: hardly any variation along ``axis``."""
    contrast = ops.max(images, axis=axis, keepdims=True) - ops.min(images, axis=axis, keepdims=True)
    usual = ops.mean(contrast, axis=3 - axis, keepdims=True)
    return ops.cast(contrast > 0.05 * usual, "float32")


def _as_channels(images):
    """Lay images, shape (n, h, w), out as channels of one: libraries pool many at a time fast."""
    return ops.transpose(images[None], (0, 2, 3, 1))


def _as_images(channels):
    """Lay channels, shape (1, h, w, n), out as images again."""
    return ops.transpose(channels, (0, 3, 1, 2))[0]


def _pool(channels):
    """Largest value among each pixel and its eight neighbours."""
    return ops.max_pool(channels, 3, strides=1, padding="same")


def _unlit(images, weight):
    """Find what lies outside the phosphor: squares as dark throughout as no Kikuchi band is."""
    count = ops.sum(weight, axis=(1, 2), keepdims=True)
    mean = ops.sum(images * weight, axis=(1, 2), keepdims=True) / count
    darkest = ops.min(images, axis=(1, 2), keepdims=True)
    shrink = resampling_matrix(SIZE, SIZE, SIZE // 2)
    coarse = _as_channels(_both_sides(shrink, images, shrink))
    dark = _pool(coarse) < _as_channels(darkest + 0.2 * (mean - darkest))
    # once more than the squares themselves, to take the phosphor's rim along
    squares = _pool(_pool(ops.cast(dark, "float32")))
    half = SIZE // 2
    repeated = ops.broadcast_to(
        squares[:, :, None, :, None], (1, half, 2, half, 2, ops.shape(images)[0])
    )
    return _as_images(ops.reshape(repeated, (1, SIZE, SIZE, -1)))


def _both_sides(left, images, right):
    """Multiply images, shape (n, h, w), by ``left`` on the left and ``right``'s transpose."""
    return ops.matmul(ops.matmul(left, images), right.T)


def _smooth(images, factors):
    """Blur images, shape (n, h, w), with the factors of a Gaussian."""
    shrink, enlarge = factors
    return _both_sides(enlarge, _both_sides(shrink, images, shrink), enlarge)
