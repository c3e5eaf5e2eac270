"""The commands that make and judge models: ``bravais train``, ``export`` and ``evaluate``."""

import json
from pathlib import Path
from typing import Annotated

import typer

_Masters = Annotated[
    Path,
    typer.Option(
        "--master-patterns",
        "-m",
        exists=True,
        file_okay=False,
        help="Folder of master patterns (.npz) with their structures.jsonl.",
    ),
]


def train(
    master_patterns: _Masters,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the run; one broken off goes on.")
    ],
    minutes: Annotated[float, typer.Option(min=0.01, help="Time for the whole run.")] = 90,
    start: Annotated[
        Path | None, typer.Option(help="Checkpoint of another run to start from.")
    ] = None,
) -> None:
    """Train the compact network on simulated patterns."""
    from napari_bravais.training.library import MasterLibrary
    from napari_bravais.training.train import train as train_network

    checkpoint = train_network(MasterLibrary.open(master_patterns), output, minutes, start=start)
    typer.echo(f"Trained: {checkpoint}")


def export(
    run: Annotated[Path, typer.Argument(exists=True, help="Folder of a training run.")],
    master_patterns: _Masters,
    output: Annotated[Path, typer.Option("--output", "-o", help="The .keras file to write.")],
    quality_threshold: Annotated[
        float, typer.Option(help="Patterns of lower quality are not classified.")
    ] = 0.25,
) -> None:
    """Calibrate a trained network and write it as a model with its card."""
    from napari_bravais.training.export import export as export_model
    from napari_bravais.training.library import MasterLibrary

    library = MasterLibrary.open(master_patterns)
    log = json.loads((run / "state.json").read_text())[-1]
    card = {
        "name": output.stem,
        "quality_threshold": quality_threshold,
        "trained_on": {
            "materials": len(library.indices("trained")),
            "patterns": log["patterns"],
            "minutes": round(log["seconds"] / 60, 1),
        },
    }
    typer.echo(f"Written: {export_model(run / 'checkpoint.keras', library, output, card)}")


def evaluate(
    master_patterns: _Masters,
    model: Annotated[
        Path | None, typer.Option(help="A .keras model; the bundled one by default.")
    ] = None,
    real: Annotated[
        Path | None,
        typer.Option(help="Folder of further real patterns, si_* (cF) and fe_* (cI)."),
    ] = None,
    patterns: Annotated[int, typer.Option(min=1, help="Patterns a material.")] = 40,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for accuracy.md and accuracy.json.")
    ] = Path("docs"),
) -> None:
    """Measure a model on simulated and on real patterns."""
    from napari_bravais.model.classifier import Classifier
    from napari_bravais.training.evaluate import evaluate_real, evaluate_simulated
    from napari_bravais.training.library import MasterLibrary
    from napari_bravais.training.report import as_json, as_markdown

    classifier = Classifier.load(model) if model else Classifier.bundled()
    simulated = evaluate_simulated(classifier, MasterLibrary.open(master_patterns), patterns)
    measured = as_json(classifier, simulated, evaluate_real(classifier, real))
    command = f"bravais evaluate -m {master_patterns} --patterns {patterns}"
    page = as_markdown(measured, command + (f" --real {real}" if real else ""))
    output.mkdir(parents=True, exist_ok=True)
    (output / "accuracy.json").write_text(json.dumps(measured, indent=1) + "\n")
    (output / "accuracy.md").write_text(page)
    typer.echo(page)


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command in (train, export, evaluate):
        app.command(rich_help_panel="Making models")(command)
