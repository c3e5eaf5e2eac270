"""What it is worth to average neighbours: the sample scan in more and more noise."""

from dataclasses import replace
from pathlib import Path

import dask.array as da
import numpy as np
from scipy.ndimage import gaussian_filter

from napari_bravais.io.scan import Scan
from napari_bravais.mapping.averaging import averaged
from napari_bravais.mapping.engine import map_phases
from napari_bravais.mapping.pooling import find_phases
from napari_bravais.model.classifier import Classifier

#: Deviations of the noise that is added, in that of the patterns without what is broad in them.
NOISES = (0.0, 1.0, 2.0, 3.0, 5.0)

#: Standard deviation, in pixels, of what is broad.
_BROAD = 8

#: What of the crystals' pixels is told in percent.
_SHARES = ("right", "phase right", "classified")


def evaluate_averaging(scan: Scan, truth: np.ndarray, classifier: Classifier) -> list[dict]:
    """Map a scan in noise, each pattern by itself and averaged with those around.

    Parameters
    ----------
    scan
        The scan, of few enough patterns to be held in memory.
    truth
        Index of each pixel's lattice, shape (ny, nx); negative where there is no crystal.
    classifier
        What maps it.

    Returns
    -------
    list of dict
        Of each of `NOISES`: the ``noise``, and for patterns ``by themselves`` and ``averaged`` the
        shares of the crystals' pixels that are ``classified``, that are classified and ``right``,
        and that are of a phase of the right lattice (``phase right``, by `find_phases`), and the
        mean ``quality``.
    """
    patterns, crystal = scan.patterns.compute().astype(float), truth >= 0
    fine = patterns - gaussian_filter(patterns, (0, 0, _BROAD, _BROAD))
    deviation = fine[crystal].std(axis=(1, 2)).mean()
    rows = []
    for noise in NOISES:
        rng = np.random.default_rng(0)
        seen = patterns + rng.normal(0, noise * deviation, patterns.shape)
        noisy = replace(scan, patterns=da.from_array(seen.clip(0, 255).astype(np.uint8)))
        row: dict = {"noise": noise}
        for name, one in (("by themselves", noisy), ("averaged", averaged(noisy))):
            found = map_phases(one, classifier)
            phases = find_phases(one, found, classifier)
            classified = found.labels[crystal] >= 0
            row[name] = {
                "classified": float(classified.mean()),
                "right": float((found.labels == truth)[crystal].mean()),
                "phase right": float((phases.lattices == truth)[crystal].mean()),
                "quality": float(found.quality[crystal].mean()),
            }
        rows.append(row)
    return rows


def sample_truth(scan: Path) -> np.ndarray:
    """Return the ground truth that lies beside the sample scan, shape (ny, nx)."""
    import tifffile

    return tifffile.imread(scan.with_name(f"{scan.stem}_truth.tif")).astype(int) - 1


def as_markdown(rows: list[dict]) -> str:
    """Return the table of a measurement."""
    lines = [
        "| noise added | right, each pattern by itself | averaged | by phases, by itself "
        "| averaged | classified, by itself | averaged | mean quality | averaged |",
        "|" + "---|" * 9,
    ]
    for row in rows:
        both = [row["by themselves"], row["averaged"]]
        cells = [f"{one[key]:.1%}" for key in _SHARES for one in both]
        cells += [f"{one['quality']:.2f}" for one in both]
        lines.append(f"| {row['noise']:g} | {' | '.join(cells)} |")
    return "\n".join(lines)
