import json
from pathlib import Path

import kikuchipy
import numpy as np
import pytest
from typer.testing import CliRunner

from napari_bravais import catalogue
from napari_bravais.catalogue.structure import operations
from napari_bravais.cli import app
from napari_bravais.simulation.dynamical import (
    MasterSettings,
    _crystal,
    as_grey_levels,
    folding_group,
    simulate_master,
    smallest_spacing,
)
from napari_bravais.training.masters import (
    MasterFolder,
    file_name,
    read_master,
    read_records,
    record_of,
)
from napari_bravais.training.simulate import chosen, simulate_all, simulate_anew

pytest.importorskip("de_ebsd")

SMALL = MasterSettings(size=41, reflections=400, electrons=2_000, oversampling=1)


def correlation(one, other):
    return np.corrcoef(one.ravel().astype(float), other.ravel().astype(float))[0, 1]


@pytest.fixture(scope="module")
def nickel():
    return simulate_master(catalogue.find("nickel"), 20, SMALL)


@pytest.fixture(scope="module")
def emsoft_file():
    return next(Path(kikuchipy.__file__).parent.rglob("ni_mc_mp_20kv_uint8_gzip_opts9.h5"))


def test_nickel_looks_like_emsofts(nickel, emsoft_file):
    structure, kilovolts, fine = read_master(emsoft_file, 20, size=401)
    master = fine[:, ::10, ::10]  # points of it, as in the simulation, not means of areas
    assert (structure.formula, structure.lattice, kilovolts) == ("Ni", "cF", 20)
    assert master.shape == nickel.shape
    assert correlation(nickel, master) > 0.8


def test_means_of_areas_keep_a_threefold_axis_better_than_points():
    from napari_bravais.mapping.sphere import values_at

    structure = catalogue.find("silicon")
    threefold = np.roll(np.eye(3), 1, axis=0)
    probes = np.random.default_rng(0).normal(size=(2000, 3))
    probes /= np.linalg.norm(probes, axis=1, keepdims=True)

    def likeness(oversampling):
        settings = MasterSettings(61, 400, electrons=2_000, oversampling=oversampling)
        master = simulate_master(structure, 20, settings)
        assert master.shape == (2, 61, 61)
        north = master[0].astype(np.float32)  # silicon is centrosymmetric
        return correlation(values_at(north, probes), values_at(north, probes @ threefold.T))

    points, areas = likeness(1), likeness(3)
    assert areas > points + 0.05


def test_folding_changes_nothing(monkeypatch):
    # a low symmetry in a frame of its own: monoclinic, turned to unique axis c
    structure = catalogue.find("baddeleyite")
    tiny = MasterSettings(size=21, reflections=60, electrons=1_000, oversampling=1)
    folded = simulate_master(structure, 20, tiny)
    monkeypatch.setattr("napari_bravais.simulation.dynamical.folding_group", lambda _: 1)
    assert correlation(simulate_master(structure, 20, tiny), folded) > 0.9999


def test_only_operations_of_the_structure_fold():
    mirror = np.diag([1.0, 1.0, -1.0])
    assert folding_group(np.stack([np.eye(3), mirror])) == 6
    assert folding_group(np.eye(3)[None]) == 1
    about_y = np.diag([-1.0, 1.0, -1.0])
    assert folding_group(np.stack([np.eye(3), about_y])) == 1  # orix's 2 turns about z


@pytest.mark.parametrize("name", ["corundum", "silicon", "ferrite", "quartz"])
def test_the_centring_forbids_what_its_translations_do(name):
    structure = catalogue.find(name)
    crystal, _ = _crystal(structure)
    hkl = np.indices((5, 5, 5)).reshape(3, -1).T - 2
    shifts = [t for r, t in operations(structure.space_group) if np.array_equal(r, np.eye(3))]
    whole = hkl @ np.transpose(shifts)
    expected = np.isclose(whole, np.rint(whole)).all(axis=1)
    np.testing.assert_array_equal(crystal.allowed_by_centering(hkl), expected)
    assert smallest_spacing(structure, 900) > 0


def test_grey_levels_span_the_range():
    levels = as_grey_levels(np.random.default_rng(0).normal(size=(2, 50, 50)))
    assert (levels.min(), levels.max(), levels.dtype) == (0, 255, np.uint8)


def test_a_folder_goes_on_where_it_stopped(tmp_path, monkeypatch):
    done = []

    def quick(structure, energy, *, mixed):
        assert not mixed
        done.append((structure.name, energy))
        return np.zeros((2, 9, 9), np.uint8)

    monkeypatch.setattr("napari_bravais.simulation.dynamical.simulate_master", quick)
    wanted = [catalogue.find("nickel"), catalogue.find("quartz")]
    simulate_all(MasterFolder(tmp_path), wanted[:1], [20.0])
    simulate_all(MasterFolder(tmp_path), wanted, [20.0, 15.0])
    assert done == [("nickel", 20.0), ("quartz", 20.0), ("nickel", 15.0), ("quartz", 15.0)]
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {"structures.jsonl", *(file_name(s, e) for s in wanted for e in (15, 20))}


def test_the_training_library_reads_the_folder(tmp_path, nickel):
    from napari_bravais.training.library import MasterLibrary, is_seed

    folder = MasterFolder(tmp_path)
    large = np.kron(nickel, np.ones((4, 4), np.uint8))[:, :161, :161]
    for name in ("nickel", "baddeleyite"):
        folder.add(catalogue.find(name), 20, large, "a test")
    library = MasterLibrary.open(tmp_path)
    assert library.masters.shape[1:] == (2, 161, 161)
    assert [record["lattice"] for record in library.records][:2] == ["cF", "mP"]
    assert is_seed(library.records[0])


def test_a_folder_is_simulated_anew_under_its_own_names(tmp_path, monkeypatch):
    done = []

    def quick(structure, energy, *, mixed):
        assert not mixed
        done.append((structure.lattice, structure.formula, len(structure.atoms()[0]), energy))
        return np.full((2, 9, 9), 7, np.uint8)

    old, new = MasterFolder(tmp_path / "old"), MasterFolder(tmp_path / "new")
    wanted = {"quartz": 20, "baddeleyite": 15}
    for name, energy in wanted.items():
        old.add(catalogue.find(name), energy, np.zeros((2, 9, 9), np.uint8), "another program")
    monkeypatch.setattr("napari_bravais.simulation.dynamical.simulate_master", quick)
    for _ in range(2):  # what is there is not done again
        simulate_anew(new, tmp_path / "old" / "structures.jsonl")
    assert done == [("hP", "SiO2", 9, 20), ("mP", "ZrO2", 12, 15)]
    before, after = (read_records(f.path / "structures.jsonl") for f in (old, new))
    assert before.keys() == after.keys()
    for name, record in before.items():
        assert np.load(new.path / name)["mp"].max() == 7
        assert after[name].pop("simulation") != record.pop("simulation")
        assert after[name] == record


def test_what_is_no_list_of_master_patterns_is_told(tmp_path):
    listed = tmp_path / "structures.jsonl"
    command = ["simulate", str(listed), "-o", str(tmp_path / "new")]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1 and "No such file" in result.output
    for text, fault in (("nickel", "Expecting value"), ('{"name": "nickel"}', "'file'")):
        listed.write_text(text)
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 1
        said = " ".join(result.output.split())
        assert "structures.jsonl: no list of master patterns" in said and fault in said


def test_of_one_name_in_several_folders_the_last_counts(tmp_path, nickel):
    from napari_bravais.training.library import MasterLibrary

    large = np.kron(nickel, np.ones((4, 4), np.uint8))[:, :161, :161]
    for number, name in enumerate(("old", "new")):
        folder = MasterFolder(tmp_path / name)
        folder.add(catalogue.find("nickel"), 20, large + np.uint8(number), name)
    MasterFolder(tmp_path / "new").add(catalogue.find("quartz"), 20, large, "a test")
    library = MasterLibrary.open(tmp_path / "old", tmp_path / "new")
    assert [record["name"] for record in library.records[:2]] == ["nickel", "quartz"]
    assert library.records[0]["simulation"] == "new"
    np.testing.assert_array_equal(library.masters[0], large + np.uint8(1))


def test_further_known_materials_are_no_trained_ones_and_none_comes_twice(tmp_path, nickel):
    from napari_bravais.training.library import EMSOFT_NICKEL, MasterLibrary

    large = np.kron(nickel, np.ones((4, 4), np.uint8))[:, :161, :161]
    for folder, names in {"trained": ["quartz"], "more": ["TaC", "quartz", "tungsten"]}.items():
        for name in names:
            MasterFolder(tmp_path / folder).add(catalogue.find(name), 20, large, folder)
    trained = MasterLibrary.open(tmp_path / "trained")
    both = MasterLibrary.open(tmp_path / "trained", known=[tmp_path / "more"])
    assert both.records[:2] == trained.records and both.records[1] == EMSOFT_NICKEL
    # the seed's blind materials, too, are known to users, by whatever folder
    assert both.parts.tolist() == ["trained", "trained", "known", "known"]
    assert len(both.masters) == len(both.lattices) == 4
    keys = [record["file"].removesuffix(".npz") for record in both.records]
    np.testing.assert_array_equal(both.places(keys[::-1]), [3, 2, 1, 0])
    with pytest.raises(ValueError, match=r"no master patterns of hP-salt \(1 in all\)"):
        both.places([keys[0], "hP-salt"])


def test_a_record_says_the_whole_crystal():
    record = record_of(catalogue.find("quartz"), 20, "a test")
    assert (record["lattice"], record["space_group"], record["atoms_primitive"]) == ("hP", 152, 9)
    assert len(record["positions"]) == len(record["atomic_numbers"]) == 9
    json.dumps(record)


def test_mixed_atoms_are_a_mean_atom_on_each_place():
    crystal, _ = _crystal(catalogue.find("NiAl"), mixed=True)
    found = {(site.element, tuple(site.position), site.occupancy) for site in crystal.sites}
    places = (0.0, 0.0, 0.0), (0.5, 0.5, 0.5)
    assert found == {(element, place, 0.5) for element in ("Ni", "Al") for place in places}


def test_the_command_mixes_atoms_too(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "napari_bravais.simulation.dynamical.simulate_master",
        lambda structure, energy, *, mixed: np.full((2, 9, 9), int(mixed), np.uint8),
    )
    listed = tmp_path / "one" / "structures.jsonl"
    for crystal, folder in (("NiAl", tmp_path / "one"), (str(listed), tmp_path / "two")):
        command = ["simulate", crystal, "-o", str(folder), "--mixed"]
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 0, result.output
        (name,) = read_records(folder / "structures.jsonl")
        for value, own in enumerate((folder, folder / "mixed")):
            assert np.load(own / name)["mp"].max() == value
            (record,) = read_records(own / "structures.jsonl").values()
            assert ("atoms mixed" in record["simulation"]) == value


def test_names_of_crystals(tmp_path):
    cif = tmp_path / "copper.cif"
    cif.write_text(catalogue.to_cif("copper"))
    assert chosen(str(cif))[0].formula == "Cu"
    assert chosen("oF") == catalogue.by_lattice("oF")
    assert chosen("quartz") == [catalogue.find("quartz")]
    everyday = chosen("everyday")
    assert {"quartz", "cementite", "nickel"} <= {structure.name for structure in everyday}
    assert catalogue.find("argon") not in everyday


def test_the_command_takes_in_another_programs_master(tmp_path, emsoft_file):
    result = CliRunner().invoke(
        app, ["simulate", str(emsoft_file), "-e", "20", "-o", str(tmp_path)]
    )
    assert result.exit_code == 0, result.output
    assert "Ni" in (tmp_path / "structures.jsonl").read_text()
    result = CliRunner().invoke(app, ["simulate", "unobtainium", "-o", str(tmp_path)])
    assert result.exit_code == 1
    assert "not in the catalogue" in result.output


def test_a_single_energy_has_to_be_named(emsoft_file):
    with pytest.raises(catalogue.CatalogueError, match="does not say its beam energy"):
        read_master(emsoft_file)


def test_a_file_that_is_no_master_pattern_is_named(tmp_path):
    path = tmp_path / "scan.h5"
    path.write_bytes(b"nothing")
    with pytest.raises(catalogue.CatalogueError, match=r"scan\.h5"):
        read_master(path)
