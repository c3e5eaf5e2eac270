import json
from dataclasses import replace

import numpy as np
import pytest

from napari_bravais.model.candidates import Doubt, index_path
from napari_bravais.training import evaluate as evaluation
from napari_bravais.training import evaluate_conditions
from napari_bravais.training.evaluate_gaze import directions, near_zone_axes, zone_axes
from napari_bravais.training.evaluate_patterns import Conditions, read
from napari_bravais.training.evaluate_pooled import (
    evaluate_candidates,
    evaluate_pooled,
)
from napari_bravais.training.evaluate_real import RealSet, binned, changes, middle, real_patterns
from napari_bravais.training.evaluate_scores import calibration_error, reliability, score
from napari_bravais.training.library import MasterLibrary
from napari_bravais.training.material_index import (
    make_index,
    material_of,
    shares_of_kept_out,
)
from napari_bravais.training.report import as_markdown
from napari_bravais.training.report_figures import save_figures


def test_scores():
    probabilities = np.full((4, 14), 0.01)
    probabilities[range(4), [13, 13, 12, 0]] = 0.87
    labels = np.array([13, 12, 12, 0])
    result = score(probabilities, labels, np.array(["a", "a", "b", "b"]))
    assert result.top1 == 0.75 and result.crystal_system == 1.0
    assert result.by_material["a"]["top1"] == 0.5 and result.by_material["a"]["mostly"] == "cF"
    assert result.by_material["b"]["answers"][12] == 1
    assert result.confusion[12][13] == 1 and np.sum(result.confusion) == 4
    assert calibration_error(probabilities, labels) == pytest.approx(0.87 - 0.75)
    assert reliability(probabilities, labels) == [(pytest.approx(0.87), 0.75, 4)]


def test_patterns_are_read_under_the_conditions_asked_for(classifier, judged_library):
    trained = judged_library.indices("trained")
    plain = read(classifier, judged_library, trained, 10, seed=3)
    again = read(classifier, judged_library, trained, 10, seed=3)
    np.testing.assert_array_equal(plain.probabilities, again.probabilities)
    assert (plain.probabilities.argmax(axis=1) == plain.labels).mean() > 0.5
    assert set(plain.of(trained[:1]).materials) == {trained[0]}
    for other in (Conditions(size=96), Conditions(centre_known=False)):
        different = read(classifier, judged_library, trained, 10, other, seed=3)
        assert not np.allclose(different.features, plain.features)


@pytest.fixture(scope="module")
def index(classifier, judged_library):
    return make_index(classifier, judged_library, each=100).judged()


def test_what_models_are_judged_on_is_added_and_leaves_the_rest_alone(
    classifier, judged_library, index
):
    """A negative of quartz stands for a crystal that was kept out."""
    i = judged_library.indices("blind")[0]
    others = np.delete(np.arange(len(judged_library.records)), judged_library.indices("new type"))
    records = [dict(judged_library.records[k]) for k in others]
    place = list(others).index(i)
    records[place] |= {"atomic_numbers": [50] * len(records[place]["atomic_numbers"])}
    masters = judged_library.masters[others].copy()
    masters[place] = 255 - masters[place]
    labels, parts = judged_library.lattices[others], judged_library.parts[others]
    library = MasterLibrary(masters, labels, records, parts)
    whole = make_index(classifier, library, each=100)
    assert whole.prior.sum() == pytest.approx(1)
    key = records[place]["file"].removesuffix(".npz")
    number = [material.key for material in whole.materials].index(key)
    readings = read(classifier, library, np.array([place]), 20, seed=6)
    assert (whole.log_probabilities(readings.features).argmax(axis=1) == number).mean() > 0.8
    # and without it the index is what it would be
    judged = whole.judged()
    assert [m.key for m in judged.materials] == [m.key for m in index.materials]
    for name in ("weights", "bias", "prior"):
        np.testing.assert_allclose(getattr(judged, name), getattr(index, name), rtol=1e-5)
    # an index that is kept is left alone, and only what was added to it is made anew
    kept = make_index(classifier, library, each=100, keep=replace(whole, doubt=Doubt(0.7)))
    assert kept.doubt == Doubt(0.7) and kept.materials == whole.materials
    np.testing.assert_array_equal(kept.judged().weights, judged.weights)
    assert (kept.log_probabilities(readings.features).argmax(axis=1) == number).mean() > 0.8


def test_what_is_known_for_variety_is_met_more_rarely(judged_library):
    listed, more = judged_library.indices("trained"), judged_library.indices("new type")[:1]

    def share(rank: int) -> float:
        records = list(judged_library.records)
        records[more[0]] = records[more[0]] | {"rank": rank, "source": ""}
        return shares_of_kept_out(replace(judged_library, records=records), listed, more)[0]

    assert 0 < share(rank=3) < share(rank=2) / 2


def test_pooling_and_candidates_find_the_material(classifier, judged_library, index):
    trained = judged_library.indices("trained")
    readings = read(classifier, judged_library, trained, 12, seed=4)
    by_number = evaluate_pooled(index, judged_library, readings)
    assert list(by_number) == ["1", "3", "10", "12"]
    assert by_number["12"].top1 == 1.0
    rows = evaluate_candidates(index, judged_library, readings)
    assert rows[-1]["orientations"] == 12 and rows[-1]["top1"] == 1.0
    assert rows[0]["top1 with elements"] == 1.0  # no other is made of these elements


def test_everything_is_measured_and_told(classifier, judged_library, tmp_path, monkeypatch):
    # the network is traced anew for each size of pattern, which takes a second
    monkeypatch.setattr(evaluate_conditions, "SIZES", (30, 480))
    monkeypatch.setattr(evaluate_conditions, "NOISES", (0.1, 3.0))
    monkeypatch.setattr(evaluate_conditions, "DISTANCES", (0.6,))
    first_set = dict([next(iter(real_patterns(None).items()))])
    monkeypatch.setattr(evaluation, "real_patterns", lambda folder: first_set)
    amounts = evaluation.Amounts(patterns=4, varied=2, doubtful=10, gazes=3)
    told = []
    measured = evaluation.evaluate(classifier, judged_library, amounts, progress=told.append)
    assert told[0] == "simulated patterns" and told[-1] == "real patterns"
    assert set(measured["simulated"]) == set(evaluation.parts_of(judged_library))
    assert measured["doubt"]["blank (one grey level)"]["rejected"] == 1.0
    assert set(measured["gaze"]) == {"tP", "hP", "all"}
    assert measured["steadiness"]["as they are"]["same"] == 1.0
    assert measured["steadiness"]["as they are"]["drift"] == 0.0
    measured = json.loads(json.dumps(measured))  # as it comes out of accuracy.json
    page = as_markdown(measured, "bravais evaluate")
    for title in ("One pattern, one answer", "pooled", "Noise", "Where the network looks", "Real"):
        assert title in page
    figures = save_figures(measured, tmp_path)
    assert all(path.is_file() and f"(accuracy/{path.name})" in page for path in figures)
    assert index_path(classifier.path).is_file() == ("pooled" in measured)


def test_zone_axes_are_the_shortest_lattice_directions():
    record = {
        "lattice": "cF",
        "cell": 3.52 * np.eye(3),
        "positions": [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]],
        "atomic_numbers": [28] * 4,
    }
    axes = np.abs(zone_axes(record))
    # of a face-centred cubic lattice <110> are the shortest, <100> follow
    assert np.allclose(np.sort(axes[:6]), [0, np.sqrt(0.5), np.sqrt(0.5)])
    assert np.allclose(np.sort(axes[6:9]), [0, 0, 1])


def test_pixels_see_the_directions_that_are_projected():
    centre = np.array([0.4, 0.3, 0.6])
    seen, angle = directions(np.eye(3), centre, 50)
    row, column = np.unravel_index(seen[..., 2].argmax(), (50, 50))
    assert abs((column + 0.5) / 50 - 0.4) < 0.02 and abs((row + 0.5) / 50 - 0.3) < 0.02
    assert seen[row, -1, 0] > 0 and seen[0, column, 1] > 0  # right of it, and above
    assert angle[row, column] == angle.max()
    near = near_zone_axes(seen, np.array([[0.0, 0.0, -1.0]]))  # an axis has two ends
    assert near[row, column] and near.mean() < 0.1


def test_changes_of_real_patterns():
    patterns = np.arange(2 * 12 * 16, dtype=float).reshape(2, 12, 16)
    assert middle(patterns, 0.5).shape == (2, 6, 6)
    assert middle(patterns, 1.0)[0, 0, 0] == 2
    assert binned(patterns, 5).shape == (2, 2, 3)
    assert binned(patterns, 2)[0, 0, 0] == np.mean([0, 1, 16, 17])
    made = changes(RealSet(patterns, "cF"), np.random.default_rng(0))
    before, after = made["as they are"], made["turned by 180°"]
    np.testing.assert_array_equal(after.patterns, before.patterns[:, ::-1, ::-1])
    assert after.pattern_centre is None
    assert made["turned by 15°, inner 70 %"].patterns.shape == (2, 8, 8)
    assert np.isfinite(made["noise added, 0.5 of the contrast"].patterns).all()
    cross = made["a dead cross, as between sensors"].patterns
    assert not cross[:, 5:7].any() and not cross[..., 5:7].any()
    np.testing.assert_array_equal(cross[:, 7:, 7:], before.patterns[:, 7:, 7:])
    saturated = made["stretched, a tenth of each end saturated"].patterns
    for end in (0, 255):
        assert 0.05 < (saturated == end).mean() < 0.15


def test_the_pattern_centre_goes_along_with_changes():
    row, column = 40, 70
    patterns = np.zeros((1, 100, 120), np.float32)
    patterns[0, row - 1 : row + 2, column - 1 : column + 2] = 1
    real = RealSet(patterns, "cF", ((column + 0.5) / 120, (row + 0.5) / 100, 0.7))
    for change, made in changes(real, np.random.default_rng(0)).items():
        spot = np.argwhere(made.patterns[0] > 0.9).mean(axis=0) + 0.5
        x, y, z = made.pattern_centre
        height, width = made.patterns.shape[1:]
        np.testing.assert_allclose((y * height, x * width), spot, atol=0.7, err_msg=change)
        binning = 2 if change.startswith("binned") else 1
        np.testing.assert_allclose(z * height * binning, 70, err_msg=change)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("SnO2-Cassiterite", "cassiterite"),
        ("LiNbO3-LithiumNiobate", "lithium niobate"),
        ("Mg(OH)2-Brucite", "brucite"),
        ("Xenotime-(Y)", "xenotime (Y)"),
        ("SiC-6H-alpha", "SiC 6H alpha"),
        ("gamma-TiAl", "gamma TiAl"),
        ("Ti2AlC", "Ti2AlC"),
        ("A2B_oF24_70_e_a", "Si2Ti (oF24)"),
    ],
)
def test_materials_have_the_names_that_people_use(name, plain):
    record = {"name": name, "file": "a.npz", "lattice": "oF", "space_group": 70}
    record["atomic_numbers"] = [22, 14, 14]
    assert material_of(record).name == plain
