"""Dynamical master patterns by de-ebsd, which the ``simulate`` extra brings."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_bravais.catalogue.structure import ELEMENTS, Structure, operations
from napari_bravais.lattices import POINTS_PER_CELL
from napari_bravais.simulation.disorder import mixed_atoms

if TYPE_CHECKING:
    from de_ebsd.crystal.lattice import Crystal

# A space group of each point group, those with most operations first; 38 where two settings differ.
_POINT_GROUPS = (
    *(221, 225, 229, 200, 207, 215, 195, 191, 175, 177, 183, 187, 189, 168, 174, 123, 83, 89, 99),
    *(111, 115, 75, 81, 164, 162, 149, 150, 156, 157, 147, 143, 47, 16, 25, 10, 3, 6, 2, 1),
)
# Unique axis b is turned to c, (a, b, c) -> (c, a, b), and so are the centred faces.
_TURN = [2, 0, 1]
_TURNED_CENTRING = {"P": "P", "C": "A", "A": "B", "I": "I"}


@dataclass(frozen=True)
class MasterSettings:
    """How a master pattern is simulated.

    Attributes
    ----------
    size
        Pixels along the edge of each hemisphere's square.
    reflections
        About how many reflections take part: the smallest spacing follows from it.
    bethe
        Cut-offs of strong and weak beams and of those left out altogether.
    electrons
        Trajectories of the Monte Carlo simulation of depths.
    oversampling
        How much finer it is simulated than it is kept: lines of high order are narrower than a
        pixel, and where only its middle is asked they come and go as they meet it. Sampled once,
        silicon's sphere has a threefold axis by a correlation of 0.68, twice by 0.85, thrice by
        0.88; nickel's by 0.86, 0.89 and 0.89.
    """

    size: int = 161
    reflections: int = 900
    bethe: tuple[float, float, float] = (4.0, 25.0, 50.0)
    electrons: int = 20_000
    oversampling: int = 2


def simulate_master(
    structure: Structure,
    kilovolts: float = 20.0,
    settings: MasterSettings | None = None,
    *,
    mixed: bool = False,
) -> np.ndarray:
    """Simulate the master pattern of a crystal at one beam energy.

    Parameters
    ----------
    structure
        The crystal. A monoclinic one is turned to unique axis c, (a, b, c) -> (c, a, b), and its
        master pattern stands in that frame.
    kilovolts
        Beam energy in keV.
    settings
        Size and accuracy; those of the training library by default.
    mixed
        Without order: see `napari_bravais.simulation.disorder.mixed_atoms`.

    Returns
    -------
    numpy.ndarray
        Northern and southern hemisphere, square Lambert projection, shape (2, size, size), uint8.

    Raises
    ------
    ModuleNotFoundError
        If de-ebsd is not installed.
    """
    import de_ebsd
    from de_ebsd.sim import simulator

    settings = settings or MasterSettings()
    crystal, rotations = _crystal(structure, mixed)
    simulation = de_ebsd.MasterPatternSimulator(
        crystal,
        de_ebsd.Microscope(energy=1e3 * kilovolts, sample_tilt=70.0),
        npx=settings.size // 2 * settings.oversampling,
        dmin=smallest_spacing(structure, settings.reflections) / 10,
        bethe=de_ebsd.BetheParameters(*settings.bethe),
    )
    fold = simulator.reduce_to_fundamental_sector
    group = folding_group(rotations)
    # the crystal is given in P1, so its own group would fold nothing
    simulator.reduce_to_fundamental_sector = lambda directions, _, cache_key=None: fold(
        directions, group, cache_key=cache_key
    )
    try:
        master = simulation.compute(
            device="cpu", mc_electrons=settings.electrons, chunk_size=20_000
        )
    finally:
        simulator.reduce_to_fundamental_sector = fold
    return as_grey_levels(_averaged(master.data[0].cpu().numpy(), settings.oversampling))


def _averaged(fine: np.ndarray, factor: int) -> np.ndarray:
    """Return hemispheres, shape (2, n, n), with every so many-th pixel, each with what is around.

    A Gaussian as wide as half a pixel that is kept; those of the pole and of the rim stay.
    """
    from scipy.ndimage import gaussian_filter

    if factor == 1:
        return fine
    blurred = gaussian_filter(fine, (0, 0.5 * factor, 0.5 * factor), mode="nearest")
    return blurred[:, ::factor, ::factor]


def as_grey_levels(master: np.ndarray) -> np.ndarray:
    """Return intensities as uint8, cut off at the 0.05 and 99.95 percentiles."""
    low, high = np.percentile(master, (0.05, 99.95))
    return np.rint(255 * np.clip((master - low) / (high - low), 0, 1)).astype(np.uint8)


def smallest_spacing(structure: Structure, reflections: int) -> float:
    """Return the spacing, in ångström, down to which there are about so many reflections."""
    volume = abs(np.linalg.det(structure.cell_vectors()))
    primitive = volume / POINTS_PER_CELL[structure.lattice[1]]
    return float(np.clip((4 / 3 * np.pi * primitive / reflections) ** (1 / 3), 0.6, 1.6))


def _centring(structure: Structure) -> str:
    """Return the letter of the cell's centring in the standard setting."""
    from diffpy.structure.spacegroups import GetSpaceGroup

    letter = GetSpaceGroup(structure.space_group).short_name[0]
    return "R" if letter == "H" else letter  # diffpy's H is R in hexagonal axes


def folding_group(rotations: np.ndarray) -> int:
    """Return the space group by whose point group a master pattern may be folded.

    Parameters
    ----------
    rotations
        The structure's own point operations in the Cartesian frame of the simulation, shape
        (n, 3, 3).

    Returns
    -------
    int
        That of most operations which are all the structure's own. orix's axes are not everywhere
        those of the crystal (321 and 312, -62m and -6m2), so each operation is compared.
    """
    from orix.quaternion.symmetry import get_point_group

    best, most = 1, 1
    for number in _POINT_GROUPS:
        group = get_point_group(number)
        matrices = group.to_matrix() * np.where(group.improper, -1, 1)[:, None, None]
        near = np.abs(matrices[:, None] - rotations[None]).max(axis=(2, 3)) < 2e-3
        if len(matrices) > most and near.any(axis=1).all():
            best, most = number, len(matrices)
    return best


def _crystal(structure: Structure, mixed: bool = False) -> tuple["Crystal", np.ndarray]:
    """Return a structure as de-ebsd's crystal in P1, and its point operations (n, 3, 3)."""
    from de_ebsd.crystal.lattice import Crystal

    class CentredCrystal(Crystal):
        """All atoms are given, but the centring is told, so that it forbids reflections."""

        centering = letter = _centring(structure)

    a, b, c, alpha, beta, gamma = structure.cell
    numbers, positions = structure.atoms()
    occupied = np.ones(len(numbers))
    if mixed:
        numbers, positions, occupied = mixed_atoms(structure.cell_vectors(), numbers, positions)
    rotations = np.unique([r for r, _ in operations(structure.space_group)], axis=0)
    if structure.lattice.startswith("m"):
        a, b, c, alpha, beta, gamma = c, a, b, gamma, alpha, beta
        positions = positions[:, _TURN]
        rotations = rotations[:, _TURN][:, :, _TURN]
        CentredCrystal.centering = _TURNED_CENTRING[CentredCrystal.letter]
    crystal = CentredCrystal.from_parameters(
        *(a / 10, b / 10, c / 10, alpha, beta, gamma),
        space_group=1,
        atoms=[
            (ELEMENTS[z], tuple(place), share)
            for z, place, share in zip(numbers, positions, occupied, strict=True)
        ],
    )
    axes = crystal.direct_structure_matrix
    return crystal, axes @ rotations @ np.linalg.inv(axes)
