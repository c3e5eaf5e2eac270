"""Real patterns: read as they are, and cropped, binned, noisier and turned."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_bravais.lattices import PEARSON_SYMBOLS
from napari_bravais.lattices import lattice as lattice_of
from napari_bravais.model.camera import of_middle_square
from napari_bravais.model.classifier import Classifier


@dataclass(frozen=True)
class RealSet:
    """Real patterns of one lattice: shape (n, h, w), any real dtype.

    ``pattern_centre`` is (pcx, pcy, pcz) in Bruker's convention, None if the file stores none.
    """

    patterns: np.ndarray
    lattice: str
    pattern_centre: tuple[float, float, float] | None = None


def real_patterns(folder: Path | None) -> dict[str, RealSet]:
    """Return real patterns and their lattice, by name.

    Parameters
    ----------
    folder
        Further scans to read beside those in kikuchipy's package: files that begin with ``si_``
        (cF) or ``fe_`` (cI).
    """
    import kikuchipy as kp
    from PIL import Image

    def imread(path):  # Pillow heeds a TIFF that stores white as zero
        return np.asarray(Image.open(path).convert("L"))

    data = Path(kp.data.__file__).parent
    scan = kp.data.nickel_ebsd_small()
    centre = tuple(scan.detector.pc_average)
    calibration = [imread(f)[..., :60] for f in sorted((data / "nordif").glob("Cal*.bmp"))]
    sets = {
        "nickel, 3x3 scan, as `bravais map` reads it": (
            scan.data / scan.static_background.astype(float),
            "cF",
            centre,
        ),
        "the same, static background left in": (scan.data, "cF", centre),
        "nickel, EDAX HDF5": (kp.load(data / "edax_h5ebsd" / "patterns.h5").data, "cF"),
        "nickel, NORDIF calibration": (np.stack(calibration), "cF"),
    }
    for path in sorted(folder.iterdir()) if folder else ():
        lattice = {"si_": "cF", "fe_": "cI"}.get(path.name[:3])
        if lattice is not None:
            pixels = kp.load(path).data if path.suffix == ".h5" else imread(path)
            sets[path.name] = (pixels, lattice)
    return {
        name: RealSet(pixels.reshape(-1, *pixels.shape[-2:]), *known)
        for name, (pixels, *known) in sets.items()
    }


def evaluate_real(classifier: Classifier, sets: dict[str, RealSet]) -> dict[str, dict]:
    """Read real patterns; for each set the patterns, how many are right, and what was answered."""
    results = {}
    for name, real in sets.items():
        probabilities, quality = read_real(classifier, real)
        answers = [PEARSON_SYMBOLS[i] for i in probabilities.argmax(axis=1)]
        true = lattice_of(real.lattice).index
        results[name] = {
            "lattice": real.lattice,
            "patterns": len(real.patterns),
            "pattern centre known": real.pattern_centre is not None,
            "right": answers.count(real.lattice),
            "answers": {symbol: answers.count(symbol) for symbol in sorted(set(answers))},
            "probability of the right one": round(float(probabilities[:, true].mean()), 3),
            "quality": round(float(quality.mean()), 3),
        }
    return results


def read_real(classifier: Classifier, real: RealSet) -> tuple[np.ndarray, np.ndarray]:
    """Return lattices' probabilities (n, 14) and quality (n,) of real patterns, by the network."""
    return classifier.assess(real.patterns, pattern_centre=real.pattern_centre)


def changes(real: RealSet, rng: np.random.Generator) -> dict[str, RealSet]:
    """Return real patterns changed in ways that should not change the answer."""
    from scipy.ndimage import median_filter, rotate

    square = middle(real.patterns, 1.0).astype(np.float32)
    centre = real.pattern_centre and tuple(
        of_middle_square(real.pattern_centre, real.patterns.shape[1:])
    )
    signal = np.abs(square - square.mean(axis=(1, 2), keepdims=True)).mean(axis=(1, 2))
    noise = rng.normal(size=square.shape).astype(np.float32) * signal[:, None, None]

    def changed(patterns, share=1.0, turn=0.0, mirror=1.0):
        moved = centre and moved_centre(centre, share, turn, mirror)
        return RealSet(np.ascontiguousarray(patterns), real.lattice, moved)

    def turned(degrees):
        return rotate(square, degrees, axes=(1, 2), reshape=False, order=1)

    return {
        "as they are": changed(square),
        "cropped to 90 %": changed(middle(square, 0.9), share=0.9),
        "cropped to 80 %": changed(middle(square, 0.8), share=0.8),
        "binned 2x2": changed(binned(square, 2)),
        "noise added, 0.25 of the contrast": changed(square + 0.25 * noise),
        "noise added, 0.5 of the contrast": changed(square + 0.5 * noise),
        "turned by 90°": changed(np.rot90(square, axes=(1, 2)), turn=90),
        "turned by 180°": changed(np.rot90(square, 2, axes=(1, 2)), turn=180),
        "mirrored": changed(square[:, :, ::-1], mirror=-1),
        # a turned square has corners outside the old one: the inner 70 % has none
        "turned by 15°, inner 70 %": changed(middle(turned(15), 0.7), share=0.7, turn=15),
        "a dead cross, as between sensors": changed(crossed(square)),
        "stretched, a tenth of each end saturated": changed(stretched(square)),
        "median of 3x3 pixels": changed(median_filter(square, (1, 3, 3))),
    }


def moved_centre(
    centre: tuple[float, float, float], share: float, turn: float, mirror: float
) -> tuple[float, float, float]:
    """Return where a square pattern's centre is once it is mirrored, turned and cropped.

    Parameters
    ----------
    centre
        Pattern centre (pcx, pcy, pcz) before, Bruker's convention.
    share
        Share of the side that is kept, about the middle.
    turn
        Degrees by which the pattern is turned, anticlockwise.
    mirror
        -1 if left and right are swapped first, else 1.
    """
    x, y, z = (centre[0] - 0.5) * mirror, centre[1] - 0.5, centre[2]
    cosine, sine = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    x, y = cosine * x + sine * y, cosine * y - sine * x
    return float(x / share + 0.5), float(y / share + 0.5), z / share


def middle(patterns: np.ndarray, share: float) -> np.ndarray:
    """Return the middle square of patterns, shape (n, h, w), ``share`` of the shorter side."""
    height, width = patterns.shape[1:]
    side = round(min(height, width) * share)
    top, left = (height - side) // 2, (width - side) // 2
    return patterns[:, top : top + side, left : left + side]


def binned(patterns: np.ndarray, factor: int) -> np.ndarray:
    """Average squares of ``factor`` by ``factor`` pixels; what is left over at the rim is cut."""
    n, height, width = patterns.shape
    height, width = height // factor, width // factor
    whole = patterns[:, : height * factor, : width * factor]
    return whole.reshape(n, height, factor, width, factor).mean(axis=(2, 4))


def crossed(patterns: np.ndarray) -> np.ndarray:
    """Return square patterns, shape (n, h, w), without the middle 2 % of rows and columns."""
    dead = np.abs(np.arange(patterns.shape[1]) + 0.5 - patterns.shape[1] / 2) <= max(
        1, patterns.shape[1] / 100
    )
    return np.where(dead[:, None] | dead, 0, patterns)


def stretched(patterns: np.ndarray) -> np.ndarray:
    """Return patterns, shape (n, h, w), in 256 grey levels from their 10th to 90th percentile."""
    low, high = np.percentile(patterns, (10, 90), axis=(1, 2), keepdims=True)
    return np.floor(255.99 * np.clip((patterns - low) / np.maximum(high - low, 1e-6), 0, 1))


def evaluate_steadiness(
    read: Callable[[RealSet], tuple[np.ndarray, np.ndarray]],
    sets: dict[str, RealSet],
    threshold: float,
) -> dict[str, dict]:
    """Measure how answers to real patterns change with cropping, binning, noise and rotation.

    Parameters
    ----------
    read
        Returns the lattices' probabilities of some patterns, shape (n, 14), and their quality (n,).
    sets
        Real patterns, by name.
    threshold
        Quality below which a pattern is not classified.

    Returns
    -------
    dict
        For each change: ``patterns``; the share that is ``classified``; the shares of these that
        are ``right``, and the ``same`` as without the change; and ``drift``, the mean distance
        (half the sum of differences) between their probabilities. These are 0 if none is.
    """
    rng = np.random.default_rng(8)
    before, rows = {}, {}
    for name, real in sets.items():
        true = lattice_of(real.lattice).index
        for change, made in changes(real, rng).items():
            probabilities, quality = read(made)
            answers = probabilities.argmax(axis=1)
            first = before.setdefault(name, probabilities)
            rows.setdefault(change, []).extend(
                zip(
                    quality >= threshold,
                    answers == true,
                    answers == first.argmax(axis=1),
                    np.abs(probabilities - first).sum(axis=1) / 2,
                    strict=True,
                )
            )
    return {change: _steadiness(np.array(values, float)) for change, values in rows.items()}


def _steadiness(values: np.ndarray) -> dict:
    classified = values[:, 0] == 1
    means = values[classified, 1:].sum(axis=0) / max(1, classified.sum())
    return {
        "patterns": len(values),
        "classified": float(classified.mean()),
        **dict(zip(("right", "same", "drift"), means.tolist(), strict=True)),
    }
