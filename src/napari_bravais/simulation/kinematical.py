"""Kinematical master patterns: bands of the strongest reflectors, at any strength one likes."""

import math
from dataclasses import dataclass

import numba as nb
import numpy as np

#: Reflectors whose bands are drawn.
MOST_REFLECTORS = 140


def standard_frame(cell: np.ndarray) -> np.ndarray:
    """Turn a cell, rows in angstrom, so that its first axis lies along x, the second in xy."""
    # the QR factors of the axes are such a triangle, but for its signs
    triangle = np.linalg.qr(np.asarray(cell, float).T)[1].T
    return triangle * np.sign(np.diag(triangle))


def electron_wavelength(kilovolts: float) -> float:
    """Return the relativistic wavelength of electrons in angstrom."""
    volts = 1e3 * kilovolts
    return 12.2643 / math.sqrt(volts * (1 + 0.978476e-6 * volts))


@dataclass(frozen=True)
class Reflectors:
    """The strongest reflectors of a crystal, one of each Friedel pair.

    Attributes
    ----------
    normals
        Unit vectors of the planes' normals, shape (n, 3).
    lengths
        Reciprocal spacings 1/d in 1/angstrom, shape (n,).
    amplitudes
        Structure factors' moduli, the largest being 1, shape (n,).
    families
        Number of the family each belongs to, shape (n,): planes alike by symmetry share it.
    """

    normals: np.ndarray
    lengths: np.ndarray
    amplitudes: np.ndarray
    families: np.ndarray

    @classmethod
    def of(cls, cell, positions, numbers, damping: float = 0.6) -> "Reflectors":
        """Find the strongest reflectors.

        Parameters
        ----------
        cell
            Cell, shape (3, 3), rows in angstrom.
        positions
            Fractional positions, shape (n, 3).
        numbers
            Atomic numbers, shape (n,).
        damping
            Debye-Waller factor B of all atoms in square angstrom.
        """
        volume = abs(np.linalg.det(cell))
        spacing = max(0.75, min(1.5, (4.19 * volume / 4000) ** (1 / 3)))
        reach = np.ceil(np.linalg.norm(cell, axis=1) / spacing).astype(int)
        axes = [np.arange(-n, n + 1) for n in reach]
        hkl = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        h, k, l = hkl.T  # noqa: E741, Miller indices
        hkl = hkl[(h > 0) | ((h == 0) & ((k > 0) | ((k == 0) & (l > 0))))]
        vectors = hkl @ np.linalg.inv(cell).T
        lengths = np.linalg.norm(vectors, axis=1)
        inside = lengths < 1 / spacing
        hkl, vectors, lengths = hkl[inside], vectors[inside], lengths[inside]
        s2 = (lengths / 2) ** 2
        # Two Gaussians stand for the electron scattering factor: close enough for the strength of
        # bands which is varied anyway.
        factor = 0.75 * numbers**0.8 * np.exp(-3 * s2)[:, None]
        factor = factor + 0.5 * numbers**0.55 * np.exp(-0.5 * s2)[:, None]
        phase = np.exp(2j * np.pi * (hkl @ positions.T))
        amplitudes = np.abs((factor * phase).sum(axis=1)) * np.exp(-damping * s2)
        strongest = np.argsort(-amplitudes)[:MOST_REFLECTORS]
        strongest = strongest[amplitudes[strongest] > 0.03 * amplitudes[strongest[0]]]
        lengths, amplitudes = lengths[strongest], amplitudes[strongest]
        amplitudes = amplitudes / amplitudes[0]
        alike = np.round(np.stack([lengths, amplitudes], axis=1), 3)
        families = np.unique(alike, axis=0, return_inverse=True)[1].ravel()
        return cls(vectors[strongest] / lengths[:, None], lengths, amplitudes, families)

    def draw(
        self, strengths: np.ndarray, rng: np.random.Generator, size: int, kilovolts: float = 0.0
    ) -> np.ndarray:
        """Draw the bands of the northern hemisphere, with edges of random sharpness.

        Parameters
        ----------
        strengths
            Brightness of each band, shape (n,).
        rng
            Source of randomness.
        size
            Side of the square Lambert projection in pixels.
        kilovolts
            Beam energy, which decides the widths; drawn from 12 to 28 keV if zero.

        Returns
        -------
        numpy.ndarray
            Shape (size, size), float32.
        """
        out = np.empty((size, size), np.float32)
        wavelength = electron_wavelength(kilovolts or rng.uniform(12, 28))
        sines = wavelength * self.lengths / 2
        edge, deficiency = rng.uniform(0.004, 0.012), rng.uniform(0, 0.5)
        _draw_bands(self.normals, sines, strengths, edge, deficiency, out)
        return out


def grey_levels(master: np.ndarray) -> np.ndarray:
    """Scale a master pattern to uint8, its extremes clipped."""
    low, high = np.percentile(master, (0.05, 99.95))
    return (255 * np.clip((master - low) / (high - low + 1e-6), 0, 1)).astype(np.uint8)


@nb.njit(fastmath=True, cache=True, nogil=True)
def _draw_bands(normals, sines, amplitudes, edge, deficiency, out):
    """Add up band profiles over the northern hemisphere of a square Lambert projection."""
    n = out.shape[0]
    half = (n - 1) / 2
    for i in range(n):
        for j in range(n):
            a = (j - half) / half * math.sqrt(math.pi / 2)
            b = (i - half) / half * math.sqrt(math.pi / 2)
            if a == 0 and b == 0:
                x, y, z = 0.0, 0.0, 1.0
            elif abs(b) <= abs(a):
                r = 2 * a / math.pi * math.sqrt(max(math.pi - a * a, 0))
                t = b * math.pi / (4 * a)
                x, y, z = r * math.cos(t), r * math.sin(t), 1 - 2 * a * a / math.pi
            else:
                r = 2 * b / math.pi * math.sqrt(max(math.pi - b * b, 0))
                t = a * math.pi / (4 * b)
                x, y, z = r * math.sin(t), r * math.cos(t), 1 - 2 * b * b / math.pi
            value = 0.0
            for k in range(normals.shape[0]):
                s = abs(x * normals[k, 0] + y * normals[k, 1] + z * normals[k, 2])
                d = (sines[k] - s) / edge
                if d > 1:
                    value += amplitudes[k]
                elif d > -1:
                    value += amplitudes[k] * (0.5 + 0.5 * d)
                    if d < 0:
                        value -= amplitudes[k] * deficiency * (1 - abs(d))
                elif d > -3:
                    value -= amplitudes[k] * deficiency * (3 + d) * 0.5
            out[i, j] = value
