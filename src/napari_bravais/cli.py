"""The command line: ``bravais demo``, ``bravais map``, ``bravais info``."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from napari_bravais.fingerprint.cli import app as structure_commands
from napari_bravais.mapping.assembly.cli import symmetry
from napari_bravais.mapping.benchmark_cli import add_benchmark_commands
from napari_bravais.mapping.cli import add_map_commands
from napari_bravais.mapping.matching.cli import match
from napari_bravais.mapping.phase_map import percentage
from napari_bravais.mapping.pooling_cli import pattern_centre as find_pattern_centre
from napari_bravais.mapping.pooling_cli import phases
from napari_bravais.terminal import (
    OUTPUT_HELP,
    Average,
    Centre,
    Convention,
    Model,
    ScanPath,
    classifier_at,
    description,
    pattern_centre,
    plain_errors,
    progress_bar,
    require_writable,
    scan_at,
    table,
    tell_written,
)
from napari_bravais.training.cli import add_commands
from napari_bravais.training.judging_cli import add_judging_commands
from napari_bravais.training.own_crystals import add_crystals, materials
from napari_bravais.training.robustness_cli import add_robustness_commands
from napari_bravais.training.simulate import simulate

if TYPE_CHECKING:
    from napari_bravais.io.scan import Scan
    from napari_bravais.mapping.phase_map import PhaseMap

#: Exit status of a command that was broken off by Ctrl-C, as shells have it.
_INTERRUPTED = 130

app = typer.Typer(
    name="bravais",
    help="Bravais lattice maps of EBSD scans by a neural network, with no list of phases given.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"napari-bravais {version('napari-bravais')}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Hold the options that stand before any command."""


@app.command()
def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIRECTORY", help=OUTPUT_HELP)
    ] = Path("bravais-demo"),
) -> None:
    """Map the sample scan, rutile needles in quartz (simulated), and check it against the truth."""
    from tifffile import imread

    from napari_bravais.io.sample_data import quartz_rutile_sample_path
    from napari_bravais.io.scan import open_scan

    with plain_errors():
        sample = quartz_rutile_sample_path()
        phase_map = _map(open_scan(sample), output, fresh=True)
        truth = imread(sample.with_name(f"{sample.stem}_truth.tif")).astype(int) - 1
    right = (phase_map.labels == truth).mean()
    typer.echo(f"Against the ground truth, {percentage(right)} of the pixels are right.")


@app.command("map")
def map_scan(
    scan: ScanPath,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="DIRECTORY",
            help="Where the map grows and the results are written. A finished map of the same scan "
            "is read again, one of another scan or model is refused: see --fresh.",
        ),
    ],
    quality_threshold: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Patterns of lower quality are not classified.",
            show_default="the model's own",
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew, whatever is finished already.")
    ] = False,
    runtime: Annotated[
        Literal["keras", "openvino"] | None,
        typer.Option(help="What computes the network.", show_default="the fastest for the scan"),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Dask scheduler whose workers do the work."),
    ] = None,
    average: Average = False,
    pc: Centre = None,
    convention: Convention = "bruker",
    model: Model = None,
) -> None:
    """Map the Bravais lattices of a scan.

    The map grows in OUTPUT/map.zarr. If it is broken off, the same command goes on from there. The
    network is told the pattern centre where it is known, and reads patterns better for it.
    """
    centre = pattern_centre(pc, convention)
    with plain_errors():
        opened = scan_at(scan, centre, average)
        _map(
            opened,
            output,
            quality_threshold,
            fresh=fresh,
            runtime=runtime,
            scheduler=scheduler,
            model=model,
        )


@app.command()
def info(scan: ScanPath) -> None:
    """Say what a scan holds."""
    from napari_bravais.io.facts import facts_of
    from napari_bravais.io.scan import open_scan

    with plain_errors():
        for title, fact in facts_of(open_scan(scan)).items():
            typer.echo(f"{title + ':':<19}{fact}")


add_map_commands(app)
add_benchmark_commands(app)
app.command()(phases)
app.command("pattern-centre")(find_pattern_centre)
app.command()(match)
app.command()(symmetry)
app.command()(materials)
app.command("add-crystals")(add_crystals)
add_commands(app)
add_judging_commands(app)
add_robustness_commands(app)
app.command(rich_help_panel="Making models")(simulate)
app.add_typer(structure_commands, name="structure")


def _map(
    scan: "Scan",
    directory: Path,
    quality_threshold: float | None = None,
    *,
    fresh: bool = False,
    runtime: str | None = None,
    scheduler: str | None = None,
    model: Path | None = None,
) -> "PhaseMap":
    """Map a scan, save the results, and say on standard output what was found and where it is."""
    from napari_bravais.io.electron_image import forward_scatter_image
    from napari_bravais.io.results import save_results
    from napari_bravais.mapping.engine import map_phases
    from napari_bravais.mapping.store import STORE, remove_store
    from napari_bravais.model.backend import fastest_runtime

    require_writable(directory)  # now, not after a night's mapping
    typer.echo(description(scan))
    patterns = math.prod(scan.navigation_shape)
    classifier = classifier_at(model, runtime or fastest_runtime(patterns))
    typer.echo(f"Model: {classifier.name}, on {classifier.device}")
    store = directory / STORE
    if fresh:
        remove_store(store)
    try:
        with progress_bar() as progress:
            phase_map = map_phases(scan, classifier, progress, store=store, scheduler=scheduler)
    except KeyboardInterrupt:
        typer.echo(f"Broken off; the same command goes on with {store}.", err=True)
        raise typer.Exit(_INTERRUPTED) from None
    if quality_threshold is not None:
        phase_map.quality_threshold = quality_threshold
    written = save_results(phase_map, forward_scatter_image(scan), directory)
    typer.echo(table(phase_map))
    if phase_map.noisy:
        quality = phase_map.quality[phase_map.mapped].mean()
        typer.echo(
            f"The patterns are noisy (mean quality {quality:.2f}): averaged with those around, by "
            "--average --fresh, more may be read right."
        )
    if scan.pattern_centre is None:
        typer.echo(
            f"{scan.path.name} stores no pattern centre, without which fewer patterns are read "
            f"right: `bravais pattern-centre {scan.path}` finds it, and says how to map by it."
        )
    tell_written(written)
    typer.echo(
        "More often right than each pixel by itself are all patterns of a phase: "
        f"`bravais phases {scan.path} -o {directory}`"
    )
    return phase_map
