"""The commands that measure what scans do to a model: noise, wrong pattern centres, many phases."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from napari_bravais.terminal import Model, classifier_at
from napari_bravais.training.cli import Masters
from napari_bravais.training.judging_cli import Known, Real, tell


def evaluate_averaging(
    model: Model = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for averaging.json.")
    ] = Path("docs"),
) -> None:
    """Map the sample scan in noise, each pattern by itself and averaged with those around."""
    from napari_bravais.io.files import write_json
    from napari_bravais.io.sample_data import quartz_rutile_sample_path
    from napari_bravais.io.scan import open_scan
    from napari_bravais.training import evaluate_averaging as judge

    path, classifier = quartz_rutile_sample_path(), classifier_at(model, whole=False)
    rows = judge.evaluate_averaging(open_scan(path), judge.sample_truth(path), classifier)
    measured = {"model_sha256": classifier.checksum, "rows": rows}
    write_json(output / "averaging.json", measured)
    typer.echo(judge.as_markdown(rows))


def evaluate_centres(
    master_patterns: Masters,
    model: Model = None,
    real: Real = None,
    phases: Annotated[int, typer.Option(min=1, help="Phases of each part.")] = 20,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for centres.json.")] = Path(
        "docs"
    ),
) -> None:
    """Measure what a pattern centre that is off does to matching, and what it is worth to move it.

    Phases are held against the materials that a model is judged by, real patterns against all.
    """
    from napari_bravais.io.files import write_json
    from napari_bravais.mapping.matching.matcher import Matcher
    from napari_bravais.model.candidates import MaterialIndex
    from napari_bravais.training import evaluate_centre as judge
    from napari_bravais.training.evaluate import parts_of
    from napari_bravais.training.evaluate_real import real_patterns
    from napari_bravais.training.library import MasterLibrary

    classifier, judged = (classifier_at(model, whole=whole) for whole in (True, False))
    library = MasterLibrary.open(*master_patterns)
    index, rng = MaterialIndex.of(classifier), np.random.default_rng(13)
    measured = {
        "model_sha256": classifier.checksum,
        "real": judge.evaluate_real_centres(
            classifier, Matcher(classifier, index), real_patterns(real)
        ),
        "simulated": {},
    }
    matcher = Matcher(judged, index.judged())
    for name, own in parts_of(library).items():
        typer.echo(name, err=True)
        drawn = rng.permutation(own)[:phases]
        measured["simulated"][f"{name}, {len(drawn)}"] = judge.evaluate_centres(
            judged, matcher, library, drawn, tell("phases")
        )
    write_json(output / "centres.json", measured)
    typer.echo(judge.as_markdown(measured))


def evaluate_mixtures(
    master_patterns: Masters,
    model: Model = None,
    known: Known = None,
    samples: Annotated[int, typer.Option(min=1, help="Samples of each part.")] = 16,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for mixtures.json.")
    ] = Path("docs"),
) -> None:
    """Find the phases of simulated samples of three materials, by the network and by matching.

    Once with all materials known, as it ships, and once without those that are kept out where the
    model is judged.
    """
    from napari_bravais.io.files import write_json
    from napari_bravais.mapping.matching.matcher import Matcher
    from napari_bravais.model.candidates import MaterialIndex
    from napari_bravais.training import evaluate_mixtures as judge
    from napari_bravais.training.evaluate import parts_of
    from napari_bravais.training.library import MasterLibrary

    library = MasterLibrary.open(*master_patterns, known=known or ())
    parts = {name: own for name, own in parts_of(library).items() if len(own) >= len(judge.GRAINS)}
    measured: dict = {}
    for how, whole in (("known", True), ("not known", False)):
        classifier = classifier_at(model, whole=whole)
        index = MaterialIndex.of(classifier)
        matcher = Matcher(classifier, index if whole else index.judged())
        measured["model_sha256"] = classifier.checksum
        measured[how] = judge.evaluate_mixtures(
            classifier, matcher, library, parts, samples, tell("samples")
        )
        typer.echo(f"{how}\n{judge.as_markdown(measured[how])}")
        write_json(output / "mixtures.json", measured)


def evaluate_maps(
    master_patterns: Masters,
    model: Model = None,
    known: Known = None,
    samples: Annotated[int, typer.Option(min=1, help="Samples of each part.")] = 4,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for maps.json.")] = Path(
        "docs"
    ),
) -> None:
    """Map simulated fine-grained samples of three materials, and find their grains and phases.

    All materials are known, as it ships.
    """
    from napari_bravais.io.files import write_json
    from napari_bravais.training import evaluate_maps as judge
    from napari_bravais.training.evaluate import parts_of
    from napari_bravais.training.library import MasterLibrary

    library = MasterLibrary.open(*master_patterns, known=known or ())
    parts = {name: own for name, own in parts_of(library).items() if len(own) >= 3}
    classifier = classifier_at(model)
    rows = judge.evaluate_maps(classifier, library, parts, samples, tell("samples"))
    measured = {"model_sha256": classifier.checksum, "rows": rows}
    write_json(output / "maps.json", measured)
    typer.echo(judge.as_markdown(rows))


def add_robustness_commands(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command in (evaluate_averaging, evaluate_centres, evaluate_mixtures, evaluate_maps):
        app.command(rich_help_panel="Making models")(command)
