"""Makes the index of materials that lies beside a classifier; see ``model/candidates.py``."""

import re
import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from napari_bravais.catalogue.structure import EVERYDAY_RANK, VARIETY_RANK
from napari_bravais.model.candidates import Doubt, Material, MaterialIndex, floored_logs
from napari_bravais.model.classifier import Classifier
from napari_bravais.training.evaluate_patterns import Readings, read
from napari_bravais.training.export import UNKNOWN_SHARE
from napari_bravais.training.library import (
    USUAL_ENERGY,
    MasterLibrary,
    crystals_of,
    is_seed,
    rank_of,
    reduced_formula,
)
from napari_bravais.training.patterns import Exposures

#: Numbers of orientations at which pooled evidence is calibrated.
_ORIENTATIONS = (1, 3, 10, 30)

#: Inverse strength of the regression's penalty, for standardised features, and its steps at most:
#: to stop early keeps it from learning by heart, too.
_FREEDOM, _STEPS = 0.1, 100

#: Patterns of each material whose features the index keeps.
_SAMPLED = 2

#: How much less likely, as a logarithm, the network takes a material to be that it was not trained
#: on: else real patterns, noisy ones above all, have too many others beside them
#: (docs/training-log.md).
_LESS = 2.0

#: Ranges in which `Doubt` is looked for: correlation, novelty, trust.
_DOUBTS = ((0.01, 5.0), (0.5, 8.0), (0.02, 2.0))

_SEEDS = {"index": 101, "calibration": 102, "kept out": 103}

#: How often further materials that are known for variety alone (rank 3) are met beside well-known
#: ones: with hundreds of them met as often, real nickel loses (docs/training-log.md).
_RARE = 0.3

#: Parts that no network is trained on, and no weight fitted to but how often there are such.
_KEPT_OUT = ("known", "blind", "new type", "validation type")


def make_index(
    classifier: Classifier,
    library: MasterLibrary,
    each: int,
    keep: MaterialIndex | None = None,
) -> MaterialIndex:
    """Make the index of a library's materials, and calibrate it.

    Parameters
    ----------
    classifier
        Whose index it shall be.
    library
        Master patterns; those of the part ``"trained"`` are listed, and what is made for want of
        real materials (variants) is not. ``"validation type"`` serves for the calibration. At the
        end materials that the network was not trained on are added: ``"known"`` ones, and those of
        the parts that models are judged on (`MaterialIndex.judged`).
    each
        Patterns of each material, at moderate noise.
    keep
        An index of the same classifier, of which all but what was added at its end stays as it is.

    Raises
    ------
    ValueError
        If the library lacks a material that is to be kept.
    """
    if keep is None:
        listed = materials_of(library, "trained")
    else:
        keep = keep.judged()
        listed = library.places([material.key for material in keep.materials])
    seen = read(classifier, library, listed, each, seed=_SEEDS["index"]).features
    index = keep or _index_of(classifier, library, listed, seen)
    index = replace(index, sample=_sample(seen, len(listed)))
    more = materials_of(library, *_KEPT_OUT)
    if not len(more):
        return index
    features = read(classifier, library, more, each, seed=_SEEDS["kept out"]).features
    materials = [material_of(library.records[i]) for i in more]
    shares = shares_of_kept_out(library, listed, more)
    return with_more(index, classifier, materials, features, shares, seen)


def _index_of(
    classifier: Classifier, library: MasterLibrary, listed: np.ndarray, seen: np.ndarray
) -> MaterialIndex:
    """Tell materials apart by the features of as many patterns of each, and calibrate that."""
    weights, bias = regression(seen, np.repeat(np.arange(len(listed)), len(seen) // len(listed)))
    materials = tuple(material_of(library.records[i]) for i in listed)
    prior = Exposures.shares(library, listed)
    index = MaterialIndex(materials, weights, bias, prior, Doubt())
    judged = np.concatenate([listed, library.indices("validation type")])
    fresh = read(classifier, library, judged, max(_ORIENTATIONS), seed=_SEEDS["calibration"])
    return replace(index, doubt=calibrated(index, fresh, known=len(listed)))


def with_more(
    index: MaterialIndex,
    classifier: Classifier,
    materials: Sequence[Material],
    features: np.ndarray,
    shares: np.ndarray,
    seen: np.ndarray | None = None,
) -> MaterialIndex:
    """Add materials that the network was not trained on, and leave the others as they are.

    Parameters
    ----------
    index
        The others.
    classifier
        Whose index it is: it tells from the network's own crystals what was added before.
    materials
        What is to be added.
    features
        What the network sees in patterns of these, shape (n, channels): as many of each, one
        material after the other.
    shares
        How often each is met, of all materials then listed.
    seen
        What it sees in as many patterns of each of the others; their `MaterialIndex.sample`, which
        then stands for as many, by default.
    """
    there, each, stands_for = len(index.materials), len(features) // len(materials), 1.0
    if seen is None:
        seen = index.sample.reshape(-1, index.sample.shape[-1])
        stands_for = each / index.sample.shape[1]
    own = np.repeat(np.arange(there), len(seen) // there)
    numbers = np.concatenate([own, np.repeat(there + np.arange(len(materials)), each)])
    features = np.concatenate([seen, features])
    counts = np.where(numbers < there, stands_for, 1.0)
    prior = np.append(index.prior * (1 - shares.sum()), shares)
    known = features @ index.weights + index.bias
    weights, bias = regression_beside(known, features, numbers - there, counts)
    # the network's own logits say how often a crystal is met, too
    counts *= prior[numbers] / prior.mean()
    known = classifier.crystals(features)
    more_weights, more_bias = regression_beside(known, features, numbers - there, counts)
    return replace(
        index,
        materials=index.materials + tuple(materials),
        weights=np.hstack([index.weights, weights]),
        bias=np.append(index.bias, bias),
        prior=prior,
        more_weights=np.hstack([index.more_weights.reshape(len(weights), -1), more_weights]),
        more_bias=np.append(index.more_bias, more_bias - _LESS),
        kept_out=index.kept_out + len(materials),
        sample=np.concatenate([index.sample, _sample(features[len(seen) :], len(materials))]),
    )


def _sample(features: np.ndarray, materials: int) -> np.ndarray:
    """Return a few patterns' features of each material, of as many patterns of each."""
    return features.reshape(materials, -1, features.shape[-1])[:, :_SAMPLED]


def shares_of_kept_out(library: MasterLibrary, listed: np.ndarray, more: np.ndarray) -> np.ndarray:
    """Return how often further materials are met beside those that are listed.

    Those of the seed paper are met as often as others like them: only its trained ones are drawn
    as often as training draws them, and Ni3Al is no more usual than other ordered alloys. What is
    in the catalogue for variety is met more rarely than what is well known.

    Parameters
    ----------
    library
        Master patterns.
    listed, more
        Which of its materials are listed, and which are added, shapes (n,) and (k,).

    Returns
    -------
    numpy.ndarray
        Shape (k,), shares of all that are listed then.
    """
    records = list(library.records)
    for i in more:
        if is_seed(records[i]):
            records[i] = records[i] | {"source": "", "rank": EVERYDAY_RANK}
    plain = replace(library, records=records)
    shares = Exposures.shares(plain, np.concatenate([listed, more]))[len(listed) :]
    return shares * np.where([rank_of(records[i]) == VARIETY_RANK for i in more], _RARE, 1)


def materials_of(library: MasterLibrary, *parts: str) -> np.ndarray:
    """Return which master patterns stand for the materials of parts: one of each crystal."""
    usual = [
        i
        for part in parts
        for i in library.indices(part)
        if library.records[i]["beam_energy_kev"] == USUAL_ENERGY
    ]
    real = [i for i in usual if not _made_up(library.records[i])]
    if not real:
        return np.empty(0, int)
    # of several sources' names for one crystal the shortest is the plainest: "rutile"
    real.sort(key=lambda i: len(library.records[i]["name"]))
    crystals = crystals_of([library.records[i] for i in real])
    return np.sort(np.array(real)[np.unique(crystals, return_index=True)[1]])


def _made_up(record: dict) -> bool:
    return record.get("kind") == "variant" or "variant" in record["source"]


def material_of(record: dict) -> Material:
    """Describe a material of a library."""
    from ase.data import chemical_symbols

    formula = record.get("formula") or reduced_formula(record["atomic_numbers"])
    return Material(
        key=record["file"].removesuffix(".npz"),
        name=_plain_name(record["name"], formula),
        formula=formula,
        lattice=record["lattice"],
        space_group=record["space_group"],
        elements=tuple(sorted({chemical_symbols[z] for z in record["atomic_numbers"]})),
    )


def _plain_name(name: str, formula: str) -> str:
    """Name a material as people do: "SnO2-Cassiterite" cassiterite, prototypes by formula."""
    if prototype := re.match(r"[A-Z\d]+_([a-z][A-Z]\d+)_\d+_", name):
        return f"{formula} ({prototype[1]})"
    name = re.sub(r"^[\w()]+-(?=[A-Z][a-z]{2})", "", name)
    words = re.sub(r"(?<=[a-z])(?=[A-Z][a-z]{2})", " ", re.sub(r"[-_]+", " ", name))
    return re.sub(r"\b[A-Z](?=[a-z]{2})", lambda letter: letter[0].lower(), words)


def regression(features: np.ndarray, materials: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tell materials apart by multinomial logistic regression.

    Parameters
    ----------
    features
        What the network sees in patterns, shape (n, channels).
    materials
        Number of each one's material, shape (n,); as many patterns of each.

    Returns
    -------
    tuple of numpy.ndarray
        Weights, shape (channels, materials), and bias, shape (materials,).
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    middle, spread = features.mean(axis=0), features.std(axis=0) + 1e-6
    model = LogisticRegression(C=_FREEDOM, max_iter=_STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit((features - middle) / spread, materials)
    weights, bias = model.coef_.T / spread[:, None], model.intercept_
    if weights.shape[1] == 1:  # of two materials, it gives the second's logit alone
        weights, bias = np.hstack([-weights, weights]) / 2, np.append(-bias, bias) / 2
    return weights, bias - middle @ weights


def regression_beside(
    known: np.ndarray, features: np.ndarray, materials: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Tell further materials from known ones, whose logits stay as they are.

    Multinomial logistic regression, too; all known materials are one class, whose logit is the
    logarithm of the sum of theirs.

    Parameters
    ----------
    known
        Logits of the known materials, shape (n, known).
    features
        What the network sees in patterns of these and of further materials, shape (n, channels).
    materials
        Number of each pattern's material among the further ones, shape (n,); negative if known.
    counts
        As how many patterns each counts, shape (n,).

    Returns
    -------
    tuple of numpy.ndarray
        Weights, shape (channels, materials), and bias, shape (materials,), of the further ones.
    """
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    of_known, further = logsumexp(known, axis=1), materials >= 0
    middle, spread = features[~further].mean(axis=0), features[~further].std(axis=0) + 1e-6
    told = np.hstack([(features - middle) / spread, np.ones((len(features), 1), np.float32)])
    count = materials.max() + 1
    true = np.zeros((len(features), count), np.float32)
    true[further, materials[further]] = 1
    counts = counts.astype(np.float32)
    shape = told.shape[1], count

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        own = parameters.reshape(shape)
        logits = told @ own.astype(np.float32)
        total = np.logaddexp(of_known, logsumexp(logits, axis=1))
        right = np.where(further, (logits * true).sum(axis=1), of_known)
        slope = told.T @ (counts[:, None] * (np.exp(logits - total[:, None]) - true))
        penalty = own / _FREEDOM
        penalty[-1] = 0  # the bias is free
        return counts @ (total - right) + 0.5 * (penalty * own).sum(), (slope + penalty).ravel()

    begin = np.zeros(shape)
    begin[-1] = of_known.mean()
    found = minimize(
        loss, begin.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}
    ).x.reshape(shape)
    weights = found[:-1] / spread[:, None]
    return weights, found[-1] - middle @ weights


def calibrated(index: MaterialIndex, readings: Readings, known: int) -> Doubt:
    """Find the doubt that makes pooled probabilities likeliest.

    Structure types that are in neither the index nor any test count for as much as they do where
    single patterns are calibrated, materials of the index for the rest.

    Parameters
    ----------
    index
        The index.
    readings
        Readings of its materials and then of others, as many of each.
    known
        How many of the materials are in the index.
    """
    from scipy.optimize import minimize

    materials = len(np.unique(readings.materials))
    shape = (materials, len(readings.labels) // materials, -1)
    of_materials = index.log_probabilities(readings.features).reshape(shape)
    logs = floored_logs(readings.probabilities).reshape(shape)
    truth = readings.labels.reshape(shape[:2])[:, 0]
    weight = np.full(materials, (1 - UNKNOWN_SHARE) / known)
    weight[known:] = UNKNOWN_SHARE / max(1, materials - known)
    pooled = []
    for n in _ORIENTATIONS:
        pooled.append((n, of_materials[:, :n].mean(axis=1), logs[:, :n].mean(axis=1)))

    def loss(parameters):
        doubt = Doubt(*np.exp(parameters).tolist())
        total = 0.0
        for n, *means in pooled:
            answer = index.lattice_probabilities(*means, n, doubt)
            right = answer[np.arange(materials), truth]
            total -= weight @ np.log(np.clip(right, 1e-9, 1))
        return total

    found = minimize(
        loss,
        np.log([0.3, 2.0, 0.5]),  # the search takes no step from a logarithm of zero
        method="Nelder-Mead",
        bounds=np.log(_DOUBTS),
        options={"maxiter": 300},
    )
    return Doubt(*(round(float(value), 4) for value in np.exp(found.x)))
