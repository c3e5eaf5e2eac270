"""How an atlas is made and weighed, and how matching is judged."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from napari_bravais.lambert import lambert_directions
from napari_bravais.mapping.matching.atlas import (
    SIZE,
    Atlas,
    atlas_path,
    rotations,
    symmetry_of,
)
from napari_bravais.mapping.matching.evidence import Weights
from napari_bravais.mapping.matching.matcher import Matcher
from napari_bravais.mapping.sphere import values_at
from napari_bravais.model.candidates import index_path
from napari_bravais.model.classifier import Classifier
from napari_bravais.training.atlas import Shown, make_atlas
from napari_bravais.training.evaluate import at_other_energies, parts_of
from napari_bravais.training.evaluate_matching import (
    as_markdown,
    evaluate_matching,
    evaluate_phases,
)
from napari_bravais.training.evaluate_real import RealSet, real_patterns
from napari_bravais.training.evaluate_real_matching import evaluate_real_matching
from napari_bravais.training.material_index import make_index
from napari_bravais.training.weights import weights_of


@pytest.fixture(scope="module")
def small(classifier, judged_library, tmp_path_factory) -> Classifier:
    """Return the bundled network with an index and an atlas of quartz and rutile alone."""
    copy = tmp_path_factory.mktemp("model") / classifier.path.name
    shutil.copy(classifier.path, copy)
    shutil.copy(classifier.path.with_suffix(".json"), copy.with_suffix(".json"))
    index = make_index(classifier, judged_library, each=40).judged()
    index.save(index_path(copy), {"model_sha256": classifier.checksum})
    own = Classifier.load(copy)
    atlas = make_atlas(own, judged_library)
    atlas.save(atlas_path(copy), {"model_sha256": own.checksum})
    return own


def test_an_atlas_is_made_of_the_index_and_matches_the_bundled_one(
    small, classifier, judged_library
):
    atlas, bundled = Atlas.of(small), Atlas.of(classifier)
    assert sorted(atlas.symmetries.sum(axis=1)) == [6, 8]  # quartz and rutile
    for key in atlas.keys:
        theirs = {6: "hP_seed-quartz", 8: "tP_seed-rutile"}
        other = theirs[atlas.symmetries[atlas.places[key]].sum()]
        ours = atlas.sphere(atlas.places[key]).ravel()
        # the sample's master patterns are coarser than those of the bundled one
        assert np.corrcoef(ours, bundled.sphere(bundled.places[other]).ravel())[0, 1] > 0.85


def test_what_symmetry_adds_to_a_sphere_blurs_nothing(classifier, judged_library):
    """Quartz has a threefold axis, which takes no pixel of the projection to a pixel."""
    quartz = next(i for i, r in enumerate(judged_library.records) if r["lattice"] == "hP")
    shown = Shown.of(classifier, judged_library.masters[quartz], np.random.default_rng(0))
    once = shown.sphere()
    symmetry = rotations()[symmetry_of(once, 6)]
    every = shown.sphere(symmetry)
    places = lambert_directions(SIZE).reshape(-1, 3)
    turned = np.mean([values_at(once, places @ turn.T) for turn in symmetry], axis=0)
    alike = values_at(every, places @ symmetry[1].T)
    assert np.corrcoef(every.ravel(), alike)[0, 1] > 0.99
    fits = [np.corrcoef(once.ravel(), own.ravel())[0, 1] for own in (every, turned)]
    assert fits[0] > fits[1] > 0.9


def test_an_atlas_holds_what_order_adds(small, judged_library, monkeypatch):
    """Rutile in place of quartz with its atoms mixed: the two of the sample are not cubic."""
    monkeypatch.setattr("napari_bravais.training.atlas._CUBE", 6)  # rotations of quartz
    records = [dict(record) for record in judged_library.records]
    quartz = next(i for i, record in enumerate(records) if record["lattice"] == "hP")
    other = next(i for i, record in enumerate(records) if record["lattice"] == "tP")
    mixed = replace(
        judged_library,
        records=[records[quartz]],
        masters=judged_library.masters[[other]],
    )
    atlas = make_atlas(small, judged_library, (judged_library, mixed))
    assert atlas.ordered == (records[quartz]["file"].removesuffix(".npz"),)
    order = atlas.order(0)
    own = atlas.sphere(atlas.places[atlas.ordered[0]])
    share = (own * order.mixed).mean()
    assert np.corrcoef((own - share * order.mixed).ravel(), order.added.ravel())[0, 1] > 0.95
    same = make_atlas(small, judged_library, (judged_library, judged_library))
    assert same.ordered == ()  # what adds nothing is left out


def test_an_atlas_wants_all_materials(classifier, judged_library):
    with pytest.raises(ValueError, match=r"no master patterns of .*in all"):
        make_atlas(classifier, judged_library)


def test_an_atlas_that_is_kept_gets_what_it_lacks(small, judged_library):
    whole = Atlas.of(small)
    half = Atlas(whole.keys[:1], 255 - whole.levels[:1], whole.symmetries[:1], Weights(match=7.0))
    more = make_atlas(small, judged_library, keep=half)
    assert more.keys == whole.keys and more.weights == half.weights
    np.testing.assert_array_equal(more.levels[0], half.levels[0])
    # other patterns than those of the whole one's
    assert np.corrcoef(more.sphere(1).ravel(), whole.sphere(1).ravel())[0, 1] > 0.98
    np.testing.assert_array_equal(more.symmetries, whole.symmetries)


def test_weights_are_fitted(small, judged_library):
    both = small, Matcher(small)
    weights = weights_of(both, both, judged_library, 24)
    assert weights != Weights() and weights.match > 0 and weights.seen > 0


def test_materials_are_judged_at_each_beam_energy(judged_library):
    records = [dict(record) for record in judged_library.records]
    for i, energy in ((2, 30.0), (4, 10.0), (5, 30.0)):
        records[i]["beam_energy_kev"] = energy
    parts = judged_library.parts.copy()
    parts[[2, 4, 5]] = "other energy"
    found = at_other_energies(replace(judged_library, records=records, parts=parts))
    assert {name: own.tolist() for name, own in found.items()} == {
        "trained materials, 10 kV": [4],
        "trained materials, 30 kV": [2, 5],
    }


def test_matching_is_judged_and_told(small, judged_library):
    matcher = Matcher(small)
    parts = parts_of(judged_library)
    single = evaluate_matching(small, matcher, judged_library, parts, patterns=8)
    trained = single["all trained materials"]
    assert trained["matched"].top1 >= 0.9 and trained["matched"].patterns == 8
    of_phases = evaluate_phases(small, matcher, judged_library, parts["all trained materials"], 3)
    assert of_phases["known"] == 2 and of_phases["material"] == 1.0
    assert of_phases["matched"]["right"] == 1.0
    nickel = {
        name: RealSet(real.patterns[:2], real.lattice, real.pattern_centre)
        for name, real in list(real_patterns(None).items())[::3]  # centre in the file, and found
    }
    found = evaluate_real_matching(small, matcher, nickel)
    real, steadiness = found["real"], found["steadiness"]
    assert real and all(row["patterns"] == 2 for row in real.values())
    assert {row["found"] for row in real.values()} == {False, True}
    for how in ("network", "matched"):
        as_they_are = steadiness[how]["as they are"]
        assert as_they_are["patterns"] == 4 and as_they_are["classified"] == 1
        assert as_they_are["same"] == 1 and as_they_are["drift"] == 0
    # of the network: only there it is told the pattern centre that was found
    right = sum(row["matched"]["right"] for row in real.values())
    assert steadiness["matched"]["as they are"]["right"] == right / 4
    page = as_markdown(
        {
            "single patterns": {
                "60x60 pixels": {
                    name: {how: vars(score) for how, score in both.items()}
                    for name, both in single.items()
                }
            },
            "phases": {"all trained materials": of_phases | {"phases": 2}},
            **found,
        }
    )
    assert "| single patterns, simulated, 60x60 pixels |" in page
    assert "| all trained materials | 2 |" in page and "100.0% of 2" in page
    assert "| mirrored | 4 | " in page
