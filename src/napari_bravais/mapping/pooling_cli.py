"""``bravais phases``: the phases of a map, each with one lattice and candidate materials."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_bravais.terminal import (
    Elements,
    Model,
    ScanPath,
    classifier_at,
    fail,
    map_beside,
    plain_errors,
    progress_bar,
    progress_bars,
)

if TYPE_CHECKING:
    from napari_bravais.io.scan import Scan
    from napari_bravais.mapping.phase_map import PhaseMap
    from napari_bravais.model.classifier import Classifier


def phases(
    scan: ScanPath,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            exists=True,
            file_okay=False,
            help="Where `bravais map` left its map; the phases are written beside it.",
        ),
    ],
    elements: Elements = None,
    model: Model = None,
) -> None:
    """Group a map into grains and phases, and pool their evidence: one lattice a phase."""
    from napari_bravais.io.scan import open_scan
    from napari_bravais.mapping.elements import elements_in

    with plain_errors():
        present = elements_in(elements or "")
        opened = open_scan(scan)
        phase_map = map_beside(output, opened, scan)
        classifier = classifier_at(model)
        tell_phases(opened, phase_map, classifier, output, present)


def pattern_centre(scan: ScanPath, model: Model = None) -> None:
    """Find the pattern centre of a scan, without any phase named, by matching.

    For a scan that stores none: to be given as --pc to the other commands.
    """
    from napari_bravais.io.scan import open_scan
    from napari_bravais.mapping.matching.centre import CentreError, find_centre
    from napari_bravais.mapping.matching.matcher import Matcher

    with plain_errors(), progress_bar("Pattern centre", "cameras") as progress:
        classifier = classifier_at(model)
        try:
            found = find_centre(open_scan(scan), classifier, Matcher(classifier), progress)
        except CentreError as error:
            fail(str(error))
    centre = found.centre
    typer.echo(f"Pattern centre {centre}; correlation {found.correlation:.2f}")
    typer.echo(f"  by patterns like {', '.join(found.materials)}")
    by_it = f"--pc={centre.x:.4f},{centre.y:.4f},{centre.z:.4f} --convention bruker"
    typer.echo(f"To map by it: bravais map {scan} -o OUTPUT {by_it}")


def tell_phases(
    scan: "Scan",
    phase_map: "PhaseMap",
    classifier: "Classifier",
    directory: Path,
    elements: Collection[str] | None = None,
) -> None:
    """Find the phases of a map, save them beside it, and say them on standard output.

    Raises
    ------
    ModelError
        If the classifier has no index of materials.
    """
    from napari_bravais.io.electron_image import forward_scatter_image
    from napari_bravais.io.pooled_results import save_pooled
    from napari_bravais.mapping.pooling import find_phases
    from napari_bravais.mapping.seen import as_mapped
    from napari_bravais.mapping.shown_phases import ShownPhases

    seen = as_mapped(scan, phase_map)
    image = forward_scatter_image(scan)  # what cannot be read is said now, not in the end
    with progress_bars() as tell:
        pooled = find_phases(seen, phase_map, classifier, elements=elements, progress=tell)
    written = save_pooled(ShownPhases(pooled, phase_map), image, directory)
    typer.echo(pooled.caption() or "Nothing is classified, so there is no phase.")
    if not all(phase.is_known for phase in pooled.phases):
        typer.echo(
            "Where no known material fits, the lattice is a guess. The patterns alone tell the "
            f"symmetry: `bravais symmetry {scan.path} -o {directory}`"
        )
    what = ("phases", "phase numbers", "grain numbers", "figure (PNG)", "figure (SVG)")
    for name, path in zip(what, written, strict=True):
        typer.echo(f"  {name:<13} {path}")
