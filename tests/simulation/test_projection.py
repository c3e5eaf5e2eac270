import numpy as np
import pytest

from napari_bravais.simulation.projection import project, random_rotations


def pole_master(size=81):
    """Return a master pattern with one bright spot at the northern pole."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    spot = 255 * np.exp(-(x**2 + y**2) / 8)
    return np.stack([spot, np.zeros_like(spot)]).astype(np.uint8)[None]


def projected(rotation, centre, shape=(60, 60)):
    out = np.empty((1, *shape), np.float32)
    rotations = np.asarray(rotation, np.float32)[None]
    project(pole_master(), np.array([0]), rotations, np.asarray([centre], np.float32), out)
    return out[0]


@pytest.mark.parametrize("shape", [(60, 60), (60, 90)])
def test_the_direction_of_the_detectors_normal_falls_on_the_pattern_centre(shape):
    pattern = projected(np.eye(3), (0.4, 0.3, 0.6), shape)
    row, column = np.unravel_index(pattern.argmax(), shape)
    assert abs((row + 0.5) / shape[0] - 0.3) < 0.02
    assert abs((column + 0.5) / shape[1] - 0.4) < 0.02


def test_angles_are_gnomonic():
    angle = np.radians(20)
    turn = [[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]]
    pattern = projected(turn, (0.5, 0.5, 0.7))
    _, column = np.unravel_index(pattern.argmax(), pattern.shape)
    assert abs((column + 0.5) / 60 - (0.5 + 0.7 * np.tan(angle))) < 0.02


def test_the_southern_pole_is_dark():
    assert projected(np.diag([1, -1, -1]), (0.5, 0.5, 0.6)).max() == 0


def test_a_square_lambert_master_pattern_agrees_with_kikuchipys_projection():
    import kikuchipy as kp
    from orix.quaternion import Rotation

    master = kp.data.nickel_ebsd_master_pattern_small(projection="lambert", hemisphere="both")
    rng = np.random.default_rng(0)
    matrix = random_rotations(rng, 1)
    detector = kp.detectors.EBSDDetector(shape=(60, 60), pc=(0.45, 0.3, 0.6), sample_tilt=70)
    out = np.empty((1, 60, 60), np.float32)
    centre = np.array([[0.45, 0.3, 0.6]], np.float32)
    project(master.data[None], np.array([0]), matrix, centre, out)
    # kikuchipy turns from the sample frame; ours from the detector's
    to_detector = detector.sample_to_detector.to_matrix().squeeze()
    flip = np.diag([1, 1, 1])
    rotation = Rotation.from_matrix(matrix[0] @ flip @ to_detector)
    other = master.get_patterns(rotation, detector, energy=20, compute=True).data.squeeze()
    assert np.corrcoef(out.ravel(), other.ravel())[0, 1] > 0.98


def test_rotations_are_proper_and_uniform():
    rotations = random_rotations(np.random.default_rng(0), 4000)
    np.testing.assert_allclose(np.linalg.det(rotations), 1, atol=1e-5)
    identity = rotations @ rotations.transpose(0, 2, 1)
    np.testing.assert_allclose(identity, np.broadcast_to(np.eye(3), identity.shape), atol=1e-5)
    # each axis of a uniform rotation is uniform on the sphere
    assert np.abs(rotations.mean(axis=0)).max() < 0.05
    assert np.abs((rotations**2).mean(axis=0) - 1 / 3).max() < 0.02
