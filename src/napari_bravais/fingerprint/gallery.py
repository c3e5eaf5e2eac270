"""What the docs show of each class: fingerprints, response maps, templates, and hot copper."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_bravais.fingerprint.classes import CLASS_OF_SPACE_GROUP
from napari_bravais.fingerprint.classifier import StructureClassifier
from napari_bravais.fingerprint.cluster import fingerprint
from napari_bravais.fingerprint.defects import displaced, supercell, thinned
from napari_bravais.fingerprint.figures import draw_images, draw_responses, visible
from napari_bravais.fingerprint.files import checked
from napari_bravais.fingerprint.prototypes import prototype
from napari_bravais.fingerprint.responses import (
    activations,
    class_response,
    most_active,
    response_map,
)
from napari_bravais.fingerprint.symmetry import TOLERANCES, space_group

if TYPE_CHECKING:
    from ase import Atoms

#: An element of each space group: its number, bond length in angstroms, and c/a.
EXAMPLES = {
    139: (49, 3.25, 1.52),  # indium
    141: (50, 3.02, 0.546),  # tin
    166: (80, 3.00, 1.93),  # mercury
    194: (12, 3.20, 1.62),  # magnesium
    221: (84, 3.36, 1.0),  # polonium
    225: (29, 2.56, 1.0),  # copper
    227: (14, 2.35, 1.0),  # silicon
    229: (26, 2.48, 1.0),  # iron
}

#: Temperatures of the copper, in kelvins.
TEMPERATURES = (300, 600, 900, 1200, 1350, 2500)


def example(group: int) -> "Atoms":
    """Return an elemental solid of a space group."""
    return prototype(group, *EXAMPLES[group])


def draw_gallery(classifier: StructureClassifier, folder: Path) -> list[Path]:
    """Draw figures 2c, 2d to f, 5a and 5b of the paper; return where they are."""
    images = {group: fingerprint(checked(example(group))) for group in EXAMPLES}
    titles = {group: f"{CLASS_OF_SPACE_GROUP[group].key} ({group})" for group in EXAMPLES}
    draw_images(
        {titles[group]: visible(image) for group, image in images.items()},
        folder / "fingerprints.png",
    )
    templates = {
        titles[group]: class_response(classifier.model, image) for group, image in images.items()
    }
    draw_images(templates, folder / "templates.png")
    draw_images(_defective_cubic(), folder / "defects.png")
    draw_responses(_filters(classifier.model, images[221]), folder / "responses.png")
    names = ("fingerprints", "defects", "responses", "templates")
    return [folder / f"{name}.png" for name in names]


def _defective_cubic() -> dict[str, np.ndarray]:
    """Return fingerprints of simple cubic polonium with defects, as shown (figure 2d to f)."""
    random = np.random.default_rng(0)
    crystal = supercell(example(221))
    made = {
        "sc": crystal,
        "25 % vacancies": thinned(crystal, 0.25, random),
        "σ = 0.08 Å": displaced(crystal, 0.08, random),
        "60 % vacancies": thinned(crystal, 0.6, random),
    }
    return {title: visible(fingerprint(checked(atoms))) for title, atoms in made.items()}


def _filters(model, image: np.ndarray) -> dict[str, list[np.ndarray]]:
    """Return the maps of the four most active filters of first, third and last convolution."""
    answers = activations(model, image)
    return {
        name: [response_map(model, answers, layer, [each]) for each in most_active(answers[layer])]
        for name, layer in (("1st", "conv1a"), ("3rd", "conv2a"), ("last", "conv3b"))
    }


def heat_copper(classifier: StructureClassifier, samples: int, progress=iter) -> list[dict]:
    """Return how often hot copper is called fcc, by the network and by spglib.

    Parameters
    ----------
    classifier
        The network.
    samples
        Snapshots a temperature, as `hot_copper` takes them.
    progress
        Wraps the temperatures, for a progress bar.
    """
    from napari_bravais.fingerprint.thermal import copper, hot_copper

    fcc = CLASS_OF_SPACE_GROUP[225].index
    rows = []
    for temperature in progress(TEMPERATURES):
        moved = hot_copper(temperature, samples)
        sites = copper(temperature).positions
        off = np.mean([((atoms.positions - sites) ** 2).sum(axis=1).mean() for atoms in moved])
        every = [checked(atoms) for atoms in moved]
        probabilities = classifier.predict(np.stack([fingerprint(atoms) for atoms in every]))
        rows.append(
            {
                "temperature (K)": temperature,
                "snapshots": samples,
                "off the sites, root mean square (Å)": f"{off**0.5:.2f}",
                "network": float((probabilities.argmax(axis=1) == fcc).mean()),
                "mean probability of fcc": float(probabilities[:, fcc].mean()),
                **{
                    f"spglib, {name}": float(
                        np.mean([space_group(atoms, tolerance) == 225 for atoms in every])
                    )
                    for name, tolerance in TOLERANCES.items()
                },
            }
        )
    return rows
