"""What a network is told of the camera: where the pattern centre lies, if a scan says so.

A line of a pattern is the trace of a lattice plane. With the pattern centre its place becomes an
angle, and so do the widths of bands there and the distances between them; without it a network has
to guess, or to read shapes that hold for any camera.
"""

import keras
import numpy as np
from keras import layers, ops

from napari_bravais.model.lines import REACH, SIZE, SLOPES, WRAPPED

#: Numbers that tell the camera: 1 if known, then pcx and pcy from the middle of the pattern, and
#: pcz over `USUAL_DISTANCE` less one. All zero if nothing is known.
CAMERA = 4

#: Camera distance that counts as zero, in sides of the pattern.
USUAL_DISTANCE = 0.65

#: Ranges of the pattern centre (pcx, pcy, pcz) that networks learn, Bruker's convention; and how
#: far beyond them one may lie that is still told.
PATTERN_CENTRES = ((0.35, 0.65), (0.05, 0.65), (0.4, 0.95))
BEYOND = 0.05

#: Facts that `LineAngles` gives of each line.
FACTS = 4


def unknown(n: int) -> np.ndarray:
    """Return what is told of the cameras of ``n`` patterns of which nothing is known."""
    return np.zeros((n, CAMERA), np.float32)


def told(pattern_centres: np.ndarray, signal_shape: tuple[int, int]) -> np.ndarray:
    """Tell pattern centres as networks are told them; those of unusual cameras as unknown.

    Parameters
    ----------
    pattern_centres
        Pattern centres (pcx, pcy, pcz), Bruker's convention, shape (n, 3): pcx in widths of the
        detector from the left, pcy and pcz in heights, from the top.
    signal_shape
        Rows and columns of the detector, of which preparation keeps the middle square.

    Returns
    -------
    numpy.ndarray
        Shape (n, 4), float32.
    """
    centres = of_middle_square(pattern_centres, signal_shape)
    x, y, z = centres.T
    told = np.stack([np.ones_like(x), x - 0.5, y - 0.5, z / USUAL_DISTANCE - 1], axis=1)
    return np.where(_usual(centres)[:, None], told, 0).astype(np.float32)


def _usual(centres: np.ndarray) -> np.ndarray:
    """Tell which pattern centres, shape (n, 3), networks learn, with detectors turned any way."""
    *sides, (nearest, farthest) = PATTERN_CENTRES
    most = np.sort(np.abs(np.array(sides) - 0.5).max(axis=1))
    beside = np.sort(np.abs(centres[:, :2] - 0.5), axis=1)
    far = (centres[:, 2] > nearest - BEYOND) & (centres[:, 2] < farthest + BEYOND)
    return far & (beside < most + BEYOND).all(axis=1)


def of_middle_square(pattern_centres: np.ndarray, signal_shape: tuple[int, int]) -> np.ndarray:
    """Return a detector's pattern centres, shape (..., 3), as those of its middle square."""
    height, width = signal_shape
    scale = np.array([width, height, height]) / min(height, width)
    middle = np.array([0.5, 0.5, 0.0])
    return (np.asarray(pattern_centres, float) - middle) * scale + middle


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
