"""The command ``bravais add-crystals``: a network that knows crystals of the user's own, too."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_bravais.terminal import Model, plain_errors

if TYPE_CHECKING:
    from napari_bravais.model.candidates import Material
    from napari_bravais.model.classifier import Classifier
    from napari_bravais.training.library import MasterLibrary

#: Folder of the crystals' master patterns, beside the network.
MASTERS = "master_patterns"

#: Patterns of each crystal that it is told from the others by.
_PATTERNS = 100

#: What is named is likely to be in the sample: as likely as the most usual tenth of materials.
_USUAL = 0.9

_SEED = 105


def add_crystals(
    crystals: Annotated[
        list[str],
        typer.Argument(
            help="CIFs, names in the catalogue, or master patterns at 20 kV by EMsoft (.h5) or "
            "ebsdsim (.npz)."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Folder for the network that knows them: FOLDER/FOLDER.keras. One that is there "
            "gets to know more.",
        ),
    ],
    model: Model = None,
) -> None:
    """Let the network know crystals of your own, beside those that it knows.

    It is not trained for that: their master patterns are simulated, a minute or so each, and
    patterns are held against these as well. Give the other commands --model, or choose the file in
    the window.
    """
    from napari_bravais.model.card import read_card
    from napari_bravais.model.classifier import BUNDLED, Classifier
    from napari_bravais.training.library import USUAL_ENERGY, MasterLibrary
    from napari_bravais.training.simulate import simulate

    with plain_errors():
        target = output / f"{output.resolve().name}.keras"
        begin = target if target.exists() else model or BUNDLED
        read_card(begin)  # now, not after the simulation
        simulate(crystals, output / MASTERS, [USUAL_ENERGY])
        if begin != target:
            copy_model(begin, target)
        added = add_known(Classifier.load(target), MasterLibrary.open(known=[output / MASTERS]))
    for material in added:
        typer.echo(f"Added: {_line(material)}")
    if not added:
        typer.echo(f"Nothing to add: {target.name} knows these, or no master pattern is at 20 kV.")
    typer.echo(f"Written: {target}")


def materials(
    text: Annotated[
        str, typer.Argument(help="Part of a name, formula or lattice; all materials without.")
    ] = "",
    model: Model = None,
) -> None:
    """List the materials that the network knows: name, formula, lattice, space group."""
    from napari_bravais.model.candidates import MaterialIndex, index_path
    from napari_bravais.model.card import read_card
    from napari_bravais.model.classifier import BUNDLED

    path = model or BUNDLED
    with plain_errors():
        known = MaterialIndex.load(index_path(path), read_card(path)["sha256"]).materials
    lines = sorted((_line(material) for material in known), key=str.lower)
    found = [line for line in lines if text.lower() in line.lower()]
    typer.echo("\n".join(found))
    typer.echo(f"{len(found)} of {len(known)} materials", err=True)


def _line(material: "Material") -> str:
    return (
        f"{material.name}, {material.formula}, {material.lattice}, "
        f"space group {material.space_group}"
    )


def copy_model(model: Path, target: Path) -> None:
    """Copy a network with its index and its atlas; it is called as the new file is.

    Raises
    ------
    ModelError
        If one of the files is missing or damaged.
    """
    from napari_bravais.io.files import replacing
    from napari_bravais.mapping.matching.atlas import Atlas, atlas_path
    from napari_bravais.model.candidates import MaterialIndex, index_path
    from napari_bravais.model.card import read_card

    card = read_card(model)
    about = {"model": target.stem, "model_sha256": card["sha256"]}
    MaterialIndex.load(index_path(model), card["sha256"]).save(index_path(target), about)
    Atlas.load(atlas_path(model), card["sha256"]).save(atlas_path(target), about)
    with replacing(target.with_suffix(".json")) as temporary:
        text = json.dumps(card | {"name": target.stem}, indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    with replacing(target) as temporary:  # last: with it all is there
        shutil.copy(model, temporary)


def add_known(classifier: "Classifier", library: "MasterLibrary") -> list["Material"]:
    """Add a library's known materials to the index and the atlas beside a network.

    Parameters
    ----------
    classifier
        The network.
    library
        Master patterns; of those of the part ``"known"`` what the index lacks is added.

    Returns
    -------
    list of Material
        What was added.
    """
    import numpy as np

    from napari_bravais.mapping.matching.atlas import Atlas, atlas_path
    from napari_bravais.model.candidates import MaterialIndex, index_path
    from napari_bravais.training.atlas import make_atlas
    from napari_bravais.training.evaluate_patterns import read
    from napari_bravais.training.material_index import material_of, materials_of, with_more

    index = MaterialIndex.of(classifier)
    there = {material.key for material in index.materials}
    every = [(i, material_of(library.records[i])) for i in materials_of(library, "known")]
    new = [(i, material) for i, material in every if material.key not in there]
    about = {"model": classifier.name, "model_sha256": classifier.checksum}
    if new:
        places, materials = zip(*new, strict=True)
        features = read(classifier, library, np.array(places), _PATTERNS, seed=_SEED).features
        usual = np.quantile(index.prior, _USUAL)
        shares = np.full(len(new), usual / (1 + usual * len(new)))
        index = with_more(index, classifier, materials, features, shares)
        index.save(index_path(classifier.path), about)
    # also what an earlier command, broken off, left out
    atlas = make_atlas(classifier, library, keep=Atlas.of(classifier))
    atlas.save(atlas_path(classifier.path), about)
    return [material for _, material in new]
