import hashlib
import json

import numpy as np
import pytest

from napari_bravais.lattices import lattice
from napari_bravais.model.candidates import Doubt, Material, MaterialIndex, index_path
from napari_bravais.model.card import ModelError

MATERIALS = (
    Material("cF_Ni", "nickel", "Ni", "cF", 225, ("Ni",)),
    Material("cP_Ni3Al", "gamma prime", "Ni3Al", "cP", 221, ("Al", "Ni")),
    Material("cI_W", "tungsten", "W", "cI", 229, ("W",)),
)


@pytest.fixture
def index():
    prior = np.array([0.6, 0.2, 0.2])
    return MaterialIndex(MATERIALS, 2 * np.eye(3), np.zeros(3), prior, Doubt(0.2, 1.5, 1.0))


def patterns(centre, n, seed=0):
    return np.asarray(centre) + np.random.default_rng(seed).normal(size=(n, 3))


def test_candidates_come_likeliest_first_and_elements_narrow_them(index):
    seen = patterns([4, 1, 0], 50)
    found = index.candidates(seen)
    assert [c.material.name for c in found] == ["nickel", "gamma prime", "tungsten"]
    assert found[0].probability > 0.9 and 0.5 < found[0].likeness < 1
    assert found[1].likeness < 0.05
    assert 0.99 < sum(c.probability for c in found) < 1
    # what the elements leave may be unlike all that is seen
    (tungsten,) = index.candidates(seen, {"W", "C"})
    assert tungsten.material.formula == "W" and tungsten.probability < 0.01
    assert index.candidates(seen, ["Fe"]) == []
    assert len(index.candidates(seen, most=1)) == 1


def test_more_orientations_make_surer(index):
    unsure = np.full((40, 14), 1 / 14)
    seen = patterns([4, 0, 0], 40)
    cubic = lattice("cF").index
    seen[:] = [1, 0, 0]
    certainty = [index.pooled(seen[:n], unsure[:n])[cubic] for n in (1, 4, 40)]
    assert certainty[0] < certainty[1] < certainty[2] and certainty[2] > 0.8


def test_of_materials_that_look_alike_the_one_that_is_met_oftener_is_likelier(index):
    either = np.zeros((5, 3))
    assert index.candidates(either)[0].material.name == "nickel"
    assert index.log_probabilities(either) == pytest.approx(np.full((5, 3), -np.log(3)))


def test_a_material_unlike_all_is_left_to_the_network(index):
    seen = np.eye(3)[np.arange(30) % 3] * 4  # like another one in each orientation
    answers = np.full((30, 14), 0.01)
    answers[:, lattice("aP").index] = 0.87
    pooled = index.pooled(seen, answers)
    assert pooled.argmax() == lattice("aP").index and pooled.sum() == pytest.approx(1)
    assert pooled[lattice("cF").index] < 0.05


def test_an_index_is_kept_and_held_against_its_model(index, tmp_path):
    path = index_path(tmp_path / "m.keras")
    index.save(path, {"model_sha256": "abc"})
    kept = MaterialIndex.load(path, "abc")
    assert kept.materials == MATERIALS and kept.doubt == index.doubt
    np.testing.assert_allclose(kept.weights, index.weights)
    np.testing.assert_allclose(kept.prior, index.prior, rtol=1e-3)
    with pytest.raises(ModelError, match="made for another model"):
        MaterialIndex.load(path, "abd")
    card = path.with_suffix(".json")
    json.loads(card.read_text())
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelError, match=r"m-materials\.npz: the file is damaged"):
        MaterialIndex.load(path, "abc")
    path.unlink()
    with pytest.raises(ModelError, match=r"m-materials\.npz: no index of materials"):
        MaterialIndex.load(path, "abc")


def test_an_index_of_another_kind_is_refused(index, tmp_path):
    path = index.save(index_path(tmp_path / "m.keras"), {"model_sha256": "abc"})
    np.savez(path, centroids=np.zeros((3, 3)))
    card = json.loads(path.with_suffix(".json").read_text())
    card["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="another version"):
        MaterialIndex.load(path, "abc")


def test_the_bundled_index_belongs_to_the_bundled_network(classifier):
    index = MaterialIndex.of(classifier)
    assert len(index.materials) > 100 and index.prior.sum() == pytest.approx(1, abs=1e-3)
    assert len({material.key for material in index.materials}) == len(index.materials)
    assert all(material.elements for material in index.materials)
