"""What a classifier sees, held against the materials it knows: candidates and pooled evidence."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from napari_bravais.lattices import LATTICES, PEARSON_SYMBOLS
from napari_bravais.model.card import ModelError, read_card
from napari_bravais.model.classifier import Classifier

#: Least probability that counts when logarithms are averaged.
_FLOOR = 1e-4


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
        Its probability among the materials of the index that the elements allow, nothing else
        being possible.
    distance
        How far the patterns' mean lies from the material's, in the spread of single patterns.
    """

    material: Material
    probability: float
    distance: float


@dataclass(frozen=True)
class Doubt:
    """How far evidence from several orientations of one phase can be trusted.

    Attributes
    ----------
    correlation
        Of the errors made in two orientations of one material: ``n`` patterns count as
        ``n / (1 + correlation * (n - 1))`` independent ones.
    novelty
        Squared distance to the nearest material at which a material that is not in the index is
        as likely.
    trust
        How much the mean of the network's own log-probabilities counts for such a material.
    """

    correlation: float = 0.5
    novelty: float = 10.0
    trust: float = 1.0

    def independent(self, n: int) -> float:
        """Return how many independent patterns ``n`` orientations count as."""
        return n / (1 + self.correlation * (n - 1))


@dataclass(frozen=True)
class MaterialIndex:
    """Where the materials that a classifier knows lie in what it sees.

    Make one with `MaterialIndex.of` or `MaterialIndex.load`; `bravais index` writes the file.

    Attributes
    ----------
    materials
        The materials.
    centroids
        Mean of each one's features over all orientations, whitened, shape (materials, k).
    whitening
        Turns features into whitened ones, in which the patterns of one material spread evenly, by
        one in each direction, shape (channels, k); directions in which materials differ most come
        first.
    origin
        What features are counted from, shape (channels,).
    doubt
        How far pooled evidence can be trusted.
    """

    materials: tuple[Material, ...]
    centroids: np.ndarray
    whitening: np.ndarray
    origin: np.ndarray
    doubt: Doubt

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
        if not path.is_file():
            raise ModelError(f"{path}: no index of materials is there; `bravais index` makes it")
        card = read_card(path)
        if card["model_sha256"] != model_sha256:
            raise ModelError(f"{path}: this index of materials was made for another model")
        with np.load(path, allow_pickle=False) as arrays:
            centroids, whitening, origin = (
                arrays[name].astype(np.float32) for name in ("centroids", "whitening", "origin")
            )
        materials = (
            Material(**{**row, "elements": tuple(row["elements"])}) for row in card["materials"]
        )
        return cls(tuple(materials), centroids, whitening, origin, Doubt(**card["doubt"]))

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
        arrays = {name: getattr(self, name) for name in ("centroids", "whitening", "origin")}
        np.savez_compressed(temporary, **{k: v.astype(np.float16) for k, v in arrays.items()})
        card = {
            **about,
            "sha256": hashlib.sha256(temporary.read_bytes()).hexdigest(),
            "doubt": asdict(self.doubt),
            "materials": [asdict(material) for material in self.materials],
        }
        temporary.replace(path)
        text = json.dumps(card, indent=None, ensure_ascii=False)
        path.with_suffix(".json").write_text(text.replace('{"key"', '\n{"key"') + "\n", "utf-8")
        return path

    def whitened(self, features: np.ndarray) -> np.ndarray:
        """Return features, shape (..., channels), whitened, shape (..., k)."""
        return (features - self.origin) @ self.whitening

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
        squares = self._squares(features)
        if elements is not None:
            present = frozenset(elements)
            allowed = [present.issuperset(material.elements) for material in self.materials]
            squares = np.where(allowed, squares, np.inf)
        if not np.isfinite(squares).any():
            return []
        probabilities = _softmax(-0.5 * self.doubt.independent(len(features)) * squares)
        order = [i for i in np.argsort(squares)[:most] if np.isfinite(squares[i])]
        return [
            Candidate(self.materials[i], float(probabilities[i]), float(np.sqrt(squares[i])))
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
        The phase is one of the materials, by how near its mean lies to theirs, or none of them;
        then the mean of the network's log-probabilities decides. `Doubt` weighs these.
        """
        logs = np.log(np.clip(probabilities, _FLOOR, 1)).mean(axis=0)
        squares = self._squares(features)
        return lattice_probabilities(squares, logs, self.lattices, len(features), self.doubt)

    @property
    def lattices(self) -> np.ndarray:
        """Index of each material's lattice, shape (materials,)."""
        return np.array([PEARSON_SYMBOLS.index(m.lattice) for m in self.materials])

    def _squares(self, features: np.ndarray) -> np.ndarray:
        """Squared distances of the mean of features to each material, shape (materials,)."""
        mean = self.whitened(np.asarray(features, np.float32)).mean(axis=0)
        return ((self.centroids - mean) ** 2).sum(axis=1)


def lattice_probabilities(
    squares: np.ndarray, logs: np.ndarray, lattices: np.ndarray, n: int, doubt: Doubt
) -> np.ndarray:
    """Return the probability of each lattice, shape (..., 14); see `MaterialIndex.pooled`.

    Parameters
    ----------
    squares
        Squared distances of the patterns' mean to each material, shape (..., materials).
    logs
        Means of the patterns' log-probabilities, shape (..., 14).
    lattices
        Index of each material's lattice, shape (materials,).
    n
        How many orientations were averaged.
    doubt
        How far to trust them.
    """
    sharpness = 0.5 * doubt.independent(n)
    nearest = squares.min(axis=-1, keepdims=True)
    nearness = np.exp(-sharpness * (squares - nearest))
    known = nearness @ np.eye(len(LATTICES))[lattices]
    surprise = np.clip(sharpness * (nearest - doubt.novelty), -60, 60)
    unknown = np.exp(surprise) * _softmax(doubt.trust * logs)
    total = known + unknown
    return total / total.sum(axis=-1, keepdims=True)


def index_path(model: Path) -> Path:
    """Return where the index of a model file lies."""
    return model.with_name(f"{model.stem}-materials.npz")


def _softmax(logs: np.ndarray) -> np.ndarray:
    exponential = np.exp(logs - logs.max(axis=-1, keepdims=True))
    return exponential / exponential.sum(axis=-1, keepdims=True)
