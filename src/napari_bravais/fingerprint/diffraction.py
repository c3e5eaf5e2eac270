"""The diffraction fingerprint of a cluster of atoms."""

from functools import cache

import numpy as np

from napari_bravais.fingerprint.form_factors import form_factor

#: Pixels along each side of the detector.
SIZE = 64

#: Side of a pixel and distance of the detector, in metres; wavelength, in angstroms.
PIXEL, DISTANCE, WAVELENGTH = 4.0e-4, 0.1, 0.05

#: Pixels round the direct beam that are blanked.
BLANKED = 5.0

#: What is added to atomic numbers, so that hydrogen and helium scatter enough to be seen.
HEAVIER_BY = 2

#: The greatest atomic number that has a form factor once it is raised.
HEAVIEST = 96


def diffraction_fingerprint(positions: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return the two-dimensional diffraction fingerprint of a cluster of atoms.

    Red, green and blue are diffraction along z after turns by +45 and -45 degrees about x, y
    and z, the two patterns of each superposed.

    Parameters
    ----------
    positions
        Cartesian positions, shape (n, 3), in units of the mean distance of nearest neighbours.
    numbers
        Atomic numbers, shape (n,), 1 to 96.

    Returns
    -------
    numpy.ndarray
        Shape (64, 64, 3), float32; the brightest pixel of all is 1.

    Notes
    -----
    I = A * Omega(theta) * |Psi|^2, where Psi sums Thomson scattering of a plane wave by all atoms
    with their X-ray form factors (equations 1 and 2 of the paper), over the curved Ewald sphere.
    The unit of length counts as one angstrom for wavelength and form factors.
    """
    waves, solid_angle, s = _detector()
    image = np.empty((SIZE, SIZE, 3), np.float32)
    species = [(form_factor(number + HEAVIER_BY, s), numbers == number) for number in set(numbers)]
    centred = positions - positions.mean(axis=0)
    for axis in range(3):
        channel = np.zeros(len(s))
        for angle in (np.pi / 4, -np.pi / 4):
            turned = centred @ turn_about(axis, angle).T
            channel += _intensity(turned, species, waves)
        image[..., axis] = (channel * solid_angle).reshape(SIZE, SIZE)
    return image / image.max()


def turn_about(axis: int, angle: float) -> np.ndarray:
    """Return the matrix, shape (3, 3), of a turn about x, y or z (0, 1, 2) by radians."""
    one, other = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[one, one] = matrix[other, other] = np.cos(angle)
    matrix[other, one] = np.sin(angle)
    matrix[one, other] = -np.sin(angle)
    return matrix


@cache
def _detector() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each pixel q / 2 pi, shape (3, 4096), solid angle, and sin(theta) / lambda.

    The solid angle is relative to a pixel on the axis, and zero where pixels are blanked.
    """
    across = (np.arange(SIZE) - (SIZE - 1) / 2) * PIXEL
    y, x = (plane.ravel() for plane in np.meshgrid(across, across, indexing="ij"))
    distance = np.sqrt(x**2 + y**2 + DISTANCE**2)
    waves = np.stack([x / distance, y / distance, DISTANCE / distance - 1]) / WAVELENGTH
    solid_angle = (DISTANCE / distance) ** 3
    solid_angle[np.hypot(x, y) <= BLANKED * PIXEL] = 0
    s = np.linalg.norm(waves, axis=0) / 2
    return np.ascontiguousarray(waves, np.float32), solid_angle, s


def _intensity(positions: np.ndarray, species: list, waves: np.ndarray) -> np.ndarray:
    """Return |Psi|^2 at each pixel, shape (4096,)."""
    amplitude = np.zeros((2, waves.shape[1]))
    for factor, of_species in species:
        amplitude += factor * _sum_of_waves()(positions[of_species].astype(np.float32), waves)
    return (amplitude**2).sum(axis=0)


@cache
def _sum_of_waves():
    """Return the compiled sum over atoms; compiled at first use, and kept on disk."""
    from napari_bravais.fingerprint.kernel import sum_of_waves

    return sum_of_waves
