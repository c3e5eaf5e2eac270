"""``bravais match``: single patterns held against known materials, on the command line."""

import csv
import re

import pytest
from typer.testing import CliRunner

from napari_bravais.cli import app
from napari_bravais.io.sample_data import nickel_sample_path, quartz_rutile_sample_path
from napari_bravais.lattices import PEARSON_SYMBOLS

NICKEL, SAMPLE = str(nickel_sample_path()), str(quartz_rutile_sample_path())


def match(*arguments: str):
    return CliRunner().invoke(app, ["match", *arguments])


def test_patterns_of_two_materials_are_told_and_tabulated(tmp_path):
    path = tmp_path / "table.csv"
    places = ("--pixel", "20,30", "--pixel", "47,71", "--pixel", "37,61")  # the last in the hole
    told = match(SAMPLE, *places, "-o", str(path))
    assert told.exit_code == 0, told.stderr
    assert re.search(r"20 +30 +0\.\d\d  hP  hexagonal +1\.00  quartz \(P 0\.9\d", told.stdout)
    assert re.search(r"37 +61 +0\.\d\d  not classified$", told.stdout, re.MULTILINE)
    first, second, hole = csv.DictReader(path.open())
    assert hole["lattice"] == "not classified"
    assert not any(hole[column] for column in list(hole)[4:])
    assert (first["row"], first["column"], first["lattice"]) == ("20", "30", "hP")
    assert (first["material 1"], first["formula 1"]) == ("quartz", "SiO2")
    assert float(first["correlation 1"]) > 0.5 and float(first["P(no known material)"]) < 0.05
    assert (second["row"], second["column"]) == ("47", "71")
    for row in (first, second):
        shares = [float(row[f"P({pearson})"]) for pearson in PEARSON_SYMBOLS]
        assert sum(shares) == pytest.approx(1, abs=0.002)
        assert float(row["P(lattice)"]) == max(shares)


def test_what_was_done_is_kept_if_the_rest_is_given_up(tmp_path, monkeypatch):
    from napari_bravais.mapping.matching import pattern

    one, asked = pattern.match_pattern, []

    def given_up(*arguments):
        asked.append(arguments)
        if len(asked) > 1:
            raise KeyboardInterrupt
        return one(*arguments)

    monkeypatch.setattr(pattern, "match_pattern", given_up)
    path = tmp_path / "table.csv"
    assert match(NICKEL, "-o", str(path)).exit_code == 130
    (row,) = csv.DictReader(path.open())
    assert (row["row"], row["column"], row["lattice"]) == ("0", "0", "cF")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((SAMPLE,), "3,456 patterns"),
        ((SAMPLE, "--pixel", "48,0"), "the rows are 0 to 47, the columns 0 to 71"),
        ((SAMPLE, "--pixel", "middle"), "two numbers"),
        ((SAMPLE, "--pixel", "1,1", "--elements", "Xx"), "no element's symbol"),
    ],
)
def test_what_cannot_be_is_an_error(arguments, text):
    told = match(*arguments)
    assert told.exit_code in (1, 2) and text in re.sub(r"\s+", " ", told.stderr)
