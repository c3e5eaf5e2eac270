"""How noise, and pattern centres that are off, are measured."""

from dataclasses import replace

import numpy as np

from napari_bravais.io.sample_data import quartz_rutile_sample_path
from napari_bravais.io.scan import open_scan
from napari_bravais.mapping.matching import matcher as matching
from napari_bravais.training import (
    evaluate_averaging,
    evaluate_centre,
    evaluate_maps,
    evaluate_mixtures,
)
from napari_bravais.training.evaluate_real import real_patterns


def test_pixels_are_right_once_they_are_averaged(classifier, monkeypatch):
    monkeypatch.setattr(evaluate_averaging, "NOISES", (2.0,))
    path, part = quartz_rutile_sample_path(), np.s_[4:16, 8:28]
    scan = open_scan(path)
    few = replace(scan, patterns=scan.patterns[part])
    truth = evaluate_averaging.sample_truth(path)[part]
    (row,) = rows = evaluate_averaging.evaluate_averaging(few, truth, classifier)
    assert row["by themselves"]["right"] < 0.3 and row["averaged"]["right"] > 0.9
    assert row["averaged"]["phase right"] > 0.9
    assert row["averaged"]["quality"] > row["by themselves"]["quality"] + 0.2
    assert evaluate_averaging.as_markdown(rows).splitlines()[-1].startswith("| 2 | ")


def test_phases_are_told_by_a_pattern_centre_that_is_off(classifier, matcher, judged_library):
    found = evaluate_centre.evaluate_centres(classifier, matcher, judged_library, np.array([0]))
    away = {how: row["away"][0] for how, row in found.items()}
    assert away["exact"] == 0 and away["off, moved"] < away["off"] / 2 < 0.05
    assert away["none, found"] < 0.02
    for how in ("exact", "off, moved", "none, found"):
        assert found[how]["right"] == 1


def test_real_patterns_are_told_by_a_pattern_centre_that_is_off(classifier, matcher, monkeypatch):
    monkeypatch.setattr(evaluate_centre, "product", lambda *_, **__: [(0.03, -0.03, 0.03)])
    monkeypatch.setattr(matching, "FURTHER", 1)  # what nothing fits takes five times as long
    name, nickel = next(iter(real_patterns(None).items()))
    sets = {
        name: replace(nickel, patterns=nickel.patterns[:3]),
        "none stored": replace(nickel, pattern_centre=None),
    }
    (found,) = evaluate_centre.evaluate_real_centres(classifier, matcher, sets).values()
    sure = {how: row["probability of the right one"] for how, row in found.items()}
    assert sure["off"] < 0.5 < 0.8 < sure["off, moved"]
    assert found["off, moved"]["right"] == 3 and found["off, moved"]["away"] < 0.015
    text = evaluate_centre.as_markdown({"simulated": {}, "real": {name: found}})
    assert f"| {name} | off, moved | 0.0" in text


def test_phases_of_a_mixture_are_found(classifier, matcher, judged_library):
    own = judged_library.indices("trained")
    found = evaluate_mixtures.evaluate_mixtures(
        classifier, matcher, judged_library, {"both": own}, samples=2, grains=(20, 5)
    )
    network, matched = (found["both"][how] for how in ("network", "matched"))
    assert 0.6 < network["likeness"] <= matched["likeness"] and matched["likeness"] > 0.95
    assert matched["phases"] == 2 and matched["rarest found"] == 1
    assert matched["right"] > 0.95 and matched["rarest right"] == 1
    (row,) = evaluate_mixtures.as_markdown(found).splitlines()[2:]
    assert row.startswith("| both | 2.0 | 2.0 | ") and row.count("|") == 12


def test_grains_and_phases_of_a_fine_grained_map(classifier, judged_library):
    rows = evaluate_maps.evaluate_maps(
        classifier, judged_library, {"two": np.array([0, 1, 3])}, samples=1, shape=(24, 30)
    )
    (row,) = rows.values()
    assert 0.7 * row["grains"] < row["grains found"] < 1.3 * row["grains"]
    assert row["in another grain"] < 0.05 and row["classified"] > 0.9
    assert row["phases"] == 2 and row["phases right"] > 0.98 and row["specks right"] > 0.9
    assert evaluate_maps.as_markdown(rows).splitlines()[-1].startswith("| two | ")
