"""``bravais structure``."""

import json

import pytest
from ase.io import write
from typer.testing import CliRunner

from napari_bravais.cli import app
from napari_bravais.fingerprint.cli import _save_rows
from napari_bravais.fingerprint.gallery import example


@pytest.fixture
def run():
    return lambda *words: CliRunner().invoke(app, ["structure", *map(str, words)])


def test_a_file_is_classified(run, tmp_path):
    write(tmp_path / "silicon.cif", example(227))
    said = run(tmp_path / "silicon.cif", "--figure", tmp_path / "silicon.png")
    assert said.exit_code == 0, said.output
    assert "Class: diam, diamond" in said.output
    assert "spglib, tight   Fd-3m (227)" in said.output
    assert (tmp_path / "silicon.png").read_bytes().startswith(b"\x89PNG")


def test_a_fault_is_one_line(run, tmp_path):
    said = run(tmp_path / "missing.cif")
    assert said.exit_code == 1
    assert said.output == f"Error: {tmp_path / 'missing.cif'}: there is no such file\n"


def test_help_names_all_commands(run):
    words = run("--help").output
    for command in ("classify", "map", "table", "further", "centres", "path", "responses"):
        assert command in words


def test_tables_are_written_as_text_and_numbers(tmp_path):
    rows = [{"defect": "σ = 0.06 Å", "structures": 250, "network": 0.996}]
    _save_rows(rows, tmp_path / "table")
    assert "| σ = 0.06 Å | 250 | 99.60 |" in (tmp_path / "table.md").read_text("utf-8")
    assert json.loads((tmp_path / "table.json").read_text("utf-8")) == rows
