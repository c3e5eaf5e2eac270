"""The first seed paper's point groups: ordered against disordered, tested on new materials."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from napari_bravais.io.files import replacing
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


def evaluate_point_groups(
    library: MasterLibrary,
    folder: Path,
    each: int = 500,
    progress: Callable[[str], None] = print,
) -> dict:
    """Train a network for each pair, and test it on new patterns and on new materials.

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
        progress(name)
        own = ClassSet.parse(trained)
        kept = folder / f"pair-{number + 1}"
        network = train_by_recipe(library, own, kept, progress=progress)
        pairs[name] = {
            "classes": own.names,
            "trained": score_by_material(network, library, own, each),
            "blind": score_by_material(network, library, ClassSet.parse(blind), each),
        }
    return {
        "patterns to train a material": PATTERNS,
        "patterns to test a material": each,
        "pairs": pairs,
    }


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
        "network from scratch (Adam, batches of 32, early stopping),",
        f"{measured['patterns to test a material']} new ones to test.",
        "`bravais point-groups -m MASTERS` made this page. The two classes of a pair differ in",
        "more than their order: B2 and BCC in lattice (cP, cI), L1₂ and the other primitive cubic",
        "ones in structure.",
        "",
        "| pair | material | | right | called |",
        "|---|---|---|---|---|",
    ]
    for name, pair in measured["pairs"].items():
        for part in ("trained", "blind"):
            for label, (material, counts) in enumerate(pair[part].items()):
                right = counts[label] / sum(counts)
                called = ", ".join(
                    f"{c} {n}" for c, n in zip(pair["classes"], counts, strict=True) if n
                )
                what = "trained on, new patterns" if part == "trained" else "**never seen**"
                lines.append(f"| {name} | {material} | {what} | {right:.1%} | {called} |")
    for part, what in (("trained", "the trained materials"), ("blind", "the materials never seen")):
        share = np.mean(
            [
                counts[label] / sum(counts)
                for pair in measured["pairs"].values()
                for label, counts in enumerate(pair[part].values())
            ]
        )
        lines += ["", f"Mean over {what}: {share:.1%}."]
    return "\n".join(lines) + "\n"


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
