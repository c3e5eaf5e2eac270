"""The command ``bravais simulate``: master patterns of crystals."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from napari_bravais.catalogue import Structure

ALL, EVERYDAY = "all", "everyday"

#: Folder beside master patterns for those of the same crystals with their atoms mixed.
MIXED = "mixed"


def simulate(
    crystals: Annotated[
        list[str],
        typer.Argument(
            help="CIFs, names in the catalogue, Pearson symbols (all of a lattice), 'everyday'"
            " (what people meet often), 'all' (the whole catalogue), master patterns of EMsoft"
            " (.h5) and ebsdsim (.npz) to take in, or a structures.jsonl whose master patterns are"
            " to be simulated anew, as they are named there."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder to write to; what is there is not done again."),
    ],
    energies: Annotated[
        list[float] | None,
        typer.Option(
            "--energy",
            "-e",
            min=5,
            max=40,
            help="Beam energy in keV; again for more than one.",
            show_default="20",
        ),
    ] = None,
    largest: Annotated[
        int, typer.Option(help="Crystals with more atoms in the primitive cell are passed over.")
    ] = 60,
    mixed: Annotated[
        bool,
        typer.Option(
            "--mixed",
            help="Have the atoms of each mixed at random over their places, too, and put that into"
            " OUTPUT/mixed: beside it 'bravais atlas' sees what order adds.",
        ),
    ] = False,
) -> None:
    """Simulate dynamical master patterns, to train on or to look at."""
    from napari_bravais.catalogue import CatalogueError
    from napari_bravais.training.masters import MasterFolder

    try:
        folder = MasterFolder(output)
        files = [c for c in crystals if Path(c).suffix.lower() in (".h5", ".hdf5", ".npz")]
        take_in(folder, files, energies)
        lists = [crystal for crystal in crystals if Path(crystal).suffix.lower() == ".jsonl"]
        folders = {False: folder} | ({True: MasterFolder(output / MIXED)} if mixed else {})
        for path in lists:
            for mix, into in folders.items():
                simulate_anew(into, Path(path), mixed=mix)
        named = [crystal for crystal in crystals if crystal not in (*files, *lists)]
        structures = list(dict.fromkeys(s for name in named for s in chosen(name)))
        fitting = [s for s in structures if primitive_atoms(s) <= largest]
        for mix, into in folders.items():
            simulate_all(into, fitting, energies or [20.0], mixed=mix)
    except (CatalogueError, OSError, ModuleNotFoundError) as error:
        missing = isinstance(error, ModuleNotFoundError)
        hint = ": pip install 'napari-bravais[simulate]'" if missing else ""
        typer.echo(f"Error: {error}{hint}", err=True)
        raise typer.Exit(1) from error
    passed = len(structures) - len(fitting)
    said = f"; {passed} passed over, of more than {largest} atoms" if passed else ""
    typer.echo(f"Written: {output}{said}")


def chosen(name: str) -> list["Structure"]:
    """Return the structures that an argument names.

    Raises
    ------
    CatalogueError
        If it is no name in the catalogue, or the CIF holds no sound structure.
    """
    from napari_bravais import catalogue
    from napari_bravais.lattices import PEARSON_SYMBOLS

    if Path(name).suffix.lower() == ".cif":
        return [catalogue.read_cif(name)]
    if name == ALL:
        return list(catalogue.structures())
    if name == EVERYDAY:
        return [structure for structure in catalogue.structures() if structure.everyday]
    if name in PEARSON_SYMBOLS:
        return catalogue.by_lattice(name)
    return [catalogue.find(name)]


def primitive_atoms(structure: "Structure") -> int:
    """Return the number of atoms in the primitive cell."""
    points = {"P": 1, "F": 4, "R": 3}.get(structure.lattice[1], 2)
    return len(structure.atoms()[0]) // points


def take_in(folder, files: list[str], energies: list[float] | None) -> None:
    """Copy other programs' master patterns into a folder."""
    from napari_bravais.training.masters import read_master

    for path in files:
        for energy in energies or [None]:
            structure, kilovolts, master = read_master(path, energy)
            folder.add(structure, kilovolts, master, f"read from {Path(path).name}")
            typer.echo(f"Taken in: {structure.key}, {kilovolts:g} keV")


def simulate_all(
    folder, structures: list["Structure"], energies: list[float], *, mixed: bool = False
) -> None:
    """Simulate what a folder lacks, and say on standard error how long it will take."""
    from napari_bravais.simulation.dynamical import simulate_master

    jobs = [(s, e) for e in energies for s in structures if not folder.holds(s, e)]
    for structure, energy in with_progress(jobs, lambda job: effort(job[0])):
        master = simulate_master(structure, energy, mixed=mixed)
        folder.add(structure, energy, master, _simulator(mixed))


def simulate_anew(folder, index: Path, *, mixed: bool = False) -> None:
    """Simulate the master patterns that a ``structures.jsonl`` lists, but those that are there."""
    from napari_bravais.simulation.dynamical import simulate_master
    from napari_bravais.training.masters import crystal_of, read_records

    records = read_records(index).values()
    jobs = [(crystal_of(r), r) for r in records if not folder.has(r["file"])]
    for structure, record in with_progress(jobs, lambda job: effort(job[0])):
        if not folder.has(record["file"]):  # another process may have been quicker
            master = simulate_master(structure, record["beam_energy_kev"], mixed=mixed)
            folder.put(record | {"simulation": _simulator(mixed)}, master)


def effort(structure: "Structure") -> float:
    """Return roughly how long a crystal takes: fewer directions to compute, less time."""
    from napari_bravais.catalogue.structure import operations

    rotations = {rotation.tobytes() for rotation, _ in operations(structure.space_group)}
    return 2 + 96 / len(rotations) * primitive_atoms(structure) ** 0.5


def with_progress(jobs: list, weight: Callable[[tuple], float]) -> Iterator[tuple]:
    """Yield jobs, with a bar on standard error that knows what each of them weighs."""
    from tqdm import tqdm

    weights = [weight(job) for job in jobs]
    form = "{percentage:3.0f}%|{bar}| {elapsed} passed, {remaining} left{postfix}"
    with tqdm(total=sum(weights), file=sys.stderr, bar_format=form) as bar:
        for count, (job, own) in enumerate(zip(jobs, weights, strict=True), start=1):
            bar.set_postfix_str(f"{job[0].name}, {count} of {len(jobs)}")
            yield job
            bar.update(own)


def _simulator(mixed: bool) -> str:
    from importlib.metadata import version

    from napari_bravais.simulation.dynamical import MasterSettings

    finer = MasterSettings().oversampling
    said = f"de-ebsd {version('de-ebsd')}, dynamical, averaged over {finer}x{finer} as many pixels"
    return f"{said}, atoms mixed" if mixed else said
