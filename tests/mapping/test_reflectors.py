import numpy as np
import pytest

from napari_bravais.mapping.reflectors import (
    indexing_space_group,
    laue_operations,
    strongest_reflectors,
)


def families(reflectors) -> set[tuple[int, ...]]:
    return {tuple(sorted(map(abs, entry.hkl), reverse=True)) for entry in reflectors}


def test_nickel_shows_the_families_of_every_textbook(nickel):
    found = strongest_reflectors(nickel)
    assert [entry.planes for entry in found] == [4, 3, 6, 12]
    assert families(found) == {(1, 1, 1), (2, 0, 0), (2, 2, 0), (3, 1, 1)}
    assert found[0].spacing == pytest.approx(3.524 / 3**0.5, rel=1e-3)
    assert found[0].strength == 1


def test_forbidden_reflections_are_left_out(rutile, make_phase):
    silicon = make_phase("Si", 227, (5.431,) * 3 + (90,) * 3, [("Si", 1 / 8, 1 / 8, 1 / 8)])
    assert (2, 0, 0) not in families(strongest_reflectors(silicon))
    assert (1, 1, 1) in families(strongest_reflectors(silicon))
    hkl = np.array([entry.hkl for entry in strongest_reflectors(rutile, 40)])
    n_glide = (hkl[:, 0] == 0) & ((hkl[:, 1] + hkl[:, 2]) % 2 == 1)
    assert not n_glide.any()


def test_parallel_planes_and_equivalent_ones_are_taken_once(quartz, rutile):
    for crystal in (quartz, rutile):
        found = strongest_reflectors(crystal, 40)
        directions = [tuple(np.array(e.hkl) // np.gcd.reduce(e.hkl)) for e in found]
        assert len(set(directions)) == len(found)
    # the two rhombohedra of quartz have one spacing, but not one strength
    weaker, stronger = sorted(
        entry.strength for entry in strongest_reflectors(quartz) if 3.3 < entry.spacing < 3.4
    )
    assert stronger == 1 and 0.5 < weaker < 0.8


def test_monoclinic_crystals_are_turned_about_b(make_phase):
    cell = (7.148, 8.096, 7.973, 90, 101.0, 90)
    crystal = make_phase("mP", 11, cell, [("As", 0.1, 0.13, 0.2), ("S", 0.4, 0.25, 0.6)])
    for entry in strongest_reflectors(crystal):
        h, k, l = entry.hkl  # noqa: E741
        assert entry.planes == (1 if k == 0 or h == l == 0 else 2)


def test_without_atoms_the_widest_spacings_that_the_centring_allows_are_taken(make_phase):
    body_centred = make_phase("unknown", 229, (2.87,) * 3 + (90,) * 3, [])
    found = strongest_reflectors(body_centred)
    assert families(found[:3]) == {(1, 1, 0), (2, 0, 0), (2, 1, 1)}
    assert all(sum(entry.hkl) % 2 == 0 for entry in found)


def test_axes_between_those_that_are_turned_about_are_not_turned_about():
    assert len(laue_operations(152)) == 6
    assert indexing_space_group(149) == 147 and len(laue_operations(149)) == 3
    assert [indexing_space_group(n) for n in (1, 152, 225)] == [1, 152, 225]
