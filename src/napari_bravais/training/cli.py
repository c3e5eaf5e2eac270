"""The commands that make models."""

import json
from pathlib import Path
from typing import Annotated

import typer

#: The option that names a folder of master patterns.
Masters = Annotated[
    list[Path],
    typer.Option(
        "--master-patterns",
        "-m",
        exists=True,
        file_okay=False,
        help="Folder of master patterns (.npz) with their structures.jsonl; may be given again.",
    ),
]

_Architecture = Annotated[
    str, typer.Option(help="compact, or the first seed paper's resnet50 or xception.")
]


def train(
    master_patterns: Masters,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the run; one broken off goes on.")
    ],
    minutes: Annotated[float, typer.Option(min=0.01, help="Time for the whole run.")] = 90,
    start: Annotated[
        Path | None,
        typer.Option(help="Checkpoint of another run, or an exported model, to start from."),
    ] = None,
    heads_only: Annotated[
        bool,
        typer.Option("--heads-only", help="Leave what the start sees: new crystals get a name."),
    ] = False,
    architecture: _Architecture = "compact",
    processes: Annotated[
        int | None,
        typer.Option(min=1, help="Processes that share the work [default: one a core; on a GPU 1]"),
    ] = None,
) -> None:
    """Train a network on simulated patterns."""
    from dask.system import CPU_COUNT

    from napari_bravais.model.backend import device_name
    from napari_bravais.training.library import MasterLibrary
    from napari_bravais.training.together import train_together

    library = MasterLibrary.open(*master_patterns)
    processes = processes or (CPU_COUNT if device_name().startswith("CPU") else 1)
    checkpoint = train_together(
        processes,
        library,
        output,
        minutes,
        start=start,
        architecture=architecture,
        heads_only=heads_only,
    )
    typer.echo(f"Trained: {checkpoint}")


def train_classes(
    master_patterns: Masters,
    classes: Annotated[
        list[str],
        typer.Option(
            "--class",
            "-c",
            help="A class and its materials, NAME=MATERIAL,MATERIAL; give two or more.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the network; one broken off goes on.")
    ],
    patterns: Annotated[int, typer.Option(min=5, help="Patterns of each material.")] = 640,
    architecture: _Architecture = "compact",
    scratch: Annotated[
        bool,
        typer.Option(
            "--scratch", help="Begin with nothing learnt, as the seed did, not the bundled network."
        ),
    ] = False,
) -> None:
    """Train a network on classes of your own, by the first seed paper's procedure.

    Your own phases, say: simulate their CIF files, then name a class for each.
    """
    from napari_bravais.model.classifier import BUNDLED
    from napari_bravais.training.classes import ClassError, ClassSet
    from napari_bravais.training.library import MasterLibrary
    from napari_bravais.training.recipe import score_by_material, train_by_recipe

    library = MasterLibrary.open(*master_patterns)
    try:
        own = ClassSet.parse(classes)
        # what is bundled is a compact network: others have no use for it
        start = BUNDLED if architecture == "compact" and not scratch else None
        network = train_by_recipe(library, own, output, architecture, patterns, typer.echo, start)
    except ClassError as error:
        raise typer.BadParameter(str(error)) from error
    typer.echo("New simulated patterns, 500 of each material:")
    for material, counts in score_by_material(network, library, own, 500).items():
        called = ", ".join(f"{n} {name}" for n, name in zip(counts, own.names, strict=True) if n)
        typer.echo(f"{material}: called {called}")


def export(
    run: Annotated[Path, typer.Argument(exists=True, help="Folder of a training run.")],
    master_patterns: Masters,
    output: Annotated[Path, typer.Option("--output", "-o", help="The .keras file to write.")],
    quality_threshold: Annotated[
        float, typer.Option(help="Patterns of lower quality are not classified.")
    ] = 0.25,
    mean_with: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            metavar="MODEL",
            help="An exported model that the run began with: take the mean of both weights.",
        ),
    ] = None,
    share: Annotated[
        float, typer.Option(min=0, max=1, help="Of the run's weights in that mean.")
    ] = 0.5,
) -> None:
    """Calibrate a trained network and write it as a model with its card."""
    from napari_bravais.training.export import export as export_model
    from napari_bravais.training.library import MasterLibrary

    library = MasterLibrary.open(*master_patterns)
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
    target = export_model(run / "averaged.keras", library, output, card, mean_with, share)
    typer.echo(f"Written: {target}")


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for name, command in (
        ("train", train),
        ("train-classes", train_classes),
        ("export-model", export),
    ):
        app.command(name, rich_help_panel="Making models")(command)
