"""The command line: ``bravais demo``, ``bravais map``, ``bravais info``."""

import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from errno import EACCES
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from napari_bravais.fingerprint.cli import app as structure_commands
from napari_bravais.mapping.phase_map import percentage, written_unit
from napari_bravais.training.cli import add_commands

if TYPE_CHECKING:
    from napari_bravais.io.scan import Scan
    from napari_bravais.mapping.phase_map import PhaseMap

app = typer.Typer(
    name="bravais",
    help="Bravais lattice maps of EBSD scans by a neural network, with no list of phases given.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_ScanPath = Annotated[
    Path, typer.Argument(metavar="SCAN", help="Scan in any format that kikuchipy reads.")
]
_OUTPUT_HELP = "Where to write the results; earlier ones there are replaced."


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Turn what users can put right into one line and exit status 1."""
    from napari_bravais.io.scan import ScanError
    from napari_bravais.mapping.cluster import ClusterError
    from napari_bravais.mapping.store import StoreError
    from napari_bravais.model.classifier import ModelError

    try:
        yield
    except (ScanError, ModelError, StoreError, ClusterError) as error:
        _fail(str(error))
    except OSError as error:
        known = error.filename is not None and error.strerror is not None
        _fail(f"{error.filename}: {error.strerror}" if known else str(error))


def _fail(message: str) -> None:
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(1)


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
        Path, typer.Option("--output", "-o", metavar="DIRECTORY", help=_OUTPUT_HELP)
    ] = Path("bravais-demo"),
) -> None:
    """Map the sample scan, rutile needles in quartz (simulated), and check it against the truth."""
    from tifffile import imread

    from napari_bravais.io.sample_data import quartz_rutile_sample_path

    with _plain_errors():
        sample = quartz_rutile_sample_path()
        phase_map = _map(sample, output, fresh=True)
        truth = imread(sample.with_name(f"{sample.stem}_truth.tif")).astype(int) - 1
    right = (phase_map.labels == truth).mean()
    typer.echo(f"Against the ground truth, {percentage(right)} of the pixels are right.")


@app.command("map")
def map_scan(
    scan: _ScanPath,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIRECTORY", help=_OUTPUT_HELP)],
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
) -> None:
    """Map the Bravais lattices of a scan.

    The map grows in OUTPUT/map.zarr. If it is broken off, the same command goes on from there.
    """
    with _plain_errors():
        _map(scan, output, quality_threshold, fresh=fresh, runtime=runtime, scheduler=scheduler)


@app.command()
def info(scan: _ScanPath) -> None:
    """Say what a scan holds."""
    from napari_bravais.io.scan import open_scan

    with _plain_errors():
        opened = open_scan(scan)
        typer.echo(_description(opened))


add_commands(app)
app.add_typer(structure_commands, name="structure")


def _map(
    path: Path,
    directory: Path,
    quality_threshold: float | None = None,
    *,
    fresh: bool = False,
    runtime: str | None = None,
    scheduler: str | None = None,
) -> "PhaseMap":
    """Map a scan, save the results, and say on standard output what was found and where it is."""
    from napari_bravais.io.electron_image import forward_scatter_image
    from napari_bravais.io.results import save_results
    from napari_bravais.io.scan import open_scan
    from napari_bravais.mapping.engine import map_phases
    from napari_bravais.mapping.store import STORE, remove_store
    from napari_bravais.model.backend import fastest_runtime
    from napari_bravais.model.classifier import Classifier

    scan = open_scan(path)
    _require_writable(directory)  # now, not after a night's mapping
    typer.echo(_description(scan))
    patterns = math.prod(scan.navigation_shape)
    classifier = Classifier.bundled(runtime or fastest_runtime(patterns))
    typer.echo(f"Model: {classifier.name}, on {classifier.device}")
    store = directory / STORE
    if fresh:
        remove_store(store)
    with _progress_bar() as progress:
        phase_map = map_phases(scan, classifier, progress, store=store, scheduler=scheduler)
    if quality_threshold is not None:
        phase_map.quality_threshold = quality_threshold
    written = save_results(phase_map, forward_scatter_image(scan), directory)
    typer.echo(_table(phase_map))
    typer.echo("Written:")
    for what, where in written.items():
        typer.echo(f"  {what:<13} {where}")
    return phase_map


def _require_writable(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    if not os.access(directory, os.W_OK):
        raise PermissionError(EACCES, "no permission to write here", str(directory))


@contextmanager
def _progress_bar() -> Iterator[Callable[[int, int], None]]:
    """Show patterns done, patterns a second and the time left on standard error."""
    from tqdm import tqdm

    with ExitStack() as stack:
        bars = []

        def show(done: int, total: int) -> None:
            if not bars:  # not earlier, so that an error at the start stands alone
                bar = tqdm(
                    desc="Mapping",
                    total=total,
                    initial=done,
                    unit=" patterns",
                    file=sys.stderr,
                )
                bars.append(stack.enter_context(bar))
            bars[0].update(done - bars[0].n)

        yield show


def _description(scan: "Scan") -> str:
    (rows, columns), (height, width) = scan.navigation_shape, scan.signal_shape
    step = " x ".join(f"{length:g}" for length in dict.fromkeys(scan.step))
    return (
        f"Scan: {scan.path.name}, {rows} x {columns} patterns of {height} x {width} pixels, "
        f"step {step} {written_unit(scan.step_unit)}"
    )


def _table(phase_map: "PhaseMap") -> str:
    """Return the fractions as lines of text."""
    return "\n".join(
        f"  {lattice.pearson:2}  {lattice.name:25}{pixels:>9}{percentage(fraction):>10}"
        for lattice, pixels, fraction in phase_map.fractions()
    )
