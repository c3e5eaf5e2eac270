"""Grad-CAM: which bands of a pattern speak for a lattice, and where they cross."""

import numpy as np

from napari_bravais.model.lines import back_project


def grad_cam(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Grad-CAM of a network whose answer is a function of the features' means.

    Parameters
    ----------
    features
        Last feature maps, shape (rows, columns, channels).
    weights
        How the explained class's score grows with each mean, shape (channels,): from
        `weights_of_lattice`, or a dense layer's weights of the class.

    Returns
    -------
    numpy.ndarray
        Shape (rows, columns), float32 in [0, 1]; all zeros where nothing speaks for the class.

    Notes
    -----
    Grad-CAM (Selvaraju et al. 2017, doi 10.1109/ICCV.2017.74) weights each feature map with the
    mean gradient of the class's score, sums, and keeps what is positive. After global average
    pooling the gradient by a feature is that by its mean, over the number of positions: the same
    at every position, and known in closed form.
    """
    heat = np.clip(features @ weights, 0, None).astype(np.float32)
    return heat / heat.max() if heat.max() > 0 else heat


def weights_of_lattice(logits: np.ndarray, kernel: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Return how a lattice's logit grows with the features that crystals' logits are made of.

    Parameters
    ----------
    logits
        Of all crystals, of one pattern, shape (crystals,).
    kernel
        Weights of each crystal in its dense layer, shape (channels, crystals).
    members
        Which crystals have the lattice, shape (crystals,), bool.

    Returns
    -------
    numpy.ndarray
        The gradient of log(sum(exp(logits of the lattice's crystals))), shape (channels,): the mean
        of their weights, each as much as it is likely among them. Zeros for a lattice without any.
    """
    own = logits[members]
    if not own.size:
        return np.zeros(len(kernel), kernel.dtype)
    likely = np.exp(own - own.max())
    return kernel[:, members] @ (likely / likely.sum())


def of_bands(heat: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Carry a heat map of a pattern's lines over to the pattern.

    Parameters
    ----------
    heat
        Heat map of the lines, coarser than they are, in [0, 1].
    lines
        The lines: how bright each is, shape (80, 80), as `napari_bravais.model.radon.Radon` gives.

    Returns
    -------
    numpy.ndarray
        Shape (80, 80), float32 in [0, 1]: at each pixel the brightness of the lines through it,
        each as much as the heat says. Zone axes, where bands cross, are the brightest.
    """
    from skimage.transform import resize

    fine = np.clip(resize(heat, lines.shape, order=1, mode="edge", anti_aliasing=False), 0, 1)
    bands = np.clip(lines, 0, None)
    # what lines through any pixel have in common says nothing of where bands are
    spread = back_project(fine * (bands - bands.mean()))
    spread = np.clip(spread, 0, None)
    return spread / spread.max() if spread.max() > 0 else spread


def over_pattern(heat: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Enlarge a heat map to the pattern it explains.

    Parameters
    ----------
    heat
        Square heat map of the prepared pattern, in [0, 1].
    shape
        Shape (h, w) of the raw pattern, of which preparation kept the middle square.

    Returns
    -------
    numpy.ndarray
        Shape (h, w), float32 in [0, 1]; zero outside the middle square.
    """
    from skimage.transform import resize

    side = min(shape)
    top, left = (shape[0] - side) // 2, (shape[1] - side) // 2
    full = np.zeros(shape, np.float32)
    square = resize(heat, (side, side), order=3, mode="edge", anti_aliasing=False)
    full[top : top + side, left : left + side] = np.clip(square, 0, 1)
    return full
