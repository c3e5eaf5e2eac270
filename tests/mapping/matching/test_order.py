import numpy as np
import pytest

from napari_bravais.mapping.assembly.sphere import detector_directions, values_at
from napari_bravais.simulation.projection import random_rotations

CENTRE = np.array([0.5, 0.3, 0.6])


def numbered(matcher, name: str) -> int:
    return [material.name for material in matcher.index.materials].index(name)


def patterns(matcher, name: str, rotations: np.ndarray) -> np.ndarray:
    """Return what a material shows, in as much noise."""
    material = matcher.index.materials[numbered(matcher, name)]
    sphere = matcher.atlas.sphere(matcher.atlas.places[material.key])
    directions = detector_directions(80, CENTRE)
    clean = np.array([values_at(sphere, directions @ rotation.T) for rotation in rotations])
    noise = np.random.default_rng(1).normal(size=clean.shape)
    return (clean + noise).reshape(-1, 80, 80).astype(np.float32)


def test_ordered_forms_stand_with_the_elements_of_the_lattice_that_is_ordered(matcher):
    for element, ordered in (("copper", "Cu3Au"), ("Ta", "NiAl")):
        (own,) = [f for f in matcher.families if numbered(matcher, element) in f.elements]
        assert numbered(matcher, ordered) in own.ordered
        lattices = {matcher.index.materials[number].lattice for number in own.elements}
        assert len(lattices) == 1
        assert lattices.isdisjoint(matcher.index.materials[n].lattice for n in own.ordered)


def test_order_that_theory_hardly_shows_is_not_looked_for(matcher):
    ordered = np.concatenate([family.ordered for family in matcher.families])
    # iron, cobalt and nickel scatter alike
    assert numbered(matcher, "FeNi3") not in ordered
    assert numbered(matcher, "wairauite") not in ordered


@pytest.mark.parametrize(("element", "ordered"), [("copper", "Cu3Au"), ("Ta", "NiAl")])
def test_bands_that_order_adds_are_seen_where_they_are_alone(matcher, element, ordered):
    rotations = random_rotations(np.random.default_rng(0), 6)
    family = next(f for f in matcher.families if numbered(matcher, element) in f.elements)
    column = list(family.ordered).index(numbered(matcher, ordered))
    with_order, without = (
        family.order(patterns(matcher, name, rotations), CENTRE, rotations)[:, column]
        for name in (ordered, element)
    )
    assert with_order.min() > 10 and without.max() < -10


def test_order_counts_where_its_lattice_fits_best(matcher):
    rotations = random_rotations(np.random.default_rng(0), 4)
    names = ("copper", "Al", "Cu3Au", "Si")
    materials = np.tile([numbered(matcher, name) for name in names], (4, 1))
    prepared = patterns(matcher, "Cu3Au", rotations)
    held = matcher.hold(prepared, CENTRE, materials)
    seen = matcher.see_order(held, prepared, CENTRE)
    assert (seen.order[:, 2] > 10).all() and not seen.order[:, [0, 1, 3]].any()
    np.testing.assert_array_equal(seen.correlations, held.correlations)
    evidence = matcher.weights.evidence(seen.correlations, seen.order)
    assert (evidence.argmax(axis=1) == 2).all()
    assert (evidence[:, 2] > matcher.weights.gain(held.correlations)[:, 2]).all()
    # without an element of the lattice beside it an ordered form counts by itself
    alone = matcher.hold(prepared, CENTRE, materials[:, 2:])
    assert not matcher.see_order(alone, prepared, CENTRE).order.any()
    # and so it does where another crystal fits best
    other = patterns(matcher, "Si", rotations)
    held = matcher.hold(other, CENTRE, materials)
    assert not matcher.see_order(held, other, CENTRE).order.any()
