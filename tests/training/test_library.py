from pathlib import Path

import numpy as np

from napari_bravais import catalogue
from napari_bravais.lattices import PEARSON_SYMBOLS
from napari_bravais.training import library
from napari_bravais.training.library import (
    hides_in_another,
    is_everyday,
    is_standard,
    reduced_formula,
    split,
    structure_type,
)
from napari_bravais.training.masters import record_of


def record(name, lattice, group, numbers, source="elsewhere", energy=20.0):
    return {
        "name": name,
        "lattice": lattice,
        "space_group": group,
        "atomic_numbers": numbers,
        "source": source,
        "beam_energy_kev": energy,
    }


NICKEL = record("Ni", "cF", 225, [28] * 4, "material of the first seed paper")
IRON = record("Fe", "cI", 229, [26] * 2, "material of the first seed paper")
OTHERS = [record(f"x{k}", "cF", 200 + k, [11] * 4 + [17] * k) for k in range(1, 9)]
#: Of structure types that are left out: one to test, another to calibrate.
DELAFOSSITE = record("delafossite", "hR", 166, [26] * 3 + [29] * 3 + [8] * 6)
AL3TI = record("Al3Ti", "tI", 139, [22] * 2 + [13] * 6)
#: A relabelled variant may have another type than its parent.
VARIANT = record("delafossite-v1", "hR", 166, [26] * 3 + [29] * 3 + [8] * 3 + [9] * 3)
RECORDS = [NICKEL, IRON, *OTHERS, DELAFOSSITE, AL3TI, VARIANT]


def test_formulas_are_reduced():
    assert reduced_formula([26, 26, 13, 13]) == "AlFe"
    assert reduced_formula([14] + [42] * 3) == "Mo3Si"


def test_a_structure_type_ignores_the_elements():
    chloride = record("x3", "cF", 203, [19] * 4 + [9] * 3)
    assert structure_type(OTHERS[2]) == structure_type(chloride)


def test_seeds_stay_and_left_out_types_are_left_out_with_their_variants():
    parts = split(RECORDS)
    assert parts[:2].tolist() == ["trained", "blind"]
    assert set(parts[2:-3]) == {"trained"}
    assert parts[-3:].tolist() == ["new type", "validation type", "new type"]


def test_everyday_materials_but_the_blind_ones_are_trained_on():
    records = [record_of(s, 20, "here") for s in catalogue.structures() if s.everyday]
    parts = split(records)
    left_out = [r["name"] for r, p in zip(records, parts, strict=True) if p.endswith("type")]
    # ordered forms of common structures alone
    assert 0 < len(left_out) < 12
    assert not any(is_everyday(r) for r in records if r["name"] in left_out)


def test_two_types_of_each_lattice_are_left_out_to_test():
    table = (Path(library.__file__).with_name(library.LEFT_OUT)).read_text().splitlines()[1:]
    parts = [tuple(line.split("\t")[:2]) for line in table]
    assert all(parts.count(("new type", lattice)) == 2 for lattice in PEARSON_SYMBOLS)
    kinds = [line.split("\t")[2:5] for line in table]
    assert len({tuple(kind) for kind in kinds}) == len(kinds)


def test_other_energies_serve_training_alone_and_leave_the_split_as_it_is():
    records = RECORDS
    slow = [{**r, "beam_energy_kev": 10.0} for r in records]
    both = split([*records, *slow])
    np.testing.assert_array_equal(both[: len(records)], split(records))
    trained = split(records) == "trained"
    np.testing.assert_array_equal(both[len(records) :] == "other energy", trained)


def test_everyday_materials_are_the_seeds_and_those_of_low_rank():
    assert is_everyday(NICKEL) and not is_everyday(OTHERS[0])
    # what another program simulated has the catalogue's rank
    named_otherwise = {**record_of(catalogue.find("calcite"), 20, "here"), "name": "Calcite"}
    del named_otherwise["rank"]
    assert is_everyday(named_otherwise)
    copper = record_of(catalogue.find("copper"), 20, "here")
    assert is_everyday({**copper, "rank": 1}) and not is_everyday({**copper, "rank": 2})
    assert not is_everyday(record("FeNi3", "cP", 221, [26, 28, 28, 28], NICKEL["source"]))


def test_detectors_are_set_up_with_nickel_whatever_its_record_calls_it():
    named_by_the_catalogue = record_of(catalogue.find("nickel"), 15, "here")
    assert is_standard(NICKEL) and is_standard(named_by_the_catalogue)
    assert not is_standard(record_of(catalogue.find("austenite"), 15, "here"))


def test_ordered_alloys_are_not_everyday_but_for_the_seeds():
    found = {name: record_of(catalogue.find(name), 20, "here") for name in ("Cu3Au", "NiAl")}
    assert found["Cu3Au"]["rank"] == 1 and not is_everyday(found["Cu3Au"])
    assert is_everyday(found["NiAl"])
    assert not is_everyday(record_of(catalogue.find("zirconia, tetragonal"), 20, "here"))


def test_ordered_forms_of_common_structures_are_known():
    corners, faces = [[0, 0, 0]], [[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]

    def ordered(lattice, group, numbers, positions, source="AFLOW"):
        made = record("A", lattice, group, numbers, source)
        return {**made, "cell": np.diag([3.9, 3.9, 3.9]).tolist(), "positions": positions}

    assert hides_in_another(ordered("cP", 221, [78, 78, 78, 26], faces + corners))
    assert not hides_in_another(ordered("cF", 225, [78] * 4, faces + corners))
    seed = ordered("cP", 221, [77, 78], [*corners, [0.5, 0.5, 0.5]], NICKEL["source"])
    assert not hides_in_another(seed)  # an everyday material keeps its weight
    assert hides_in_another({**seed, "source": "AFLOW"})
    assert not hides_in_another(ordered("cP", 221, [22, 8], [*corners, [0.3, 0.3, 0.3]]))
