"""Measuring: the scans that are made for it, and the reports."""

import json
import subprocess
import sys

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from napari_bravais.cli import app
from napari_bravais.io.scan import open_scan
from napari_bravais.mapping.benchmark import STORAGE, make_scan


@pytest.mark.parametrize("storage", STORAGE)
def test_made_scans_hold_the_samples_patterns(tmp_path, sample_data, storage):
    sample = open_scan(sample_data / "quartz_rutile.h5").patterns.compute().reshape(-1, 60, 60)
    path = make_scan(tmp_path / "scan.h5", 4000, storage)
    scan = open_scan(path)
    assert scan.navigation_shape == (50, 80)
    patterns = scan.patterns.compute().reshape(-1, 60, 60)
    np.testing.assert_array_equal(patterns, np.resize(sample, (4000, 60, 60)))
    with h5py.File(path) as file:
        chunks = file["Scan 1/EBSD/Data/patterns"].chunks
    assert chunks == {"contiguous": None, "one": (1, 60, 60), "whole": (4000, 60, 60)}[storage]


# the walk from file to map, but for the network, whose memory does not depend on the scan
WALK = """
import sys
from types import SimpleNamespace
import numpy as np
from napari_bravais.io.scan import open_scan
from napari_bravais.mapping.engine import iter_phase_map

def assess(patterns, static_background, pattern_centre):
    return np.zeros((len(patterns), 14), np.float32), np.zeros(len(patterns), np.float32)

for chunk in iter_phase_map(open_scan(sys.argv[1]), SimpleNamespace(assess=assess)):
    pass
# not by getrusage, which counts the peak of who started this process as its own
print(*(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.parametrize("storage", ["contiguous", "whole"])
def test_memory_does_not_grow_with_the_scan(tmp_path, storage):
    peaks = []
    for patterns in (8_000, 28_000):
        path = make_scan(tmp_path / "scan.h5", patterns, storage)
        command = [sys.executable, "-c", WALK, str(path)]
        peaks.append(int(subprocess.run(command, capture_output=True, check=True).stdout))
    assert peaks[1] < 1.1 * peaks[0]


def test_the_benchmark_tells_a_table_and_json(tmp_path):
    path = tmp_path / "speed.json"
    command = ["benchmark", "--patterns", "200", "--rounds", "1", "--json", str(path)]
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 0, told.stderr
    report = json.loads(path.read_text())
    rates = report["patterns_per_second"]
    for name in ("reading", "network alone, keras", "file to map, keras", "Hough, 2 phases"):
        assert rates[name] > 0
        assert name in told.stdout
    whole = rates["file to map, keras"]
    compared = report["compared"]["keras"]["times Hough, 1 phase"]
    assert compared == pytest.approx(whole / rates["Hough, 1 phase"], abs=0.02)
    assert report["machine"]["cores"] > 0 and report["peak_memory_mb"] > 100


def test_a_map_that_was_killed_is_the_same(tmp_path):
    path = tmp_path / "scale.json"
    told = CliRunner().invoke(app, ["scale", "600", "--kills", "1", "--json", str(path)])
    assert told.exit_code == 0, told.stderr
    (row,) = json.loads(path.read_text())["scale"]
    assert row["same"] and row["seconds"] > 0 and row["peak_memory_mb"] > 100
    assert "the same map" in told.stdout
