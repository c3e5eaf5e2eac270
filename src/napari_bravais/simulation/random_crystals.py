"""Random crystals of a given Bravais lattice, and their kinematical master patterns.

Each takes some 20 ms, so every training pattern can come from a crystal never seen before.
"""

import math
from functools import cache

import numpy as np

from napari_bravais.lattices import PEARSON_SYMBOLS, POINTS_PER_CELL, lattice_of_space_group
from napari_bravais.simulation.kinematical import Reflectors, grey_levels

#: Steps of fractional coordinates: all translations of space groups are whole numbers of them.
_GRID = 4800

_SPECIAL_COORDINATES = np.array([0, 1 / 2, 1 / 4, 3 / 4, 1 / 3, 2 / 3, 1 / 8])


@cache
def _hall_numbers() -> dict[str, list[int]]:
    """One setting of each space group, by lattice: hexagonal axes for hR, unique axis b."""
    import spglib

    by_lattice = {symbol: [] for symbol in PEARSON_SYMBOLS}
    seen = set()
    for hall in range(1, 531):
        kind = spglib.get_spacegroup_type(hall)
        lattice = lattice_of_space_group(kind.number).pearson
        wanted = not (lattice == "hR" and kind.choice != "H")
        if lattice[0] == "m":
            wanted = kind.choice.startswith("b")
        if wanted and kind.number not in seen:
            seen.add(kind.number)
            by_lattice[lattice].append(hall)
    return by_lattice


@cache
def _operations(hall: int) -> tuple[np.ndarray, np.ndarray]:
    import spglib

    found = spglib.get_symmetry_from_database(hall)
    return found["rotations"].astype(float), found["translations"]


def _draw_axes(lattice: str, rng: np.random.Generator) -> tuple[float, ...]:
    """Draw (a, b, c, alpha, beta, gamma) of a shape that no higher lattice comes close to."""

    def ratio(low, high):
        return math.exp(rng.uniform(math.log(low), math.log(high)))

    family = lattice[0]
    if family == "c":
        return 1, 1, 1, 90, 90, 90
    if family in "th":
        limits = {"tP": (0.4, 3.2), "tI": (0.4, 3.2), "hP": (0.5, 4.5), "hR": (0.9, 7)}[lattice]
        forbidden = {
            "tP": (1,),
            "tI": (1, math.sqrt(2)),
            "hP": (),
            "hR": (math.sqrt(6), math.sqrt(1.5), math.sqrt(0.375)),
        }[lattice]
        while True:
            c = ratio(*limits)
            if all(abs(math.log(c / other)) > 0.04 for other in forbidden):
                return 1, 1, c, 90, 90, 120 if family == "h" else 90
    if family == "o":
        while True:
            b, c = ratio(0.4, 2.6), ratio(0.4, 2.6)
            short, middle, long = sorted((1, b, c))
            if min(middle / short, long / middle) > 1.04:
                return 1, b, c, 90, 90, 90
    if family == "m":
        return 1, ratio(0.4, 2.4), ratio(0.4, 2.4), 90, rng.uniform(92, 124), 90
    while True:
        angles = rng.uniform(65, 115, 3)
        cosines = np.cos(np.radians(angles))
        volume = 1 - (cosines**2).sum() + 2 * cosines.prod()
        if np.abs(angles - 90).min() > 2 and volume > 0.25:
            return 1, ratio(0.5, 2), ratio(0.5, 2), *angles


def _cell(lattice: str, rng: np.random.Generator, volume: float) -> np.ndarray:
    """Draw a conventional cell of a volume in cubic angstrom; rows are its axes."""
    a, b, c, alpha, beta, gamma = _draw_axes(lattice, rng)
    ca, cb, cg = np.cos(np.radians([alpha, beta, gamma]))
    sg = math.sin(math.radians(gamma))
    z = math.sqrt(1 - cb**2 - ((ca - cb * cg) / sg) ** 2)
    cell = np.array([[a, 0, 0], [b * cg, b * sg, 0], [c * cb, c * (ca - cb * cg) / sg, c * z]])
    return cell * (volume / np.linalg.det(cell)) ** (1 / 3)


def random_crystal(
    lattice: str, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw a crystal: a space group of the lattice, a cell, and atoms on random sites.

    Parameters
    ----------
    lattice
        Pearson symbol.
    rng
        Source of randomness.

    Returns
    -------
    tuple of numpy.ndarray
        Conventional cell in angstrom, shape (3, 3), rows are axes; fractional positions, shape
        (n, 3); atomic numbers, shape (n,).
    """
    halls = _hall_numbers()[lattice]
    points = POINTS_PER_CELL[lattice[1]]
    while True:
        rotations, translations = _operations(halls[rng.integers(len(halls))])
        most = math.exp(rng.uniform(0, math.log(26))) * points
        sites, numbers = [], []
        for element in rng.choice(np.arange(3, 84), rng.integers(1, 5), replace=False):
            for _ in range(12):
                site = _random_site(rotations, translations, rng)
                if len(numbers) + len(site) <= (most if numbers else 26 * points):
                    sites.append(site)
                    numbers += [element] * len(site)
                    break
        if not numbers:
            continue
        cell = _cell(lattice, rng, len(numbers) * rng.uniform(9, 22))
        crystal = cell, np.vstack(sites), np.array(numbers)
        # atoms on special sites alone often make another lattice than the space group's
        if np.linalg.norm(cell, axis=1).min() > 2.2 and _has_lattice(crystal, lattice):
            return crystal


def _has_lattice(crystal, lattice: str) -> bool:
    """Tell whether spglib finds this lattice, also at a tolerance of 0.1 angstrom."""
    import spglib

    for tolerance in (1e-3, 0.1):
        found = spglib.get_spacegroup(crystal, symprec=tolerance)
        if not found:
            return False
        number = int(found.split()[1].strip("()"))
        if lattice_of_space_group(number).pearson != lattice:
            return False
    return True


def _random_site(rotations, translations, rng) -> np.ndarray:
    """Draw a general or special position and return its orbit, shape (n, 3)."""
    special = _SPECIAL_COORDINATES[rng.integers(0, len(_SPECIAL_COORDINATES), 3)]
    position = np.where(rng.random(3) < 0.55, special, rng.random(3))
    if rng.random() < 0.2:
        position[1] = position[0]
    if rng.random() < 0.12:
        position[2] = position[0]
    # on a grid that symmetry maps onto itself, atoms that meet are equal to the digit
    position = np.round(position * _GRID) / _GRID
    orbit = np.round((rotations @ position + translations) * _GRID).astype(int) % _GRID
    return np.unique(orbit, axis=0) / _GRID


def random_master_pattern(lattice: str, rng: np.random.Generator, size: int = 161) -> np.ndarray:
    """Draw a random crystal and return its kinematical master pattern.

    Parameters
    ----------
    lattice
        Pearson symbol.
    rng
        Source of randomness.
    size
        Side of the projection in pixels.

    Returns
    -------
    numpy.ndarray
        Square Lambert projection of both hemispheres (alike: a kinematical pattern has an
        inversion centre), shape (2, size, size), uint8.
    """
    reflectors = Reflectors.of(*random_crystal(lattice, rng), damping=rng.uniform(0.3, 1.2))
    out = reflectors.draw(reflectors.amplitudes ** rng.uniform(0.9, 1.8), rng, size)
    grey = grey_levels(out)
    if rng.random() < 0.6:
        grey = (255 * (grey / 255) ** rng.uniform(0.7, 1.3)).astype(np.uint8)
    return np.stack([grey, grey[::-1, ::-1]])
