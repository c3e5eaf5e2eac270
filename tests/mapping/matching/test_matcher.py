import numpy as np
import pytest

from napari_bravais.io.sample_data import quartz_rutile_sample_path
from napari_bravais.io.scan import open_scan
from napari_bravais.lattices import PEARSON_SYMBOLS, lattice
from napari_bravais.mapping.matching import matcher as module
from napari_bravais.mapping.matching.evidence import Weights
from napari_bravais.mapping.matching.matcher import Matcher

PRIOR = np.log([0.5, 0.5])


def test_what_fits_is_likelier_and_what_nothing_fits_is_not_known():
    weights = Weights(match=150, seen=1, share=0.7, another=0)
    seen, quality = np.log([0.5, 0.5]), np.array([0.7])
    fits = weights.posterior(seen, PRIOR, weights.gain(np.array([[0.7, 0.5]])), quality)
    assert fits.sum() == pytest.approx(1) and fits[0] > 0.99
    none = weights.posterior(seen, PRIOR, weights.gain(np.array([[0.2, 0.2]])), quality)
    assert none[2] > 0.99
    # of a faint pattern as little is asked as it can show
    faint = weights.posterior(seen, PRIOR, weights.gain(np.array([[0.2, 0.05]])), np.array([0.2]))
    assert faint[0] > faint[2]


def test_several_patterns_are_surer_than_one():
    weights = Weights(match=40, seen=1, share=0.7, another=0)
    seen = np.log([0.5, 0.5])
    one = weights.posterior(seen, PRIOR, weights.gain(np.array([[0.6, 0.55]])), np.array([0.6]))
    gains = weights.gain(np.array([[0.6, 0.55]] * 8))
    many = weights.posterior(seen, PRIOR, gains, np.full(8, 0.6), n=4)
    assert many[0] > one[0] > 0.5


def test_a_gain_grows_with_the_correlation():
    gains = Weights().gain(np.array([-0.5, 0.0, 0.3, 0.6, 1.0]))
    assert gains[0] == gains[1] == 0 and (np.diff(gains[1:]) > 0).all() and np.isfinite(gains).all()


def test_real_nickel_is_face_centred_cubic(classifier, matcher, nickel):
    import kikuchipy as kp

    prepared, centre, _ = nickel
    scan = kp.data.nickel_ebsd_small()
    patterns = scan.data.reshape(-1, *scan.data.shape[-2:])
    background = np.asarray(scan.static_background)
    answers = classifier.embed(patterns, background, centre)
    probabilities, quality, features = answers
    likeliest = matcher.likeliest(matcher.index.log_probabilities(features), 12)
    held = matcher.hold(prepared, centre, likeliest)
    assert held.correlations.max(axis=1).min() > 0.4
    both = matcher.lattice_probabilities(held, features, probabilities, quality)
    np.testing.assert_allclose(both.sum(axis=1), 1, atol=1e-5)
    assert (both.argmax(axis=1) == lattice("cF").index).all()
    assert both[:, lattice("cF").index].mean() > probabilities[:, lattice("cF").index].mean()


def test_elements_narrow_the_materials_of_several_patterns(matcher, nickel):
    prepared, centre, _ = nickel
    means = np.full(len(matcher.index.materials), -6.0)
    allowed = matcher.index.made_of({"Ni", "Fe"})
    assert allowed.any() and not allowed.all()
    materials = np.concatenate([np.flatnonzero(allowed)[:3], np.flatnonzero(~allowed)[:3]])
    held = matcher.hold(prepared[:2], centre, np.tile(materials, (2, 1)))
    quality = np.array([0.6, 0.6])
    every = matcher.posterior(held, means, quality)
    narrowed = matcher.posterior(held, means, quality, allowed)
    assert every.sum() == pytest.approx(1) and narrowed.sum() == pytest.approx(1)
    assert (narrowed[3:6] == 0).all()
    np.testing.assert_allclose(
        narrowed[:3] / narrowed[[0, 1, 2, 6]].sum(), every[:3] / every[[0, 1, 2, 6]].sum()
    )


def test_progress_is_told_and_can_end_it(matcher, nickel):
    prepared, centre, _ = nickel

    class Ended(Exception):
        pass

    told = []

    def tell(done, of):
        told.append((done, of))
        if done == 2:
            raise Ended

    with pytest.raises(Ended):
        matcher.hold(prepared[:1], centre, np.arange(5)[None], tell)
    assert told == [(0, 5), (1, 5), (2, 5)]


def test_a_material_that_is_not_known_has_the_lattice_that_the_network_says(matcher):
    logs = np.log(np.full((1, 14), 0.5 / 13))
    logs[0, lattice("oF").index] = np.log(0.5)
    answer = matcher.by_lattice(np.array([[0.0, 1.0]]), np.array([[0]]), logs)
    assert answer.argmax() == PEARSON_SYMBOLS.index("oF") and answer.sum() == pytest.approx(1)
    known = matcher.by_lattice(np.array([[1.0, 0.0]]), np.array([[0]]), logs)
    assert PEARSON_SYMBOLS[known.argmax()] == matcher.index.materials[0].lattice


def test_targets_are_kept_ready_but_not_all_of_them(classifier, number_of, monkeypatch):
    assert Matcher.beside(classifier) is Matcher.beside(classifier)
    cubic = [number_of(name) for name in ("Ni", "copper", "Al")]
    size = Matcher(classifier).target(cubic[0]).waves.nbytes
    monkeypatch.setattr(module, "_KEPT_TARGETS", 2 * size)
    matcher = Matcher(classifier)
    first, second, _ = (matcher.target(number) for number in cubic)
    assert matcher.target(cubic[1]) is second
    assert matcher.target(cubic[0]) is not first


def test_a_pattern_that_nothing_fits_is_held_against_more(
    classifier, matcher, number_of, nickel, monkeypatch
):
    prepared, centre, _ = nickel
    scan = open_scan(quartz_rutile_sample_path())
    _, quality, features = classifier.embed(scan.patterns[0, :1].compute())  # another crystal's
    held = matcher.hold_each(prepared[:1], centre, features, quality)
    assert held.materials.shape == (1, module.MATERIALS)
    best = np.take_along_axis(held.materials, held.correlations.argmax(axis=1)[:, None], axis=1)
    assert {matcher.index.materials[int(i)].lattice for i in best.ravel()} == {"cF"}
    # the materials that stand there are those that the correlations and orientations are of
    again = matcher.hold(prepared[:1], centre, best)
    np.testing.assert_allclose(again.correlations[:, 0], held.correlations.max(axis=1), atol=1e-5)
    monkeypatch.setattr(module, "NOTHING_FITS", 1)
    first = matcher.hold_each(prepared[:1], centre, features, quality)
    assert (first.correlations.max(axis=1) < held.correlations.max(axis=1)).all()
