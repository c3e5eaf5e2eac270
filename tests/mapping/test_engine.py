import json
from pathlib import Path

import dask.array as da
import numpy as np
import pytest

from napari_bravais.io.scan import Scan
from napari_bravais.mapping.engine import BLOCK_PATTERNS, iter_phase_map, map_phases


def scan_of(patterns, chunks):
    return Scan(
        patterns=da.from_array(patterns, chunks=chunks),
        step=(0.5, 0.5),
        step_unit="um",
        detector=None,
        beam_energy=None,
        path=Path("none.h5"),
        provenance={"file": "none.h5"},
    )


@pytest.fixture(scope="module")
def patterns():
    rng = np.random.default_rng(0)
    return rng.integers(0, 255, (7, 11, 16, 16), dtype=np.uint8)


@pytest.mark.parametrize("chunks", [(7, 11, 16, 16), (3, 11, 16, 16), (2, 4, 16, 16)])
def test_chunks_cover_the_map_once(classifier, patterns, chunks):
    count = np.zeros((7, 11), int)
    for chunk in iter_phase_map(scan_of(patterns, chunks), classifier):
        count[chunk.rows, chunk.columns] += 1
        assert chunk.probabilities.shape == (*chunk.quality.shape, 14)
    assert (count == 1).all()


def test_the_map_is_what_the_classifier_says_of_each_pattern(classifier, patterns):
    result = map_phases(scan_of(patterns, (3, 4, 16, 16)), classifier)
    probabilities, quality = classifier.assess(patterns.reshape(-1, 16, 16))
    np.testing.assert_allclose(result.probabilities.reshape(-1, 14), probabilities, atol=1e-4)
    np.testing.assert_allclose(result.quality.ravel(), quality, atol=1e-4)
    assert result.step == (0.5, 0.5) and result.step_unit == "um"
    assert result.mapped.all()


def test_blocks_are_small_enough_to_cancel_between(classifier):
    wide = np.zeros((2, BLOCK_PATTERNS + 30, 8, 8), np.uint8)
    chunks = list(iter_phase_map(scan_of(wide, wide.shape), classifier))
    assert max(chunk.quality.size for chunk in chunks) <= BLOCK_PATTERNS
    assert sum(chunk.quality.size for chunk in chunks) == wide.shape[0] * wide.shape[1]


def test_progress_ends_with_all_patterns(classifier, patterns):
    seen = []
    map_phases(scan_of(patterns, (2, 11, 16, 16)), classifier, lambda *counts: seen.append(counts))
    assert seen[-1] == (77, 77)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_provenance_is_json_and_names_scan_model_and_device(classifier, patterns):
    record = map_phases(scan_of(patterns, patterns.shape), classifier).provenance
    assert json.loads(json.dumps(record)) == record
    assert record["scan"]["file"] == "none.h5"
    assert record["model_sha256"] == classifier.checksum
    assert "CPU" in record["device"] or "GPU" in record["device"]
