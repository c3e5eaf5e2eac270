import numpy as np
import pytest

from napari_bravais.model.lines import SIZE, SLOPES, WRAPPED, back_project, offsets, slopes
from napari_bravais.model.radon import Radon


def _lines(image):
    return np.asarray(Radon()(image[None, ..., None].astype(np.float32)))[0, ..., 0]


@pytest.mark.parametrize(("column", "shift"), [(39.5, 0.0), (55.5, 0.0), (30.0, 0.6)])
def test_a_steep_line_becomes_a_point(column, shift):
    rows, columns = np.mgrid[:SIZE, :SIZE]
    middle = (SIZE - 1) / 2
    image = np.clip(1 - np.abs(columns - column - shift * (rows - middle)), 0, None)
    lines = _lines(image)
    row, offset = np.unravel_index(lines.argmax(), lines.shape)
    assert slopes()[row - WRAPPED] == pytest.approx(shift, abs=0.06)
    assert offsets()[offset] == pytest.approx(column - middle, abs=1)


def test_directions_go_on_from_steep_to_flat_and_round():
    rng = np.random.default_rng(0)
    image = rng.normal(size=(SIZE, SIZE))
    lines, turned = _lines(image), _lines(np.rot90(image))
    inner = lines[WRAPPED:-WRAPPED]
    # the ends repeat the other end with the opposite offset
    np.testing.assert_allclose(lines[:WRAPPED], inner[-WRAPPED:, ::-1], atol=1e-4)
    # a quarter turn of the pattern brings steep lines to flat ones
    quarter = turned[WRAPPED:-WRAPPED]
    np.testing.assert_allclose(np.abs(quarter[SLOPES:]).sum(), np.abs(inner[:SLOPES]).sum(), 1e-3)


def test_noise_varies_alike_on_all_whole_lines():
    noise = np.random.default_rng(0).normal(size=(300, SIZE, SIZE, 1)).astype(np.float32)
    deviation = np.asarray(Radon()(noise))[..., 0].std(axis=0)
    middle = deviation[:, SIZE // 4 : -SIZE // 4]
    assert middle.min() > 0.6 * middle.max()


def test_back_projection_brings_a_point_back_to_its_line():
    lines = np.zeros((SIZE, SIZE), np.float32)
    lines[WRAPPED + 8, 50] = 1
    rows, columns = np.nonzero(back_project(lines) > 0.5)
    expected = offsets()[50] + slopes()[8] * (rows - (SIZE - 1) / 2) + (SIZE - 1) / 2
    assert len(rows) > 60
    assert np.abs(columns - expected).max() < 1.5
