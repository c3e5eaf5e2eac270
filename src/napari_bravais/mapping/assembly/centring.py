"""The centring of a lattice, by the bands of an assembled sphere in the frame of its axes.

Axes of rotation leave open whether a lattice is primitive or centred. Where planes of low indices
lie is known, however, but for the shape of the cell; and in a centred lattice some of them are half
as far apart, so that their bands are twice as wide. So cells of all shapes are tried, and a small
network says of each, by how bright the sphere is along these planes and beside them, whether the
crystal has such a cell, and of which centring. It does not see where in the sphere it is, so it is
lattices that it learns, and hardly crystals.

It is made by `napari_bravais.training.centring`.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np

from napari_bravais.lambert import lambert_directions
from napari_bravais.lattices import PEARSON_SYMBOLS
from napari_bravais.mapping.assembly.bands import band_profiles
from napari_bravais.mapping.assembly.symmetry import Symmetry
from napari_bravais.mapping.sphere import Sphere, values_at
from napari_bravais.model.card import read_card

#: Where the bundled networks lie.
PATH = Path(__file__).with_name("centring.npz")

#: Variance of the noise of a pattern's pixel over that of what it shows.
_NOISE = 1.0

#: Steps in which shapes of cells are tried: of the logarithms of ratios, and in degrees.
STEP, DEGREES = 0.06, 3.0


@dataclass(frozen=True)
class Cells:
    """The cells that crystals of a system may have.

    Attributes
    ----------
    answers
        Pearson symbols of what its network tells apart. Orthorhombic ones are centred on the faces
        that a, b or c runs through, for the axes come in any order.
    group
        Rotations that all of its crystals have, as scipy calls them: about z, and those of a cube.
    planes
        Miller indices of planes that no such rotation makes equal, shape (planes, 3).
    ratios
        Least and largest logarithm of the ratios c/a, and b/a where axes differ.
    """

    answers: tuple[str, ...]
    group: str
    planes: np.ndarray
    ratios: tuple[float, float] = (0.0, 0.0)


def _planes(
    turns: list[np.ndarray], most: int, along: float = 1.0, across: float = 0.0
) -> np.ndarray:
    """Return the Miller indices of some planes, the lowest first.

    Parameters
    ----------
    turns
        Matrices that generate those that make planes equal.
    most
        How many.
    along, across
        How much the square of the third index counts, and the product of the first two.
    """
    every = [np.array(h) for h in product(range(-3, 4), range(-3, 4), range(-6, 7))]
    every = [h for h in every if np.gcd.reduce(h) == 1]
    every.sort(
        key=lambda h: (h[0] ** 2 + h[1] ** 2 + across * h[0] * h[1] + along * h[2] ** 2, *(-h))
    )
    kept, equal = [], set()
    for plane in every:
        if tuple(plane) not in equal:
            kept.append(plane)
            new = {tuple(plane), tuple(-plane)}
            while new:
                equal |= new
                new = {tuple(turn @ np.array(h)) for turn in turns for h in new} - equal
        if len(kept) == most:
            break
    return np.array(kept)


_HALF_TURNS = [np.diag([1, -1, -1]), np.diag([-1, -1, 1])]
_QUARTER_TURN = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
_THIRD_TURN = np.array([[0, 1, 0], [-1, -1, 0], [0, 0, 1]])  # of hexagonal indices
_CUBE = [_QUARTER_TURN, np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])]

#: The cells of each symmetry that leaves the centring open, but for the monoclinic, whose second
#: axis no symmetry shows.
CELLS = {
    "cubic": Cells(("cP", "cI", "cF"), "O", _planes(_CUBE, 20)),
    "tetragonal": Cells(("tP", "tI"), "C4", _planes([_QUARTER_TURN], 28, 0.4), (-1.0, 1.3)),
    "trigonal": Cells(("hP", "hR"), "C3", _planes([_THIRD_TURN], 40, 0.15, 1.0), (-0.8, 2.1)),
    "orthorhombic": Cells(
        ("oP", "oI", "oF", "oS", "oS", "oS"), "D2", _planes(_HALF_TURNS, 36), (-1.1, 1.1)
    ),
}

#: Angles of a* with the frame's x that are tried, in degrees, where symmetry says where x lies; and
#: of groups of rotations about one axis alone, where it lies anywhere.
TURNS = {"tetragonal": (0.0, 45.0), "trigonal": (0.0, 30.0, 60.0, 90.0)}
_ALL_TURNS = {"4/m": np.arange(0.0, 90.0, DEGREES), "-3": np.arange(0.0, 120.0, DEGREES)}


def shapes(system: str, laue_group: str) -> np.ndarray:
    """Return the shapes of cells that are tried, shape (n, 2).

    The logarithms of b/a and c/a of orthorhombic ones; of others that of c/a, and the angle of a*
    with the frame's x in degrees.
    """
    cells = CELLS[system]
    if system == "cubic":
        return np.zeros((1, 2))
    ratios = np.arange(*cells.ratios, STEP)
    others = ratios if system == "orthorhombic" else _ALL_TURNS.get(laue_group, TURNS.get(system))
    return np.stack(np.meshgrid(ratios, others, indexing="ij"), axis=-1).reshape(-1, 2)


def looks(sphere: np.ndarray, system: str, tried: np.ndarray) -> np.ndarray:
    """Return what a network sees of a sphere for cells of some shapes.

    Parameters
    ----------
    sphere
        In its frame, as `averaged` returns it.
    system
        A key of `CELLS`.
    tried
        Shapes, as `shapes` returns them, shape (n, 2).

    Returns
    -------
    numpy.ndarray
        The profiles of the planes' bands, shape (n, planes * angles), float32.
    """
    reciprocal = np.zeros((len(tried), 3, 3))  # columns a*, b*, c*
    first, second = np.asarray(tried, float).T
    if system == "orthorhombic":
        reciprocal[:, 0, 0] = 1
        reciprocal[:, 1, 1] = np.exp(-first)
        reciprocal[:, 2, 2] = np.exp(-second)
    else:
        apart = 60 if system == "trigonal" else 90
        for column, angle in enumerate((np.radians(second), np.radians(second + apart))):
            reciprocal[:, 0, column], reciprocal[:, 1, column] = np.cos(angle), np.sin(angle)
        reciprocal[:, 2, 2] = np.exp(-first) * np.sin(np.radians(apart))
    normals = reciprocal[:, None] @ CELLS[system].planes[..., None]
    normals = (normals / np.linalg.norm(normals, axis=2, keepdims=True)).reshape(-1, 3)
    return band_profiles(sphere, normals).reshape(len(tried), -1)


def averaged(sphere: np.ndarray, frame: np.ndarray, system: str) -> np.ndarray:
    """Turn a sphere into its frame, averaged over the rotations that all of a system have.

    Parameters
    ----------
    sphere
        Square Lambert projection, shape (n, n), float32.
    frame
        Rows x, y, z, shape (3, 3): z the main axis.
    system
        A key of `CELLS`.

    Returns
    -------
    numpy.ndarray
        Shape (n, n), float32, of zero mean and unit deviation.
    """
    from scipy.spatial.transform import Rotation

    places = lambert_directions(len(sphere)).reshape(-1, 3)
    turns = Rotation.create_group(CELLS[system].group).as_matrix()
    # a direction of the frame, turned, is this one of the sphere
    turned = [values_at(sphere, places @ turn @ frame) for turn in turns]
    mean = np.mean(turned, axis=0).reshape(sphere.shape)
    return ((mean - mean.mean()) / mean.std()).astype(np.float32)


@dataclass(frozen=True)
class Network:
    """A small network that looks at one cell.

    Attributes
    ----------
    mean, deviation
        Of what it sees, shape (seen,).
    layers
        Weights, shape (inputs, outputs), and biases of each layer. The last one's outputs are
        logits: that the crystal has no such cell, and of each of `Cells.answers`.
    power
        To what power its likelihoods are raised, for it is surer than it is right.
    """

    mean: np.ndarray
    deviation: np.ndarray
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]
    power: float

    def log_odds(self, seen: np.ndarray) -> np.ndarray:
        """Return the logarithm of how likely each answer is against no such cell, (n, answers)."""
        values = (seen - self.mean) / self.deviation
        for number, (weights, biases) in enumerate(self.layers):
            values = (np.maximum(values, 0) if number else values) @ weights + biases
        return values[:, 1:] - values[:, :1]

    def likelihoods(self, sphere: np.ndarray, system: str, tried: np.ndarray) -> dict[str, float]:
        """Return how likely each lattice of a system is by a sphere; they sum to one.

        Parameters
        ----------
        sphere, system, tried
            As `looks` takes them.
        """
        odds = self.log_odds(looks(sphere, system, tried))
        likely = np.exp(odds - odds.max()).sum(axis=0)
        found = dict.fromkeys(CELLS[system].answers, 0.0)
        for lattice, value in zip(CELLS[system].answers, likely, strict=True):
            found[lattice] += float(value)
        found = {lattice: value**self.power for lattice, value in found.items()}
        return {lattice: value / sum(found.values()) for lattice, value in found.items()}


@cache
def networks(path: Path = PATH) -> dict[str, Network]:
    """Read the networks of all systems.

    Raises
    ------
    ModelError
        If the file or its card is missing or damaged.
    """
    card = read_card(path)
    found = {}
    with np.load(path, allow_pickle=False) as arrays:
        for system, power in card["powers"].items():
            own = {name.split("/")[1]: arrays[name] for name in arrays if name.startswith(system)}
            own = {name: values.astype(np.float32) for name, values in own.items()}
            layers = [(own[f"weights{k}"], own[f"biases{k}"]) for k in range((len(own) - 2) // 2)]
            found[system] = Network(own["mean"], own["deviation"], tuple(layers), power)
    return found


def centring(sphere: Sphere, symmetry: Symmetry) -> np.ndarray:
    """Return how likely each lattice of a symmetry is by the bands of a sphere.

    Parameters
    ----------
    sphere
        What the patterns of a crystal show together.
    symmetry
        Its symmetry.

    Returns
    -------
    numpy.ndarray
        Shape (14,): of the lattices that have the symmetry, if their centrings can be told apart;
        else 1 for each.
    """
    if symmetry.name not in CELLS:
        return np.ones(len(PEARSON_SYMBOLS))
    own = averaged(sphere.mean(_NOISE), symmetry.frame, symmetry.name)
    tried = shapes(symmetry.name, symmetry.laue_group)
    likely = networks()[symmetry.name].likelihoods(own, symmetry.name, tried)
    return np.array([likely.get(symbol, 0.0) for symbol in PEARSON_SYMBOLS])
