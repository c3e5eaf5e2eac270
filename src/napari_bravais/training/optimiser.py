"""The optimiser of training: Muon for the kernels of convolutions, AdamW for all else."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="napari_bravais")
class ConvolutionalMuon(keras.optimizers.Muon):
    """Muon (Jordan et al. 2024) for kernels of convolutions, as matrices of inputs by filters.

    Keras's own leaves all but matrices to AdamW, which is every kernel of such a network. From
    the same weights and for the same two minutes, the loss on new patterns fell by 0.063 instead
    of AdamW's 0.045 (`docs/training-log.md`).
    """

    def _should_use_adamw(self, variable):
        # A first layer's kernel sees one channel: few inputs, of which none is to be favoured.
        return len(variable.shape) != 4 or variable.shape[2] == 1

    def zeropower_via_newtonschulz5(self, x, steps):
        """Return the nearest orthogonal matrix of an update, in the shape of the kernel.

        Every step of Keras's own multiplies the long matrix by a polynomial of its Gram matrix. All
        these polynomials commute, so the short side alone goes through the steps, and the long
        matrix is multiplied once.
        """
        matrix = ops.reshape(x, (-1, x.shape[-1]))
        upright = matrix.shape[0] > matrix.shape[1]
        matrix = ops.transpose(matrix) if upright else matrix
        matrix = matrix / (ops.norm(matrix) + 1e-7)
        gram = ops.matmul(matrix, ops.transpose(matrix))
        unit = product = ops.eye(matrix.shape[0], dtype=matrix.dtype)
        for _ in range(steps):
            square = ops.matmul(gram, gram)
            step = self.muon_a * unit + self.muon_b * gram + self.muon_c * square
            product = ops.matmul(step, product)
            gram = ops.matmul(ops.matmul(step, gram), step)
        matrix = ops.matmul(product, matrix)
        return ops.reshape(ops.transpose(matrix) if upright else matrix, x.shape)

    def lr_adjust(self, x):
        """Scale an update to the size that AdamW's would have (Liu et al. 2025)."""
        longest = max(int(np.prod(x.shape[:-1])), x.shape[-1])
        return x * longest**0.5 * self.rms_rate
