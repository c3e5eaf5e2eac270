"""The compiled heart of the fingerprint."""

import numba
import numpy as np

# Chebyshev fits of sin(2 pi t) / t and cos(2 pi t) in t^2 for |t| <= 1/4
_T = np.cos(np.pi * (np.arange(200) + 0.5) / 200) / 4
_SIN = np.polynomial.Polynomial.fit(_T**2, np.sin(2 * np.pi * _T) / _T, 4).convert().coef
_COS = np.polynomial.Polynomial.fit(_T**2, np.cos(2 * np.pi * _T), 5).convert().coef
_S0, _S1, _S2, _S3, _S4 = (np.float32(c) for c in _SIN)
_C0, _C1, _C2, _C3, _C4, _C5 = (np.float32(c) for c in _COS)
_HALF = np.float32(0.5)


@numba.njit(fastmath={"contract", "reassoc", "nsz"}, cache=True)
def sum_of_waves(positions: np.ndarray, waves: np.ndarray) -> np.ndarray:
    """Return the sum over atoms of exp(2 pi i k r) as real and imaginary part, shape (2, m).

    Parameters
    ----------
    positions
        r, shape (n, 3), float32.
    waves
        k, shape (3, m), float32.

    Notes
    -----
    Sines and cosines are polynomials, which the compiler turns into vector instructions as it
    does not turn library calls: the phase is reduced to half turns, whose parity is the sign.
    """
    m = waves.shape[1]
    sums = np.zeros((2, m), np.float32)
    for atom in range(len(positions)):
        x, y, z = positions[atom]
        for pixel in range(m):
            phase = x * waves[0, pixel] + y * waves[1, pixel] + z * waves[2, pixel]
            halves = np.floor(phase + phase + _HALF)
            t = phase - halves * _HALF
            pair = np.floor(halves * _HALF) * np.float32(2)
            sign = np.float32(1) - np.float32(2) * (halves - pair)
            u = t * t
            sine = t * (_S0 + u * (_S1 + u * (_S2 + u * (_S3 + u * _S4))))
            cosine = _C0 + u * (_C1 + u * (_C2 + u * (_C3 + u * (_C4 + u * _C5))))
            sums[0, pixel] += sign * cosine
            sums[1, pixel] += sign * sine
    return sums
