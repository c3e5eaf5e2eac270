"""``bravais hough``, ``bravais compare`` and ``bravais export``."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from napari_bravais.terminal import (
    Average,
    Centre,
    Convention,
    Output,
    ScanPath,
    description,
    pattern_centre,
    plain_errors,
    progress_bar,
    progress_lines,
    require_writable,
    scan_at,
    table,
    tell_written,
)

if TYPE_CHECKING:
    from orix.crystal_map import Phase

    from napari_bravais.io.figures import FigureOptions
    from napari_bravais.io.scan import Scan
    from napari_bravais.mapping.comparison import Comparison
    from napari_bravais.mapping.indexed_map import IndexedMap
    from napari_bravais.mapping.pattern_centre import PatternCentre
    from napari_bravais.mapping.phase_map import PhaseMap

# What `bravais hough` writes: the kinds of export, and the names of their files.
_HOUGH_FILES = {
    "figure": "hough.png",
    "labels": "hough_labels.tif",
    "fractions": "hough_fractions.csv",
    "pixels": "hough_pixels.csv",
    "crystal_map": "hough.h5",
    "ang": "hough.ang",
    "ctf": "hough.ctf",
}

_Phases = Annotated[
    list[str] | None,
    typer.Option(
        "--phase",
        "-p",
        help="Phase to index by: a name or formula of the catalogue, or a CIF file; may be "
        "repeated. By default, phases are proposed from the network's map.",
    ),
]
_Optimise = Annotated[
    int,
    typer.Option(
        min=0, metavar="N", help="Optimise the pattern centre first, on N patterns of the map."
    ),
]
_OpenCL = Annotated[bool, typer.Option(help="Find bands on a GPU where PyOpenCL sees one.")]
_Progress = Annotated[
    Literal["bar", "lines"],
    typer.Option(
        help="How to tell the progress: by a bar, or, to programs, on standard output by lines of "
        "what is done, patterns done and patterns in all, with tabs between them."
    ),
]
_Width = Annotated[float | None, typer.Option(metavar="MM", help="Width of figures.")]
_Dpi = Annotated[float | None, typer.Option(help="Dots an inch of figures.")]


def hough(
    scan: ScanPath,
    output: Output,
    phase: _Phases = None,
    average: Average = False,
    pc: Centre = None,
    convention: Convention = "bruker",
    optimise: _Optimise = 0,
    opencl: _OpenCL = True,
    width: _Width = None,
    dpi: _Dpi = None,
    progress: _Progress = "bar",
) -> None:
    """Index a scan by Hough transform (PyEBSDIndex), and save the map."""
    from napari_bravais.io.electron_image import forward_scatter_image
    from napari_bravais.io.exports import export as export_map

    options, centre = _figure_options(width, dpi), pattern_centre(pc, convention)
    with plain_errors():
        opened = scan_at(scan, centre, average)
        require_writable(output)
        typer.echo(description(opened))
        phases = _phases(opened, phase, lambda: _network_map(opened))
        telling = progress_lines if progress == "lines" else progress_bar
        indexed = _index(opened, phases, centre, optimise, opencl, telling)
        image = forward_scatter_image(opened)
        written = {}
        for kind, name in _HOUGH_FILES.items():
            written[kind] = export_map(kind, indexed, output / name, image, options)
    typer.echo(table(indexed))
    tell_written(written)


def compare(
    scan: ScanPath,
    output: Output,
    phase: _Phases = None,
    with_: Annotated[
        Path | None,
        typer.Option(
            "--with",
            metavar="MAP",
            help="Compare with this map (.ang, .ctf, .h5 of orix, .npz) instead of indexing.",
        ),
    ] = None,
    stored: Annotated[
        bool, typer.Option("--stored", help="Compare with the map that the scan's file stores.")
    ] = False,
    network: Annotated[
        Path | None,
        typer.Option(
            metavar="MAP",
            help="The network's map (map.npz), or any other.",
            show_default="made now",
        ),
    ] = None,
    average: Average = False,
    pc: Centre = None,
    convention: Convention = "bruker",
    optimise: _Optimise = 0,
    opencl: _OpenCL = True,
    width: _Width = None,
    dpi: _Dpi = None,
) -> None:
    """Compare the network's map with one that was told the phases; draw both beside the image."""
    from napari_bravais.io.electron_image import forward_scatter_image
    from napari_bravais.io.exports import export as export_map
    from napari_bravais.io.exports import export_comparison
    from napari_bravais.io.vendor_maps import read_map
    from napari_bravais.mapping.comparison import compare as compare_maps

    options, centre = _figure_options(width, dpi), pattern_centre(pc, convention)
    with plain_errors():
        opened = scan_at(scan, centre, average)
        require_writable(output)
        typer.echo(description(opened))
        second = read_map(network) if network else _network_map(opened)
        if with_ is not None:
            first = read_map(with_)
        elif stored:
            first = _stored_map(opened)
        else:
            phases = _phases(opened, phase, lambda: second)
            first = _index(opened, phases, centre, optimise, opencl)
        try:
            comparison = compare_maps(first, second)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        image = forward_scatter_image(opened)
        written = export_comparison(comparison, output, image, options)
        report = export_map("report", second, output / "report.html", image, comparison=comparison)
        written["report"] = report
    _tell_comparison(comparison)
    tell_written(written)


def export(
    map_: Annotated[
        Path, typer.Argument(metavar="MAP", help="Map: .npz, .h5 of orix, .ang, .ctf, or a folder.")
    ],
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILES...",
            help="What to write; the endings say the kinds: .png .svg .pdf figure, .tif label "
            "image, .csv table of pixels, .h5 crystal map, .ang, .ctf, .html report, .npz map.",
        ),
    ],
    kind: Annotated[
        str | None,
        typer.Option(
            help="Kind of all files, where the ending leaves a choice: figure, fractions."
        ),
    ] = None,
    scan: Annotated[
        Path | None, typer.Option(help="The map's scan, for the electron image.")
    ] = None,
    layout: Annotated[
        Literal["side by side", "map", "overlay", "with confidence"],
        typer.Option(help="Layout of figures."),
    ] = "side by side",
    width: _Width = None,
    dpi: _Dpi = None,
) -> None:
    """Save a map in other formats."""
    from napari_bravais.io.electron_image import forward_scatter_image
    from napari_bravais.io.exports import export as export_map
    from napari_bravais.io.exports import export_kind
    from napari_bravais.io.scan import open_scan
    from napari_bravais.io.vendor_maps import read_map

    options = _figure_options(width, dpi, layout)
    with plain_errors():
        shown = read_map(map_)
        image = forward_scatter_image(open_scan(scan)) if scan else None
        try:
            for file in files:
                export_map(kind or export_kind(file), shown, file, image, options)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    tell_written({file.suffix.lstrip("."): file for file in files})


def add_map_commands(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command in (hough, compare, export):
        app.command(rich_help_panel="Comparing and exporting maps")(command)


def _figure_options(
    width: float | None, dpi: float | None, layout: str = "side by side"
) -> "FigureOptions":
    from napari_bravais.io.figures import FigureOptions

    try:
        return FigureOptions(width, dpi, layout)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _phases(
    scan: "Scan", names: Sequence[str] | None, network_map: Callable[[], "PhaseMap"]
) -> list["Phase"]:
    """Return the named phases, else those that the network proposes for its map."""
    from napari_bravais.mapping.phases import find_phase, proposed_phases
    from napari_bravais.mapping.pooling import find_phases
    from napari_bravais.model.classifier import Classifier, ModelError

    if names:
        return [find_phase(name) for name in names]
    phase_map = network_map()
    try:
        pooled = find_phases(scan, phase_map, Classifier.bundled()).phases
    except ModelError:  # a model need not know materials
        pooled = ()
    likely = [name for phase in pooled for name, *_ in phase.candidates[:2]]
    phases = proposed_phases(phase_map, likely)
    typer.echo(f"Proposed phases: {', '.join(phase.name for phase in phases) or 'none'}")
    return phases


def _network_map(scan: "Scan") -> "PhaseMap":
    from napari_bravais.mapping.engine import map_phases
    from napari_bravais.model.classifier import Classifier

    with progress_bar() as progress:
        return map_phases(scan, Classifier.bundled(), progress)


def _stored_map(scan: "Scan") -> "IndexedMap":
    from napari_bravais.io.vendor_maps import MapError, stored_map

    found = stored_map(scan.path)
    if found is None:
        raise MapError(f"{scan.path} stores no map")
    return found


def _index(
    scan: "Scan",
    phases: Sequence["Phase"],
    centre: "PatternCentre | None",
    optimise: int,
    opencl: bool,
    telling: Callable = progress_bar,
) -> "IndexedMap":
    """Index a scan, after its pattern centre was optimised if wanted."""
    from napari_bravais.mapping.hough import HoughSettings, hough_map, opencl_device
    from napari_bravais.mapping.pattern_centre import (
        PatternCentre,
        good_pixels,
        optimise_pattern_centre,
        stored_pattern_centre,
    )

    settings = HoughSettings(use_opencl=opencl)
    if optimise:
        start = centre or stored_pattern_centre(scan) or PatternCentre(0.5, 0.25, 0.6)
        fit = optimise_pattern_centre(scan, phases, start, good_pixels(scan, optimise), settings)
        centre = fit.centre
        typer.echo(
            f"Pattern centre: {centre}; on {len(fit.pixels)} patterns the bands fit to "
            f"{fit.fit_after:.2f}° (before: {fit.fit_before:.2f}°), {fit.indexed_after} are "
            f"indexed (before: {fit.indexed_before})"
        )
    device = opencl_device() if opencl else None
    typer.echo(
        f"Hough indexing by PyEBSDIndex, on {device or 'CPU'} (the first time on a machine it is "
        "compiled, which takes a minute or two)"
    )
    with telling("Indexing") as progress:
        return hough_map(scan, phases, centre, settings, progress)


def _tell_comparison(comparison: "Comparison") -> None:
    """Say on standard output how far two maps agree."""
    from napari_bravais.mapping.phase_map import percentage

    def share(value: float) -> str:
        return "nothing to compare" if value != value else percentage(value)

    a, b = comparison.names
    if not comparison.pixels:
        typer.echo(f"{a} against {b[:1].lower() + b[1:]}: no pixel is named by both.")
        return
    typer.echo(f"{a} against {b[:1].lower() + b[1:]}:")
    for where, value, pixels in (
        ("all pixels", comparison.agreement, comparison.pixels),
        ("inside grains", comparison.agreement_inside, comparison.pixels_inside),
        ("at boundaries", comparison.agreement_at_boundaries, comparison.pixels_at_boundaries),
    ):
        typer.echo(f"  {where:14} {share(value):>8} of {pixels} pixels agree")
    kappa = comparison.kappa  # not defined where both maps show the same one lattice
    typer.echo(f"  Cohen's kappa  {'not defined' if kappa != kappa else f'{kappa:8.3f}'}")
    for entry in comparison.by_phase:
        inside = share(entry.agreement_inside)
        typer.echo(f"  {entry.name:22} {share(entry.agreement):>8}, inside grains {inside}")
