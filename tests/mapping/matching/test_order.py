import numpy as np
import pytest

from napari_bravais.mapping.matching.order import Order
from napari_bravais.mapping.sphere import detector_directions, values_at
from napari_bravais.simulation.projection import random_rotations

CENTRE = np.array([0.5, 0.3, 0.6])


def numbered(matcher, name: str) -> int:
    return [material.name for material in matcher.index.materials].index(name)


def sphere_of(matcher, name: str) -> np.ndarray:
    material = matcher.index.materials[numbered(matcher, name)]
    return matcher.atlas.sphere(matcher.atlas.places[material.key])


def patterns(sphere: np.ndarray, rotations: np.ndarray, centre=CENTRE) -> np.ndarray:
    """Return what a sphere shows, in as much noise."""
    directions = detector_directions(80, centre)
    clean = np.array([values_at(sphere, directions @ rotation.T) for rotation in rotations])
    noise = np.random.default_rng(1).normal(size=clean.shape)
    return (clean + noise).reshape(-1, 80, 80).astype(np.float32)


def test_order_is_what_a_mixed_crystal_cannot_explain():
    mixed, more = np.random.default_rng(0).normal(size=(2, 41, 41))
    order = Order.between(3 * mixed + 0.6 * more + 7, 5 * mixed - 2)
    assert np.corrcoef(order.added.ravel(), more.ravel())[0, 1] > 0.99
    assert order.added.std() == pytest.approx(0.2 / np.hypot(1, 0.2), rel=0.03)
    assert abs((order.added * order.mixed).mean()) < 1e-5


def order_of(matcher, name: str) -> Order:
    number = numbered(matcher, name)
    return next(orders[number] for orders in matcher._orders if number in orders)


def test_order_is_looked_for_beside_elements_of_the_lattice_that_is_ordered(matcher):
    faces, bodies = (
        {matcher.index.materials[number].name for number in orders} for orders in matcher._orders
    )
    assert {"Cu3Au", "Ni3Si", "roaldite"} <= faces and {"NiAl", "Fe3Al"} <= bodies
    # iron, cobalt and nickel scatter alike, and so do copper and zinc
    assert (faces | bodies).isdisjoint({"FeNi3", "wairauite", "beta prime brass"})
    # copper and aluminium, tantalum and chromium
    for orders in matcher._orders:
        assert all(len(order.elements) > 5 for order in orders.values())


@pytest.mark.parametrize(("element", "ordered"), [("copper", "Cu3Au"), ("Ta", "NiAl")])
def test_bands_that_order_adds_are_seen_where_they_are_alone(matcher, element, ordered):
    rotations = random_rotations(np.random.default_rng(0), 6)
    order = order_of(matcher, ordered)

    def seen(sphere: np.ndarray) -> np.ndarray:
        return order.seen(patterns(sphere, rotations), CENTRE, rotations)

    assert seen(sphere_of(matcher, ordered)).min() > 5
    assert seen(order.mixed).max() < -5
    assert seen(sphere_of(matcher, element)).max() < 0


def test_a_camera_that_is_a_bit_off_is_not_taken_for_order(matcher):
    order = order_of(matcher, "NiAl")
    rotations = random_rotations(np.random.default_rng(0), 6)
    taken = patterns(order.mixed, rotations, CENTRE + np.array([0.004, -0.004, 0.004]))
    at_its_own = order.seen(patterns(order.mixed, rotations), CENTRE, rotations)
    assert np.abs(order.seen(taken, CENTRE, rotations) / at_its_own - 1).max() < 0.3


def test_what_order_tells_counts_against_a_material_and_never_for_one(matcher):
    rotations = random_rotations(np.random.default_rng(0), 4)
    names = ("copper", "Al", "Cu3Au", "Si")
    materials = np.tile([numbered(matcher, name) for name in names], (4, 1))

    def seen(sphere: np.ndarray):
        prepared = patterns(sphere, rotations)
        held = matcher.hold(prepared, CENTRE, materials)
        seen = matcher.see_order(held, prepared, CENTRE)
        np.testing.assert_array_equal(seen.correlations, held.correlations)
        return seen

    there = seen(sphere_of(matcher, "Cu3Au"))
    assert (there.order[:, :2] < -5).all() and not there.order[:, 2:].any()
    evidence = matcher.weights.evidence(there.correlations, there.order)
    assert (evidence.argmax(axis=1) == 2).all()
    missing = seen(order_of(matcher, "Cu3Au").mixed)
    assert (missing.order[:, 2] < -5).all() and not missing.order[:, [0, 1, 3]].any()
    # and where another crystal fits best by far it is not looked for
    assert not seen(sphere_of(matcher, "Si")).order.any()


def test_of_a_blank_order_tells_nothing(matcher):
    materials = np.array([[numbered(matcher, name) for name in ("copper", "Cu3Au", "NiAl")]])
    blank = np.zeros((1, 80, 80), np.float32)
    held = matcher.hold(blank, CENTRE, materials)
    assert not matcher.see_order(held, blank, CENTRE).order.any()
