"""What a match with a known material counts, beside what the network says."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Weights:
    """How much each kind of evidence counts; fitted by `bravais weigh`, but for the last two.

    Attributes
    ----------
    match
        As how many independent pixels a pattern counts where it is held against a sphere.
    seen
        How much the network's log-probabilities of materials count.
    share
        Of the correlation that the network expects of a pattern with its noise-free self
        (the pattern's quality): how much of it a material that is not known reaches by chance.
    another
        Logarithm of how likely it is that a pattern is of none of the known materials.
    trust
        How much the network's log-probabilities of lattices count for such a pattern.
    order
        How much the log-likelihood of the bands that order adds counts: pixels of a prepared
        pattern are not independent of each other. With five times as much real iron was
        called an ordered alloy (`docs/training-log.md`).
    """

    match: float = 150.0
    seen: float = 1.0
    share: float = 0.7
    another: float = 0.0
    trust: float = 0.1616
    order: float = 0.1352

    def gain(self, correlations: np.ndarray) -> np.ndarray:
        """Return log-likelihoods of correlations of any shape, against no correlation at all.

        That of a linear fit with Gaussian noise of unknown variance: half the pixels times the
        logarithm of the variance that is explained.
        """
        explained = np.clip(correlations, 0, 0.999) ** 2
        return -0.5 * self.match * np.log1p(-explained)

    def evidence(self, correlations: np.ndarray, order: np.ndarray) -> np.ndarray:
        """Return log-likelihoods of materials, of the shape of `correlations` and `order`.

        Both are those of `napari_bravais.mapping.matching.matcher.Matches`.
        """
        return self.gain(correlations) + self.order * order

    def posterior(
        self,
        seen: np.ndarray,
        prior: np.ndarray,
        evidence: np.ndarray,
        quality: np.ndarray,
        n: float = 1.0,
    ) -> np.ndarray:
        """Return the probability of each of some materials, and of none of them.

        Parameters
        ----------
        seen
            Means over the patterns of the network's log-probabilities, all materials being as
            likely before, shape (..., k).
        prior
            Logarithm of how likely each is before, shape (..., k).
        evidence
            Of each pattern for each material, shape (..., patterns, k).
        quality
            Of each pattern, shape (..., patterns).
        n
            As how many independent patterns these count.

        Returns
        -------
        numpy.ndarray
            Shape (..., k + 1), the last for none of them; sums to one.
        """
        logs = n * (self.seen * seen + evidence.mean(axis=-2)) + prior
        none = n * self.gain(self.share * quality).mean(axis=-1) + self.another
        logs = np.concatenate([logs, none[..., None]], axis=-1)
        likely = np.exp(logs - logs.max(axis=-1, keepdims=True))
        return likely / likely.sum(axis=-1, keepdims=True)
