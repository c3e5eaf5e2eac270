"""The straight lines of a prepared pattern, of which `napari_bravais.model.radon` makes sums."""

import numpy as np

#: Side of a prepared pattern in pixels.
SIZE = 80

#: Lines x = offset + slope * y: slopes from -1 to 1, and the same with x and y swapped.
SLOPES = 32
OFFSETS = SIZE

#: Largest offset in pixels.
REACH = 48.0

#: Rows of the other end that each end of the transform gets: directions have no first or last.
WRAPPED = 8

#: Period of the Fourier series of a row, in pixels: lines that leave it re-enter beyond `REACH`.
PERIOD = 128

#: Terms of that series: up to 0.84 of the pixels' highest frequency.
WAVES = 54


def slopes() -> np.ndarray:
    """Return the slopes, at equal angles apart, shape (SLOPES,)."""
    return np.tan((np.arange(SLOPES) + 0.5) / SLOPES * np.pi / 2 - np.pi / 4)


def offsets() -> np.ndarray:
    """Return the offsets from the pattern's middle, in pixels, shape (OFFSETS,)."""
    return np.linspace(-REACH, REACH, OFFSETS)


def places() -> np.ndarray:
    """Return the places of pixels along an axis, from the middle."""
    return np.arange(SIZE) - (SIZE - 1) / 2


def line_weights() -> np.ndarray:
    """Return weights by which sums of white noise vary alike, less for lines that cut a corner."""
    crossing = offsets()[:, None] + slopes()[:, None, None] * places()
    length = (np.abs(crossing) <= SIZE / 2).sum(axis=-1)
    least = 12
    return (np.sqrt(np.minimum(length, least) / least) / np.sqrt(np.maximum(length, least))).astype(
        np.float32
    )


def back_project(lines: np.ndarray) -> np.ndarray:
    """Give each pixel of a pattern the sum of the lines through it.

    Parameters
    ----------
    lines
        A value of each line, shape (80, 80), laid out as `napari_bravais.model.radon.Radon` does.

    Returns
    -------
    numpy.ndarray
        Shape (80, 80), float32.
    """
    inner = lines[WRAPPED:-WRAPPED]
    steep, flat = inner[:SLOPES], inner[SLOPES:][::-1, ::-1]
    return (_along(steep) + _along(flat).T).astype(np.float32)


def _along(sums: np.ndarray) -> np.ndarray:
    """Sum lines x = offset + slope * y over the slopes, shape (SIZE, SIZE)."""
    crossing = places() - slopes()[:, None, None] * places()[:, None]
    values = [np.interp(at, offsets(), s) for at, s in zip(crossing, sums, strict=True)]
    return np.sum(values, axis=0)
