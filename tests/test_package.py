"""The package as a whole: what an import costs, who imports whom, what napari finds."""

import ast
import os
import subprocess
import sys
from importlib import import_module
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path

import pytest
from npe2 import PluginManifest

import napari_bravais

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "napari_bravais"
HEAVY = {
    *("napari", "qtpy", "magicgui", "keras", "tensorflow", "kikuchipy", "hyperspy", "dask"),
    *("matplotlib", "numba", "orix", "skimage", "scipy", "pandas"),
}

# docs/architecture.md in short: what each part may import of the others
MAY_IMPORT = {
    "lattices": set(),
    "numba_faults": set(),
    "lambert": set(),
    # of mapping, the maps themselves: what is written and read
    "io": {
        *("lattices", "mapping.phase_map", "mapping.indexed_map", "mapping.crystal_map"),
        *("mapping.comparison", "mapping.pooled_map", "mapping.shown_map"),
        "mapping.shown_phases",
        "mapping.pattern_centre",
    },
    "model": {"lattices"},
    "mapping": {"lattices", "lambert", "io", "model", "catalogue", "terminal"},
    "terminal": {"catalogue", "io", "mapping", "model"},
    "catalogue": {"lattices"},
    "simulation": {"lattices", "catalogue", "lambert"},
    "fingerprint": {
        *("io.files", "mapping.messages", "mapping.process"),
        *("model.backend", "model.card"),
    },
    "training": {
        *("terminal", "lattices", "io", "model", "mapping", "simulation", "catalogue"),
    },
    "cli": {
        "terminal",
        "lattices",
        "io",
        "model",
        "mapping",
        "fingerprint",
        "simulation",
        "training",
    },
    "gui": {
        *("lattices", "io", "mapping.phase_map", "mapping.service", "mapping.messages"),
        *("fingerprint.classes", "fingerprint.service"),
        *("mapping.indexed_map", "mapping.hough", "mapping.pattern_centre", "mapping.phases"),
        "mapping.process",
        *("mapping.comparison", "mapping.pooled_map", "mapping.shown_map", "mapping.seen"),
        "mapping.shown_phases",
    },
}


def loaded_by(*modules: str) -> set[str]:
    """Return the top-level names that are loaded once a fresh Python has imported the modules."""
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return {name.split(".")[0] for name in process.stdout.split()}


def modules_of(part: str) -> list[str]:
    """Return the names of a part's modules."""
    sources = sorted((SOURCE / part).rglob("*.py"))
    names = [source.relative_to(SOURCE.parent).with_suffix("") for source in sources]
    return [".".join(name.parts).removesuffix(".__init__") for name in names]


def imports(source: Path):
    """Yield the module of this package that each import in a source file names, and its line."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}:{node.lineno}: imports are absolute here"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith("napari_bravais."):
                yield name.removeprefix("napari_bravais."), node.lineno


def is_within(module: str, parts: set[str]) -> bool:
    return any(module == part or module.startswith(f"{part}.") for part in parts)


def test_importing_the_package_loads_nothing_heavy():
    assert not loaded_by("napari_bravais") & HEAVY


def test_numba_stores_no_gufuncs_that_could_end_a_process(tmp_path):
    (tmp_path / "doubling.py").write_text(
        "import napari_bravais, numba\n\n"
        "@numba.guvectorize('f8[:], f8[:]', '(n)->(n)', cache=True)\n"
        "def doubled(numbers, answer):\n"
        "    answer[:] = 2 * numbers\n\n"
        "assert (doubled([1.0, 2.0]) == [2, 4]).all()\n"
    )
    stored = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    subprocess.run([sys.executable, tmp_path / "doubling.py"], env=stored, check=True, timeout=300)
    names = [path.name for path in tmp_path.rglob("*.nbi")]
    assert names and not [name for name in names if name.startswith("guf-")]


@pytest.mark.parametrize("first", ["napari_bravais, numba", "numba, napari_bravais"])
def test_what_numba_compiles_is_stored_in_one_place(first):
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import {first}; before = numba.config.CACHE_DIR;"
            "from napari_bravais.mapping.sphere import place_of as ours;"
            "from pyebsdindex.band_detect import BandDetect, os;"
            "assert before and before == os.environ['NUMBA_CACHE_DIR'] == numba.config.CACHE_DIR;"
            "assert ours._cache.cache_path.startswith(before);"
            "assert BandDetect._grey_dilation._cache.cache_path.startswith(before)",
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize("told", [{}, {"OMP_WAIT_POLICY": "active"}])
def test_numbas_threads_sleep_while_they_wait_unless_told_otherwise(told):
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"} | told
    said = subprocess.run(
        [sys.executable, "-c", "import napari_bravais, os; print(os.environ['OMP_WAIT_POLICY'])"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    assert said == told.get("OMP_WAIT_POLICY", "passive")


def test_the_core_loads_no_window():
    core = [module for part in ("io", "mapping") for module in modules_of(part)]
    loaded = loaded_by(*core, "napari_bravais.model.classifier", "napari_bravais.model.network")
    assert "keras" in loaded  # so that the next line says something
    assert not loaded & {"napari", "qtpy", "magicgui"}


def test_the_window_loads_no_tensorflow():
    loaded = loaded_by(*modules_of("gui"))
    assert "napari" in loaded
    assert not loaded & {"tensorflow", "keras", "kikuchipy"}


def test_what_asks_no_network_waits_for_none():
    loaded = loaded_by(*modules_of("mapping"))
    assert "numba" in loaded
    assert not loaded & {"tensorflow", "keras"}


def test_every_public_name_is_there():
    for name in napari_bravais.__all__:
        assert getattr(napari_bravais, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        napari_bravais.nonsense  # noqa: B018


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_imports_go_one_way(part):
    sources = [*SOURCE.glob(f"{part}.py"), *(SOURCE / part).rglob("*.py")]
    assert sources
    wrong = [
        f"{source.relative_to(ROOT)}:{line} imports {module}"
        for source in sources
        for module, line in imports(source)
        if not is_within(module, MAY_IMPORT[part] | {part})
    ]
    assert not wrong


def test_every_part_of_the_package_has_its_rule():
    parts = {path.stem for path in SOURCE.iterdir() if not path.name.startswith(("__", "."))}
    assert parts == set(MAY_IMPORT)


def test_the_manifest_names_what_exists():
    manifest = PluginManifest.from_file(ROOT / "napari.yaml")
    code = "\n".join(
        f"import {module}; {module}.{name}"
        for module, name in (
            command.python_name.split(":") for command in manifest.contributions.commands
        )
    )
    # in a process of its own, as the window and TensorFlow cannot share one
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def test_napari_finds_the_manifest_of_this_checkout():
    assert PluginManifest.from_distribution("napari-bravais").contributions.widgets
    installed = files("napari_bravais_data").joinpath("napari.yaml").read_bytes()
    assert installed == (ROOT / "napari.yaml").read_bytes(), "make test installs the newer one"


def test_the_licence_and_the_version_are_told():
    metadata = distribution("napari-bravais").metadata
    assert metadata["License-Expression"] == "GPL-3.0-or-later"
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"version: {metadata['Version']}\n" in citation
    assert f"## {metadata['Version']}" in changes


def test_every_entry_point_of_the_command_line_loads():
    (script,) = distribution("napari-bravais").entry_points.select(group="console_scripts")
    module, name = script.value.split(":")
    assert callable(getattr(import_module(module), name))
