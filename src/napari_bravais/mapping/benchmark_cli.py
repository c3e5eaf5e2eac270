"""``bravais benchmark``, ``scale`` and ``benchmark-window``: how fast, and in how much memory."""

import json
import os
import subprocess
import sys
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
    app.command(rich_help_panel="Measuring")(benchmark_window)


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
    kills: Annotated[
        int, typer.Option(min=0, help="Kill a second map so often, and compare it with the first.")
    ] = 0,
    output: _Json = None,
) -> None:
    """Map scans of several sizes that are made for it; tell the time and the peak memory."""
    from napari_bravais.mapping.benchmark import measure_scale

    with plain_errors():
        report = measure_scale(patterns, storage, _say, kills)
        lines = [
            f"{row['patterns']:>10} {row['seconds']:>10} {row['peak_memory_mb']:>10}{_killed(row)}"
            for row in report["scale"]
        ]
        _tell(report, "\n".join([f"{'patterns':>10} {'seconds':>10} {'MB':>10}", *lines]), output)


def benchmark_window(
    scan: Annotated[
        Path | None, typer.Argument(help="Scan to measure on.", show_default="one that is made")
    ] = None,
    patterns: Annotated[
        int, typer.Option(min=100, help="Patterns of 60x60 pixels in the scan that is made.")
    ] = 40_000,
    clicks: Annotated[int, typer.Option(min=1, help="Clicks before anything is mapped.")] = 50,
    output: _Json = None,
) -> None:
    """Measure a napari window: from click to overlay, and stalls while a map grows and it is used.

    Without a display it draws on one of its own (Xvfb).
    """
    from napari_bravais.mapping import benchmark as measuring

    with plain_errors(), tempfile.TemporaryDirectory() as folder:
        made = scan or measuring.make_scan(Path(folder) / "scan.h5", patterns)
        # a window and TensorFlow cannot share a process
        command = [sys.executable, "-m", "napari_bravais.gui.benchmark", str(made), str(clicks)]
        process = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if process.returncode:
            raise OSError("the window could not be measured; what is wrong stands above")
        found = json.loads(process.stdout.splitlines()[-1])
    report = {"machine": measuring.machine(), "load_average": os.getloadavg()[0], **found}
    _tell(report, _window_table(report), output)


def _killed(row: dict[str, Any]) -> str:
    """Say how a map fared that was killed, if one was."""
    if "kills" not in row:
        return ""
    return f"  killed {row['kills']} times: {'the same map' if row['same'] else 'ANOTHER MAP'}"


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


def _window_table(report: dict[str, Any]) -> str:
    mapping, idle = report["while_mapping"], report["clicks_while_idle"]
    loop = mapping["event_loop"]
    rows = [
        ("click to overlay, median", idle["median_ms"], idle["window_processor_ms"]),
        (
            "  of it drawing, where there is no GPU",
            "",
            idle["of_it_drawing_without_gpu_ms"],
        ),
        ("click to overlay, longest", idle["longest_ms"], ""),
        ("the same while mapping, median", mapping["clicks"]["median_ms"], ""),
        *((f"stall: {s['during']}", s["ms"], s["processor_ms"]) for s in loop["longest"]),
    ]
    lines = [
        f"{report['patterns']} patterns, mapped at {mapping['patterns_per_second']:.0f} a second; "
        f"load average {report['load_average']:.1f}",
        f"{idle['count']} clicks; processor time of the classifier's process for each: "
        f"{idle['classifier_processor_ms']} ms",
        f"{'':40} {'ms':>8} {'processor':>10}",
        *(f"{name:40} {wall!s:>8} {processor!s:>10}" for name, wall, processor in rows),
        f"stalls over 100 ms: {loop['over_100_ms']} of {loop['looks']} looks; "
        f"by the window's own work: {loop['over_100_ms_of_processor']}",
    ]
    return "\n".join(lines)
