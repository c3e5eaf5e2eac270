"""Which grains are of which phase: the fewest materials that explain them all."""

import numpy as np

#: How much less surely than it says the index tells single grains apart: grains of an unknown
#: phase look like one known material in one orientation and like another in the next.
_TEMPERATURE = 1.5

#: What a material has to explain better than all others, in the logarithm of the likelihood: so
#: much by itself, and by default so much for each grain that is its own. A few grains of a phase
#: that is clearly another are found among hundreds, and a phase that is unknown is not split among
#: the materials that its grains look like a little more or a little less.
_PRICE, _PRICE_A_GRAIN = 4.0, 1.2

#: Materials that are weighed against one another, at most.
_MOST = 40

#: Least share of a material that stays in the mixture.
_LEAST = 1e-4

_ROUNDS, _FEW_ROUNDS = 100, 25


def cluster(logs: np.ndarray, price_a_grain: float = _PRICE_A_GRAIN) -> np.ndarray:
    """Group grains by the fewest materials that explain them.

    Parameters
    ----------
    logs
        Log-probability of each material for each grain, all materials being as likely before,
        shape (n, materials).
    price_a_grain
        What a material has to explain better than all others for each grain that is its own.

    Returns
    -------
    numpy.ndarray
        Cluster of each grain, shape (n,), from 0.

    Notes
    -----
    The grains are a mixture of the materials, whose shares are the likeliest ones; they are found
    by expectation maximisation, and most are none (Lindsay 1983, doi 10.1214/aos/1176346059). Then
    of those materials that are not worth their price the one that is missed least is taken away,
    again and again, until each that is left is.
    """
    logs = np.asarray(logs, float) / _TEMPERATURE
    likelihoods = np.exp(logs - logs.max(axis=1, keepdims=True))
    shares, _ = _shares(likelihoods, _ROUNDS)
    kept = np.argsort(-shares, kind="stable")[:_MOST]
    kept = kept[shares[kept] > 0]
    shares, explained = _shares(likelihoods[:, kept], _FEW_ROUNDS)
    while len(kept) > 1:
        fewer = [np.delete(kept, i) for i in range(len(kept))]
        fits = [_shares(likelihoods[:, each], _FEW_ROUNDS) for each in fewer]
        missed = explained - np.array([fit[1] for fit in fits])
        too_dear = missed <= _PRICE + price_a_grain * len(logs) * shares
        if not too_dear.any():
            break
        least = int(np.where(too_dear, missed, np.inf).argmin())
        kept, (shares, explained) = fewer[least], fits[least]
    labels = (likelihoods[:, kept] * shares).argmax(axis=1)
    return np.unique(labels, return_inverse=True)[1]


def _shares(likelihoods: np.ndarray, rounds: int) -> tuple[np.ndarray, float]:
    """Return the likeliest shares of a mixture's parts, and its log-likelihood."""
    shares = np.full(likelihoods.shape[1], 1 / likelihoods.shape[1])
    for _ in range(rounds):
        member = likelihoods * shares + 1e-300
        shares = (member / member.sum(axis=1, keepdims=True)).mean(axis=0)
        shares = np.where(shares > _LEAST, shares, 0)
        shares /= shares.sum()
    return shares, float(np.log((likelihoods * shares).sum(axis=1) + 1e-300).sum())
