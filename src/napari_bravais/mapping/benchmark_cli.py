"""``bravais benchmark`` and ``bravais scale``: how fast, and in how much memory."""

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from napari_bravais.terminal import plain_errors

_Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the numbers to a file, too.")
]


def add_benchmark_commands(app: typer.Typer) -> None:
    """Add the commands to an app."""
    app.command(rich_help_panel="Measuring")(benchmark)
    app.command(rich_help_panel="Measuring")(scale)


def benchmark(
    scan: Annotated[
        Path | None, typer.Argument(help="Scan to measure on.", show_default="one that is made")
    ] = None,
    patterns: Annotated[
        int, typer.Option(min=100, help="Patterns of 60x60 pixels in the scan that is made.")
    ] = 10_000,
    rounds: Annotated[int, typer.Option(min=1, help="How often all is measured.")] = 3,
    output: _Json = None,
) -> None:
    """Measure patterns a second: reading, network, file to map, and Hough indexing."""
    from napari_bravais.io.scan import open_scan
    from napari_bravais.mapping import benchmark as measuring
    from napari_bravais.model.backend import usable_runtimes

    with plain_errors(), tempfile.TemporaryDirectory() as folder:
        made = scan or measuring.make_scan(Path(folder) / "scan.h5", patterns)
        report = measuring.benchmark(open_scan(made), usable_runtimes(), rounds, _say)
        _tell(report, _speed_table(report), output)


def scale(
    patterns: Annotated[list[int], typer.Argument(help="Sizes of scans, in patterns.")],
    storage: Annotated[
        Literal["contiguous", "one", "whole"],
        typer.Option(
            help="How the file keeps its patterns: in a row, one a chunk, or all in one compressed "
            "chunk."
        ),
    ] = "contiguous",
    output: _Json = None,
) -> None:
    """Map scans of several sizes that are made for it; tell the time and the peak memory."""
    from napari_bravais.mapping.benchmark import measure_scale

    with plain_errors():
        report = measure_scale(patterns, storage, _say)
        lines = [
            f"{row['patterns']:>10} {row['seconds']:>10} {row['peak_memory_mb']:>10}"
            for row in report["scale"]
        ]
        _tell(report, "\n".join([f"{'patterns':>10} {'seconds':>10} {'MB':>10}", *lines]), output)


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _tell(report: dict[str, Any], table: str, output: Path | None) -> None:
    """Print the machine and the table; write the report where that is wanted."""
    from napari_bravais.io.files import replacing

    machine = report["machine"]
    typer.echo(f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB")
    typer.echo(table)
    if output is not None:
        with replacing(output) as path:
            path.write_text(json.dumps(report, indent=2) + "\n")


def _speed_table(report: dict[str, Any]) -> str:
    size = "x".join(map(str, report["scan"]["size"]))
    lines = [
        f"{report['scan']['patterns']} patterns of {size} pixels, model {report['model']['name']}, "
        f"load average {report['load_average']:.1f}, peak memory {report['peak_memory_mb']} MB",
        *(f"{name}: {device}" for name, device in report["devices"].items()),
        f"{'':30} {'patterns/s':>10}",
    ]
    lines += [f"{name:30} {rate:10.0f}" for name, rate in report["patterns_per_second"].items()]
    for runtime, ratios in report["compared"].items():
        told = ", ".join(f"{ratio:.2f} {what}" for what, ratio in ratios.items())
        lines.append(f"file to map, {runtime}: {told}")
    return "\n".join(lines)
