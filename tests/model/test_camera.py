import numpy as np

from napari_bravais.model.camera import told, unknown
from napari_bravais.model.line_angles import LineAngles
from napari_bravais.model.lines import SIZE
from napari_bravais.model.radon import Radon
from napari_bravais.training.evaluate_gaze import directions


def test_unusual_cameras_are_unknown():
    cameras = told([(0.5, 0.3, 0.65), (0.5, 0.3, 2.0), (0.5, 1.1, 0.65)], (60, 60))
    np.testing.assert_allclose(cameras[0], (1, 0, -0.2, 0), atol=1e-6)
    assert not cameras[1:].any() and not unknown(2).any()
    # but a detector that is turned, or whose file is upside down, is not: beside is unusual in
    # one direction alone
    turned = told([(0.5, 0.9, 0.65), (0.1, 0.4, 0.65), (0.1, 0.1, 0.65)], (60, 60))
    np.testing.assert_array_equal(turned[:, 0], (1, 1, 0))
    # the middle square of an oblong detector: pcx counts widths, pcy and pcz heights
    oblong = told([(0.45, 0.3, 0.65)], (60, 90))
    np.testing.assert_allclose(oblong[0], (1, -0.075, -0.2, 0), atol=1e-6)


def test_lines_know_the_angle_of_their_lattice_plane():
    """A band's trace, drawn by projection, lies on lines of the angle it was drawn at."""
    centre = (0.45, 0.3, 0.7)
    seen, _ = directions(np.eye(3), np.array(centre), SIZE)
    facts = LineAngles(80, 80)(told([centre], (SIZE, SIZE)))
    facts = np.asarray(facts)[0]
    rng = np.random.default_rng(0)
    checked = 0
    for normal in rng.normal(size=(40, 3)):
        normal /= np.linalg.norm(normal)
        trace = np.exp(-0.5 * ((seen @ normal) / 0.01) ** 2)
        if trace.sum() < 60:  # it hardly touches the pattern
            continue
        lines = np.asarray(Radon()(trace[None, ..., None].astype(np.float32)))[0, ..., 0]
        row, column = np.unravel_index(lines.argmax(), lines.shape)
        angle = abs(facts[row, column, 1])
        np.testing.assert_allclose(np.sin(angle), abs(normal[2]), atol=0.03)
        checked += 1
    assert checked > 10


def test_how_wide_a_radian_is_grows_with_distance_and_angle():
    near, far = np.asarray(LineAngles(10, 10)(told([(0.5, 0.5, 0.5), (0.5, 0.5, 0.8)], (9, 9))))
    np.testing.assert_allclose((far - near)[5, 5, 3], np.log(0.8 / 0.5), atol=0.02)
    assert near[5, 0, 3] > near[5, 5, 3] + 0.3
    assert not np.asarray(LineAngles(3, 3)(unknown(1))).any()
