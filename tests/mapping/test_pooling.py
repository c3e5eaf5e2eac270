import csv
from dataclasses import replace

import numpy as np
import pytest
from skimage.measure import label
from tifffile import imread

from napari_bravais.io.pooled_results import load_pooled, save_pooled
from napari_bravais.io.results import ResultError, save_results
from napari_bravais.io.scan import open_scan
from napari_bravais.io.signal import scan_from_signal
from napari_bravais.lattices import LATTICES, lattice
from napari_bravais.mapping.clustering import cluster
from napari_bravais.mapping.engine import map_attributes
from napari_bravais.mapping.grains import NO_GRAIN, find_grains, grain_means
from napari_bravais.mapping.likeness import pattern_components
from napari_bravais.mapping.phase_map import PhaseMap
from napari_bravais.mapping.pooled_map import (
    NO_PHASE,
    PooledMap,
    PooledPhase,
    facts_of,
    phase_of,
)
from napari_bravais.mapping.pooling import MOST_GRAINS, find_phases, telling_grains
from napari_bravais.mapping.shown_phases import ShownPhases
from napari_bravais.model.candidates import MaterialIndex
from napari_bravais.simulation.sample import PORE, microstructure


def noisy_grains(rng, noise):
    """Return what four grains show, quarters of a map, and the probabilities of their lattices."""
    truth = np.zeros((20, 24), int)
    truth[:, 12:] += 1
    truth[10:] += 2
    shown = rng.normal(0, 1, (4, 40))[truth] / 40**0.5
    shown = shown + rng.normal(0, noise, shown.shape) / 40**0.5
    logits = rng.normal(0, 3, (2, len(LATTICES)))[truth % 2]  # two phases
    odds = np.exp(logits + rng.normal(0, noise, logits.shape))
    return truth, shown, odds / odds.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.6])
def test_grains_are_found_through_noise(noise):
    truth, shown, probabilities = noisy_grains(np.random.default_rng(0), noise)
    classified = np.ones(truth.shape, bool)
    classified[3:6, 3:6] = False
    grains = find_grains(shown[classified], probabilities, classified)
    assert (grains[~classified] == NO_GRAIN).all() and (grains[classified] >= 0).all()
    for quarter in range(4):
        own = grains[classified & (truth == quarter)]
        largest = np.bincount(own).argmax()
        assert (own == largest).mean() > 0.95
        assert (grains[truth != quarter] != largest).all()
    sizes = np.bincount(grains[classified])
    assert (np.diff(sizes) <= 0).all()


def test_grains_of_maps_with_little_in_them():
    probabilities = np.full((3, 4, 14), 1 / 14)
    nothing = np.zeros((3, 4), bool)
    one = nothing.copy()
    one[1, 2] = True
    assert find_grains(np.ones((1, 5)), probabilities, one)[1, 2] == 0
    assert not find_grains(np.ones((12, 5)), probabilities, ~nothing).any()  # all alike: one grain


def test_grains_of_the_sample_are_those_that_were_drawn(classifier, mapped):
    """Grains of one phase differ in their orientation alone, which lattices do not show."""
    scan, phase_map, _ = mapped
    classified = phase_map.labels >= 0
    components = pattern_components(scan, classifier, classified)
    assert components.shape == (classified.sum(), 100)
    grains = find_grains(components, phase_map.probabilities, classified)
    phase, drawn = microstructure(np.random.default_rng(2020))
    # needles are cut where others cross them
    parts = label(1 + drawn + 100 * (phase == PORE), connectivity=1)[20:48, 36:72]
    own, drawn = grains[classified], parts[classified]
    together = np.array([np.bincount(drawn[own == grain]).max() for grain in range(own.max() + 1)])
    assert together.sum() > 0.98 * len(own)  # hardly a pixel in another one's grain
    for true in np.flatnonzero(np.bincount(drawn) > 20):
        assert np.bincount(own[drawn == true]).max() > 0.7 * (drawn == true).sum()
    assert len(np.unique(drawn)) > 5


@pytest.mark.parametrize("divided", [True, False], ids=["divided", "background left in"])
def test_real_nickel_is_of_two_grains(classifier, divided):
    import kikuchipy as kp

    signal = kp.data.nickel_ebsd_small()
    background = np.asarray(signal.static_background) if divided else None
    scan = replace(scan_from_signal(signal), static_background=background)
    every = np.ones((3, 3), bool)
    components = pattern_components(scan, classifier, every)
    probabilities, _ = classifier.assess(signal.data.reshape(9, 60, 60), *scan.known_at(...))
    grains = find_grains(components, probabilities.reshape(3, 3, -1), every)
    np.testing.assert_array_equal(grains, [[1, 0, 0]] * 3)


def test_means_over_grains():
    values = np.arange(8.0).reshape(2, 2, 2)
    means, pixels = grain_means(values, np.array([[0, 1], [0, NO_GRAIN]]))
    np.testing.assert_array_equal(means, [[2, 3], [2, 3]])
    np.testing.assert_array_equal(pixels, [2, 1])


@pytest.mark.parametrize("sizes", [[60], [60, 40], [60, 40, 20, 15], [588, 12]])
def test_clusters_are_as_many_as_there_are(sizes):
    phases = len(sizes)
    rng = np.random.default_rng(phases)
    truth = np.repeat(np.arange(phases), sizes)
    logits = rng.normal(0, 2, (len(truth), 50))  # of fifty materials, four are there
    logits[np.arange(len(truth)), truth] += 10
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    labels = cluster(logs)
    assert labels.max() + 1 == phases
    assert (labels == truth).mean() > 0.95


def test_a_phase_that_looks_like_many_materials_is_one():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (300, 50))
    logits[:, :8] += 8  # each of its grains looks like eight materials, now one more, now another
    logits[240:] -= 8 * (np.arange(50) < 8)
    logits[240:, 20] += 10
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    labels = cluster(logs)
    assert (labels[:240] == labels[0]).mean() > 0.9 and (labels[240:] != labels[0]).mean() > 0.9


def test_phases_are_made_of_large_grains_and_of_some_of_all_sizes():
    sizes = np.sort(np.random.default_rng(0).integers(1, 60, 5000))[::-1]
    telling = telling_grains(sizes)
    assert len(np.unique(telling)) == MOST_GRAINS and (np.diff(telling) > 0).all()
    assert telling[0] == 0 and sizes[telling].min() == 3
    np.testing.assert_array_equal(telling_grains(np.array([9, 4, 3, 2, 1])), [0, 1, 2])
    np.testing.assert_array_equal(telling_grains(np.array([2, 1, 1])), [0, 1, 2])


def test_a_single_grain_is_a_phase():
    np.testing.assert_array_equal(cluster(np.log([[0.2, 0.5, 0.3]])), [0])


@pytest.fixture(scope="module")
def mapped(classifier, sample_data):
    """Return a corner of the sample scan with quartz, rutile and the pore, and its map."""
    scan = open_scan(sample_data / "quartz_rutile.h5")
    corner = replace(scan, patterns=scan.patterns[20:48, 36:72])
    patterns = corner.patterns.compute().reshape(-1, *corner.signal_shape)
    probabilities, quality = classifier.assess(patterns, *corner.known_at(...))
    shape = corner.navigation_shape
    truth = imread(sample_data / "quartz_rutile_truth.tif")[20:48, 36:72].astype(int) - 1
    phase_map = PhaseMap(
        probabilities.reshape(*shape, -1),
        quality.reshape(shape),
        **map_attributes(corner, classifier),
    )
    return corner, phase_map, truth


def test_phases_of_the_sample_are_found_and_named(classifier, mapped, tmp_path):
    scan, phase_map, truth = mapped
    pooled = find_phases(scan, phase_map, classifier, elements={"Si", "Ti", "O"})
    classified = phase_map.labels >= 0
    assert ((pooled.numbers != NO_PHASE) == classified).all()
    both = classified & (truth >= 0)
    right = (pooled.lattices == truth)[both].mean()
    assert right > 0.9
    quartz, *_ = pooled.phases
    assert quartz.lattice == lattice("hP") and quartz.probability > 0.5
    assert sum(phase.pixels for phase in pooled.phases) == classified.sum()
    known = {m.name: m for m in MaterialIndex.of(classifier).materials}
    assert quartz.candidates
    assert all({"Si", "Ti", "O"}.issuperset(known[name].elements) for name, *_ in quartz.candidates)
    # where an element was forgotten, what is left does not look like it, and nothing is named
    centre = pooled.pattern_centre
    golden = find_phases(scan, phase_map, classifier, elements={"Au"}, centre=centre)
    assert golden.phases and not any(phase.candidates for phase in golden.phases)
    assert [phase.excluded for phase in golden.phases] == [("quartz", "SiO2"), ("rutile", "TiO2")]
    assert not any(phase.excluded for phase in pooled.phases)
    rows = list(
        csv.DictReader(save_pooled(ShownPhases(pooled, phase_map), None, tmp_path)[0].open())
    )
    assert [int(row["pixels"]) for row in rows] == [phase.pixels for phase in pooled.phases]
    assert rows[0]["lattice"] == "hP"
    assert float(rows[0]["P(candidate 1)"]) == pytest.approx(quartz.candidates[0][2], abs=1e-4)
    np.testing.assert_array_equal(imread(tmp_path / "phases.tif"), pooled.numbers + 1)

    read = load_pooled(tmp_path)
    np.testing.assert_array_equal(read.numbers, pooled.numbers)
    np.testing.assert_array_equal(read.grains, pooled.grains)
    np.testing.assert_allclose(read.pattern_centre.minus(pooled.pattern_centre), 0, atol=1e-5)
    for ours, theirs in zip(read.phases, pooled.phases, strict=True):
        assert ours.caption() == theirs.caption() and ours.grains == theirs.grains
        assert [c[:2] for c in ours.candidates] == [c[:2] for c in theirs.candidates[:3]]
        np.testing.assert_allclose(ours.probabilities, theirs.probabilities, atol=1e-4)

    (tmp_path / "grains.tif").write_bytes(b"not an image")
    with pytest.raises(ResultError, match=r"grains\.tif"):
        load_pooled(tmp_path)
    # another map's results take the phases' place
    assert (tmp_path / "phases.png").exists()
    save_results(phase_map, None, tmp_path)
    assert load_pooled(tmp_path) is None and not (tmp_path / "phases.png").exists()


def test_a_map_of_nothing_has_no_phase(classifier, mapped, tmp_path):
    scan, phase_map, _ = mapped
    nothing = PhaseMap(phase_map.probabilities, phase_map.quality, quality_threshold=2.0)
    pooled = find_phases(scan, nothing, classifier)
    assert pooled.phases == () and (pooled.lattices == NO_PHASE).all() and pooled.caption() == ""
    table, *_ = save_pooled(ShownPhases(pooled, nothing), None, tmp_path)
    assert len(table.read_text().splitlines()) == 1
    assert load_pooled(tmp_path).phases == ()


def test_a_caption_says_lattice_doubt_and_material():
    probabilities = np.full(14, 0.02)
    probabilities[lattice("cF").index] = 0.74
    phase = PooledPhase(0, 90, 7, 0.9, 5, probabilities, (("nickel", "Ni", 0.8),))
    assert phase.caption() == (
        "Phase 1: face-centred cubic (cF), probability 0.74 from 5 of 7 grains, "
        "90.0 % of the classified area, perhaps nickel"
    )
    unknown = replace(phase, candidates=())
    assert unknown.caption().endswith("area, no known material fits") and not unknown.is_known
    excluded = replace(unknown, excluded=("copper", "Cu"))
    assert excluded.caption().endswith("area, like copper (Cu), which has other elements")
    assert excluded.is_known and phase_of(facts_of(excluded)).excluded == ("copper", "Cu")
    numbers = np.array([[0, NO_PHASE]], np.int16)
    pooled = PooledMap((phase,), numbers, numbers.astype(np.int32))
    np.testing.assert_array_equal(pooled.lattices, [[lattice("cF").index, -1]])
