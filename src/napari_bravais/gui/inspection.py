"""One inspected pixel: its pattern, what the network says of it and why. No Qt in here."""

from dataclasses import dataclass

import numpy as np
from napari.utils.colormaps import ensure_colormap
from scipy.ndimage import zoom

from napari_bravais.gui.settings import PREPARED
from napari_bravais.lattices import LATTICES, Lattice
from napari_bravais.mapping.messages import Message


@dataclass(frozen=True)
class Inspection:
    """What the network answers for a pixel.

    Attributes
    ----------
    pixel
        Row and column.
    pattern
        The raw pattern, shape (h, w).
    prepared
        The pattern as the network sees it: its middle square, shape (n, n).
    heat
        Grad-CAM over the raw pattern, shape (h, w), in [0, 1].
    probabilities
        Shape (14,).
    quality
        Pattern quality.
    explained
        Pearson symbol of the lattice that ``heat`` speaks for.
    """

    pixel: tuple[int, int]
    pattern: np.ndarray
    prepared: np.ndarray
    heat: np.ndarray
    probabilities: np.ndarray
    quality: float
    explained: str

    @classmethod
    def from_message(cls, message: Message) -> "Inspection":
        """Return what the service's message ``"explained"`` says."""
        arrays = message.arrays
        return cls(
            (message["row"], message["column"]),
            arrays["pattern"],
            arrays["prepared"],
            arrays["heat"],
            arrays["probabilities"],
            message["quality"],
            message["lattice"],
        )

    @property
    def likeliest(self) -> Lattice:
        """The lattice that the network holds likeliest."""
        return LATTICES[int(self.probabilities.argmax())]

    def picture(self, view: str, glow: float, colours: str) -> np.ndarray:
        """Return the pattern with the glow over it.

        Parameters
        ----------
        view
            ``RAW`` or ``PREPARED``.
        glow
            Strength of the glow, from 0 to 1.
        colours
            Name of the glow's colour map.

        Returns
        -------
        numpy.ndarray
            RGB, shape (rows, columns, 3), uint8.
        """
        pattern, heat = self.pattern, self.heat
        if view == PREPARED:
            pattern, heat = self.prepared, _middle_square(heat)
            factors = np.divide(pattern.shape, heat.shape)
            heat = np.clip(zoom(heat, factors, order=1, grid_mode=True, mode="nearest"), 0, 1)
        grey = _stretched(pattern)
        colour = ensure_colormap(colours).map(heat.ravel())[:, :3].reshape(grey.shape)
        # what says nothing stays as it is, so that the bands can be seen through the glow
        weight = glow * heat[..., None]
        return np.rint(255 * ((1 - weight) * grey + weight * colour)).astype(np.uint8)


def grey_picture(pattern: np.ndarray) -> np.ndarray:
    """Return a pattern, shape (h, w), as RGB, shape (h, w, 3), uint8."""
    return np.rint(255 * _stretched(pattern)).astype(np.uint8)


def _stretched(pattern: np.ndarray) -> np.ndarray:
    pattern = np.nan_to_num(pattern.astype(float))
    low, high = np.percentile(pattern, [0.5, 99.5])
    grey = np.clip((pattern - low) / (high - low or 1), 0, 1)
    return np.repeat(grey[..., None], 3, axis=2)


def _middle_square(image: np.ndarray) -> np.ndarray:
    side = min(image.shape)
    top, left = ((length - side) // 2 for length in image.shape)
    return image[top : top + side, left : left + side]
