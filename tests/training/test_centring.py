"""How the networks that tell centrings are trained."""

from collections import Counter

import numpy as np
import pytest

from napari_bravais.lambert import lambert_directions
from napari_bravais.mapping.assembly.centring import CELLS, Network, looks, networks, shapes
from napari_bravais.mapping.matching.atlas import SIZE, Atlas
from napari_bravais.training import centring
from napari_bravais.training.centring import Crystal


def crystal(lattice: str, space_group: int, lengths: tuple, kind: str = "a") -> Crystal:
    """Return a crystal whose sphere shows its (100), (010) and (001)."""
    cell = np.diag(lengths)
    if lattice[0] == "h":
        cell = np.array([[1, 0, 0], [-0.5, 0.75**0.5, 0], [0, 0, 1]]) * lengths
    normals = np.linalg.inv(cell).T
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    sines = np.abs(lambert_directions(SIZE) @ normals.T).min(axis=-1)
    sphere = (sines < 0.04).astype(np.float32)
    return Crystal.of(sphere, lattice, cell, space_group, kind)


@pytest.mark.parametrize(
    ("lattice", "space_group", "lengths"),
    [
        ("tI", 139, (1, 1, 1.7)),
        ("hP", 164, (1, 1, 1.3)),
        ("hR", 166, (1, 1, 2.4)),
        ("oS", 63, (1, 1.3, 0.8)),
        ("oI", 71, (1, 1.3, 0.8)),
    ],
)
def test_right_cells_show_the_crystals_planes_and_wrong_ones_do_not(lattice, space_group, lengths):
    own = crystal(lattice, space_group, lengths)
    seen, answers = centring.seen_of(own, np.random.default_rng(1))
    middles = seen.reshape(len(seen), len(CELLS[own.system].planes), -1)[:, :, 0]
    planes = [tuple(plane) for plane in CELLS[own.system].planes]
    axes = [planes.index((1, 0, 0)), planes.index((0, 0, 1))]
    right = answers > 0
    assert right.sum() == 24 and (~right).sum() > 100
    assert middles[right][:, axes].min() > 2 * np.median(middles)
    assert {CELLS[own.system].answers[answer - 1] for answer in answers[right]} == {lattice}


def test_the_centred_face_goes_with_its_axis():
    own, rng = crystal("oS", 63, (1, 1.3, 0.8)), np.random.default_rng(2)
    found = Counter(centring.seen_of(own, rng)[1].max() for _ in range(40))
    assert set(found) == {4, 5, 6}
    assert crystal("oS", 38, (1, 1.3, 0.8)).centred == 0


def test_crystals_of_tests_are_not_trained_on(judged_library, classifier):
    keys = tuple(record["file"].removesuffix(".npz") for record in judged_library.records)
    spheres = np.random.default_rng(0).integers(60, 200, (len(keys), SIZE, SIZE), np.uint8)
    atlas = Atlas(keys, spheres, np.ones((len(keys), 40), bool), Atlas.of(classifier).weights)
    found = centring.known_crystals(atlas, judged_library)
    # trained and known, of quartz and rutile
    assert [own.lattice for own in found] == ["hP", "tP"] * 2


def test_networks_learn_and_come_back_from_their_file(classifier, tmp_path, monkeypatch):
    monkeypatch.setattr(centring, "_STEPS", 60)
    some = centring.random_crystals(classifier, 4)
    assert [own.lattice for own in some] == ["oP", "oI", "oF", "oS"]
    known = [crystal("oP", 47, (1, 1.3, 0.8)), crystal("oI", 71, (1, 0.7, 1.9), "b")]
    trained = centring.fitted(some + known, 3)
    cubes = [crystal("cP", 221, (1, 1, 1)), crystal("cF", 225, (1, 1, 1), "b")]
    saved = {"orthorhombic": trained, "cubic": centring.fitted(cubes, 3)}
    path = centring.save(saved, {"cubic": 0.5}, tmp_path / "centring.npz")
    back = networks(path)
    own = known[0].sphere
    tried = shapes("orthorhombic", "mmm")
    likely = back["orthorhombic"].likelihoods(own, "orthorhombic", tried)
    expected = trained.likelihoods(own, "orthorhombic", tried)
    assert likely == pytest.approx(expected, abs=0.02)
    # it has learnt that this is a cell of it, and most others are not
    odds = trained.log_odds(looks(own, "orthorhombic", tried)).max(axis=1)
    right = np.abs(tried - np.log([1.3, 0.8])).max(axis=1) < 0.04
    assert odds[right].max() > np.quantile(odds, 0.95)


def test_a_power_tempers_what_is_told():
    layer = (np.zeros((1, 3), np.float32), np.array([0, 1, 2], np.float32))
    sphere = crystal("tP", 123, (1, 1, 1.5)).sphere
    seen = looks(sphere, "tetragonal", shapes("tetragonal", "4/mmm")[:1])
    layer = (np.zeros((seen.shape[1], 3), np.float32), layer[1])
    sure, less = (
        Network(seen[0], np.ones(seen.shape[1]), (layer,), power).likelihoods(
            sphere, "tetragonal", shapes("tetragonal", "4/mmm")
        )
        for power in (1.0, 0.5)
    )
    assert sure["tI"] / sure["tP"] == pytest.approx(np.e)
    assert less["tI"] / less["tP"] == pytest.approx(np.e**0.5)
