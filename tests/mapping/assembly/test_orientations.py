"""Patterns assembled to a sphere, and the sphere itself."""

import numpy as np
import pytest

from napari_bravais.lambert import lambert_directions, square_lambert
from napari_bravais.mapping.assembly.orientations import Assembly
from napari_bravais.mapping.assembly.symmetry import SIZE, symmetry_of
from napari_bravais.mapping.sphere import (
    Sphere,
    detector_directions,
    super_fibonacci,
    values_at,
)
from tests.mapping.assembly.conftest import CENTRE


def test_directions_and_pixels_of_the_projection_are_inverse():
    directions = lambert_directions(21)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=-1), 1, atol=1e-6)
    places = [[square_lambert(*map(float, d), 21) for d in row] for row in directions]
    rows, columns = np.moveaxis(places, -1, 0)
    np.testing.assert_allclose(columns, np.tile(np.arange(21), (21, 1)), atol=1e-3)
    np.testing.assert_allclose(rows.T, np.tile(np.arange(21), (21, 1)), atol=1e-3)


def test_super_fibonacci_rotations_are_rotations_and_lie_apart():
    rotations = super_fibonacci(2000).astype(float)
    np.testing.assert_allclose(rotations @ rotations.transpose(0, 2, 1) - np.eye(3), 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.det(rotations), 1, atol=1e-6)
    traces = np.einsum("nij,mij->nm", rotations[:300], rotations)
    angles = np.degrees(np.arccos(np.clip((np.sort(traces, axis=1)[:, -2] - 1) / 2, -1, 1)))
    # 8 pi^2 / 2000, as cubes, have sides of 20 degrees
    assert angles.min() > 8 and angles.max() < 25


def test_a_pixel_is_laid_where_its_direction_points():
    directions = detector_directions(3, (0.5, 0.5, 0.5))
    np.testing.assert_allclose(directions[4], [0, 0, 1], atol=1e-6)
    assert directions[0, 0] < 0 < directions[0, 1]  # the first pixel is at the upper left
    sphere = Sphere.of(np.eye(9, dtype=np.float32)[[4]], directions, np.eye(3)[None], 11)
    assert sphere.total[5, 5] == pytest.approx(1)
    assert sphere.weight.sum() == pytest.approx(9, rel=1e-5)


def test_values_between_pixels_and_of_opposite_directions():
    heights = lambert_directions(101)[..., 2]
    directions = np.array([[0.6, 0.0, 0.8], [-0.6, 0.0, -0.8], [0.36, 0.48, 0.8]])
    np.testing.assert_allclose(values_at(heights, directions), 0.8, atol=2e-3)


def test_patterns_of_rutile_assemble_and_show_its_fourfold_axis(take):
    patterns, rotations = take("rutile", 24)
    assembly = Assembly(patterns, CENTRE)
    steps = []
    assembly.run(lambda done, of: steps.append((done, of)))
    assert steps == sorted(steps) and steps[-1][0] < steps[-1][1]
    symmetry = symmetry_of(*assembly.sphere(SIZE))
    assert symmetry.name == "tetragonal" and symmetry.lattices == ("tP", "tI")
    axis, order = symmetry.axes[0]
    assert order == 4
    # every pattern, taken to the sphere, puts rutile's fourfold axis there
    own = [
        found @ true.T @ [0, 0, 1]
        for found, true in zip(assembly.rotations, rotations, strict=True)
    ]
    off = np.degrees(np.arccos(np.clip(np.abs(own @ axis), 0, 1)))
    assert (off < 4).mean() > 0.8


def test_what_ends_the_search_ends_it(take):
    patterns, _ = take("rutile", 12)

    def cancel(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Assembly(patterns, CENTRE).run(cancel)
