"""The commands that judge a model: ``bravais index`` and ``bravais evaluate``."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from napari_bravais.terminal import Model, classifier_at
from napari_bravais.training.cli import Masters

if TYPE_CHECKING:
    from napari_bravais.model.classifier import Classifier

Real = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        file_okay=False,
        help="Folder of further real patterns, si_* (cF) and fe_* (cI).",
    ),
]

Known = Annotated[
    list[Path] | None,
    typer.Option(
        "--known",
        "-k",
        exists=True,
        file_okay=False,
        help="As -m, of materials that no network was trained on, to be known all the same.",
    ),
]


def index(
    master_patterns: Masters,
    model: Model = None,
    patterns: Annotated[int, typer.Option(min=2, help="Patterns a material.")] = 100,
    known: Known = None,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep",
            help="Leave what the model's index says of materials that it was trained on, and make "
            "the others' part anew.",
        ),
    ] = False,
) -> None:
    """Make the index of materials that a model knows, beside its file."""
    from napari_bravais.model.candidates import MaterialIndex, index_path
    from napari_bravais.training.library import MasterLibrary
    from napari_bravais.training.material_index import make_index

    classifier = classifier_at(model, whole=False)
    library = MasterLibrary.open(*master_patterns, known=known or ())
    made = make_index(
        classifier, library, patterns, keep=MaterialIndex.of(classifier) if keep else None
    )
    about = _made_for(classifier) | {"patterns_a_material": patterns}
    typer.echo(f"Written: {made.save(index_path(classifier.path), about)}")
    typer.echo(f"{len(made.materials)} materials; {made.doubt}")


def atlas(
    master_patterns: Masters,
    model: Model = None,
    ordered: Annotated[
        Path | None,
        typer.Option(help="Folder of 'bravais simulate --mixed': sees order by what it adds."),
    ] = None,
    known: Known = None,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Leave the model's atlas as it is, and add what it lacks."),
    ] = False,
) -> None:
    """Make the atlas that patterns are held against, beside a model's file and its index.

    What a match counts stays as it was, or as it is by default: then 'bravais weigh'.
    """
    from napari_bravais.mapping.matching.atlas import Atlas, atlas_path
    from napari_bravais.model.card import read_card
    from napari_bravais.training.atlas import make_atlas
    from napari_bravais.training.library import MasterLibrary
    from napari_bravais.training.simulate import MIXED

    classifier = classifier_at(model, whole=False)
    library = MasterLibrary.open(*master_patterns, known=known or ())
    both = ordered and tuple(MasterLibrary.open(folder) for folder in (ordered, ordered / MIXED))
    path, there = atlas_path(classifier.path), Atlas.of(classifier) if keep else None
    made = make_atlas(classifier, library, both, tell("materials"), there)
    weighed = read_card(path)["patterns_weighed"] if keep else 0
    made.save(path, _made_for(classifier) | {"patterns_weighed": weighed})
    typer.echo(f"Written: {path}")
    typer.echo(f"{len(made.keys)} materials")


def weigh(
    master_patterns: Masters,
    model: Model = None,
    patterns: Annotated[
        int, typer.Option(min=3, help="Of materials that were trained on; others besides.")
    ] = 450,
) -> None:
    """Fit what a match counts beside what the network says, and write it into the model's atlas."""
    from napari_bravais.mapping.matching.atlas import Atlas, atlas_path
    from napari_bravais.mapping.matching.matcher import Matcher
    from napari_bravais.model.candidates import MaterialIndex
    from napari_bravais.training.library import MasterLibrary
    from napari_bravais.training.weights import weights_of

    whole, judged = (classifier_at(model, whole=whole) for whole in (True, False))
    library, path = MasterLibrary.open(*master_patterns), atlas_path(whole.path)
    kept_out = Matcher(judged, MaterialIndex.of(judged).judged())
    weights = weights_of(
        (whole, Matcher(whole)), (judged, kept_out), library, patterns, tell("cameras")
    )
    about = _made_for(whole) | {"patterns_weighed": patterns}
    replace(Atlas.of(whole), weights=weights).save(path, about)
    typer.echo(f"Written: {path}")
    typer.echo(str(weights))


def _made_for(classifier: "Classifier") -> dict:
    """Return what the card of an index or an atlas says of the model that it was made for."""
    return {"model": classifier.name, "model_sha256": classifier.checksum}


def evaluate_matching(
    master_patterns: Masters,
    model: Model = None,
    real: Real = None,
    patterns: Annotated[int, typer.Option(min=0, help="Patterns of each part.")] = 150,
    phases: Annotated[int, typer.Option(min=0, help="Phases of each part.")] = 35,
    orientations: Annotated[int, typer.Option(min=1, help="Orientations of each phase.")] = 6,
    size: Annotated[
        int, typer.Option(min=30, help="Side in pixels of the patterns, but of those of phases.")
    ] = 60,
    whole: Annotated[
        bool,
        typer.Option(
            "--whole",
            help="Hold against all materials of the index, as users do: also against those that "
            "are kept out where the model is judged.",
        ),
    ] = False,
    known: Known = None,
    energies: Annotated[
        bool,
        typer.Option(
            "--energies",
            help="Measure patterns at other beam energies than the atlas's, and no phases.",
        ),
    ] = False,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for matching.json.")
    ] = Path("docs"),
) -> None:
    """Measure what it adds to hold patterns against the atlas, beside the network alone.

    What is given as 0 stays as matching.json has it, and so do patterns of other sizes or energies
    and, without --real, real ones.
    """
    from napari_bravais.io.files import write_json
    from napari_bravais.mapping.matching.matcher import Matcher
    from napari_bravais.model.candidates import MaterialIndex
    from napari_bravais.training import evaluate_matching as judge
    from napari_bravais.training.evaluate import at_other_energies, parts_of
    from napari_bravais.training.evaluate_real import real_patterns
    from napari_bravais.training.evaluate_real_matching import evaluate_real_matching
    from napari_bravais.training.library import MasterLibrary

    classifier = classifier_at(model, whole=whole)
    library = MasterLibrary.open(*master_patterns, known=known or ())
    index, path = MaterialIndex.of(classifier), output / "matching.json"
    matcher = Matcher(classifier, index if whole else index.judged())
    parts = {name: own for name, own in parts_of(library).items() if len(own)}
    measured = json.loads(path.read_text()) if path.exists() else {}
    measured["model_sha256"] = classifier.checksum
    found = measured.setdefault("whole", {}) if whole else measured
    if real or "real" not in found:
        found |= evaluate_real_matching(classifier, matcher, real_patterns(real))
    title = f"{size}x{size} pixels"
    if energies:
        parts, title, phases = at_other_energies(library), f"{title}, other beam energies", 0
    if patterns:
        single = judge.evaluate_matching(
            classifier, matcher, library, parts, patterns, tell("cameras"), size
        )
        found.setdefault("single patterns", {})[title] = {
            name: {how: asdict(score) for how, score in both.items()}
            for name, both in single.items()
        }
    if phases:
        found["phases"] = judge.evaluate_phases_of(
            classifier, matcher, library, parts, phases, orientations, tell("parts")
        )
    write_json(path, measured)
    typer.echo(judge.as_markdown(measured))


def tell(what: str):
    """Return what says on the terminal how far a long run is."""

    def tell(done: int, of: int) -> None:
        if done % 50 == 0 or of < 50:
            typer.echo(f"{what}: {done} of {of}", err=True)

    return tell


def evaluate(
    master_patterns: Masters,
    model: Model = None,
    real: Real = None,
    patterns: Annotated[int, typer.Option(min=2, help="New patterns of each material.")] = 100,
    varied: Annotated[
        int, typer.Option(min=1, help="Patterns of each everyday material at each noise and size.")
    ] = 8,
    doubtful: Annotated[int, typer.Option(min=1, help="Patterns of each kind of nothing.")] = 300,
    gazes: Annotated[int, typer.Option(min=1, help="Grad-CAMs of each lattice.")] = 30,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for accuracy.md, .json and figures.")
    ] = Path("docs"),
) -> None:
    """Measure a model on simulated and on real patterns."""
    from napari_bravais.io.files import replacing, write_json
    from napari_bravais.training.evaluate import Amounts
    from napari_bravais.training.evaluate import evaluate as measure
    from napari_bravais.training.library import MasterLibrary
    from napari_bravais.training.report import FIGURES, as_markdown
    from napari_bravais.training.report_figures import save_figures

    amounts = Amounts(patterns, varied, doubtful, gazes)
    library = MasterLibrary.open(*master_patterns)
    measured = measure(
        classifier_at(model, whole=False),
        library,
        amounts,
        real,
        lambda what: typer.echo(f"{what} ...", err=True),
    )
    options = " ".join(f"--{name} {number}" for name, number in asdict(amounts).items())
    options += f" --real {real}" if real else ""
    folders = " ".join(f"-m {folder}" for folder in master_patterns)
    command = f"bravais evaluate {folders} {options}"
    page = as_markdown(measured, command)
    save_figures(measured, output / FIGURES)
    write_json(output / "accuracy.json", measured)
    with replacing(output / "accuracy.md") as text:
        text.write_text(page, encoding="utf-8")
    typer.echo(page)


def evaluate_assembly(
    master_patterns: Masters,
    model: Model = None,
    part: Annotated[
        str, typer.Option(help="new type, validation type, blind or trained.")
    ] = "new type",
    patterns: Annotated[int, typer.Option(min=4, help="Patterns of each material.")] = 60,
    most: Annotated[
        int | None, typer.Option(min=1, help="How many materials at most, drawn at random.")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for assembly-PART.jsonl.")
    ] = Path("docs"),
) -> None:
    """Assemble spheres of materials, one of each structure type, and judge their symmetry.

    A minute a material; broken off, the same command goes on.
    """
    from napari_bravais.training import evaluate_assembly as judge
    from napari_bravais.training.library import MasterLibrary

    library = MasterLibrary.open(*master_patterns)
    materials = judge.one_of_each_type(library, part)
    if not materials.size:
        raise typer.BadParameter(f"no materials are {part!r}", param_hint="--part")
    if most is not None:
        materials = np.random.default_rng(1).permutation(materials)[:most]
    log = output / f"assembly-{part.replace(' ', '-')}.jsonl"
    rows = judge.evaluate_assembly(
        classifier_at(model, whole=False), library, materials, patterns, log
    )
    for name, value in judge.summary(rows).items():
        typer.echo(f"{name:36} {value:.3g}")


def centring(
    master_patterns: Masters,
    model: Model = None,
    random: Annotated[int, typer.Option(min=4, help="Random orthorhombic crystals.")] = 4000,
    known: Known = None,
) -> None:
    """Train what tells primitive and centred lattices of one symmetry apart, by their spheres.

    It is of the atlas's crystals, and takes a quarter of an hour.
    """
    from napari_bravais.mapping.matching.atlas import Atlas
    from napari_bravais.terminal import progress_bar
    from napari_bravais.training import centring as train
    from napari_bravais.training.library import MasterLibrary

    classifier = classifier_at(model, whole=False)
    library = MasterLibrary.open(*master_patterns, known=known or ())
    crystals = train.known_crystals(Atlas.of(classifier), library)
    with progress_bar("Random crystals", "crystals") as progress:
        crystals += train.random_crystals(classifier, random, progress)
    networks, right = {}, {}
    for system in train.CELLS:
        own = [crystal for crystal in crystals if crystal.system == system]
        right[system], power = train.judged(own)
        networks[system] = replace(train.fitted(own, train.SEED), power=power)
        typer.echo(
            f"{system:12} {len(own)} crystals; of structure types that are left out "
            f"{right[system]:.0%} right, each by itself"
        )
    typer.echo(f"Written: {train.save(networks, right)}")


def point_groups(
    master_patterns: Masters,
    networks: Annotated[
        Path, typer.Option(help="Where the networks are kept; runs broken off go on.")
    ] = Path("runs/point-groups"),
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for point-groups.md and .json.")
    ] = Path("docs"),
) -> None:
    """Train and test the first seed paper's three pairs of point groups."""
    from napari_bravais.training.library import MasterLibrary
    from napari_bravais.training.point_groups import evaluate_point_groups, save

    library = MasterLibrary.open(*master_patterns)
    measured = evaluate_point_groups(library, networks, progress=lambda t: typer.echo(t, err=True))
    typer.echo(f"Written: {save(measured, output)}")


def add_judging_commands(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    commands = (
        index,
        atlas,
        weigh,
        evaluate,
        evaluate_assembly,
        evaluate_matching,
        centring,
        point_groups,
    )
    for command in commands:
        app.command(rich_help_panel="Making models")(command)
