"""Phases of the sample scan, assembled."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from napari_bravais import open_scan
from napari_bravais.lattices import PEARSON_SYMBOLS
from napari_bravais.mapping.assembly.assembled_phase import (
    AssembledPhase,
    AssemblyError,
    assemble_phase,
)
from napari_bravais.mapping.assembly.figure import save_spheres, stereogram
from napari_bravais.mapping.assembly.symmetry import Symmetry, weighed
from napari_bravais.mapping.pooled_map import PooledMap, PooledPhase
from napari_bravais.mapping.sphere import Sphere

EVEN = np.full(14, 1 / 14)


@pytest.fixture(scope="module")
def few_grains(sample_data) -> tuple:
    """Return the sample scan, and a map of it with one phase of eleven grains and a single."""
    scan = open_scan(sample_data / "quartz_rutile.h5")
    grains = np.full(scan.navigation_shape, -1, np.int32)
    grains[:3, :11] = np.arange(11)
    grains[10, 10] = 11
    numbers = np.where(grains >= 0, 0, -1).astype(np.int16)
    phase = PooledPhase(0, 34, 12, 1.0, 12, EVEN)
    return scan, np.ones(scan.navigation_shape), PooledMap((phase,), numbers, grains)


def test_a_phase_of_few_grains_is_not_assembled(classifier, few_grains):
    with pytest.raises(AssemblyError, match=r"Phase 1 has too few grains .* assembled: 11, and 12"):
        assemble_phase(*few_grains, 0, classifier, None)


def test_without_a_pattern_centre_nothing_is_assembled(classifier, few_grains):
    scan, quality, pooled = few_grains
    unknown = replace(scan, detector=None)
    with pytest.raises(AssemblyError, match=r"quartz_rutile\.h5: no pattern centre"):
        assemble_phase(unknown, quality, pooled, 0, classifier, None)


def assembled(name: str, laue_group: str, turns: np.ndarray) -> AssembledPhase:
    """Return a phase whose sphere was seen in a quarter, brighter towards x."""
    row, column = np.mgrid[:61, :61]
    weight = ((row >= 30) & (column >= 30)).astype(np.float32)
    sphere = Sphere(weight * (column - 30), weight)
    likeness = dict.fromkeys(("cubic", "monoclinic"), 0.5)
    symmetry = Symmetry(name, laue_group, np.eye(3), turns, likeness, 0.9)
    probabilities = weighed(EVEN, name, np.ones(14))
    phase = PooledPhase(0, 9, 20, 1.0, 20, EVEN)
    return AssembledPhase(phase, 20, sphere, symmetry, probabilities, None)


def test_a_sphere_is_drawn_wherever_its_symmetry_shows_it():
    half_turn = np.diag([-1.0, -1.0, 1.0])
    alone, both = (
        assembled("monoclinic", "2/m", np.array(turns))
        for turns in ([np.eye(3)], [np.eye(3), half_turn])
    )
    quarter, half = (stereogram(one.sphere, one.symmetry, 60) for one in (alone, both))
    seen = np.isfinite(quarter)
    # the square projection's rows go up, as y does
    assert seen[:28, 32:][5:, :-5].any() and not seen[32:].any() and not seen[:, :28].any()
    np.testing.assert_array_equal(np.isfinite(half), seen | seen[::-1, ::-1])
    np.testing.assert_allclose(half[seen], quarter[seen], atol=0.1)


def test_a_caption_says_symmetry_lattices_and_doubt(tmp_path):
    one = assembled("monoclinic", "2/m", np.array([np.eye(3), np.diag([-1.0, -1.0, 1.0])]))
    assert one.caption() == (
        "Phase 1: monoclinic (mP, mS), Laue group 2/m, by the sphere of 20 grains. All in all: "
        "primitive monoclinic (mP), probability 0.45"
    )
    assert PEARSON_SYMBOLS[one.probabilities.argmax()] == "mP"
    gypsum = SimpleNamespace(name="gypsum")
    of_it = replace(one, material=(gypsum, 0.9, 0.82)).caption()
    assert "20 grains. It is like gypsum's (correlation 0.82). All in all" in of_it
    of_none = replace(one, material=(gypsum, 0.4, 0.7)).caption()
    assert "20 grains. It is like no known material's. All in all" in of_none
    other = assembled("unknown", "", np.eye(3)[None])
    assert "the patterns of its 20 grains do not assemble" in other.caption()
    with pytest.raises(ValueError, match=r"\.xyz"):
        save_spheres([one], tmp_path / "a.xyz")
    for suffix in (".png", ".svg"):
        assert save_spheres([one, other], tmp_path / f"a{suffix}").stat().st_size > 1000
