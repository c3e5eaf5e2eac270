"""From crystals to lattices: a lattice is as likely as all crystals that have it together."""

from collections.abc import Mapping

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="napari_bravais")
class SummedByLattice(keras.layers.Layer):
    """Sum the likelihoods of crystals over those of one lattice.

    Logits of crystals, shape (n, crystals), become logits of lattices, shape (n, ``units``):
    log(sum(exp(crystals of the lattice))), up to what all lattices of a pattern have in common.

    Parameters
    ----------
    crystals
        The index of each crystal's lattice, by the crystal's name, in the order of the logits.
    units
        How many lattices there are.
    """

    def __init__(self, crystals: Mapping[str, int], units: int, **kwargs):
        super().__init__(**kwargs)
        self.crystals, self.units = dict(crystals), units
        self.members = np.eye(units, dtype=np.float32)[list(self.crystals.values())]

    def get_config(self):
        """Return the arguments of ``__init__``."""
        return {**super().get_config(), "crystals": self.crystals, "units": self.units}

    def compute_output_spec(self, logits):
        """Return the output's shape."""
        return keras.KerasTensor((logits.shape[0], self.units), dtype=self.compute_dtype)

    def call(self, logits):
        """Sum over the crystals of each lattice."""
        # by their greatest, which no gradient need know: it takes as much from every lattice
        greatest = ops.stop_gradient(ops.max(logits, axis=1, keepdims=True))
        return ops.log(ops.matmul(ops.exp(logits - greatest), self.members) + 1e-30)
