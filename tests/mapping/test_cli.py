import json

import numpy as np
import pytest
from tifffile import imread
from typer.testing import CliRunner

from napari_bravais.cli import app
from napari_bravais.io.results import save_results
from napari_bravais.io.text_maps import write_ang, write_ctf
from napari_bravais.mapping.indexed_map import CrystalPhase, IndexedMap
from napari_bravais.mapping.phase_map import PhaseMap


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def maps(sample_data, tmp_path):
    """Return the truth of the sample scan as a vendor's and as a network's map, saved."""
    truth = imread(sample_data / "quartz_rutile_truth.tif").astype(int) - 1
    index = np.select([truth == 10, truth == 7], [0, 1], -1).astype(np.int16)
    phases = (CrystalPhase("quartz", 152), CrystalPhase("rutile", 136))
    vendor = IndexedMap(phases, index, step=(2.0, 2.0), step_unit="um")
    probabilities = np.eye(14, dtype=np.float32)[truth]
    probabilities[20:23, 30:33] = np.eye(14)[5]
    quality = np.where(truth < 0, 0, 1).astype(np.float32)
    network = PhaseMap(probabilities, quality, (2.0, 2.0), "um", 0.5)
    save_results(network, None, tmp_path / "network")
    return write_ctf(vendor, tmp_path / "vendor.ctf"), tmp_path / "network"


def test_one_command_compares_two_maps_and_draws_them(maps, sample_data, tmp_path):
    vendor, network = maps
    scan = sample_data / "quartz_rutile.h5"
    result = run("compare", scan, "--with", vendor, "--network", network, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "vendor.ctf against neural network:" in result.output
    numbers = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert numbers["agreement"]["all"] == pytest.approx(1 - 9 / 3425, abs=1e-5)
    for name in ("comparison.png", "comparison.svg", "difference.png", "report.html"):
        assert (tmp_path / "out" / name).stat().st_size > 1000


def test_what_users_get_wrong_is_one_line(maps, sample_data, tmp_path):
    _, network = maps
    scan = sample_data / "quartz_rutile.h5"
    common = ("--network", network, "-o", tmp_path / "out")
    result = run("compare", scan, "--stored", *common)
    assert result.exit_code == 1 and "quartz_rutile.h5 stores no map" in result.output
    result = run("compare", scan, "--phase", "unobtainium", *common)
    assert result.exit_code == 1 and "unobtainium" in result.output
    result = run("hough", scan, "--pc", "0.5,0.5", "-o", tmp_path)
    assert result.exit_code == 2 and "three numbers" in result.output
    small = IndexedMap((CrystalPhase("Ni", 225),), np.zeros((2, 2), np.int16))
    other = write_ang(small, tmp_path / "small.ang")
    result = run("compare", scan, "--with", other, *common)
    assert result.exit_code == 2 and "cannot be compared" in " ".join(result.output.split())


def test_real_nickel_is_indexed_from_the_command_line(tmp_path):
    from napari_bravais.io.sample_data import nickel_sample_path

    result = run("hough", nickel_sample_path(), "--phase", "nickel", "-o", tmp_path)
    assert result.exit_code == 0, result.output
    assert "cF face-centred cubic 9 100.0 %" in " ".join(result.output.split())
    assert {path.name for path in tmp_path.iterdir()} >= {"hough.png", "hough.ang", "hough.ctf"}
