"""Raw patterns, batch by batch, as networks take them."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

#: Patterns that the network reads at once.
BATCH_SIZE = 256


def camera_of(
    pattern_centre: Sequence[float] | np.ndarray | None, patterns: np.ndarray
) -> np.ndarray:
    """Return what the network is told of the camera, shape (n, 4).

    Parameters
    ----------
    pattern_centre
        Of all patterns or of each, as for `napari_bravais.Classifier.predict`; None if not known.
    patterns
        Shape (n, h, w).

    Raises
    ------
    ValueError
        If the pattern centre does not fit the patterns.
    """
    from napari_bravais.model.camera import told, unknown

    n = len(patterns)
    if pattern_centre is None:
        return unknown(n)
    centres = np.asarray(pattern_centre, float)
    if centres.shape not in ((3,), (n, 3)):
        raise ValueError(
            f"a pattern centre must be (pcx, pcy, pcz), or {n} of them, not of the shape "
            f"{centres.shape}"
        )
    return told(np.broadcast_to(centres, (n, 3)), patterns.shape[1:])


def answers(
    read: Callable, patterns: np.ndarray, static_background: np.ndarray | None, camera: np.ndarray
) -> Iterator[tuple[slice, dict[str, np.ndarray]]]:
    """Read patterns batch by batch; give where each batch lies and what was answered.

    Parameters
    ----------
    read
        Answers to a batch of raw patterns and what is known of their camera, by name.
    patterns
        Shape (n, h, w).
    static_background
        Shape (h, w), to be divided out first, or None.
    camera
        As `camera_of` returned it.
    """
    for start in range(0, len(patterns), BATCH_SIZE):
        part = slice(start, min(start + BATCH_SIZE, len(patterns)))
        batch = patterns[part]
        answer = read(padded(flattened(batch, static_background)), padded(camera[part]))
        yield part, {name: np.asarray(value)[: len(batch)] for name, value in answer.items()}


def checked(patterns: np.ndarray) -> np.ndarray:
    """Return patterns, shape (n, h, w), as they are.

    Raises
    ------
    ValueError
        If they have another rank, are not real, or are under 8x8 pixels.
    """
    patterns = np.asarray(patterns)
    if patterns.ndim != 3:
        raise ValueError(f"patterns must have the shape (n, h, w), not {patterns.shape}")
    if min(patterns.shape[1:]) < 8:
        raise ValueError(f"patterns must be 8x8 pixels or more, not {patterns.shape[1:]}")
    if patterns.dtype.kind not in "biuf":
        raise ValueError(f"patterns must be real numbers, not {patterns.dtype}")
    return patterns


def flattened(patterns: np.ndarray, static_background: np.ndarray | None) -> np.ndarray:
    """Divide the static background out; where it is dark there is nothing to see.

    Parameters
    ----------
    patterns
        Shape (n, h, w).
    static_background
        Shape (h, w), or None.

    Returns
    -------
    numpy.ndarray
        Shape (n, h, w), float32; not a number where nothing is to be seen.

    Raises
    ------
    ValueError
        If the static background has another shape.
    """
    with np.errstate(over="ignore"):  # what is no number in single precision counts as missing
        flat = patterns.astype(np.float32)
    if static_background is None:
        return flat
    if static_background.shape != patterns.shape[1:]:
        raise ValueError(
            f"the static background's shape {static_background.shape} is not the patterns', "
            f"{patterns.shape[1:]}"
        )
    background = static_background.astype(np.float32)
    flat /= np.where(background > 0, background, np.nan)
    # what was saturated throughout would show the background's negative
    flat[patterns.min(axis=(1, 2)) == patterns.max(axis=(1, 2))] = 0
    return flat


def padded(batch: np.ndarray) -> np.ndarray:
    """Fill a batch, shape (n, ...), up to one of few sizes: each is a graph to be traced anew."""
    size = min(1 << (len(batch) - 1).bit_length(), -(-len(batch) // 32) * 32)
    if size == len(batch):
        return batch
    full = np.zeros((size, *batch.shape[1:]), np.float32)
    full[: len(batch)] = batch
    return full
