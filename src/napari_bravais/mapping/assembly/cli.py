"""``bravais symmetry``: the symmetry of a map's phases, by the sphere of their patterns."""

from pathlib import Path
from typing import Annotated

import typer

from napari_bravais.terminal import (
    Centre,
    Convention,
    Model,
    ScanPath,
    classifier_at,
    fail,
    map_beside,
    pattern_centre,
    plain_errors,
    progress_bar,
    scan_at,
    tell_written,
)


def symmetry(
    scan: ScanPath,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            exists=True,
            file_okay=False,
            help="Where `bravais phases` left the phases; the symmetry is written beside them.",
        ),
    ],
    phase: Annotated[
        list[int] | None,
        typer.Option(help="Number of a phase, from 1; may be repeated. By default all phases."),
    ] = None,
    pc: Centre = None,
    convention: Convention = "bruker",
    model: Model = None,
) -> None:
    """Assemble the patterns of each phase to one sphere, and find its rotation axes.

    No material is assumed, nor any orientation. The sphere is then held against those of known
    materials. It takes half a minute or more a phase.
    """
    from napari_bravais.io.pooled_results import load_pooled
    from napari_bravais.io.results import ResultError
    from napari_bravais.mapping.assembly.assembled_phase import AssemblyError, assemble_phase
    from napari_bravais.mapping.assembly.saving import save_symmetry
    from napari_bravais.mapping.matching.centre import ready_to_match
    from napari_bravais.mapping.seen import Seen, as_mapped

    with plain_errors():
        centre, opened = pattern_centre(pc, convention), scan_at(scan, None)
        phase_map = map_beside(output, opened, scan)
        try:
            pooled = load_pooled(output)
        except ResultError as error:
            fail(str(error))
        if pooled is None:
            fail(f"{output}: no phases are there; `bravais phases {scan} -o {output}` finds them")
        numbers = [number - 1 for number in phase or []] or range(len(pooled.phases))
        for number in numbers:
            if not 0 <= number < len(pooled.phases):
                fail(f"--phase {number + 1}: {output} has phases 1 to {len(pooled.phases)}")
        opened, classifier = Seen(centre).of(as_mapped(opened, phase_map)), classifier_at(model)
        with progress_bar("Pattern centre", "cameras") as progress:
            # given by hand it is another beginning than that of the phases
            found = None if centre else pooled.pattern_centre
            ready = ready_to_match(opened, classifier, found, progress)
        if ready.note:
            typer.echo(ready.note)
        assembled = []
        for number in numbers:
            try:
                with progress_bar(f"Phase {number + 1}", "steps") as progress:
                    one = assemble_phase(
                        *(ready.scan, phase_map.quality, pooled, number, classifier),
                        *(ready.matcher, progress),
                    )
            except AssemblyError as error:
                typer.echo(f"{error}.")
                continue
            typer.echo(one.caption())
            assembled.append(one)
        if not assembled:
            fail("No phase could be assembled.")
        tell_written(save_symmetry(assembled, output))
