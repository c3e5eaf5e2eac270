"""Structure files, good and bad."""

import re

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import write

from napari_bravais.fingerprint.cluster import fingerprint
from napari_bravais.fingerprint.files import StructureError, checked, read_structure

IRON = bulk("Fe", "bcc", a=2.87, cubic=True)


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.cif", {}), ("POSCAR", {"format": "vasp"}), ("a.extxyz", {}), ("a.xyz", {})],
)
def test_formats_give_the_same_fingerprint(tmp_path, name, options):
    write(tmp_path / name, IRON, **options)
    read = read_structure(tmp_path / name)
    np.testing.assert_allclose(fingerprint(read), fingerprint(checked(IRON)), atol=1e-3)


def test_lammps_types_get_their_elements(tmp_path):
    path = tmp_path / "iron.data"
    write(path, IRON.repeat(2), format="lammps-data", masses=False)
    assert read_structure(path, ["Fe"]).get_chemical_formula() == "Fe16"
    with pytest.raises(StructureError, match="no element Xx"):
        read_structure(path, ["Xx"])


def moved(atoms: Atoms, **changes) -> Atoms:
    atoms = atoms.copy()
    for name, value in changes.items():
        setattr(atoms, name, value)
    return atoms


@pytest.mark.parametrize(
    ("atoms", "fault"),
    [
        (Atoms("Fe"), "1 atom and no cell"),
        (Atoms(cell=[1, 1, 1], pbc=True), "0 atoms"),
        (moved(IRON, positions=[[0, 0, 0], [0.1, 0, 0]]), "overlap.*0.10 Å"),
        (moved(IRON, numbers=[26, 0]), "no known element: atomic number 0"),
        (moved(IRON, numbers=[26, 110]), "no known element: atomic number 110"),
        (moved(IRON, positions=[[0, 0, 0], [np.nan, 0, 0]]), "not numbers"),
        (moved(IRON, cell=[[1, 0, 0], [0, 1, 0], [1, 1, 0]]), "flat"),
    ],
)
def test_what_is_no_crystal_is_named(atoms, fault):
    with pytest.raises(StructureError, match=fault):
        checked(atoms)


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.cif", "no crystal at all"), ("a.cif", "data_x\n_cell_length_a ?\n"), ("a.nonsense", "x")],
)
def test_damaged_files_give_one_error_that_names_them(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(StructureError, match=name):
        read_structure(tmp_path / name)
    with pytest.raises(StructureError, match="no such file"):
        read_structure(tmp_path / "missing.cif")


def test_a_large_cif_file_is_read_in_bounded_time_or_refused(tmp_path):
    import time

    path = tmp_path / "large.cif"
    write(path, IRON.repeat(15))  # 6,750 sites, which ASE would compare in pairs
    start = time.thread_time()
    atoms = read_structure(path)
    assert time.thread_time() - start < 20
    assert (len(atoms), atoms.pbc.all()) == (6750, True)
    text = path.read_text()
    assert "x, y, z" in text
    text = text.replace("'x, y, z'", "'x, y, z'\n  '-x, -y, -z'").replace("P 1", "P -1")
    path.write_text(re.sub(r"(IT_number\s+)1", r"\g<1>2", text))
    with pytest.raises(StructureError, match=r"large\.cif: it lists 6750 sites and symmetry"):
        read_structure(path)


def test_an_unknown_element_is_named(tmp_path):
    path = tmp_path / "unknown.xyz"
    path.write_text("9\n\n" + "".join(f"Qq {x} 0 0\n" for x in range(9)))
    with pytest.raises(StructureError, match=r"unknown\.xyz: there is no element Qq"):
        read_structure(path)


def test_one_atom_in_a_cell_is_a_crystal():
    assert fingerprint(checked(bulk("Po", "sc", a=3.3))).max() == 1


def test_a_hundred_thousand_atoms_are_answered_in_bounded_time():
    import time

    atoms = checked(IRON.repeat(37))  # 101,306 atoms
    start = time.thread_time()
    one = fingerprint(atoms)
    assert time.thread_time() - start < 20
    np.testing.assert_allclose(one, fingerprint(checked(IRON)), atol=1e-3)
