from dataclasses import replace

import numpy as np
import pytest

from napari_bravais import open_scan
from napari_bravais.io.sample_data import nickel_sample_path
from napari_bravais.io.vendor_maps import stored_map
from napari_bravais.mapping import engine
from napari_bravais.mapping.boundaries import misorientation_angles
from napari_bravais.mapping.comparison import compare
from napari_bravais.mapping.engine import map_phases
from napari_bravais.mapping.hough import (
    HoughError,
    HoughIndexer,
    HoughSettings,
    empty_hough_map,
    hough_map,
    insert,
    iter_hough_map,
    opencl_device,
)
from napari_bravais.mapping.indexed_map import NOT_MAPPED
from napari_bravais.mapping.pattern_centre import PatternCentre


def test_named_phases_are_found_and_what_shows_no_pattern_is_not_indexed(
    every_sixth, quartz, rutile
):
    scan, truth = every_sixth
    calls = []
    found = hough_map(scan, [quartz, rutile], progress=lambda *done: calls.append(done))
    grains = truth >= 0
    assert (found.labels == truth)[grains].mean() > 0.95
    assert not found.indexed[~grains].any()
    assert calls[-1] == (96, 96)
    assert (found.step, found.step_unit) == (scan.step, "um")
    assert [(p.name, p.space_group, p.lattice.pearson) for p in found.phases] == [
        ("quartz", 152, "hP"),
        ("rutile", 136, "tP"),
    ]
    assert np.median(found.scores["fit"][found.indexed]) < 0.5
    lengths = np.linalg.norm(found.rotations[found.indexed], axis=-1)
    np.testing.assert_allclose(lengths, 1, atol=1e-5)
    assert found.provenance["pattern_centre"]["convention"] == "bruker"


def test_the_network_agrees_inside_grains_though_it_was_told_no_phases(
    sample_data, quartz, rutile, classifier
):
    """The check of the seed paper's figure 6, on a part of the sample scan with both phases."""
    scan = open_scan(sample_data / "quartz_rutile.h5")
    part = replace(scan, patterns=scan.patterns[4:24, 10:50])
    comparison = compare(hough_map(part, [quartz, rutile]), map_phases(part, classifier))
    assert comparison.agreement_inside > 0.95
    assert comparison.pixels_inside > 200
    assert {phase.lattice for phase in comparison.by_phase} == {"hP", "tP"}


def test_real_nickel_is_face_centred_cubic_and_oriented_as_known(nickel):
    scan = open_scan(nickel_sample_path())
    found = hough_map(scan, [nickel])
    assert (found.labels == 13).all()
    assert found.scores["fit"].max() < 1
    known = stored_map(nickel_sample_path())
    angles = misorientation_angles(
        found.rotations.reshape(-1, 4), known.rotations.reshape(-1, 4), 225
    )
    assert angles.max() < 3


def test_a_map_grows_block_by_block_and_stops_when_told(every_sixth, quartz, monkeypatch):
    monkeypatch.setattr(engine, "BLOCK_PATTERNS", 24)
    scan, _ = every_sixth
    growing = empty_hough_map(scan, [quartz])
    chunks = iter_hough_map(scan, [quartz])
    insert(growing, next(chunks))
    chunks.close()
    assert growing.mapped.sum() == 24 and growing.mapped[:2].all()
    assert (growing.phase_index[2:] == NOT_MAPPED).all()
    assert list(chunks) == []


def test_what_is_missing_is_said(every_sixth, quartz):
    from orix.crystal_map import Phase

    scan, _ = every_sixth
    with pytest.raises(HoughError, match="no phase is named"):
        next(iter_hough_map(scan, []))
    with pytest.raises(HoughError, match=r"quartz_rutile\.h5 stores no pattern centre"):
        next(iter_hough_map(replace(scan, detector=None), [quartz]))
    with pytest.raises(HoughError, match="'unknown' has no space group"):
        next(iter_hough_map(scan, [Phase("unknown")]))
    with pytest.raises(HoughError, match="'no cell' has no unit cell"):
        next(iter_hough_map(scan, [Phase("no cell", space_group=225)]))


def test_the_frames_of_edax_and_oxford_lie_a_quarter_turn_apart(nickel):
    scan = open_scan(nickel_sample_path())
    indexer = HoughIndexer(scan, [nickel], None, HoughSettings())
    patterns = indexer.prepared(scan.patterns.compute().reshape(-1, 60, 60))
    centres = indexer.centres.reshape(-1, 3)
    ours = hough_map(scan, [nickel]).in_frame("oxford")
    oxford = [
        PatternCentre(*centre).converted("oxford", scan.signal_shape) for centre in centres.tolist()
    ]
    indexer.indexer.vendor = "OXFORD"
    theirs = indexer.index(patterns, np.array([(pc.x, pc.y, pc.z) for pc in oxford]))["quat"]
    angles = misorientation_angles(ours.rotations.reshape(-1, 4), theirs, 225)
    assert angles.max() < 0.1
    back = ours.in_frame("edax").rotations
    np.testing.assert_allclose(back, hough_map(scan, [nickel]).rotations, atol=1e-6)


def test_bands_are_found_on_the_cpu_where_no_opencl_is_wanted(every_sixth, quartz):
    scan, _ = every_sixth
    indexer = HoughIndexer(scan, [quartz], None, HoughSettings(use_opencl=False))
    assert indexer.indexer.bandDetectPlan.useCPU
    assert opencl_device() is None or isinstance(opencl_device(), str)
