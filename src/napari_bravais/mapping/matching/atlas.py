"""The atlas: what preparation makes of the patterns of each known material, on a sphere.

A sphere is laid together from clean simulated patterns that were prepared as any others are
(`napari_bravais.training.atlas`), so a prepared pattern can be held against it as it is.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np

from napari_bravais.io.files import replacing
from napari_bravais.mapping.matching.evidence import Weights
from napari_bravais.mapping.matching.order import Order
from napari_bravais.mapping.sphere import values_at
from napari_bravais.model.card import read_companion_card
from napari_bravais.model.classifier import Classifier

#: Side of the spheres' projection in pixels, that of master patterns: 0.9 degrees each.
SIZE = 161

#: Grey levels of a sphere's standard deviation in the file.
_LEVELS = 16

#: Directions at which a sphere is compared with itself.
_PROBES = 4000

#: How many `rotations` there are.
_COUNT = 40


def rotations() -> np.ndarray:
    """Return all rotations that may leave a crystal as it is, shape (40, 3, 3), float32.

    Those of a cube, and about the hexagonal axis and across it, at any multiple of 15 degrees, for
    a secondary axis may lie along a or between two.
    """
    from scipy.spatial.transform import Rotation

    around = np.radians(30) * np.arange(12)
    across = np.radians(15) * np.arange(12)
    zeros = np.zeros(12)
    vectors = np.concatenate(
        [
            Rotation.create_group("O").as_rotvec(),
            np.stack([zeros, zeros, around], axis=1),
            np.pi * np.stack([np.cos(across), np.sin(across), zeros], axis=1),
        ]
    )
    matrices = Rotation.from_rotvec(vectors).as_matrix()
    _, first = np.unique(matrices.reshape(-1, 9).round(6) + 0.0, axis=0, return_index=True)
    return matrices[np.sort(first)].astype(np.float32)


@cache
def groups() -> np.ndarray:
    """Return all groups that `rotations` form by two of them, shape (groups, 40), bool."""
    matrices = rotations()
    products = (matrices[:, None] @ matrices[None]).reshape(_COUNT, _COUNT, 1, 9)
    away = np.abs(products - matrices.reshape(_COUNT, 9)).max(axis=-1)
    product = np.where(away.min(axis=-1) < 1e-4, away.argmin(axis=-1), -1)
    found = set()
    for pair in combinations_with_replacement(range(_COUNT), 2):
        members, more = set(), set(pair)
        while more:
            members |= more
            own = np.array(list(members))
            more = set(product[np.ix_(own, own)].flat) - members
        if -1 not in members:
            found.add(tuple(sorted(members)))
    return np.array([np.isin(np.arange(_COUNT), members) for members in sorted(found)])


def symmetry_of(sphere: np.ndarray, order: int) -> np.ndarray:
    """Tell which of `rotations` leave a crystal as it is, by its sphere.

    Parameters
    ----------
    sphere
        Shape (n, n).
    order
        How many rotations the crystal's Laue group has.

    Returns
    -------
    numpy.ndarray
        Shape (40,), bool: the group of that order under whose rotations the sphere is most like
        itself. Master patterns hold lines narrower than their pixels, so it is not quite alike.
    """
    probes = np.random.default_rng(0).normal(size=(_PROBES, 3))
    probes /= np.linalg.norm(probes, axis=1, keepdims=True)
    own = values_at(sphere, probes)
    turned = [values_at(sphere, probes @ rotation.T) for rotation in rotations()]
    likeness = np.array([np.corrcoef(own, values)[0, 1] for values in turned])
    possible = groups()[groups().sum(axis=1) == order]
    return possible[(possible @ likeness).argmax()]


@dataclass(frozen=True)
class Atlas:
    """Spheres of materials.

    Make one with `Atlas.of` or `Atlas.load`; `bravais atlas` writes the file.

    Attributes
    ----------
    keys
        What identifies the materials, as `napari_bravais.model.candidates.Material.key`.
    levels
        Their spheres in grey levels, square Lambert projections of the northern hemisphere; a
        direction and its opposite look alike (Friedel's law). Shape (m, n, n), uint8.
    symmetries
        Which of `rotations` leave each as it is, shape (m, 40), bool.
    weights
        What a match counts beside what the network says.
    ordered
        Which of the materials are ordered, so that their atoms might be mixed, too.
    orders
        What each of these shows mixed, and what order adds, as `levels`, shape (o, 2, n, n).
    shares
        Deviations of what order adds, shape (o,).
    """

    keys: tuple[str, ...]
    levels: np.ndarray
    symmetries: np.ndarray
    weights: Weights
    ordered: tuple[str, ...] = ()
    orders: np.ndarray = field(default_factory=lambda: np.empty((0, 2, SIZE, SIZE), np.uint8))
    shares: np.ndarray = field(default_factory=lambda: np.empty(0))

    @classmethod
    def of(cls, classifier: Classifier) -> "Atlas":
        """Return the atlas that lies beside a classifier's file; see `load`."""
        return cls.load(atlas_path(classifier.path), classifier.checksum)

    @classmethod
    def load(cls, path: str | Path, model_sha256: str) -> "Atlas":
        """Read an atlas.

        Parameters
        ----------
        path
            The ``.npz`` file; its ``.json`` lies beside it.
        model_sha256
            Checksum of the model whose materials it shows.

        Raises
        ------
        ModelError
            If a file is missing or damaged, or the atlas was made for another model.
        """
        path = Path(path)
        card = read_companion_card(path, model_sha256, "atlas of master patterns", "bravais atlas")
        with np.load(path, allow_pickle=False) as arrays:
            symmetries = np.unpackbits(arrays["symmetries"], axis=1).astype(bool)[:, :_COUNT]
            levels = _unfolded(arrays["levels"], symmetries)
            keys, ordered = tuple(card["keys"]), tuple(card["ordered"])
            own = _of_orders(symmetries, keys, ordered)
            orders = _unfolded(arrays["orders"], own).reshape(-1, 2, SIZE, SIZE)
            shares = arrays["shares"]
        return cls(keys, levels, symmetries, Weights(**card["weights"]), ordered, orders, shares)

    def save(self, path: str | Path, about: dict) -> Path:
        """Write the atlas, and its card beside it.

        Parameters
        ----------
        path
            The ``.npz`` file.
        about
            What else the card says: ``model_sha256``, and how the atlas was made.
        """
        path = Path(path)
        own = _of_orders(self.symmetries, self.keys, self.ordered)
        with replacing(path) as temporary:
            np.savez_compressed(
                temporary,
                levels=_folded(self.levels, self.symmetries),
                symmetries=np.packbits(self.symmetries, axis=1),
                orders=_folded(self.orders.reshape(-1, SIZE, SIZE), own),
                shares=self.shares,
            )
            card = {
                **about,
                "sha256": hashlib.sha256(temporary.read_bytes()).hexdigest(),
                "weights": asdict(self.weights),
                "keys": self.keys,
                "ordered": self.ordered,
            }
        path.with_suffix(".json").write_text(json.dumps(card, ensure_ascii=False) + "\n", "utf-8")
        return path

    def with_more(self, other: "Atlas") -> "Atlas":
        """Return this atlas, and its weights, with the materials of another one at its end."""
        return Atlas(
            self.keys + other.keys,
            np.concatenate([self.levels, other.levels]),
            np.concatenate([self.symmetries, other.symmetries]),
            self.weights,
            self.ordered + other.ordered,
            np.concatenate([self.orders, other.orders]),
            np.concatenate([self.shares, other.shares]),
        )

    @cached_property
    def places(self) -> dict[str, int]:
        """Where in the atlas each material is, by its key."""
        return {key: place for place, key in enumerate(self.keys)}

    def sphere(self, place: int) -> np.ndarray:
        """Return a sphere, shape (n, n), float32, of about zero mean and unit deviation."""
        return _values_of(self.levels[place])

    def order(self, place: int) -> Order:
        """Return what order adds to one of the ordered materials, by its place among these."""
        mixed, added = _values_of(self.orders[place])
        return Order(mixed, np.float32(self.shares[place]) * added)


def levels_of(sphere: np.ndarray) -> np.ndarray:
    """Return the grey levels of a sphere of zero mean and unit deviation, uint8."""
    return np.clip(np.rint(sphere * _LEVELS + 128), 0, 255).astype(np.uint8)


def _values_of(levels: np.ndarray) -> np.ndarray:
    """Undo `levels_of`, but for what is cut off."""
    return (levels.astype(np.float32) - 128) / _LEVELS


def atlas_path(model: Path) -> Path:
    """Return where the atlas of a model file lies."""
    return model.with_name(f"{model.stem}-atlas.npz")


def _of_orders(
    symmetries: np.ndarray, keys: tuple[str, ...], ordered: tuple[str, ...]
) -> np.ndarray:
    """Return the symmetries of what `Atlas.orders` holds, one after the other."""
    places = np.array([keys.index(key) for key in ordered], int)
    return symmetries[np.repeat(places, 2)]


def _square_turns() -> np.ndarray:
    """Return which of `rotations`, (k,), leave the pixels of the projection pixels."""
    upright = np.abs(rotations()).round(3)
    return np.flatnonzero((np.isin(upright, (0, 1)).all(axis=(1, 2))) & (upright[:, 2, 2] == 1))


def _orbits(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rotations of `_square_turns`, and where each takes every pixel, (k, size²)."""
    turns = _square_turns()
    row, column = np.mgrid[:size, :size] - (size - 1) // 2
    images = []
    for r in rotations()[turns].round().astype(int):
        # the opposite direction looks the same, so z stays north whatever the rotation
        x, y = (r[2, 2] * (r[axis, 0] * column + r[axis, 1] * row) for axis in (0, 1))
        images.append(((y + (size - 1) // 2) * size + x + (size - 1) // 2).ravel())
    return turns, np.array(images)


def _firsts(symmetry: np.ndarray, turns: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Return for every pixel the first one that symmetry makes equal to it, shape (size²,)."""
    return images[symmetry[turns]].min(axis=0)


def _folded(levels: np.ndarray, symmetries: np.ndarray) -> np.ndarray:
    """Keep one of all pixels that symmetry makes equal, one material after the other, (k,)."""
    turns, images = _orbits(levels.shape[-1])
    own = np.arange(images.shape[1])
    kept = [
        sphere.ravel()[_firsts(symmetry, turns, images) == own]
        for sphere, symmetry in zip(levels, symmetries, strict=True)
    ]
    return np.concatenate([np.empty(0, np.uint8), *kept])


def _unfolded(kept: np.ndarray, symmetries: np.ndarray) -> np.ndarray:
    """Undo `_folded`."""
    turns, images = _orbits(SIZE)
    levels, start = [], 0
    for symmetry in symmetries:
        _, of = np.unique(_firsts(symmetry, turns, images), return_inverse=True)
        levels.append(kept[start + of].reshape(SIZE, SIZE))
        start += of.max() + 1
    return np.array(levels)
