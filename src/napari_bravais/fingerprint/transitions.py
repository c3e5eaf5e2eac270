"""From one crystal to another: the paper's figures 4b and 4d."""

import numpy as np

from napari_bravais.fingerprint.classifier import StructureClassifier
from napari_bravais.fingerprint.cluster import fingerprint
from napari_bravais.fingerprint.defects import without_centres
from napari_bravais.fingerprint.files import checked
from napari_bravais.fingerprint.prototypes import prototype

#: bcc elements and their cells, in angstroms.
BCC = {"Li": 3.51, "Na": 4.29, "V": 3.03, "Cr": 2.88, "Fe": 2.87, "Nb": 3.30, "Mo": 3.15, "W": 3.16}

#: c/a at which the rhombohedral prototype is bcc, sc and fcc.
SPECIAL = {"bcc": 0.375**0.5, "sc": 1.5**0.5, "fcc": 6**0.5}


def bcc_to_sc(
    classifier: StructureClassifier, fractions: np.ndarray, samples: int, seed: int = 0
) -> np.ndarray:
    """Return probabilities as central atoms are taken out of bcc crystals.

    Parameters
    ----------
    classifier
        The network.
    fractions
        Of the central atoms, those taken away, shape (n,).
    samples
        Structures a fraction: 6x6x6 cells (432 sites) of the elements of `BCC` in turn.
    seed
        Says which atoms go.

    Returns
    -------
    numpy.ndarray
        Shape (n, samples, 7).
    """
    random = np.random.default_rng(seed)
    elements = list(BCC)
    images = []
    for fraction in fractions:
        for sample in range(samples):
            element = elements[sample % len(elements)]
            atoms = without_centres(6, fraction, random, element=element, a=BCC[element])
            images.append(fingerprint(checked(atoms)))
    return classifier.predict(np.stack(images)).reshape(len(fractions), samples, -1)


def rhombohedral_path(classifier: StructureClassifier, ratios: np.ndarray) -> np.ndarray:
    """Return probabilities, shape (n, 7), of mercury with one atom a rhombohedral cell.

    Parameters
    ----------
    classifier
        The network.
    ratios
        c/a of the hexagonal cell, shape (n,).
    """
    solids = (prototype(166, 80, 3.0, ratio, primitive=True) for ratio in ratios)
    return classifier.predict(np.stack([fingerprint(checked(atoms)) for atoms in solids]))


def path_ratios(steps: int = 161) -> np.ndarray:
    """Return c/a from bcc to five times that, evenly, and exactly bcc, sc and fcc."""
    low = SPECIAL["bcc"]
    return np.unique(np.round([*np.linspace(low, 5 * low, steps), *SPECIAL.values()], 12))
