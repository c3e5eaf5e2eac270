"""X-ray form factors of neutral atoms."""

from functools import cache
from pathlib import Path

import numpy as np

_TABLE = Path(__file__).parent / "data" / "waasmaier_kirfel.csv"

#: The heaviest atom of the table, californium.
HEAVIEST = 98


def form_factor(atomic_number: int, s: np.ndarray) -> np.ndarray:
    """Return the X-ray form factor of a neutral atom.

    Parameters
    ----------
    atomic_number
        1 to 98.
    s
        sin(theta) / wavelength, in reciprocal angstroms, up to 6.

    Returns
    -------
    numpy.ndarray
        Electrons, the shape of ``s``.

    Raises
    ------
    ValueError
        If the table does not hold the element.

    Notes
    -----
    Five Gaussians and a constant, after D. Waasmaier and A. Kirfel, Acta Crystallographica A51
    (1995) 416.
    """
    if not 1 <= atomic_number <= HEAVIEST:
        raise ValueError(f"there is no form factor of an atom with the number {atomic_number}")
    row = _coefficients()[atomic_number - 1]
    heights, constant, widths = row[:5], row[5], row[6:]
    squares = np.square(s)[..., None]
    return constant + (heights * np.exp(-widths * squares)).sum(axis=-1)


@cache
def _coefficients() -> np.ndarray:
    """Return the table, shape (98, 11): heights, constant and widths of each element."""
    return np.loadtxt(_TABLE, delimiter=",", skiprows=3, usecols=range(2, 13))
