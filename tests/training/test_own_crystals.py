"""A network that gets to know crystals of the user's own."""

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_bravais import catalogue
from napari_bravais.cli import app
from napari_bravais.lattices import lattice
from napari_bravais.mapping.matching.matcher import Matcher
from napari_bravais.model.candidates import MaterialIndex
from napari_bravais.model.classifier import Classifier
from napari_bravais.training.evaluate_patterns import Conditions, take
from napari_bravais.training.library import MasterLibrary


@pytest.fixture
def negative(sample_data, monkeypatch) -> np.ndarray:
    """Have a crystal simulated that shows the negative of quartz; return its master pattern."""
    master = 255 - np.load(sample_data / "master_patterns" / "quartz.npz")["mp"]
    monkeypatch.setattr(
        "napari_bravais.simulation.dynamical.simulate_master",
        lambda structure, energy, *, mixed: master,
    )
    monkeypatch.setattr("napari_bravais.training.simulate._simulator", lambda mixed: "a test")
    return master


def add(*arguments: str):
    return CliRunner().invoke(app, ["add-crystals", *arguments])


def test_a_crystal_of_a_cif_is_known_from_then_on(classifier, negative, tmp_path):
    cif = tmp_path / "mystery.cif"
    cif.write_text(catalogue.to_cif("quartz").replace("Si", "Sn"))
    folder = tmp_path / "mine"
    result = add(str(cif), "-o", str(folder))
    assert result.exit_code == 0, result.output
    assert "Added: mystery, SnO2, hP, space group" in result.output

    own = Classifier.load(folder / "mine.keras")
    assert (own.name, own.checksum) == ("mine", classifier.checksum)
    before, after = MaterialIndex.of(classifier), MaterialIndex.of(own)
    assert after.materials[:-1] == before.materials
    mystery = after.materials[-1]
    assert (mystery.formula, mystery.lattice) == ("SnO2", "hP")
    np.testing.assert_array_equal(after.judged().weights, before.judged().weights)

    library = MasterLibrary.open(known=[folder / "master_patterns"])
    places = np.full(4, library.places([mystery.key])[0])
    centre = (0.5, 0.5, 0.6)
    patterns, _ = take(library, places, Conditions(centre=centre), np.random.default_rng(3))
    prepared = classifier.prepare(patterns)
    probabilities, quality, features = classifier.embed(patterns, pattern_centre=centre)
    for network, right in ((classifier, False), (own, True)):
        matcher = Matcher(network)
        likeliest = matcher.likeliest(matcher.index.log_probabilities(features), most=8)
        held = matcher.hold(prepared, centre, likeliest)
        answers = matcher.lattice_probabilities(held, features, probabilities, quality)
        assert (answers[:, lattice("hP").index] > 0.8).all() == right
        # a column of the network's last layer, too: the last one is the new crystal's
        told = network.crystals(features).argmax(axis=1)
        assert (told == len(own.crystals(features)[0]) - 1).all() == right
        best = held.materials[np.arange(4), held.correlations.argmax(axis=1)]
        assert (best == len(before.materials)).all() == right

    result = add(str(cif), "-o", str(folder))  # once more
    assert result.exit_code == 0 and "Nothing to add: mine.keras knows these" in result.output
    assert len(MaterialIndex.of(own).materials) == len(after.materials)


def test_what_is_wrong_is_said_before_anything_is_simulated_or_written(negative, tmp_path):
    cif = tmp_path / "broken.cif"
    cif.write_text("no crystal")
    result = add(str(cif), "-o", str(tmp_path / "mine"))
    assert result.exit_code == 1 and "broken.cif" in result.output
    missing = tmp_path / "missing.keras"
    result = add("quartz", "-o", str(tmp_path / "mine"), "--model", str(missing))
    assert result.exit_code == 1
    assert "missing.keras: there is no such model file" in " ".join(result.output.split())
    assert not list((tmp_path / "mine").rglob("*.*"))


def test_known_materials_are_listed():
    result = CliRunner().invoke(app, ["materials", "rutil"])
    assert result.exit_code == 0
    assert "rutile, TiO2, tP, space group 136" in result.output
    none = CliRunner().invoke(app, ["materials", "kryptonite"])
    assert none.exit_code == 0 and "0 of" in none.output
