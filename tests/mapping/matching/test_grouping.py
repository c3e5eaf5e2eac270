"""Grains that the network grouped wrongly are grouped by what known materials would show."""

from dataclasses import replace

import numpy as np
import pytest
from tifffile import imread

from napari_bravais.io.scan import open_scan
from napari_bravais.lattices import lattice
from napari_bravais.mapping.matching.grouping import (
    Grains,
    matched_phases,
    phases_of_further,
)
from napari_bravais.mapping.matching.matcher import Matcher
from napari_bravais.model.camera import of_middle_square
from napari_bravais.model.candidates import floored_logs

QUARTZ, RUTILE = lattice("hP").index, lattice("tP").index


@pytest.fixture(scope="module")
def patterns(sample_data):
    """Return patterns of quartz and of rutile, what is known of them, and the truth."""
    scan = open_scan(sample_data / "quartz_rutile.h5")
    truth = imread(sample_data / "quartz_rutile_truth.tif").astype(int) - 1
    rng = np.random.default_rng(3)
    chosen = [
        rng.permutation(np.argwhere(truth == of))[:n] for of, n in ((QUARTZ, 16), (RUTILE, 5))
    ]
    place = tuple(np.concatenate(chosen).T)
    return scan.patterns_at(*place), *scan.known_at(*place), scan.signal_shape, truth[place]


def grains_of(classifier, index, patterns) -> Grains:
    patterns, background, centres, shape, _ = patterns
    probabilities, quality, features = classifier.embed(patterns, background, centres)
    return Grains(
        classifier.prepare(patterns, background),
        of_middle_square(centres, shape),
        quality,
        index.log_probabilities(features),
        floored_logs(probabilities),
    )


def test_a_grain_whose_orientation_was_missed_is_no_phase(
    classifier, matcher, patterns, number_of, monkeypatch
):
    """A relative of the material of its phase finds it."""
    truth = patterns[-1]
    grains = grains_of(classifier, matcher.index, patterns)
    quartz, missed, hold = number_of("quartz"), 0, Matcher.hold

    def forgetful(self, prepared, centre, materials, *rest, near=None):
        held = hold(self, prepared, centre, materials, *rest, near=near)
        if near is None:
            its = (prepared == grains.prepared[missed]).all(axis=(1, 2))
            held.correlations[its[:, None] & (materials == quartz)] = 0.1
        return held

    monkeypatch.setattr(Matcher, "hold", forgetful)
    labels, phases, _ = matched_phases(matcher, grains, (truth == RUTILE).astype(int))
    assert len(phases) == 2 and labels[missed] == labels[missed + 1]


@pytest.mark.parametrize("wrong", [[0, 3, 18], slice(16, None)], ids=["mixed up", "missed"])
def test_grains_come_to_the_phase_whose_material_fits(classifier, matcher, patterns, wrong):
    truth = patterns[-1]
    labels = (truth == RUTILE).astype(int)
    labels[wrong] = 1 - labels[wrong]
    told = []
    grains = grains_of(classifier, matcher.index, patterns)
    found, phases, _ = matched_phases(matcher, grains, labels, progress=lambda *it: told.append(it))
    lattices = np.array([phase.probabilities.argmax() for phase in phases])
    np.testing.assert_array_equal(lattices[found], truth)
    names = {phase.candidates[0][0].name for phase in phases}
    assert len(phases) == 2 and any("quartz" in name for name in names)
    assert {"phase 1: materials", "grains: materials"} <= {what for what, *_ in told}
    assert all(0 <= done <= of and type(of) is int for _, done, of in told)  # JSON carries them


def test_a_phase_that_is_not_known_stays_apart(classifier, matcher, patterns, number_of):
    index = matcher.index
    known = np.array([number_of(name) for name in ("quartz", "Ni", "Al", "Si")])
    few = replace(
        index,
        materials=tuple(index.materials[i] for i in known),
        weights=index.weights[:, known],
        bias=index.bias[known],
        prior=index.prior[known] / index.prior[known].sum(),
        sample=index.sample[known],
    )
    labels = (patterns[-1] == RUTILE).astype(int)
    grains = grains_of(classifier, few, patterns)
    mixed_up = labels.copy()
    mixed_up[0] = 1  # a grain of quartz among rutile's, which nothing known explains
    found, phases, _ = matched_phases(Matcher(classifier, few), grains, mixed_up)
    np.testing.assert_array_equal(found == found[-1], labels == 1)
    assert phases[found[0]].candidates[0][0].name == "quartz"


def test_further_grains_come_to_the_phase_that_fits_them(classifier, matcher, patterns):
    truth = patterns[-1]
    grains = grains_of(classifier, matcher.index, patterns)
    known = np.append(np.arange(6), np.arange(16, 19))
    labels, _, materials = matched_phases(
        matcher, grains.of(known), (truth[known] == RUTILE).astype(int)
    )
    rest = np.setdiff1d(np.arange(len(truth)), known)
    shares = np.bincount(labels) / len(labels)
    wrong = np.where(truth[rest] == RUTILE, labels[0], labels[-1])  # by what the network said
    found = phases_of_further(matcher, materials, shares, grains.of(rest), wrong)
    np.testing.assert_array_equal(found, labels[0] + labels[-1] - wrong)
    # a phase that is not known keeps what the network gave it, but for what another's material fits
    unknown = [None if n == labels[-1] else material for n, material in enumerate(materials)]
    given = np.full(len(rest), labels[-1])
    kept = phases_of_further(matcher, unknown, shares, grains.of(rest), given)
    np.testing.assert_array_equal(kept, found)


def test_cancelling_ends_the_search(classifier, matcher, patterns):
    def cancel(what, done, of):
        if what == "grains: materials":
            raise InterruptedError

    grains = grains_of(classifier, matcher.index, patterns)
    with pytest.raises(InterruptedError):
        matched_phases(matcher, grains, np.zeros(21, int), progress=cancel)
