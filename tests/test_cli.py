import csv
import re
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from skimage.io import imread
from typer.testing import CliRunner

from napari_bravais.cli import app
from napari_bravais.io.pooled_results import load_pooled, save_pooled
from napari_bravais.io.results import RESULT_FILES, load_result
from napari_bravais.io.sample_data import nickel_sample_path, quartz_rutile_sample_path
from napari_bravais.io.scan import open_scan
from napari_bravais.mapping.matching import camera_search
from napari_bravais.mapping.shown_phases import ShownPhases
from tests.vendor_files import forget_pattern_centre

runner = CliRunner()


def bravais(*arguments, cwd: Path) -> subprocess.CompletedProcess:
    """Run the command in a process of its own, as TensorFlow has to be."""
    command = [sys.executable, "-c", "from napari_bravais.cli import app; app()"]
    return subprocess.run(
        [*command, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=300
    )


def beside_progress(stderr: str) -> list[str]:
    """Lines of standard error that are not the progress bar."""
    lines = re.split(r"[\r\n]+", stderr)
    return [line for line in lines if line.strip() and not line.startswith("Mapping: ")]


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return folder, bravais("demo", "-o", "results", cwd=folder)


def test_demo_writes_its_results_and_says_where_they_are(demo):
    folder, process = demo
    assert process.returncode == 0, process.stderr
    for name in RESULT_FILES.values():
        assert f"results/{name}" in process.stdout
        assert (folder / "results" / name).stat().st_size > 0
    assert re.search(r"on (CPU|GPU) \(TensorFlow\)", process.stdout)


def test_demo_is_right_about_its_sample(demo):
    folder, process = demo
    said = re.search(r"([\d.]+) % of the pixels are right", process.stdout)
    assert float(said[1]) >= 95
    phase_map = load_result(folder / "results")
    largest = [lattice.pearson for lattice, _, _ in phase_map.fractions()[:2]]
    assert largest == ["hP", "tP"]
    for lattice, pixels, _ in phase_map.fractions():
        assert re.search(rf"{lattice.pearson} +{lattice.name} +{pixels} ", process.stdout)


def test_demo_shows_progress_and_nothing_else_on_standard_error(demo):
    _, process = demo
    assert re.search(r"Mapping: 100%.* 3456/3456 .*patterns/s", process.stderr)
    assert beside_progress(process.stderr) == []


def test_map_takes_a_threshold_and_a_pattern_centre(tmp_path):
    result = runner.invoke(
        app,
        [
            *("map", str(nickel_sample_path()), "-o", str(tmp_path), "--quality-threshold", "1"),
            *("--pc", "0.42,0.8,0.5", "--convention", "edax"),
        ],
    )
    assert result.exit_code == 0, result.stderr
    assert re.search(r"not classified +9 +100\.0 %", result.stdout)
    phase_map = load_result(tmp_path)
    assert phase_map.quality_threshold == 1
    assert phase_map.provenance["pattern_centre"] == [0.42, 0.2, 0.5]
    assert not np.isnan(phase_map.probabilities).any()


def test_where_no_pattern_centre_is_stored_it_is_said_how_to_find_one(tmp_path, monkeypatch):
    path, true = tmp_path / "no_centre.h5", open_scan(nickel_sample_path()).pattern_centre
    shutil.copy(nickel_sample_path(), path)
    with h5py.File(path, "r+") as file:
        forget_pattern_centre(file["Scan 1/EBSD/Header"])
    mapped = runner.invoke(app, ["map", str(path), "-o", str(tmp_path / "results")])
    assert mapped.exit_code == 0, mapped.stderr
    assert f"`bravais pattern-centre {path}` finds it" in mapped.stdout
    monkeypatch.setattr(camera_search, "_CAMERAS", np.array([(0.5, 0.25, 0.52)]))
    found = runner.invoke(app, ["pattern-centre", str(path)])
    assert found.exit_code == 0, found.stderr
    assert "by patterns like" in found.stdout
    (by_it,) = re.findall(r"--pc=(\S+) --convention bruker", found.stdout)
    np.testing.assert_allclose([float(x) for x in by_it.split(",")], true, atol=0.01)


def test_noisy_patterns_are_averaged_if_so_wished(tmp_path):
    nickel = [str(nickel_sample_path()), "-o", str(tmp_path)]
    told = runner.invoke(app, ["map", *nickel, "--average"])
    assert told.exit_code == 0 and "each averaged with those around" in told.stdout
    assert load_result(tmp_path).quality.mean() > 0.63  # 0.59 each by itself
    # as the map was made, so phases are found
    assert runner.invoke(app, ["phases", *nickel]).exit_code == 0
    assert load_pooled(tmp_path).phases[0].correlation > 0.59  # 0.55
    other = runner.invoke(app, ["map", *nickel])
    assert other.exit_code == 1 and "averaged" in other.stderr and "--fresh" in other.stderr


def test_a_map_that_is_broken_off_says_how_it_goes_on(tmp_path, monkeypatch):
    from napari_bravais.mapping import engine

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "map_phases", interrupted)
    result = runner.invoke(app, ["map", str(nickel_sample_path()), "-o", str(tmp_path)])
    assert result.exit_code == 130
    assert "the same command goes on" in result.stderr and "map.zarr" in result.stderr


def test_phases_of_no_map_say_what_is_missing(tmp_path):
    scan = str(nickel_sample_path())
    result = runner.invoke(app, ["phases", scan, "-o", str(tmp_path)])
    assert result.exit_code == 1
    assert f"no finished map is there; `bravais map {scan}" in result.stderr


def test_the_symmetry_of_rutile(rutile_scan, tmp_path):
    scan, results = str(rutile_scan), tmp_path / "results"
    assert runner.invoke(app, ["map", scan, "-o", str(results)]).exit_code == 0
    symmetry = ["symmetry", scan, "-o", str(results), "--phase"]
    missing = runner.invoke(app, [*symmetry, "1"])
    assert missing.exit_code == 1
    assert f"no phases are there; `bravais phases {scan}" in missing.stderr

    assert runner.invoke(app, ["phases", scan, "-o", str(results)]).exit_code == 0
    beyond = runner.invoke(app, [*symmetry, "9"])
    assert beyond.exit_code == 1 and "--phase 9" in beyond.stderr
    said = runner.invoke(app, [*symmetry, "1"])
    assert said.exit_code == 0, said.stderr
    assert "Phase 1: tetragonal (tP, tI), Laue group 4/mmm" in said.stdout
    assert "It is like rutile's (correlation 0." in said.stdout
    assert "primitive tetragonal (tP)" in said.stdout and "spheres.png" in said.stdout
    (row,) = csv.DictReader((results / "symmetry.csv").open())
    assert (row["phase"], row["symmetry"], row["lattices"]) == ("1", "tetragonal", "tP tI")
    assert row["material"] == "rutile" and float(row["correlation"]) > 0.5
    assert float(row["P(material)"]) > 0.9 and float(row["P(tP)"]) > 0.9
    picture = imread(results / "spheres.png")
    assert picture.std() > 40  # bands, not an empty circle

    # of other phases, they would no longer be true
    shown = ShownPhases(load_pooled(results), load_result(results))
    save_pooled(shown, None, results)
    assert not (results / "symmetry.csv").exists() and not (results / "spheres.png").exists()


def test_a_bad_scan_is_one_line_of_error(tmp_path):
    (tmp_path / "notes.h5").write_text("no scan")
    process = bravais("map", "notes.h5", "-o", "out", cwd=tmp_path)
    assert process.returncode == 1
    (line,) = process.stderr.splitlines()
    assert line.startswith("Error: ") and "notes.h5" in line
    assert [path.name for path in tmp_path.iterdir()] == ["notes.h5"]


@pytest.mark.parametrize("command", [["info"], ["map", "-o", "out"]])
def test_a_missing_scan_is_an_error(tmp_path, command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = runner.invoke(app, [*command, "nowhere.h5"])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ") and "nowhere.h5" in result.stderr


def test_results_cannot_go_where_a_file_is(tmp_path):
    (tmp_path / "out").write_text("precious")
    result = runner.invoke(
        app, ["map", str(quartz_rutile_sample_path()), "-o", str(tmp_path / "out")]
    )
    assert result.exit_code == 1
    assert result.stderr == f"Error: {tmp_path / 'out'}: File exists\n"
    assert (tmp_path / "out").read_text() == "precious"


def test_info_describes_a_scan():
    result = runner.invoke(app, ["info", str(quartz_rutile_sample_path())])
    assert result.exit_code == 0
    said = dict(line.split(":", 1) for line in result.stdout.splitlines())
    assert {title: fact.strip() for title, fact in said.items()} | {"File": "", "Format": ""} == {
        "File": "",
        "Format": "",
        "Map": "48 x 72 = 3,456 patterns, step 2 µm, 96 x 144 µm",
        "Patterns": "60 x 60 pixels, uint8",
        "Chunks": "48 x 72 patterns are read at once",
        "Beam energy": "20 keV",
        "Pattern centre": "0.4860, 0.2680, 0.5830 in Bruker's convention",
        "Detector": "tilt 0°, azimuth 0°, sample tilt 70°",
        "Static background": "none",
        "Electron images": "none stored; virtual forward-scatter images can be made",
        "Map in the file": "none",
        "Scan": "Scan 1",
        "Scans in file": "Scan 1",
    }
    assert str(quartz_rutile_sample_path()) in said["File"]


def test_help_lists_the_commands_and_the_version_is_told():
    listed = runner.invoke(app, ["--help"]).stdout
    for command in ("demo", "map", "info", "train", "evaluate"):
        assert re.search(rf"\b{command}\b", listed)
    assert runner.invoke(app, ["--version"]).stdout.startswith("napari-bravais 0.")
    assert runner.invoke(app, ["map", "x.h5"]).exit_code == 2  # where to is for the user to say
