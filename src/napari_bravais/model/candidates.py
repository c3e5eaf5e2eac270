"""What a classifier sees, held against the materials it knows: candidates and pooled evidence."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from napari_bravais.lattices import LATTICES, PEARSON_SYMBOLS
from napari_bravais.model.card import ModelError, read_companion_card
from napari_bravais.model.classifier import Classifier

#: Least probability that counts: below it, logarithms say more of noise than of patterns.
_FLOOR = 1e-4

#: What an index's file holds.
_ARRAYS = ("weights", "bias", "prior", "sample", "more_weights", "more_bias")


def floored_logs(probabilities: np.ndarray) -> np.ndarray:
    """Return logarithms of probabilities of any shape that can be averaged: none is too low."""
    return np.log(np.clip(probabilities, _FLOOR, 1))


@dataclass(frozen=True)
class Material:
    """A material that a classifier knows.

    Attributes
    ----------
    key
        What identifies it.
    name, formula
        As people write them.
    lattice
        Pearson symbol of its lattice.
    space_group
        Number in the International Tables.
    elements
        Symbols of its elements, sorted.
    """

    key: str
    name: str
    formula: str
    lattice: str
    space_group: int
    elements: tuple[str, ...]


@dataclass(frozen=True)
class Candidate:
    """A material that patterns may be of.

    Attributes
    ----------
    material
        The material.
    probability
        Its probability; the patterns are of one of the materials that the elements allow, or of
        none of them.
    likeness
        Its probability by a single pattern, if all materials were as likely before: the geometric
        mean over the patterns. Far below that of other phases, the material is none of the index.
    """

    material: Material
    probability: float
    likeness: float


@dataclass(frozen=True)
class Doubt:
    """How far evidence from several orientations of one phase can be trusted.

    Attributes
    ----------
    correlation
        Of the errors made in two orientations of one material: ``n`` patterns count as
        ``n / (1 + correlation * (n - 1))`` independent ones.
    novelty
        How unlikely the likeliest material is by a single pattern, as minus a logarithm, where one
        that is not in the index is as likely.
    trust
        How much the mean of the network's own log-probabilities counts for such a material.
    """

    correlation: float = 0.3
    novelty: float = 2.5
    trust: float = 1.0

    def independent(self, n: int) -> float:
        """Return how many independent patterns ``n`` orientations count as."""
        return n / (1 + self.correlation * (n - 1))

    def odds_of_another(self, of_materials: np.ndarray, n: int) -> np.ndarray:
        """Return the odds that patterns are of none of some materials.

        Parameters
        ----------
        of_materials
            Means of the patterns' log-probabilities of these, shape (..., materials).
        n
            How many orientations were averaged.

        Returns
        -------
        numpy.ndarray
            Shape (..., 1).
        """
        best = of_materials.max(axis=-1, keepdims=True).astype(float)
        return np.exp(np.clip(-self.independent(n) * (best + self.novelty), -60, 60))


@dataclass(frozen=True)
class MaterialIndex:
    """How to tell the materials that a classifier knows apart by what it sees.

    Make one with `MaterialIndex.of` or `MaterialIndex.load`; `bravais index` writes the file.

    Attributes
    ----------
    materials
        The materials.
    weights, bias
        Turn what the network sees in a pattern into logits of the materials, all being as likely
        before (multinomial logistic regression), shapes (channels, materials) and (materials,).
    prior
        How likely each material is before anything is seen: as often as it is met in training.
    doubt
        How far pooled evidence can be trusted.
    kept_out
        How many of the materials, the last ones, are kept out where a model is judged: the network
        was not trained on them.
    sample
        What the network sees in a few patterns of each, shape (materials, few, channels): to tell
        further materials from them, `napari_bravais.training.material_index.with_more`.
    more_weights, more_bias
        What the materials that are kept out add to the network's own last layer, shapes (channels,
        kept_out) and (kept_out,): logits beside those of the crystals that it was trained on.
    """

    materials: tuple[Material, ...]
    weights: np.ndarray
    bias: np.ndarray
    prior: np.ndarray
    doubt: Doubt
    kept_out: int = 0
    sample: np.ndarray = field(default_factory=lambda: np.empty((0, 1, 0)))
    more_weights: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    more_bias: np.ndarray = field(default_factory=lambda: np.empty(0))

    @classmethod
    def of(cls, classifier: Classifier) -> "MaterialIndex":
        """Return the index that lies beside a classifier's file.

        Raises
        ------
        ModelError
            If there is none, it is damaged, or it was made for other weights.
        """
        return cls.load(index_path(classifier.path), classifier.checksum)

    @classmethod
    def load(cls, path: str | Path, model_sha256: str) -> "MaterialIndex":
        """Read an index.

        Parameters
        ----------
        path
            The ``.npz`` file; its ``.json`` lies beside it.
        model_sha256
            Checksum of the model that it is for.

        Raises
        ------
        ModelError
            If a file is missing or damaged, or the index was made for another model.
        """
        path = Path(path)
        card = read_companion_card(path, model_sha256, "index of materials", "bravais index")
        with np.load(path, allow_pickle=False) as arrays:
            if not set(_ARRAYS) <= set(arrays.files):
                raise ModelError(f"{path}: made by another version; `bravais index` makes it anew")
            numbers = {name: arrays[name].astype(np.float32) for name in _ARRAYS}
        materials = (
            Material(**{**row, "elements": tuple(row["elements"])}) for row in card["materials"]
        )
        doubt = Doubt(**card["doubt"])
        return cls(tuple(materials), doubt=doubt, kept_out=card["kept_out"], **numbers)

    def judged(self) -> "MaterialIndex":
        """Return the index by which a model is judged: without the materials that it is judged on.

        The others were told apart before these were added, so nothing of them is left.
        """
        n = len(self.materials) - self.kept_out
        prior = self.prior[:n] / self.prior[:n].sum()
        return replace(
            self,
            materials=self.materials[:n],
            weights=self.weights[:, :n],
            bias=self.bias[:n],
            prior=prior,
            kept_out=0,
            sample=self.sample[:n],
            more_weights=self.more_weights[:, :0],
            more_bias=self.more_bias[:0],
        )

    def save(self, path: str | Path, about: dict) -> Path:
        """Write the index, and its card beside it.

        Parameters
        ----------
        path
            The ``.npz`` file.
        about
            What else the card says: ``model_sha256``, and how the index was made.
        """
        path = Path(path)
        temporary = path.with_name("writing.npz")
        arrays = {name: getattr(self, name).astype(np.float16) for name in _ARRAYS}
        np.savez_compressed(temporary, **arrays)
        card = {
            **about,
            "sha256": hashlib.sha256(temporary.read_bytes()).hexdigest(),
            "doubt": asdict(self.doubt),
            "kept_out": self.kept_out,
            "materials": [asdict(material) for material in self.materials],
        }
        temporary.replace(path)
        text = json.dumps(card, indent=None, ensure_ascii=False)
        path.with_suffix(".json").write_text(text.replace('{"key"', '\n{"key"') + "\n", "utf-8")
        return path

    def log_probabilities(self, features: np.ndarray) -> np.ndarray:
        """Return each material's log-probability, all being as likely before.

        Parameters
        ----------
        features
            What the network sees in patterns (`Classifier.embed`), shape (..., channels).

        Returns
        -------
        numpy.ndarray
            Shape (..., materials).
        """
        logits = np.asarray(features, np.float32) @ self.weights + self.bias
        return logits - _log_sum(logits)

    def made_of(self, elements: Collection[str] | None) -> np.ndarray:
        """Tell which materials have no other elements than some, shape (materials,), bool.

        Parameters
        ----------
        elements
            Their symbols; None allows all.
        """
        present = None if elements is None else frozenset(elements)
        return np.array(
            [present is None or present.issuperset(each.elements) for each in self.materials]
        )

    def candidates(
        self, features: np.ndarray, elements: Collection[str] | None = None, most: int = 3
    ) -> list[Candidate]:
        """Return the likeliest materials of patterns of one phase.

        Parameters
        ----------
        features
            What the network sees in the patterns (`Classifier.embed`), shape (n, channels): one
            of each orientation.
        elements
            Symbols of the elements present: materials with any other are left out.
        most
            How many candidates at most.

        Returns
        -------
        list of Candidate
            The likeliest first; empty if no material is made of these elements.
        """
        means = self.log_probabilities(features).mean(axis=0)
        logs = self.doubt.independent(len(features)) * means + np.log(self.prior)
        allowed = self.made_of(elements)
        if not allowed.any():
            return []
        logs = np.where(allowed, logs, -np.inf)
        # to be of none of them is as likely as `Doubt` says: the rest of the probability
        probabilities = _softmax(logs) / (
            1 + self.doubt.odds_of_another(means[allowed], len(features))
        )
        order = [i for i in np.argsort(-logs, kind="stable")[:most] if np.isfinite(logs[i])]
        return [
            Candidate(self.materials[i], float(probabilities[i]), float(np.exp(means[i])))
            for i in order
        ]

    def pooled(self, features: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """Return the probability of each lattice for patterns of one phase.

        Parameters
        ----------
        features, probabilities
            As `Classifier.embed` returns them, shapes (n, channels) and (n, 14): one of each
            orientation.

        Returns
        -------
        numpy.ndarray
            Shape (14,), sums to one.

        Notes
        -----
        The phase is one of the materials, or none of them; then the mean of the network's
        log-probabilities of lattices decides. `Doubt` weighs these.
        """
        logs = floored_logs(probabilities).mean(axis=0)
        of_materials = self.log_probabilities(features).mean(axis=0)
        return self.lattice_probabilities(of_materials, logs, len(features), self.doubt)

    def lattice_probabilities(
        self, of_materials: np.ndarray, logs: np.ndarray, n: int, doubt: Doubt
    ) -> np.ndarray:
        """Return the probability of each lattice, shape (..., 14); see `pooled`.

        Parameters
        ----------
        of_materials
            Means of the patterns' log-probabilities of materials, shape (..., materials).
        logs
            Means of their log-probabilities of lattices, shape (..., 14).
        n
            How many orientations were averaged.
        doubt
            How far to trust them.
        """
        count = doubt.independent(n)
        known = _softmax(count * of_materials + np.log(self.prior)) @ self._by_lattice
        odds = doubt.odds_of_another(of_materials, n)
        return (known + odds * _softmax(doubt.trust * logs)) / (1 + odds)

    @property
    def _by_lattice(self) -> np.ndarray:
        """1 where a material is of a lattice, shape (materials, 14)."""
        return np.eye(len(LATTICES))[[PEARSON_SYMBOLS.index(m.lattice) for m in self.materials]]


def index_path(model: Path) -> Path:
    """Return where the index of a model file lies."""
    return model.with_name(f"{model.stem}-materials.npz")


def _log_sum(logs: np.ndarray) -> np.ndarray:
    """Return the logarithm of the sum of exponentials over the last axis, which is kept."""
    top = logs.max(axis=-1, keepdims=True)
    return top + np.log(np.exp(logs - top).sum(axis=-1, keepdims=True))


def _softmax(logs: np.ndarray) -> np.ndarray:
    return np.exp(logs - _log_sum(logs))
