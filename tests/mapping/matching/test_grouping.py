"""Grains that the network grouped wrongly are grouped by what known materials would show."""

from dataclasses import replace

import numpy as np
import pytest
from tifffile import imread

from napari_bravais.io.scan import open_scan
from napari_bravais.lattices import lattice
from napari_bravais.mapping.matching.grouping import Grains, matched_phases
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


@pytest.mark.parametrize("wrong", [[0, 3, 18], slice(16, None)], ids=["mixed up", "missed"])
def test_grains_come_to_the_phase_whose_material_fits(classifier, matcher, patterns, wrong):
    truth = patterns[-1]
    labels = (truth == RUTILE).astype(int)
    labels[wrong] = 1 - labels[wrong]
    told = []
    grains = grains_of(classifier, matcher.index, patterns)
    found, phases = matched_phases(matcher, grains, labels, progress=lambda *it: told.append(it))
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
    found, phases = matched_phases(Matcher(classifier, few), grains, mixed_up)
    np.testing.assert_array_equal(found == found[-1], labels == 1)
    assert phases[found[0]].candidates[0][0].name == "quartz"


def test_cancelling_ends_the_search(classifier, matcher, patterns):
    def cancel(what, done, of):
        if what == "grains: materials":
            raise InterruptedError

    grains = grains_of(classifier, matcher.index, patterns)
    with pytest.raises(InterruptedError):
        matched_phases(matcher, grains, np.zeros(21, int), progress=cancel)
