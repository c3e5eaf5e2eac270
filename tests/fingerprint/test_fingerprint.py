"""The diffraction fingerprint: its physics and its invariances."""

import numpy as np
import pytest

from napari_bravais.fingerprint.cluster import fingerprint, standard_cluster
from napari_bravais.fingerprint.defects import supercell
from napari_bravais.fingerprint.diffraction import (
    BLANKED,
    SIZE,
    WAVELENGTH,
    diffraction_fingerprint,
    turn_about,
)
from napari_bravais.fingerprint.files import checked
from napari_bravais.fingerprint.form_factors import form_factor
from napari_bravais.fingerprint.gallery import EXAMPLES, example
from napari_bravais.fingerprint.prototypes import prototype, turned


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


def by_the_formula(positions, numbers) -> np.ndarray:
    """Sum waves atom by atom and pixel by pixel, as equations 1 and 2 say."""
    image = np.zeros((SIZE, SIZE, 3))
    place = (np.arange(SIZE) - 31.5) * 4e-4
    for row, column in np.argwhere(np.hypot(place[:, None], place) > BLANKED * 4e-4):
        target = np.array([place[column], place[row], 0.1])
        distance = np.linalg.norm(target)
        q = 2 * np.pi / WAVELENGTH * (target / distance - [0, 0, 1])
        factors = [form_factor(z + 2, np.linalg.norm(q) / 4 / np.pi) for z in numbers]
        for axis in range(3):
            for angle in (np.pi / 4, -np.pi / 4):
                phases = positions @ turn_about(axis, angle).T @ q
                psi = (np.array(factors) * np.exp(-1j * phases)).sum()
                image[row, column, axis] += abs(psi) ** 2 * (0.1 / distance) ** 3
    return image / image.max()


def test_it_is_what_the_formula_says():
    random = np.random.default_rng(0)
    positions, numbers = random.normal(0, 2, (12, 3)), random.choice([1, 14, 79], 12)
    image = diffraction_fingerprint(positions, numbers)
    np.testing.assert_allclose(image, by_the_formula(positions, numbers), atol=2e-5)


def test_simple_cubic_peaks_are_where_bragg_says():
    grid = np.stack(np.meshgrid(*[np.arange(6.0)] * 3), axis=-1).reshape(-1, 3)
    blue = diffraction_fingerprint(grid, np.full(len(grid), 26))[..., 2]
    # turned by 45 degrees about the beam, 100 is on the diagonal, 12.5 pixels out
    row, column = np.unravel_index(blue.argmax(), blue.shape)
    along = np.hypot(row - 31.5, column - 31.5) * 4e-4 / 0.1 / WAVELENGTH
    assert along == pytest.approx(1.0, abs=0.05)
    assert abs(abs(row - 31.5) - abs(column - 31.5)) <= 1


def test_the_middle_is_blanked_and_the_brightest_is_one():
    image = fingerprint(checked(example(225)))
    y, x = np.indices((SIZE, SIZE)) - 31.5
    assert not image[np.hypot(x, y) <= BLANKED].any()
    assert image.max() == 1
    assert image.min() >= 0


def test_form_factors_are_the_electrons_and_fall():
    s = np.linspace(0, 2, 50)
    for number in range(1, 99):
        factor = form_factor(number, s)
        assert factor[0] == pytest.approx(number, abs=0.05)
        assert (np.diff(factor) < 0).all()
    with pytest.raises(ValueError, match="99"):
        form_factor(99, s)


def test_the_order_of_atoms_does_not_matter():
    positions, numbers = standard_cluster(checked(example(194)))
    order = np.random.default_rng(0).permutation(len(positions))
    one = diffraction_fingerprint(positions, numbers)
    np.testing.assert_allclose(one, diffraction_fingerprint(positions[order], numbers), atol=1e-4)


@pytest.mark.parametrize("group", EXAMPLES)
def test_orientation_setting_and_supercell_do_not_matter(group):
    element, bond, ratio = EXAMPLES[group]
    one = fingerprint(checked(example(group)))
    other = supercell(prototype(group, element, bond, ratio, primitive=True), 60)
    assert likeness(one, fingerprint(checked(turned(other, np.random.default_rng(1))))) > 0.95


@pytest.mark.parametrize("group", EXAMPLES)
def test_size_widens_peaks_but_does_not_move_them(group):
    atoms = checked(example(group))
    large = fingerprint(atoms, target=600)
    for target in (60, 120, 250):
        small = fingerprint(atoms, target=target)
        for channel in range(3):
            # where the large crystal's sharp peak is, the small one's broad peak is high
            row, column = np.unravel_index(large[..., channel].argmax(), (SIZE, SIZE))
            around = small[row - 1 : row + 2, column - 1 : column + 2, channel]
            assert around.max() > 0.6 * small[..., channel].max()


def test_scale_does_not_matter():
    small, large = example(229), example(229)
    large.set_cell(1.3 * large.cell, scale_atoms=True)
    one, other = (standard_cluster(checked(atoms))[0] for atoms in (small, large))
    np.testing.assert_allclose(one, other, atol=1e-9)
