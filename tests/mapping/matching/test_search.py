import numpy as np
import pytest

from napari_bravais.mapping.matching.atlas import rotations
from napari_bravais.mapping.matching.search import Target, View, best_orientations
from napari_bravais.simulation.projection import project, random_rotations

CENTRE = np.array([0.48, 0.25, 0.62])


def degrees(turns: np.ndarray) -> np.ndarray:
    cosine = (np.trace(turns, axis1=-2, axis2=-1) - 1) / 2
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def between(ours: np.ndarray, others: np.ndarray, symmetry: np.ndarray) -> np.ndarray:
    """Return the least turn between orientations, of any that symmetry makes equal."""
    return np.min([degrees(g @ ours @ np.swapaxes(others, -1, -2)) for g in symmetry], axis=0)


def target_of(matcher, number: int) -> tuple[Target, np.ndarray]:
    place = matcher.atlas.places[matcher.index.materials[number].key]
    symmetry = matcher.atlas.symmetries[place]
    return Target.of(matcher.atlas.sphere(place), symmetry), rotations()[symmetry]


@pytest.mark.parametrize(
    ("name", "turns", "file"), [("quartz", 6, "quartz"), ("rutile", 8, "rutile")]
)
def test_known_orientations_are_found(
    classifier, matcher, number_of, sample_data, name, turns, file
):
    rng = np.random.default_rng(1)
    master = np.load(sample_data / "master_patterns" / f"{file}.npz")["mp"]
    true = random_rotations(rng, 12)
    clean = np.empty((12, 60, 60), np.float32)
    project(master[None], np.zeros(12, int), true, np.tile(CENTRE, (12, 1)), clean)
    noisy = clean + rng.normal(0, 0.5 * clean.std(), clean.shape)
    target, symmetry = target_of(matcher, number_of(name))
    assert len(symmetry) == turns
    view = View.of(classifier.prepare(noisy), CENTRE)
    correlations, found = best_orientations(view, np.arange(12), target)
    assert np.median(between(found, true, symmetry)) < 0.7
    assert between(found, true, symmetry).max() < 2
    assert correlations.min() > 0.5


def test_real_nickel_lies_as_others_found_it(matcher, number_of, nickel):
    prepared, centre, stored = nickel
    target, cubic = target_of(matcher, number_of("Ni"))
    correlations, found = best_orientations(View.of(prepared, centre), np.arange(9), target)
    assert correlations.min() > 0.4
    # frames differ between programs, turns between grains do not
    ours, theirs = (
        [[between(one, other, cubic) for other in each] for one in each] for each in (found, stored)
    )
    np.testing.assert_allclose(ours, theirs, atol=1.5)
    assert np.max(theirs) > 30  # two grains


def test_only_some_of_the_patterns_are_sought(matcher, number_of, nickel):
    prepared, centre, _ = nickel
    target, _ = target_of(matcher, number_of("Ni"))
    view = View.of(prepared, centre)
    every, _ = best_orientations(view, np.arange(9), target)
    some, _ = best_orientations(view, np.array([7, 2]), target)
    np.testing.assert_allclose(some, every[[7, 2]])


def test_what_is_not_seen_has_no_say(matcher, number_of, nickel):
    prepared, centre, _ = nickel
    half = prepared.copy()
    half[:, :, 50:] = 0
    target, cubic = target_of(matcher, number_of("Ni"))
    whole = best_orientations(View.of(prepared, centre), np.arange(9), target)
    less = best_orientations(View.of(half, centre), np.arange(9), target)
    assert np.median(between(whole[1], less[1], cubic)) < 1.5
    assert np.median(less[0]) > 0.4
