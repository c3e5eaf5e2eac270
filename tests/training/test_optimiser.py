"""Tests of napari_bravais.training.optimiser."""

import keras
import numpy as np
import pytest

from napari_bravais.training.optimiser import ConvolutionalMuon

OURS = ConvolutionalMuon(1e-3)
KERAS = keras.optimizers.Muon(1e-3)


@pytest.mark.parametrize("shape", [(3, 3, 64, 128), (1, 1, 132, 512), (1, 1, 512, 128)])
def test_update_is_the_one_of_keras_for_the_kernel_as_a_matrix(shape):
    update = np.random.default_rng(0).normal(size=shape).astype("f")
    update[..., :5] *= 0.1  # filters that hardly move
    matrix = update.reshape(-1, shape[-1])
    expected = keras.ops.convert_to_numpy(KERAS.zeropower_via_newtonschulz5(matrix, 6))
    ours = keras.ops.convert_to_numpy(OURS.zeropower_via_newtonschulz5(update, 6))
    assert ours.shape == shape
    np.testing.assert_allclose(ours.reshape(matrix.shape), expected, atol=1e-4)
    spread = np.linalg.svd(ours.reshape(matrix.shape), compute_uv=False)
    assert spread.min() > 0.5 and spread.max() < 1.5
