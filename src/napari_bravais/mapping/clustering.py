"""Which grains are of which phase: the fewest materials that explain them all."""

import numpy as np

#: How much less surely than it says the index tells single grains apart: grains of an unknown
#: phase look like one known material in one orientation and like another in the next.
_TEMPERATURE = 2.0

#: What a material has to explain better than all others, in the logarithm of the likelihood, a
#: grain of the map: so a phase needs a certain share of the grains, however many there are.
_PRICE = 0.1

#: Materials that are weighed against one another, at most.
_MOST = 40

#: Least share of a material that stays in the mixture.
_LEAST = 1e-4

_ROUNDS, _FEW_ROUNDS = 100, 25


def cluster(logs: np.ndarray) -> np.ndarray:
    """Group grains by the fewest materials that explain them.

    Parameters
    ----------
    logs
        Log-probability of each material for each grain, all materials being as likely before,
        shape (n, materials).

    Returns
    -------
    numpy.ndarray
        Cluster of each grain, shape (n,), from 0.

    Notes
    -----
    The grains are a mixture of the materials, whose shares are the likeliest ones; they are found
    by expectation maximisation, and most are none (Lindsay 1983, doi 10.1214/aos/1176346059). Then
    the material that is missed least is taken away, again and again, until each that is left
    explains more than its price.
    """
    logs = np.asarray(logs, float) / _TEMPERATURE
    likelihoods = np.exp(logs - logs.max(axis=1, keepdims=True))
    shares, _ = _shares(likelihoods, _ROUNDS)
    kept = np.argsort(-shares, kind="stable")[:_MOST]
    kept = kept[shares[kept] > 0]
    price = _PRICE * len(logs)
    shares, explained = _shares(likelihoods[:, kept], _FEW_ROUNDS)
    while len(kept) > 1:
        fewer = [np.delete(kept, i) for i in range(len(kept))]
        fits = [_shares(likelihoods[:, each], _FEW_ROUNDS) for each in fewer]
        best = int(np.argmax([fit[1] for fit in fits]))
        if explained - fits[best][1] > price:
            break
        kept, (shares, explained) = fewer[best], fits[best]
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
