"""What a network is told of the camera: where the pattern centre lies, if a scan says so.

A line of a pattern is the trace of a lattice plane. With the pattern centre its place becomes an
angle, and so do the widths of bands there and the distances between them; without it a network has
to guess, or to read shapes that hold for any camera.
"""

import numpy as np

#: Numbers that tell the camera: 1 if known, then pcx and pcy from the middle of the pattern, and
#: pcz over `USUAL_DISTANCE` less one. All zero if nothing is known.
CAMERA = 4

#: Camera distance that counts as zero, in sides of the pattern.
USUAL_DISTANCE = 0.65

#: Ranges of the pattern centre (pcx, pcy, pcz) that networks learn, Bruker's convention; and how
#: far beyond them one may lie that is still told.
PATTERN_CENTRES = ((0.35, 0.65), (0.05, 0.65), (0.4, 0.95))
BEYOND = 0.05


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
