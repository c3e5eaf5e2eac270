"""The first seed paper's point groups: ordered against disordered, tested on new materials."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from napari_bravais.io.files import replacing
from napari_bravais.model.classifier import BUNDLED
from napari_bravais.training.classes import ClassSet
from napari_bravais.training.library import MasterLibrary
from napari_bravais.training.recipe import PATTERNS, score_by_material, train_by_recipe

#: Kaufmann et al. (2020), figure 4 and extended data figure 3: trained on, and tested blind on.
PAIRS = {
    "B2 or BCC": (("B2=NiAl", "BCC=Ta"), ("B2=FeAl", "BCC=W")),
    "L1₂ or primitive cubic": (
        ("L1₂=FeNi3", "primitive cubic=Cr3Si"),
        ("L1₂=Ni3Al", "primitive cubic=Mo3Si"),
    ),
    "B1 or FCC": (("B1=TiC", "FCC=Ni"), ("B1=TaC", "FCC=Al")),
}


#: What a network begins with.
STARTS = {"from scratch": None, "from the bundled network": BUNDLED}


def evaluate_point_groups(
    library: MasterLibrary,
    folder: Path,
    each: int = 500,
    progress: Callable[[str], None] = print,
) -> dict:
    """Train networks for each pair, and test them on new patterns and on new materials.

    One begins from scratch, as the seed paper's do, one with the bundled network.

    Parameters
    ----------
    library
        Master patterns.
    folder
        Where the networks are kept.
    each
        Test patterns of each material.
    progress
        Told how far it is.

    Returns
    -------
    dict
        JSON-able: how they were trained, and for each pair what each material was called.
    """
    pairs = {}
    for number, (name, (trained, blind)) in enumerate(PAIRS.items()):
        own = ClassSet.parse(trained)
        pairs[name] = {"classes": own.names}
        for start, model in STARTS.items():
            progress(f"{name}, {start}")
            kept = folder / f"pair-{number + 1}-{start.replace(' ', '-')}"
            network = train_by_recipe(library, own, kept, progress=progress, start=model)
            pairs[name][start] = {
                "trained": score_by_material(network, library, own, each),
                "blind": score_by_material(network, library, ClassSet.parse(blind), each),
            }
    return {
        "patterns to train a material": PATTERNS,
        "patterns to test a material": each,
        "pairs": pairs,
    }


#: What the materials of a test were.
_PARTS = {"trained": "trained on, new patterns", "blind": "**never seen**"}


def page(measured: dict) -> str:
    """Return the page of what was measured, as Markdown."""
    lines = [
        "# Point groups",
        "",
        "Kaufmann et al. (2020) trained three networks to tell an ordered from a disordered",
        "arrangement on one lattice, each on two materials, and tested each on two others. Here",
        "the same on **simulated** patterns of 60x60 pixels with moderate noise, in any",
        "orientation and with usual pattern centres:",
        f"{measured['patterns to train a material']} of each material to train a compact",
        "network (Adam, batches of 32, early stopping),",
        f"{measured['patterns to test a material']} new ones to test. One network begins from",
        "scratch, as the seed's do; one with the bundled network, which has learnt the lattices of",
        "many materials: of those never seen here it knows Al, and none of the other five.",
        "`bravais point-groups -m MASTERS` made this page. The two classes of a pair differ in",
        "more than their order: B2 and BCC in lattice (cP, cI), L1₂ and the other primitive cubic",
        "ones in structure.",
        "",
        f"| pair | material | | right {' | right '.join(STARTS)} |",
        f"|---|---|---|{'---|' * len(STARTS)}",
    ]
    for name, pair in measured["pairs"].items():
        for part, what in _PARTS.items():
            for label, material in enumerate(pair["from scratch"][part]):
                shares = [f"{_right(pair[start][part][material], label):.1%}" for start in STARTS]
                lines.append(f"| {name} | {material} | {what} | {' | '.join(shares)} |")
    for part, what in _PARTS.items():
        means = [
            np.mean(
                [
                    _right(counts, label)
                    for pair in measured["pairs"].values()
                    for label, counts in enumerate(pair[start][part].values())
                ]
            )
            for start in STARTS
        ]
        lines.append(f"| all | mean | {what} | {' | '.join(f'{mean:.1%}' for mean in means)} |")
    return "\n".join(lines) + "\n"


def _right(counts: list[int], label: int) -> float:
    return counts[label] / sum(counts)


def save(measured: dict, folder: Path) -> Path:
    """Write ``point-groups.md`` and ``point-groups.json``; return the page's path."""
    path = folder / "point-groups.md"
    for target, text in (
        (path, page(measured)),
        (path.with_suffix(".json"), json.dumps(measured, ensure_ascii=False) + "\n"),
    ):
        with replacing(target) as temporary:
            temporary.write_text(text, "utf-8")
    return path
