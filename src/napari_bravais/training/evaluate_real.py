"""Real patterns: read as they are, and cropped, binned, noisier and turned."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_bravais.lattices import PEARSON_SYMBOLS
from napari_bravais.lattices import lattice as lattice_of
from napari_bravais.model.classifier import Classifier


@dataclass(frozen=True)
class RealSet:
    """Real patterns of one lattice: shape (n, h, w), any real dtype."""

    patterns: np.ndarray
    lattice: str


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
    calibration = [imread(f)[..., :60] for f in sorted((data / "nordif").glob("Cal*.bmp"))]
    sets = {
        "nickel, 3x3 scan, as `bravais map` reads it": (
            scan.data / scan.static_background.astype(float),
            "cF",
        ),
        "the same, static background left in": (scan.data, "cF"),
        "nickel, EDAX HDF5": (kp.load(data / "edax_h5ebsd" / "patterns.h5").data, "cF"),
        "nickel, NORDIF calibration": (np.stack(calibration), "cF"),
    }
    for path in sorted(folder.iterdir()) if folder else ():
        lattice = {"si_": "cF", "fe_": "cI"}.get(path.name[:3])
        if lattice is not None:
            pixels = kp.load(path).data if path.suffix == ".h5" else imread(path)
            sets[path.name] = (pixels, lattice)
    return {
        name: RealSet(pixels.reshape(-1, *pixels.shape[-2:]), lattice)
        for name, (pixels, lattice) in sets.items()
    }


def evaluate_real(classifier: Classifier, sets: dict[str, RealSet]) -> dict[str, dict]:
    """Read real patterns; for each set the patterns, how many are right, and what was answered."""
    results = {}
    for name, real in sets.items():
        probabilities, quality = classifier.assess(real.patterns)
        answers = [PEARSON_SYMBOLS[i] for i in probabilities.argmax(axis=1)]
        true = lattice_of(real.lattice).index
        results[name] = {
            "lattice": real.lattice,
            "patterns": len(real.patterns),
            "right": answers.count(real.lattice),
            "answers": {symbol: answers.count(symbol) for symbol in sorted(set(answers))},
            "probability of the right one": round(float(probabilities[:, true].mean()), 3),
            "quality": round(float(quality.mean()), 3),
        }
    return results


def changes(patterns: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return patterns, shape (n, h, w), changed in ways that should not change the answer."""
    from scipy.ndimage import rotate

    square = middle(patterns, 1.0).astype(np.float32)
    signal = np.abs(square - square.mean(axis=(1, 2), keepdims=True)).mean(axis=(1, 2))
    noise = rng.normal(size=square.shape).astype(np.float32) * signal[:, None, None]
    return {
        "as they are": square,
        "cropped to 90 %": middle(square, 0.9),
        "cropped to 80 %": middle(square, 0.8),
        "binned 2x2": binned(square, 2),
        "noise added, 0.25 of the contrast": square + 0.25 * noise,
        "noise added, 0.5 of the contrast": square + 0.5 * noise,
        "turned by 90°": np.rot90(square, axes=(1, 2)),
        "turned by 180°": np.rot90(square, 2, axes=(1, 2)),
        "mirrored": square[:, :, ::-1],
        # a turned square has corners outside the old one: the inner 70 % has none
        "turned by 15°, inner 70 %": middle(
            rotate(square, 15, axes=(1, 2), reshape=False, order=1), 0.7
        ),
    }


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


def evaluate_steadiness(classifier: Classifier, sets: dict[str, RealSet]) -> dict[str, dict]:
    """Measure how answers to real patterns change with cropping, binning, noise and rotation.

    Returns
    -------
    dict
        For each change: ``patterns``; the shares ``right`` and ``same`` as without the change; and
        ``drift``, the mean distance (half the sum of differences) between the probabilities.
    """
    rng = np.random.default_rng(8)
    before, rows = {}, {}
    for name, real in sets.items():
        true = lattice_of(real.lattice).index
        for change, patterns in changes(real.patterns, rng).items():
            probabilities = classifier.predict(np.ascontiguousarray(patterns))
            answers = probabilities.argmax(axis=1)
            first = before.setdefault(name, probabilities)
            rows.setdefault(change, []).extend(
                zip(
                    answers == true,
                    answers == first.argmax(axis=1),
                    np.abs(probabilities - first).sum(axis=1) / 2,
                    strict=True,
                )
            )
    return {
        change: {
            "patterns": len(values),
            **dict(zip(("right", "same", "drift"), np.mean(values, axis=0).tolist(), strict=True)),
        }
        for change, values in rows.items()
    }
