"""Assembled phases to files."""

import csv
from contextlib import ExitStack
from pathlib import Path

from napari_bravais.io.files import replacing
from napari_bravais.io.results import SYMMETRY_FILES
from napari_bravais.lattices import PEARSON_SYMBOLS
from napari_bravais.mapping.assembly.assembled_phase import AssembledPhase
from napari_bravais.mapping.assembly.figure import save_spheres

_HEAD = (
    *("phase", "grains", "symmetry", "Laue group", "lattices", "agreement"),
    *("material", "P(material)", "correlation"),
)


def save_symmetry(assembled: list[AssembledPhase], directory: str | Path) -> dict[str, Path]:
    """Save what was found of some phases.

    Parameters
    ----------
    assembled
        The phases, at least one.
    directory
        Where to; it must be there.

    Returns
    -------
    dict of str to pathlib.Path
        ``symmetry``: a table, a row a phase: its symmetry, the lattices that have it, how well the
        halves of its patterns agree, the known material whose sphere is most like it, the likeness
        of each symmetry, and the probability of each lattice; and ``spheres``: a figure of them.
    """
    table, figure = (Path(directory) / name for name in SYMMETRY_FILES)
    kinds = tuple(assembled[0].symmetry.likeness)
    with ExitStack() as stack:
        new_table, new_figure = (stack.enter_context(replacing(path)) for path in (table, figure))
        with new_table.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file, lineterminator="\n")
            head = (*_HEAD, *(f"likeness {kind}" for kind in kinds))
            rows.writerow((*head, *(f"P({symbol})" for symbol in PEARSON_SYMBOLS)))
            rows.writerows(_row(one, kinds) for one in assembled)
        save_spheres(assembled, new_figure)
    return {"symmetry": table, "spheres": figure}


def _row(one: AssembledPhase, kinds: tuple[str, ...]) -> list:
    symmetry = one.symmetry
    material = ("", "", "")
    if one.material is not None:
        of, likely, correlation = one.material
        material = (of.name, f"{likely:.4f}", f"{correlation:.3f}")
    return [
        *(one.phase.number + 1, one.grains, symmetry.name, symmetry.laue_group),
        " ".join(symmetry.lattices),
        f"{symmetry.agreement:.3f}",
        *material,
        *(f"{symmetry.likeness[kind]:.3f}" for kind in kinds),
        *(f"{p:.4f}" for p in one.probabilities),
    ]
