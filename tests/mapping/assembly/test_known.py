"""Spheres held against those of known materials."""

import numpy as np
import pytest

from napari_bravais.lattices import PEARSON_SYMBOLS
from napari_bravais.mapping.assembly.known import judge_sphere
from napari_bravais.mapping.assembly.symmetry import SIZE
from napari_bravais.mapping.matching.matcher import Matcher
from tests.mapping.assembly.conftest import CENTRE
from tests.mapping.assembly.test_symmetry import placed

#: What the network says of lattices: nearly nothing, but for mS.
LOGS = np.log(np.where(np.array(PEARSON_SYMBOLS) == "mS", 0.3, 0.7 / 13))


@pytest.fixture(scope="module")
def shown(take) -> tuple:
    """Return the sphere of forty patterns of rutile, turned at random, and three of these.

    With their quality, as the network tells it.
    """
    from scipy.spatial.transform import Rotation

    patterns, rotations = take("rutile", 40)
    one, other = placed(patterns, Rotation.random(rng=1).as_matrix() @ rotations).sphere(SIZE)
    return one + other, 0.9, patterns[2:5], CENTRE, np.array([0.74, 0.41, 0.58])


def likely(matcher: Matcher, wanted) -> np.ndarray:
    """Return log-probabilities of materials, by which some are likelier than all others."""
    fits = [wanted(material) for material in matcher.index.materials]
    return np.where(fits, -5.0, -50.0)


def test_the_sphere_of_a_known_material_is_told_from_its_relatives(matcher, shown):
    tetragonal = likely(matcher, lambda m: m.lattice in ("tP", "tI"))
    found = judge_sphere(matcher, *shown, (tetragonal, LOGS))
    (first, probability, correlation), (_, _, next_best), *_ = found.candidates
    assert first.name == "rutile" and probability > 0.95
    # pyrolusite is of the same type
    assert correlation > 0.75 and correlation - next_best > 0.01
    assert found.probabilities[PEARSON_SYMBOLS.index("tP")] > 0.95


def test_a_sphere_like_none_is_of_no_known_material(matcher, shown):
    seen = []

    def follow(done: int, of: int) -> None:
        seen.append((done, of))

    cubic = likely(matcher, lambda m: m.lattice.startswith("c"))
    found = judge_sphere(matcher, *shown, (cubic, LOGS), follow)
    assert all(p < 0.05 for _, p, _ in found.candidates)
    assert all(m.lattice.startswith("c") for m, _, _ in found.candidates)
    # the network alone is asked, and hardly trusted
    assert PEARSON_SYMBOLS[found.probabilities.argmax()] == "mS"
    assert 1 / 14 < found.probabilities.max() < 0.3
    assert seen == [(done, 120) for done in range(120)]


def test_patterns_tell_a_material_whose_sphere_went_wrong(matcher, shown):
    """As where a crystal is nearly of a higher symmetry, and half of its patterns are misplaced."""
    from napari_bravais.mapping.sphere import Sphere

    sphere, *rest = shown
    wrong = Sphere(sphere.total + 0.7 * np.rot90(sphere.total), sphere.weight)
    tetragonal = likely(matcher, lambda m: m.lattice in ("tP", "tI"))
    found = judge_sphere(matcher, wrong, *rest, (tetragonal, LOGS))
    (first, probability, correlation), *_ = found.candidates
    assert correlation < 0.75 and first.name == "rutile" and probability > 0.9
