"""Maps that grow on disk: broken off in every way, they go on, and come out the same."""

import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import dask.array as da
import numpy as np
import pytest

from napari_bravais.io.scan import ScanError
from napari_bravais.mapping import engine
from napari_bravais.mapping.engine import map_phases
from napari_bravais.mapping.store import MapStore, StoreError, remove_store
from tests.mapping.test_engine import scan_of

BLOCKS = 9


@pytest.fixture
def patterns(monkeypatch):
    monkeypatch.setattr(engine, "BLOCK_PATTERNS", 16)
    return np.random.default_rng(0).integers(0, 255, (9, 16, 16, 16), dtype=np.uint8)


@pytest.fixture
def scan(patterns):
    return scan_of(patterns, (3, 16, 16, 16))


def break_off(after: int):
    """Return a progress callback that raises after some blocks."""
    calls = iter(range(after + 1))

    def progress(done, total):
        if next(calls, None) is None:
            raise KeyboardInterrupt

    return progress


def assert_same(one, other):
    np.testing.assert_array_equal(one.probabilities, other.probabilities)
    np.testing.assert_array_equal(one.quality, other.quality)


def test_a_map_that_breaks_off_goes_on_and_is_the_same_bit_for_bit(tmp_path, scan, classifier):
    whole = map_phases(scan, classifier)
    path = tmp_path / "map.zarr"
    with pytest.raises(KeyboardInterrupt):
        map_phases(scan, classifier, break_off(after=4), store=path)
    assert len(MapStore.open(path, scan, classifier).unfinished) == BLOCKS - 5
    seen = []
    resumed = map_phases(scan, classifier, lambda *counts: seen.append(counts), store=path)
    assert seen[0] == (5 * 16, 9 * 16) and seen[-1] == (9 * 16, 9 * 16)
    assert_same(resumed, whole)
    assert resumed.step == whole.step
    finished = map_phases(scan, classifier, store=path)
    assert_same(finished, whole)
    assert finished.provenance == resumed.provenance


def test_the_store_is_zarr_that_others_can_read(tmp_path, scan, classifier):
    import zarr

    result = map_phases(scan, classifier, store=tmp_path / "map.zarr")
    group = zarr.open_group(tmp_path / "map.zarr", mode="r")
    np.testing.assert_array_equal(group["probabilities"], result.probabilities)
    np.testing.assert_array_equal(group["quality"], result.quality)


def test_a_file_pulled_away_is_an_error_and_what_was_finished_is_kept(
    tmp_path, patterns, classifier
):
    readable = [True]

    def read(block):
        if not readable[0]:
            raise ScanError("/media/stick/scan.h5 is damaged: it is gone")
        return block

    whole = scan_of(patterns, (1, 16, 16, 16))
    scan = replace(whole, patterns=whole.patterns.map_blocks(read))

    def pull(done, total):
        readable[0] = done < 3 * 16

    with pytest.raises(ScanError, match="it is gone"):
        map_phases(scan, classifier, pull, store=tmp_path / "map.zarr")
    readable[0] = True
    store = MapStore.open(tmp_path / "map.zarr", scan, classifier)
    assert 0 < len(store.unfinished) < BLOCKS
    resumed = map_phases(scan, classifier, store=tmp_path / "map.zarr")
    assert_same(resumed, map_phases(whole, classifier))


@pytest.mark.parametrize(
    "what", ["pattern", "shape", "step", "background", "model", "index", "runtime"]
)
def test_a_store_of_something_else_is_refused(tmp_path, patterns, scan, classifier, what):
    path = tmp_path / "map.zarr"
    with pytest.raises(KeyboardInterrupt):
        map_phases(scan, classifier, break_off(after=2), store=path)
    if what == "pattern":
        changed = patterns.copy()
        changed[1, 5, 3, 3] ^= 1
        other = scan_of(changed, (3, 16, 16, 16))
    elif what == "shape":
        other = scan_of(patterns[:8], (3, 16, 16, 16))
    elif what == "step":
        other = replace(scan, step=(0.5, 0.6))
    elif what == "background":
        other = replace(scan, static_background=patterns[0, 0])
    else:
        other = scan
    if what == "model":
        classifier = Changed(classifier, checksum="another")
    if what == "index":
        classifier = Changed(classifier, index_checksum="another")
    if what == "runtime":
        classifier = Changed(classifier, device="another")
    with pytest.raises(
        StoreError,
        match=r"map\.zarr holds a map of another scan, model or runtime|"
        r"map\.zarr holds a map of another scan: its patterns",
    ):
        map_phases(other, classifier, store=path)


class Changed:
    """The classifier, but for one thing."""

    def __init__(self, classifier, **changes):
        self._classifier = classifier
        self.__dict__ |= changes

    def __getattr__(self, name):
        return getattr(self._classifier, name)


def test_a_file_that_was_not_touched_is_not_read_again(tmp_path, scan, classifier):
    facts = {"size_bytes": 10, "modified": "2026-01-01T00:00:00"}
    scan = replace(scan, provenance=facts)
    map_phases(scan, classifier, store=tmp_path / "map.zarr")
    unreadable = da.map_blocks(lambda block: 1 / 0, scan.patterns, dtype=scan.patterns.dtype)
    store = MapStore.open(tmp_path / "map.zarr", replace(scan, patterns=unreadable), classifier)
    assert store.unfinished == []
    touched = replace(scan, patterns=unreadable, provenance={**facts, "modified": "2027"})
    with pytest.raises(ZeroDivisionError):
        MapStore.open(tmp_path / "map.zarr", touched, classifier)


@pytest.mark.parametrize("array", ["probabilities", "quality", "digests"])
@pytest.mark.parametrize("damage", ["emptied", "flipped", "gone"])
def test_a_block_damaged_by_a_power_cut_is_done_again(tmp_path, scan, classifier, array, damage):
    path = tmp_path / "map.zarr"
    whole = map_phases(scan, classifier, store=path)
    chunk = next(file for file in sorted((path / array / "c").rglob("*")) if file.is_file())
    if damage == "emptied":
        chunk.write_bytes(b"")
    elif damage == "flipped":
        content = bytearray(chunk.read_bytes())
        content[len(content) // 2] ^= 0x10
        chunk.write_bytes(content)
    else:
        chunk.unlink()
    assert_same(map_phases(scan, classifier, store=path), whole)


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff\xfe notes"])
def test_what_is_no_store_is_refused_and_kept(tmp_path, scan, classifier, content):
    path = tmp_path / "map.zarr"
    path.mkdir()
    (path / ("notes.txt" if content is None else "zarr.json")).write_bytes(content or b"mine")
    with pytest.raises(StoreError, match=r"map\.zarr is no store of a map"):
        map_phases(scan, classifier, store=path)
    assert len(list(path.iterdir())) == 1
    if content is None:
        with pytest.raises(StoreError, match="not removed"):
            remove_store(path)


# a stand-in for the network, quick enough to be killed again and again while it writes
GROW = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
import dask.array as da
import numpy as np
from napari_bravais.io.scan import Scan
from napari_bravais.mapping import engine
from napari_bravais.mapping.store import StoreError

engine.BLOCK_PATTERNS = 16

def assess(patterns, static_background, pattern_centre):
    first = patterns.reshape(len(patterns), -1)[:, :15].astype(np.float32)
    return first[:, :14] / 255, first[:, 14] / 255

stand_in = SimpleNamespace(
    assess=assess, name="stand-in", checksum="0", index_checksum=None, device="CPU", versions={},
    quality_threshold=0.5, card={"name": "stand-in"},
)
patterns = da.from_array(np.load(sys.argv[1], mmap_mode="r"))
scan = Scan(patterns, (1.0, 1.0), "px", None, None, Path(sys.argv[1]))
if len(sys.argv) > 3:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
try:
    engine.map_phases(scan, stand_in, store=sys.argv[2],
                      progress=lambda *counts: print(*counts, flush=True))
except StoreError as error:
    sys.exit(f"Error: {error}")
"""


@pytest.fixture
def saved(tmp_path):
    patterns = np.random.default_rng(0).integers(0, 255, (40, 32, 8, 8), dtype=np.uint8)
    np.save(tmp_path / "patterns.npy", patterns)
    return tmp_path / "patterns.npy"


def grow(scan, store, *more):
    command = [sys.executable, "-c", GROW, *map(str, (scan, store, *more))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_killed_at_random_it_goes_on_and_is_the_same(tmp_path, saved):
    store = tmp_path / "map.zarr"
    rng = random.Random(0)
    for _ in range(4):
        process = grow(saved, store)
        for _ in range(rng.randint(2, 15)):
            process.stdout.readline()
        time.sleep(rng.uniform(0, 0.01))
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    resumed = grow(saved, store)
    done = int(resumed.stdout.readline().split()[0])
    assert 0 < done < 40 * 32
    _, errors = resumed.communicate(timeout=60)
    assert resumed.returncode == 0, errors
    unbroken = grow(saved, tmp_path / "unbroken.zarr")
    unbroken.communicate(timeout=60)
    assert chunks_of(store) == chunks_of(tmp_path / "unbroken.zarr")


def chunks_of(store):
    files = [file for file in store.rglob("c/*/**/*") if file.is_file()]
    chunks = {str(f.relative_to(store)): f.read_bytes() for f in files if f.suffix != ".partial"}
    assert chunks
    return chunks


def test_a_full_disk_is_one_plain_error(tmp_path, saved):
    # a test cannot fill a disk, but it can forbid a process to write files of over 600 bytes
    process = grow(saved, tmp_path / "map.zarr", 600)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors.count("\n") == 1 and "map.zarr cannot be written: File too large" in errors
