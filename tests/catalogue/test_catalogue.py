import time
from collections import Counter

import numpy as np
import pytest
import spglib

from napari_bravais import catalogue
from napari_bravais.catalogue.standard import formula_of, lattices_by_tolerance
from napari_bravais.lattices import PEARSON_SYMBOLS, lattice_of_space_group


def test_every_lattice_has_many_structures():
    counts = Counter(structure.lattice for structure in catalogue.structures())
    assert set(counts) == set(PEARSON_SYMBOLS)
    assert min(counts.values()) >= 40
    assert sum(counts.values()) >= 600


def test_keys_are_unique_and_fit_for_files():
    keys = [structure.key for structure in catalogue.structures()]
    assert len(set(keys)) == len(keys)
    assert not any(set(key) & set("/\\ :*?\"<>|'") for key in keys)


def test_the_everyday_comes_first():
    ranks = [structure.rank for structure in catalogue.structures()]
    assert ranks == sorted(ranks)
    assert {s.name for s in catalogue.structures() if s.seed} >= {
        *("nickel", "quartz", "rutile", "forsterite", "enstatite", "V8C7", "Fe4Al13", "TiSi2")
    }


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_spglib_finds_the_stored_space_group_and_the_lattice_at_every_tolerance(rank):
    own = [s for s in catalogue.structures() if s.rank == rank and len(s.atoms()[0]) < 60]
    for structure in own[:: 1 if rank == 0 else 12]:
        numbers, positions = structure.atoms()
        crystal = (structure.cell_vectors(), positions, numbers)
        assert spglib.get_symmetry_dataset(crystal, symprec=0.01).number == structure.space_group
        assert set(lattices_by_tolerance(*crystal).values()) == {structure.lattice}, structure.key


def test_formula_and_sites_agree():
    for structure in catalogue.structures()[::7]:
        assert formula_of(structure.atoms()[0].tolist()) == structure.formula


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Quartz", "hP-quartz-SiO2"),
        ("alpha-fe", "cI-ferrite-Fe"),
        ("Al2O3", "hR-corundum-Al2O3"),
        ("aluminum", "cF-aluminium-Al"),
    ],
)
def test_find_by_name_alias_and_formula(name, key):
    assert catalogue.find(name).key == key


def test_an_unknown_name_says_what_is_near():
    with pytest.raises(catalogue.CatalogueError, match=r"near it: .*quartz"):
        catalogue.find("quarz")


def test_search_puts_what_begins_so_first():
    found = [structure.name for structure in catalogue.search("magne")]
    assert "magnesium" in found
    assert found[0].startswith("magne")


def test_by_lattice_and_by_elements():
    assert all(s.lattice == "oF" for s in catalogue.by_lattice("oF"))
    with pytest.raises(ValueError, match="Bravais"):
        catalogue.by_lattice("xX")
    names = {s.name for s in catalogue.by_elements({"Fe", "C"})}
    assert {"ferrite", "austenite", "cementite"} <= names
    assert "nickel" not in names


def test_the_phase_holds_every_atom_of_the_cell():
    phase = catalogue.phase("quartz")
    assert phase.space_group.number == 152
    assert len(phase.structure) == 9
    assert phase.structure.lattice.abcABG() == pytest.approx((4.9137, 4.9137, 5.4047, 90, 90, 120))


@pytest.mark.parametrize("name", ["quartz", "forsterite", "diopside", "magnetite"])
def test_a_cif_gives_the_structure_back(name, tmp_path):
    structure = catalogue.find(name)
    path = tmp_path / f"{name}.cif"
    path.write_text(structure.to_cif())
    again = catalogue.read_cif(path)
    assert again.space_group == structure.space_group
    assert again.formula == structure.formula
    assert again.cell == pytest.approx(structure.cell, abs=1e-3)
    assert len(again.atoms()[0]) == len(structure.atoms()[0])


def test_a_damaged_cif_is_named(tmp_path):
    path = tmp_path / "broken.cif"
    path.write_text("this is no CIF\n")
    with pytest.raises(catalogue.CatalogueError, match=r"broken\.cif"):
        catalogue.read_cif(path)


def test_special_positions_survive_rounding():
    numbers, positions = catalogue.find("titanium").atoms()
    assert len(numbers) == 2
    assert np.allclose(np.sort(positions[:, 0]), [1 / 3, 2 / 3], atol=1e-6)


def test_lattices_follow_from_space_groups():
    for structure in catalogue.structures():
        assert structure.lattice == lattice_of_space_group(structure.space_group).pearson


def test_looking_up_is_fast():
    catalogue.structures()
    start = time.perf_counter()
    catalogue.find("quartz")
    assert time.perf_counter() - start < 0.5
