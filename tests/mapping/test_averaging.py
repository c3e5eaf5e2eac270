from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
import tifffile

from napari_bravais.io.sample_data import nickel_sample_path
from napari_bravais.io.scan import open_scan
from napari_bravais.lattices import lattice
from napari_bravais.mapping.averaging import averaged
from napari_bravais.mapping.engine import map_phases
from napari_bravais.mapping.pattern_centre import PatternCentre
from napari_bravais.mapping.seen import Seen, as_mapped


def noisy(scan, deviation: float):
    """Return a scan with more noise in grey levels, as a detector would store it."""
    patterns = scan.patterns.compute().astype(float)
    patterns += np.random.default_rng(0).normal(0, deviation, patterns.shape)
    return replace(scan, patterns=da.from_array(patterns.clip(0, 255).astype(np.uint8)))


@pytest.fixture(scope="module")
def corner(sample_data):
    """Return a corner of the sample scan, in noise, and its ground truth."""
    scan = open_scan(sample_data / "quartz_rutile.h5")
    part = slice(4, 28), slice(8, 40)
    truth = tifffile.imread(sample_data / "quartz_rutile_truth.tif")[part].astype(int) - 1
    return noisy(replace(scan, patterns=scan.patterns[part]), 22), truth


def grains(side: int, noise: float):
    """Return two grains' patterns, shapes (h, w), and a map of both in noise."""
    rng = np.random.default_rng(1)
    left, right = rng.normal(size=(2, side, side)) * 10 + 100
    columns = np.array([left] * 6 + [right] * 5)
    clean = np.broadcast_to(columns, (10, *columns.shape))
    return left, right, clean + rng.normal(0, noise, clean.shape)


def test_noise_is_averaged_out_and_grain_boundaries_stay(corner):
    left, right, patterns = grains(40, 15)
    scan = replace(corner[0], patterns=da.from_array(patterns.astype(np.float32)))
    mean = averaged(scan).patterns.compute()
    assert mean.shape == patterns.shape and mean.dtype == np.float32
    inside, beside = mean[5, 2], mean[5, 5]  # the latter has the boundary at its side
    assert (inside - left).std() < 15 / 4
    assert (beside - left).std() < 15 / 3
    assert abs(np.corrcoef((beside - left).ravel(), right.ravel())[0, 1]) < 0.1


@pytest.mark.parametrize("side", [60, 130])
def test_a_part_is_averaged_as_the_whole_is(corner, side):
    scan = corner[0]
    if side != 60:
        few = grains(side, 5)[2]
        scan = replace(scan, patterns=da.from_array(few.astype(np.float32), chunks=(3, 4, -1, -1)))
    seen = averaged(scan)
    lazy = seen.patterns
    whole = lazy.compute()
    ny, nx = whole.shape[:2]
    for part in (
        np.s_[:2],
        np.s_[ny - 1 :, nx - 2 :],
        np.s_[4:6, 3:5],
        np.s_[3, 4],
        np.s_[::3, 1],
        np.s_[1::9, ::10],
    ):
        np.testing.assert_array_equal(lazy[part].compute(), whole[part])
    rows, columns = np.array([0, 5, ny - 1]), np.array([nx - 1, 0, 3])
    np.testing.assert_array_equal(lazy.vindex[rows, columns].compute(), whole[rows, columns])
    np.testing.assert_array_equal(seen.patterns_at(rows, columns), whole[rows, columns])


def test_a_line_of_patterns_stays(corner):
    line = replace(corner[0], patterns=corner[0].patterns[:2])
    assert averaged(line) is line


def test_the_network_reads_a_noisy_scan_once_it_is_averaged(classifier, corner):
    scan, truth = corner
    alone, together = (map_phases(one, classifier) for one in (scan, averaged(scan)))
    crystal = truth >= 0
    right = [(one.labels == truth)[crystal].mean() for one in (alone, together)]
    assert right[0] < 0.3 and right[1] > 0.9
    assert as_mapped(scan, together).averaged and as_mapped(scan, alone) is scan
    by_hand = map_phases(Seen(PatternCentre(0.5, 0.3, 0.6)).of(scan), classifier)
    assert as_mapped(scan, by_hand).pattern_centre == pytest.approx((0.5, 0.3, 0.6))


def test_real_nickel_in_noise_is_read_across_a_grain_boundary(classifier):
    scan = open_scan(nickel_sample_path())  # three by three pixels, two grains
    worse = noisy(scan, 6)  # its bands differ by a few grey levels
    cubic = lattice("cF").index
    before, after = (map_phases(one, classifier).probabilities for one in (worse, averaged(worse)))
    assert (before.argmax(axis=-1) == cubic).sum() < 8 and (after.argmax(axis=-1) == cubic).all()
    assert after[..., cubic].mean() > before[..., cubic].mean() + 0.3
