"""Names out of files go into pages and pictures as text, never as code."""

import numpy as np
import pytest

from napari_bravais.io.exports import export
from napari_bravais.mapping.comparison import compare
from napari_bravais.mapping.indexed_map import CrystalPhase, IndexedMap

HOSTILE = '<script>alert("1")</script> $\\frac{$ & </text> 5 $'


@pytest.fixture
def hostile():
    index = np.array([[0, 1, 1], [0, 0, -1]], np.int16)
    provenance = {"scan": {"file": HOSTILE, HOSTILE: [HOSTILE]}, "model_card": {HOSTILE: HOSTILE}}
    phases = (CrystalPhase(HOSTILE, 225), CrystalPhase("iron", 229))
    return IndexedMap(phases, index, source=HOSTILE, provenance=provenance)


@pytest.mark.parametrize("kind, name", [("report", "page.html"), ("figure", "map.svg")])
def test_names_are_text(hostile, tmp_path, kind, name):
    comparison = compare(hostile, hostile) if kind == "report" else None
    written = export(kind, hostile, tmp_path / name, None, comparison=comparison)
    content = written.read_text(encoding="utf-8")
    assert "<script" not in content and "&lt;script&gt;" in content
