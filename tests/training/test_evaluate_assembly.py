"""How the symmetry of assembled spheres is judged."""

import json

import numpy as np
import pytest
import spglib

from napari_bravais.lattices import PEARSON_SYMBOLS
from napari_bravais.training.evaluate_assembly import (
    evaluate_assembly,
    laue_group,
    one_of_each_type,
    summary,
)

#: The Laue group of each point group.
LAUE = {
    "-1": ("1", "-1"),
    "2/m": ("2", "m", "2/m"),
    "mmm": ("222", "mm2", "mmm"),
    "4/m": ("4", "-4", "4/m"),
    "4/mmm": ("422", "4mm", "-42m", "-4m2", "4/mmm"),
    "-3": ("3", "-3"),
    "-3m": ("32", "312", "321", "3m", "-3m"),
    "6/m": ("6", "-6", "6/m"),
    "6/mmm": ("622", "6mm", "-62m", "-6m2", "6/mmm"),
    "m-3": ("23", "m-3"),
    "m-3m": ("432", "-43m", "m-3m"),
}


def test_laue_groups_are_those_of_the_point_groups():
    for hall in range(1, 531):
        kind = spglib.get_spacegroup_type(hall)
        assert kind.pointgroup_international in LAUE[laue_group(kind.number)]


def test_a_sphere_is_judged_and_not_assembled_twice(classifier, judged_library, tmp_path):
    materials = one_of_each_type(judged_library, "new type")
    rutile = [i for i in materials if judged_library.records[i]["lattice"] == "tP"]
    assert len(materials) == 2 and len(rutile) == 1
    log = tmp_path / "log.jsonl"
    (row,) = evaluate_assembly(classifier, judged_library, rutile, 24, log)
    assert (row["lattice"], row["Laue group"]) == ("tP", "4/mmm")
    assert (row["symmetry"], row["found"]) == ("tetragonal", "4/mmm")
    for of in ("probabilities", "by the sphere", "known", "known by the sphere", "centring"):
        assert np.sum(row[of]) == pytest.approx(1, abs=1e-3)
    assert row["known by the sphere"][PEARSON_SYMBOLS.index("tP")] > 0.9
    log.write_text(json.dumps(row | {"name": "was there"}) + "\n")
    (again,) = evaluate_assembly(classifier, judged_library, rutile, 24, log)
    assert again["name"] == "was there"


def test_shares_that_are_right():
    def spread(**likely: float) -> list[float]:
        rest = (1 - sum(likely.values())) / (14 - len(likely))
        return [likely.get(symbol, rest) for symbol in PEARSON_SYMBOLS]

    def row(true: str, symmetry: str, found: str, centring: dict, **likely: float) -> dict:
        facts = {"lattice": true, "symmetry": symmetry, "found": found, "Laue group": "4/mmm"}
        bands = [centring.get(symbol, 0.0 if centring else 1.0) for symbol in PEARSON_SYMBOLS]
        columns = dict.fromkeys(("probabilities", "by the sphere"), spread(**likely))
        columns |= {"known": spread(**likely), "known by the sphere": spread(**{true: 0.99})}
        return facts | columns | {"centring": bands, "file": f"{true}.npz", "material": true}

    rows = [
        row("tI", "tetragonal", "4/mmm", {}, cI=0.3, tI=0.2),  # symmetry puts it right
        row("tI", "tetragonal", "4/m", {"tP": 0.1, "tI": 0.9}, tP=0.2),  # bands do
        row("tP", "cubic", "m-3m", {"cP": 0.9, "cI": 0.1}, tP=0.3, cP=0.2),  # both are wrong
        row("tP", "unknown", "", {}, mS=0.5),
    ]
    rows[1]["material"] = "another"
    rows[2]["by the sphere"] = spread(tP=0.99)
    rows[3]["material"] = None  # not in the index
    shares = summary(rows)
    assert shares.pop("calibration error") > 0
    means = [shares.pop(f"mean P(right) by {w}, too") for w in ("symmetry", "bands", "the sphere")]
    assert 0 < means[0] < means[1] < means[2] < 1
    assert shares == {
        "materials": 4,
        "Laue group right": 0.25,
        "system right": 0.5,
        "family right by matching": 0.5,
        "lattice right by matching": 0.25,
        "lattice right by symmetry, too": 0.25,
        "lattice right by bands, too": 0.5,
        "lattice right by the sphere, too": 0.75,
        "centrings to be told": 1,  # of a right system, and looked at
        "right by bands alone": 1,
        "materials of the whole index": 3,
        "lattice right by matching, known": pytest.approx(1 / 3),
        "lattice right by the sphere, known": 1,
        "material right, known": pytest.approx(2 / 3),
    }
