"""The commands of atomic structures: ``bravais structure FILE`` and its further commands."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

DOCS = Path("docs/fingerprint")


class _FileOrCommand(TyperGroup):
    """A group of commands in which a first word that is no command is a file to classify."""

    def parse_args(self, ctx, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["classify", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_FileOrCommand,
    no_args_is_help=True,
    help="Tell the crystal class of an atomic structure, defects and all: bravais structure FILE.",
    epilog="bravais structure FILE is short for bravais structure classify FILE.",
)

_Output = Annotated[
    Path, typer.Option("--output", "-o", help="Folder for the table or figure and its numbers.")
]
_Number = Annotated[int, typer.Option("--structures", "-n", min=1, help="Structures a cell.")]
_Types = Annotated[
    str | None,
    typer.Option("--types", help="Elements of LAMMPS atom types 1, 2, ...: for example Fe,C."),
]
_File = Annotated[
    Path, typer.Argument(metavar="FILE", help="CIF, POSCAR, extxyz, LAMMPS; what ASE reads.")
]
_MAKING = "Making the network"
_PAPER = "As in the paper, and beyond"


@app.command()
def classify(
    file: _File,
    types: _Types = None,
    figure: Annotated[
        Path | None, typer.Option(help="Draw fingerprint, response map and probabilities (.png).")
    ] = None,
) -> None:
    """Say a structure's class, its probabilities, and spglib's answers."""
    with _plain_errors():
        from napari_bravais.fingerprint.answer import answer, symbol
        from napari_bravais.fingerprint.classes import CLASSES
        from napari_bravais.fingerprint.classifier import StructureClassifier
        from napari_bravais.fingerprint.files import read_structure

        atoms = read_structure(file, types.split(",") if types else None)
        said = answer(atoms, StructureClassifier.bundled())
        typer.echo(f"{file.name}: {said.formula}, {said.atoms} atoms")
        typer.echo(f"Class: {said.crystal_class.key}, {said.crystal_class.name}")
        for each in CLASSES:
            typer.echo(f"  {each.key:7}{said.probabilities[each.index]:>8.1%}")
        if not said.space_groups:
            typer.echo("spglib was not asked: no cell, or too many atoms")
        for name, number in said.space_groups.items():
            typer.echo(f"spglib, {name:7} {symbol(number)}")
        if figure:
            from napari_bravais.fingerprint.figures import draw_answer

            draw_answer(said, figure)
            typer.echo(f"Written: {figure}")


@app.command("map")
def map_locally(
    file: Annotated[
        str, typer.Argument(help="A structure file, or boundary or inclusion: made-up iron.")
    ],
    output: _Output = DOCS,
    step: Annotated[float, typer.Option(help="Distance of places, in angstroms.")] = 3.5,
    depth: Annotated[
        float, typer.Option(min=0, max=1, help="Where the slice is along the third axis.")
    ] = 0.5,
    types: _Types = None,
) -> None:
    """Map the class over a slice of a large structure with a sliding window."""
    with _plain_errors():
        from tqdm import tqdm

        from napari_bravais.fingerprint.figures import draw_local
        from napari_bravais.fingerprint.files import read_structure
        from napari_bravais.fingerprint.local import bicrystal, boxed, local_map

        if file in ("boundary", "inclusion"):
            atoms = bicrystal(file)
        else:
            atoms = boxed(read_structure(file, types.split(",") if types else None))
        probabilities, _ = local_map(_bundled(), atoms, step, depth, tqdm)
        path = output / f"map-{Path(file).stem}.png"
        draw_local(atoms, probabilities, path)
        typer.echo(f"Written: {path}")


@app.command(rich_help_panel=_PAPER)
def table(number: _Number = 500, output: _Output = DOCS) -> None:
    """Table 1: accuracy against displacements and vacancies, ours and spglib's."""
    from tqdm import tqdm

    from napari_bravais.fingerprint.evaluate import table_1

    _save_cells(table_1(_bundled(), number, tqdm), output / "table1")


@app.command(rich_help_panel=_PAPER)
def further(number: _Number = 240, output: _Output = DOCS) -> None:
    """Heavier vacancies, alloys, larger displacements, displacements with vacancies."""
    from tqdm import tqdm

    from napari_bravais.fingerprint.evaluate import further_table

    _save_cells(further_table(_bundled(), number, tqdm), output / "further")


@app.command(rich_help_panel=_PAPER)
def centres(
    samples: Annotated[int, typer.Option(min=2, help="Structures a fraction.")] = 24,
    output: _Output = DOCS,
) -> None:
    """Figure 4b: from bcc to sc as central atoms go."""
    import numpy as np

    from napari_bravais.fingerprint.figures import draw_bcc_to_sc
    from napari_bravais.fingerprint.transitions import bcc_to_sc

    fractions = np.linspace(0, 1, 21)
    probabilities = bcc_to_sc(_bundled(), fractions, samples)
    draw_bcc_to_sc(fractions, probabilities, output / "bcc-to-sc.png")
    _save_means("centres removed", fractions, probabilities.mean(axis=1), output / "bcc-to-sc.json")


@app.command(rich_help_panel=_PAPER)
def path(
    steps: Annotated[int, typer.Option(min=2, help="Axial ratios.")] = 161, output: _Output = DOCS
) -> None:
    """Figure 4d: the rhombohedral path through bcc, sc and fcc."""
    from napari_bravais.fingerprint.figures import draw_path
    from napari_bravais.fingerprint.transitions import SPECIAL, path_ratios, rhombohedral_path

    ratios = path_ratios(steps)
    probabilities = rhombohedral_path(_bundled(), ratios)
    draw_path(ratios, probabilities, SPECIAL, output / "rhombohedral-path.png")
    _save_means("c/a", ratios, probabilities, output / "rhombohedral-path.json")


@app.command(rich_help_panel=_PAPER)
def responses(output: _Output = DOCS) -> None:
    """Figures 2c and 5: fingerprints, response maps and class templates."""
    from napari_bravais.fingerprint.classifier import StructureClassifier
    from napari_bravais.fingerprint.gallery import draw_gallery

    for written in draw_gallery(StructureClassifier.bundled(), output):
        typer.echo(f"Written: {written}")


@app.command(rich_help_panel=_PAPER)
def thermal(
    number: Annotated[
        int, typer.Option("--structures", "-n", min=1, help="Snapshots a temperature.")
    ] = 4,
    output: _Output = DOCS,
) -> None:
    """Copper in molecular dynamics from 300 K until it melts, ours and spglib's."""
    from tqdm import tqdm

    from napari_bravais.fingerprint.figures import draw_thermal
    from napari_bravais.fingerprint.gallery import heat_copper

    rows = heat_copper(_bundled(), number, tqdm)
    _save_rows(rows, output / "thermal")
    draw_thermal(rows, output / "thermal.png")


@app.command(rich_help_panel=_PAPER)
def calibration(
    number: Annotated[int, typer.Option("--structures", "-n", min=10, help="Structures.")] = 800,
    output: _Output = DOCS,
) -> None:
    """How far probabilities can be trusted, on structures with all degrees of defects."""
    import numpy as np

    from napari_bravais.fingerprint.classifier import calibrated, softmax
    from napari_bravais.fingerprint.evaluate import calibration_error, calibration_sample
    from napari_bravais.fingerprint.figures import draw_calibration

    classifier = _bundled()
    images, classes = calibration_sample(number)
    logits = classifier.logits(images)
    temperature = classifier.card["temperature"]
    answers = {"raw": softmax(logits), "calibrated": calibrated(logits, temperature)}
    rows = [
        {
            "probabilities": name,
            "structures": number,
            "accuracy": float(np.mean(probabilities.argmax(axis=1) == classes)),
            "mean confidence": float(probabilities.max(axis=1).mean()),
            "expected calibration error": calibration_error(probabilities, classes),
        }
        for name, probabilities in answers.items()
    ]
    _save_rows(rows, output / "calibration")
    draw_calibration(answers, classes, output / "calibration.png")


@app.command(rich_help_panel=_PAPER)
def speed(number: _Number = 40, output: _Output = DOCS) -> None:
    """Processor time of one fingerprint, on one core."""
    from napari_bravais.fingerprint.speed import times

    _save_rows(times(number), output / "speed")


@app.command(rich_help_panel=_MAKING)
def dataset(
    output: Annotated[Path, typer.Argument(help="Folder for the set.")],
    number: Annotated[int, typer.Option("--structures", "-n", min=8)] = 10_000,
) -> None:
    """Make the pristine set that the network learns from."""
    from napari_bravais.fingerprint.dataset import make_dataset

    make_dataset(output, number)


@app.command(rich_help_panel=_MAKING)
def train(
    dataset: Annotated[Path, typer.Argument(exists=True, help="Folder of the set.")],
    run: Annotated[Path, typer.Argument(help="Folder of the run; one broken off goes on.")],
    epochs: Annotated[int, typer.Option(min=1)] = 5,
) -> None:
    """Train the network, as published."""
    from napari_bravais.fingerprint.train import train as train_network

    typer.echo(f"Trained: {train_network(dataset, run, epochs)}")


@app.command(rich_help_panel=_MAKING)
def export(
    run: Annotated[Path, typer.Argument(exists=True, help="Folder of the run.")],
    dataset: Annotated[Path, typer.Argument(exists=True, help="Folder of its set.")],
    target: Annotated[Path, typer.Argument(help="The .keras file to write.")],
) -> None:
    """Calibrate a trained network and write it with its card."""
    from napari_bravais.fingerprint.export import export as export_model

    export_model(run, dataset, target)
    typer.echo(target.with_suffix(".json").read_text())


def _bundled():
    from napari_bravais.fingerprint.classifier import StructureClassifier

    return StructureClassifier.bundled()


def _save_cells(cells, stem: Path) -> None:
    """Write accuracies as a table and as numbers, and print the table."""
    _save_rows(
        [
            {
                "defect": cell.defect,
                "structures": cell.structures,
                "network": cell.network,
                **{f"spglib, {name}": right for name, right in cell.spglib.items()},
            }
            for cell in cells
        ],
        stem,
    )


def _save_rows(rows: list[dict], stem: Path) -> None:
    """Write rows as a Markdown table and as JSON; fractions become percentages."""
    from napari_bravais.io.files import replacing

    def written(value) -> str:
        return f"{100 * value:.2f}" if isinstance(value, float) and value <= 1 else str(value)

    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    lines += ["| " + " | ".join(map(written, row.values())) + " |" for row in rows]
    stem.parent.mkdir(parents=True, exist_ok=True)
    for suffix, text in (
        (".md", "\n".join(lines) + "\n"),
        (".json", json.dumps(rows, indent=1, ensure_ascii=False) + "\n"),
    ):
        with replacing(stem.with_suffix(suffix)) as temporary:
            temporary.write_text(text, encoding="utf-8")
    typer.echo("\n".join(lines))


def _save_means(what: str, values, probabilities, target: Path) -> None:
    """Write probabilities against a quantity as JSON, and print where each class begins to lead."""
    from napari_bravais.fingerprint.classes import CLASSES
    from napari_bravais.io.files import replacing

    numbers = {what: [round(float(value), 6) for value in values]}
    for each in CLASSES:
        numbers[each.key] = [round(float(p), 4) for p in probabilities[:, each.index]]
    with replacing(target) as temporary:
        temporary.write_text(json.dumps(numbers) + "\n")
    before = None
    for value, likeliest in zip(values, probabilities.argmax(axis=1), strict=True):
        if likeliest != before:
            typer.echo(f"from {what} = {value:.4f}: {CLASSES[likeliest].key}")
        before = likeliest


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Turn what users can put right into one line and exit status 1."""
    from napari_bravais.fingerprint.files import StructureError
    from napari_bravais.model.card import ModelError

    try:
        yield
    except (StructureError, ModelError, OSError, ValueError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
