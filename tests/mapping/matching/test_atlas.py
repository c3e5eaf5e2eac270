import json
from dataclasses import replace

import numpy as np
import pytest

from napari_bravais.lambert import lambert_directions
from napari_bravais.mapping.matching.atlas import (
    SIZE,
    Atlas,
    atlas_path,
    levels_of,
    rotations,
    symmetry_of,
)
from napari_bravais.mapping.matching.evidence import Weights
from napari_bravais.mapping.sphere import values_at
from napari_bravais.model.candidates import MaterialIndex
from napari_bravais.model.card import ModelError

#: Rotations of the Laue groups of a lattice.
ORDERS = {"a": {1}, "m": {2}, "o": {4}, "t": {4, 8}, "h": {3, 6, 12}, "c": {12, 24}}


def test_the_bundled_atlas_shows_the_materials_of_the_index(classifier):
    atlas, index = Atlas.of(classifier), MaterialIndex.of(classifier)
    assert set(atlas.keys) == {material.key for material in index.materials}
    assert atlas.levels.shape == (len(atlas.keys), SIZE, SIZE)
    for material in index.materials:
        place = atlas.places[material.key]
        assert atlas.symmetries[place].sum() in ORDERS[material.lattice[0]], material.key
        assert atlas.levels[place].std() > 10


def test_rotations_of_a_lattice_form_a_group(classifier):
    atlas = Atlas.of(classifier)
    for symmetry in np.unique(atlas.symmetries, axis=0):
        own = rotations()[symmetry]
        products = (own[:, None] @ own[None]).reshape(-1, 1, 9)
        away = np.abs(products - own.reshape(1, -1, 9)).max(axis=-1)
        assert (away.min(axis=1) < 1e-4).all()


def test_symmetry_is_found_by_a_sphere(classifier):
    atlas = Atlas.of(classifier)
    place = next(p for p, s in enumerate(atlas.symmetries) if s.sum() == 24)
    sphere = atlas.sphere(place)
    np.testing.assert_array_equal(symmetry_of(sphere, 24), atlas.symmetries[place])
    places = lambert_directions(SIZE).reshape(-1, 3)
    for turn in rotations()[atlas.symmetries[place]]:
        assert np.corrcoef(sphere.ravel(), values_at(sphere, places @ turn.T))[0, 1] > 0.95
    assert symmetry_of(sphere, 1).sum() == 1


def test_an_atlas_comes_back_as_it_was_saved(classifier, tmp_path):
    whole = Atlas.of(classifier)
    places = [int(np.flatnonzero(whole.symmetries.sum(1) == n)[0]) for n in (1, 2, 6)]
    places.append(whole.places["cP_seed-NiAl"])
    order = whole.ordered.index("cP_seed-NiAl")
    some = Atlas(
        tuple(whole.keys[p] for p in places),
        whole.levels[places],
        whole.symmetries[places],
        Weights(match=77.0),
        ("cP_seed-NiAl",),
        whole.orders[[order]],
        whole.shares[[order]],
    )
    path = some.save(tmp_path / "some-atlas.npz", {"model_sha256": "abc"})
    read = Atlas.load(path, "abc")
    np.testing.assert_array_equal(read.levels, some.levels)
    np.testing.assert_array_equal(read.symmetries, some.symmetries)
    assert read.keys == some.keys and read.weights == some.weights
    assert read.ordered == some.ordered
    np.testing.assert_array_equal(read.orders, some.orders)
    assert read.order(0).added.std() == pytest.approx(
        whole.shares[order], rel=0.05
    )  # levels are cut off
    without = replace(some, ordered=(), orders=some.orders[:0], shares=some.shares[:0])
    path_without = without.save(tmp_path / "without-atlas.npz", {"model_sha256": "abc"})
    assert len(Atlas.load(path_without, "abc").orders) == 0
    # of a cube's sphere only a part is kept
    assert path.stat().st_size < 0.8 * some.levels.size


def test_levels_hold_what_preparation_can_give():
    sphere = np.array([-7.5, 0.0, 1.0, 7.5])
    np.testing.assert_array_equal(levels_of(sphere), [8, 128, 144, 248])


def test_damaged_and_foreign_atlases_are_refused(classifier, tmp_path):
    with pytest.raises(ModelError, match=r"none-atlas\.npz: no atlas"):
        Atlas.load(tmp_path / "none-atlas.npz", "abc")
    bundled = atlas_path(classifier.path)
    with pytest.raises(ModelError, match="made for another model"):
        Atlas.load(bundled, "abc")
    broken = tmp_path / bundled.name
    broken.write_bytes(bundled.read_bytes()[:-1])
    card = json.loads(bundled.with_suffix(".json").read_text())
    broken.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="checksum"):
        Atlas.load(broken, card["model_sha256"])
