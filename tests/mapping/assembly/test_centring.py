"""Bands of spheres, and the centring that they tell."""

import shutil

import numpy as np
import pytest

from napari_bravais.lambert import lambert_directions
from napari_bravais.lattices import PEARSON_SYMBOLS
from napari_bravais.mapping.assembly.bands import ANGLES, band_profiles
from napari_bravais.mapping.assembly.centring import (
    CELLS,
    PATH,
    averaged,
    centring,
    looks,
    networks,
    shapes,
)
from napari_bravais.mapping.assembly.symmetry import SIZE, Symmetry, symmetry_of
from napari_bravais.mapping.sphere import Sphere
from napari_bravais.model.card import ModelError
from tests.mapping.assembly.test_symmetry import placed


def with_bands(*normals: tuple[float, float, float]) -> np.ndarray:
    """Return a sphere that is bright to within 2 degrees of some planes."""
    directions = lambert_directions(SIZE)
    sines = [np.abs(directions @ normal / np.linalg.norm(normal)) for normal in normals]
    return (np.min(sines, axis=0) < np.sin(np.radians(2))).astype(np.float32)


def test_a_band_is_bright_as_far_as_it_reaches():
    normals = np.array([[0, 0, 1], [1, 2, 2], [2, -1, 0]]) / np.sqrt([[1], [9], [5]])
    for normal in normals:
        profiles = band_profiles(with_bands(normal), normals)
        own = (normals @ normal > 0.99).nonzero()[0][0]
        inside, outside = np.array(ANGLES) < 1.5, np.array(ANGLES) > 2.8
        assert profiles[own, inside].min() > 0.95 and profiles[own, outside].max() < 0.05
        assert np.delete(profiles, own, axis=0).max() < 0.2


def test_no_two_planes_are_equal_by_the_rotations_of_their_system():
    from scipy.spatial.transform import Rotation

    for name, cells in CELLS.items():
        # of hexagonal indices, in a frame of right angles
        frame = np.eye(3)
        if name == "trigonal":
            frame = np.array([[1, 0.5, 0], [0, 0.75**0.5, 0], [0, 0, 1]])
        normals = cells.planes @ frame.T
        normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
        for turn in Rotation.create_group(cells.group).as_matrix():
            alike = np.abs(normals @ turn @ normals.T) > 1 - 1e-9
            assert not (alike & ~np.eye(len(normals), dtype=bool)).any()


def test_a_cell_is_seen_where_its_planes_are():
    tried = shapes("tetragonal", "4/mmm")
    shape = tried[np.abs(tried[:, 0] - np.log(1.5)).argmin(), None]
    upright = shape * [1, 0]
    sphere = averaged(with_bands((1, 0, np.exp(-shape[0, 0]))), np.eye(3), "tetragonal")
    planes = [tuple(plane) for plane in CELLS["tetragonal"].planes]
    seen = looks(sphere, "tetragonal", upright).reshape(len(planes), -1)
    assert seen[:, 0].argmax() == planes.index((1, 0, 1))
    turned = looks(sphere, "tetragonal", np.add(upright, [0, 45])).reshape(len(planes), -1)
    assert turned[:, 0].max() < 0.5 * seen[:, 0].max()


@pytest.mark.parametrize(("name", "right"), [("rutile", "tP"), ("quartz", "hP")])
def test_centrings_are_told_by_the_sphere(take, name, right):
    one, other = placed(*take(name, 60)).sphere(SIZE)
    symmetry = symmetry_of(one, other)
    likely = centring(one + other, symmetry)
    assert likely.sum() == pytest.approx(1)
    assert set(np.array(PEARSON_SYMBOLS)[likely > 0]) == set(symmetry.lattices)
    assert PEARSON_SYMBOLS[likely.argmax()] == right


def test_what_bands_cannot_tell_is_left_open():
    sphere = Sphere(*np.ones((2, SIZE, SIZE), np.float32))
    for name in ("monoclinic", "hexagonal", "triclinic", "unknown"):
        symmetry = Symmetry(name, "", np.eye(3), np.eye(3)[None], {}, 0.9)
        np.testing.assert_array_equal(centring(sphere, symmetry), 1)


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / PATH.name
    shutil.copy(PATH, path)
    shutil.copy(PATH.with_suffix(".json"), path.with_suffix(".json"))
    assert set(networks(path)) == set(CELLS)
    path.write_bytes(path.read_bytes()[:-9])
    networks.cache_clear()
    with pytest.raises(ModelError, match=r"centring\.npz: the file is damaged"):
        networks(path)
