"""What all commands share: one-line errors, the progress bar, and how results are told."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from errno import EACCES
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from napari_bravais.mapping.phase_map import percentage, written_unit

if TYPE_CHECKING:
    from napari_bravais.io.scan import Scan
    from napari_bravais.mapping.indexed_map import IndexedMap
    from napari_bravais.mapping.pattern_centre import PatternCentre
    from napari_bravais.mapping.phase_map import PhaseMap
    from napari_bravais.model.classifier import Classifier

#: Argument of commands that read a scan.
ScanPath = Annotated[
    Path, typer.Argument(metavar="SCAN", help="Scan in any format that kikuchipy reads.")
]

OUTPUT_HELP = "Where to write the results; earlier ones there are replaced."

#: Option of commands that write several files.
Output = Annotated[Path, typer.Option("--output", "-o", metavar="DIRECTORY", help=OUTPUT_HELP)]

#: Options of commands to which a pattern centre can be given.
Centre = Annotated[
    str | None,
    typer.Option("--pc", metavar="X,Y,Z", help="Pattern centre.", show_default="the file's own"),
]
Convention = Annotated[
    Literal["bruker", "edax", "oxford"], typer.Option(help="Whose way of giving --pc.")
]

#: Option of commands that may have noisy patterns averaged.
Average = Annotated[
    bool,
    typer.Option(
        "--average",
        help="Average each pattern with those around that show the same (NLPAR): for noisy scans.",
    ),
]

#: Option of commands that propose materials.
Elements = Annotated[
    str | None,
    typer.Option(help="Elements present, as in Fe,Ni,C: they narrow the materials proposed."),
]

#: Option of commands that have patterns read.
Model = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A .keras model; the bundled one by default."),
]


def classifier_at(
    model: Path | None, runtime: str = "keras", *, whole: bool = True
) -> "Classifier":
    """Return the classifier that was named, or else the bundled one; see `Classifier.load`."""
    from napari_bravais.model.classifier import Classifier

    if model is None:
        return Classifier.bundled(runtime, whole=whole)
    return Classifier.load(model, runtime, whole=whole)


def pattern_centre(text: str | None, convention: str) -> "PatternCentre | None":
    """Return the pattern centre that was given; None if none was."""
    from napari_bravais.mapping.pattern_centre import PatternCentre

    if text is None:
        return None
    try:
        x, y, z = (float(part) for part in text.split(","))
        return PatternCentre(x, y, z, convention)
    except ValueError as error:
        raise typer.BadParameter(f"--pc {text}: three numbers, like 0.5,0.25,0.6") from error


def scan_at(path: Path, centre: "PatternCentre | None", average: bool = False) -> "Scan":
    """Open a scan, with the pattern centre that was given, its patterns averaged if so wished."""
    from napari_bravais.io.scan import open_scan
    from napari_bravais.mapping.seen import Seen

    scan = Seen(centre, average).of(open_scan(path))
    if average and not scan.averaged:
        typer.echo(f"{path} has too few rows or columns of patterns to average them.", err=True)
    return scan


def map_beside(directory: Path, scan: "Scan", path: Path) -> "PhaseMap":
    """Return the finished map of a scan that `bravais map` left in a folder."""
    from napari_bravais.io.results import ResultError, load_result

    try:
        found = load_result(directory)
    except FileNotFoundError:
        fail(
            f"{directory}: no finished map is there; `bravais map {path} -o {directory}` makes one"
        )
    except ResultError as error:
        fail(str(error))
    if found.shape != scan.navigation_shape:
        fail(f"{directory}: the map there is not of {path}: they differ in size")
    return found


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn what users can put right into one line and exit status 1."""
    from napari_bravais.catalogue import CatalogueError
    from napari_bravais.io.scan import ScanError
    from napari_bravais.io.vendor_maps import MapError
    from napari_bravais.mapping.cluster import ClusterError
    from napari_bravais.mapping.elements import ElementError
    from napari_bravais.mapping.hough import HoughError
    from napari_bravais.mapping.store import StoreError
    from napari_bravais.model.classifier import ModelError

    users_own = (ScanError, ModelError, StoreError, ClusterError, HoughError, MapError)
    try:
        yield
    except (*users_own, CatalogueError, ElementError) as error:
        fail(str(error))
    except OSError as error:
        known = error.filename is not None and error.strerror is not None
        fail(f"{error.filename}: {error.strerror}" if known else str(error))


def fail(message: str) -> NoReturn:
    """Say what is wrong on standard error, and end with exit status 1."""
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(1)


def require_writable(directory: Path) -> None:
    """Make a directory and see, before hours of work, whether it can be written to."""
    directory.mkdir(parents=True, exist_ok=True)
    if not os.access(directory, os.W_OK):
        raise PermissionError(EACCES, "no permission to write here", str(directory))


@contextmanager
def progress_bar(
    what: str = "Mapping", unit: str = "patterns"
) -> Iterator[Callable[[int, int], None]]:
    """Show patterns (or others) done, how many a second, and the time left on standard error."""
    from tqdm import tqdm

    with ExitStack() as stack:
        bars = []

        def show(done: int, total: int) -> None:
            if not bars:  # not earlier, so that an error at the start stands alone
                bar = tqdm(
                    desc=what,
                    total=total,
                    initial=done,
                    unit=f" {unit}",
                    file=sys.stderr,
                )
                bars.append(stack.enter_context(bar))
            bars[0].update(done - bars[0].n)

        yield show
        for bar in bars:  # what it ended with is not always told
            bar.update(bar.total - bar.n)


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int], None]]:
    """Show how far work of several stages is, a bar a stage, which is told with what is done."""
    with ExitStack() as stack:
        stage, show = "", None

        def tell(what: str, done: int, total: int) -> None:
            nonlocal stage, show
            if what != stage:
                stack.close()
                title, _, unit = what.capitalize().rpartition(": ")
                show = stack.enter_context(progress_bar(title or unit, unit.lower()))
                stage = what
            show(done, total)

        yield tell


@contextmanager
def progress_lines(what: str = "Mapping") -> Iterator[Callable[[int, int], None]]:
    """Tell patterns done and patterns in all on standard output, a line a time, to programs."""
    yield lambda done, total: typer.echo(f"{what}\t{done}\t{total}")


def description(scan: "Scan") -> str:
    """Return what a scan holds as a line of text."""
    (rows, columns), (height, width) = scan.navigation_shape, scan.signal_shape
    step = " x ".join(f"{length:g}" for length in dict.fromkeys(scan.step))
    return (
        f"Scan: {scan.path.name}, {rows} x {columns} patterns of {height} x {width} pixels, "
        f"step {step} {written_unit(scan.step_unit)}"
        + (", each averaged with those around that show the same" if scan.averaged else "")
    )


def table(shown: "PhaseMap | IndexedMap") -> str:
    """Return the fractions as lines of text."""
    return "\n".join(
        f"  {lattice.pearson:2}  {lattice.name:25}{pixels:>9}{percentage(fraction):>10}"
        for lattice, pixels, fraction in shown.fractions()
    )


def tell_written(written: dict[str, Path]) -> None:
    """List the files that were written."""
    typer.echo("Written:")
    for what, where in written.items():
        typer.echo(f"  {what:<13} {where}")
