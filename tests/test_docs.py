"""The documentation does what it says."""

import json
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def test_the_notebook_runs(tmp_path):
    cells = json.loads((DOCS / "signal-in-memory.ipynb").read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    # in a process of its own, as a notebook is
    process = subprocess.run(
        [sys.executable, "-c", "import matplotlib; matplotlib.use('agg')\n" + code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert process.returncode == 0, process.stderr
    assert "[[13 13 13]\n [13 13 13]\n [13 13 13]]" in process.stdout
