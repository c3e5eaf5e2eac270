"""Patterns a second, side by side: reading, the network, whole maps, and Hough indexing."""

import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_bravais.io.scan import Scan, open_scan
from napari_bravais.mapping.engine import map_blocks, map_phases, read_block
from napari_bravais.model.classifier import Classifier

if TYPE_CHECKING:
    import h5py

#: How a made scan keeps its patterns: its chunks, and whether they are compressed.
STORAGE = {
    "contiguous": {},
    "one": {"chunks": 1},
    "whole": {"chunks": None, "compression": "gzip", "compression_opts": 1},
}

#: Patterns that Hough indexing is measured on, at most: it is slow.
_HOUGH_PATTERNS = 1000

#: Seconds that a map takes to begin, about.
_START = 15

#: Phases that Hough indexing looks for: name, space group, lattice parameter in Å.
_PHASES = (("nickel", 225, 3.5236), ("iron", 229, 2.8665))


def make_scan(path: Path, patterns: int, storage: str = "contiguous") -> Path:
    """Write an HDF5 scan of the sample scan's patterns, over and over.

    Parameters
    ----------
    path
        File to write.
    patterns
        How many; the map is as square as their number allows.
    storage
        One of `STORAGE`: how the patterns lie in the file.

    Returns
    -------
    pathlib.Path
        ``path``.
    """
    import h5py

    from napari_bravais.io.sample_data import nickel_sample_path, quartz_rutile_sample_path

    sample = open_scan(quartz_rutile_sample_path())
    some = sample.patterns.compute().reshape(-1, *sample.signal_shape)
    rows = max(n for n in range(1, math.isqrt(patterns) + 1) if patterns % n == 0)
    shutil.copy(nickel_sample_path(), path)
    with h5py.File(path, "r+") as file:
        header = file["Scan 1/EBSD/Header"]
        header["n_rows"][...], header["n_columns"][...] = rows, patterns // rows
        header["pattern_height"][...], header["pattern_width"][...] = sample.signal_shape
        for name in ("pcx", "pcy", "pcz"):
            del header[name]
            header[name] = [0.5]
        del file["Scan 1/EBSD/Data/patterns"], file["Scan 2"]
        _write_patterns(file["Scan 1/EBSD/Data"], some, patterns, STORAGE[storage])
    return path


def _write_patterns(group: "h5py.Group", some: np.ndarray, count: int, storage: dict) -> None:
    """Write patterns over and over; a compressed chunk is written as it is made."""
    options = dict(storage)
    if "chunks" in options:
        options["chunks"] = (options["chunks"] or count, *some.shape[1:])
    dataset = group.create_dataset("patterns", (count, *some.shape[1:]), some.dtype, **options)
    if "compression" not in options:
        for start in range(0, count, len(some)):
            dataset[start : start + len(some)] = some[: count - start]
        return
    import zlib

    deflater = zlib.compressobj(1)
    parts = [
        deflater.compress(some[: min(len(some), count - start)].tobytes())
        for start in range(0, count, len(some))
    ]
    dataset.id.write_direct_chunk((0, 0, 0), b"".join([*parts, deflater.flush()]))


def benchmark(scan: Scan, runtimes: list[str], rounds: int, say: Callable[[str], None]) -> dict:
    """Measure how fast a scan becomes a map, and how fast its parts are.

    What is compared is measured in turns, round by round, so that whatever else the machine does
    meets all of it alike. The medians of the rounds are taken.

    Parameters
    ----------
    scan
        The scan.
    runtimes
        Runtimes to measure the network on.
    rounds
        How often.
    say
        Told what is being measured.

    Returns
    -------
    dict
        JSON-able: the machine, the scan, ``patterns_per_second`` of each measurement, and how they
        compare.
    """
    say("warming up")
    classifiers = {name: Classifier.bundled(name) for name in runtimes}
    blocks = map_blocks(scan)
    in_memory = [read_block(scan, block) for block in blocks[:8]]
    hough = {f"Hough, {n} phase{'s' * (n > 1)}": _hough(scan, n) for n in (1, 2)}
    measures: dict[str, Callable[[], int]] = {"reading": lambda: _read(scan)}
    for name, classifier in classifiers.items():
        _classify(classifier, scan, in_memory)
        measures[f"network alone, {name}"] = lambda c=classifier: _classify(c, scan, in_memory)
        measures[f"file to map, {name}"] = lambda c=classifier: _map(c, scan)
    measures |= hough
    rates = {name: [] for name in measures}
    for number in range(rounds):
        for name, measure in measures.items():
            say(f"round {number + 1} of {rounds}: {name}")
            start = time.perf_counter()
            rates[name].append(measure() / (time.perf_counter() - start))
    medians = {name: median(found) for name, found in rates.items()}
    return {
        "machine": machine(),
        "scan": {"patterns": math.prod(scan.navigation_shape), "size": list(scan.signal_shape)},
        "model": {"name": classifier.name, "sha256": classifier.checksum},
        "devices": {name: classifier.device for name, classifier in classifiers.items()},
        "versions": {"kikuchipy": version("kikuchipy"), **classifier.versions},
        "patterns_per_second": {name: round(rate, 1) for name, rate in medians.items()},
        "rounds": {name: [round(rate, 1) for rate in found] for name, found in rates.items()},
        "compared": {name: _compared(medians, name) for name in runtimes},
        "peak_memory_mb": peak_memory_mb(),
        "load_average": os.getloadavg()[0],
    }


def _compared(rates: dict[str, float], runtime: str) -> dict[str, float]:
    whole = rates[f"file to map, {runtime}"]
    others = {
        "of the network alone": rates[f"network alone, {runtime}"],
        "times Hough, 1 phase": rates["Hough, 1 phase"],
        "times Hough, 2 phases": rates["Hough, 2 phases"],
    }
    return {name: round(whole / rate, 2) for name, rate in others.items()}


def _read(scan: Scan) -> int:
    return sum(math.prod(read_block(scan, block).shape[:2]) for block in map_blocks(scan))


def _classify(classifier: Classifier, scan: Scan, in_memory: list[np.ndarray]) -> int:
    for patterns in in_memory:
        flat = patterns.reshape(-1, *scan.signal_shape)
        classifier.assess(flat, scan.static_background, scan.pattern_centre)
    return sum(math.prod(patterns.shape[:2]) for patterns in in_memory)


def _map(classifier: Classifier, scan: Scan) -> int:
    """Map a scan into a store, as ``bravais map`` does."""
    with tempfile.TemporaryDirectory() as folder:
        return map_phases(scan, classifier, store=Path(folder) / "map.zarr").quality.size


def _hough(scan: Scan, phases: int) -> Callable[[], int]:
    """Return what indexes some of a scan's patterns by Hough transform; it is warmed up."""
    import kikuchipy as kp
    from diffpy.structure import Atom, Lattice, Structure
    from orix.crystal_map import Phase, PhaseList

    rows = max(1, min(scan.navigation_shape[0], _HOUGH_PATTERNS // scan.navigation_shape[1]))
    patterns = scan.patterns[:rows, :_HOUGH_PATTERNS].compute()
    detector = kp.detectors.EBSDDetector(shape=scan.signal_shape, sample_tilt=70)
    phase_list = PhaseList(
        [
            Phase(name, group, structure=Structure([Atom("Fe")], Lattice(a, a, a, 90, 90, 90)))
            for name, group, a in _PHASES[:phases]
        ]
    )
    signal = kp.signals.EBSD(patterns, detector=detector)
    indexer = detector.get_indexer(phase_list)

    def index() -> int:
        with redirect_stdout(StringIO()):  # kikuchipy prints what it does
            signal.hough_indexing(phase_list, indexer, verbose=0)
        return math.prod(patterns.shape[:2])

    index()
    return index


def measure_scale(
    sizes: list[int], storage: str, say: Callable[[str], None], kills: int = 0
) -> dict:
    """Map scans of several sizes, each by a ``bravais map`` of its own.

    Parameters
    ----------
    sizes
        Numbers of patterns.
    storage
        One of `STORAGE`.
    say
        Told what is being measured.
    kills
        How often a second map of each scan is killed at random moments before it may end.

    Returns
    -------
    dict
        JSON-able: the machine, and of each size the seconds, from the command to its end, and the
        peak memory in MB; with kills, how many there were and whether the maps are the ``same``,
        bit for bit.
    """
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            say(f"{size} patterns")
            scan = f"{folder}/scan.h5"
            # elsewhere, for Linux counts the peak of who starts a process as the process's own
            subprocess.run([*_MAKE, scan, str(size), storage], check=True)
            command = [*_COMMAND, "map", scan, "-o", f"{folder}/out", "--fresh"]
            quietly = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            start = time.perf_counter()
            process = subprocess.Popen(command, **quietly)
            _, status, usage = os.wait4(process.pid, 0)
            if status:
                raise RuntimeError(f"bravais map failed on a scan of {size} patterns")
            seconds = round(time.perf_counter() - start, 1)
            row = {
                "patterns": size,
                "seconds": seconds,
                "peak_memory_mb": usage.ru_maxrss // 1024,
            }
            if kills:
                command = [*_COMMAND, "map", scan, "-o", f"{folder}/broken-off"]
                row["kills"] = _run_with_kills(command, kills, seconds, quietly, say)
                row["same"] = _same_maps(f"{folder}/out/map.npz", f"{folder}/broken-off/map.npz")
                shutil.rmtree(f"{folder}/broken-off")
            rows.append(row)
    return {"machine": machine(), "storage": storage, "scale": rows}


def _run_with_kills(
    command: list[str], kills: int, seconds: float, quietly: dict, say: Callable[[str], None]
) -> int:
    """Kill a command at random moments, let it end at last; return how often it was killed.

    ``seconds`` is what it takes undisturbed; a start of some `_START` seconds is lost each time.
    """
    rng = np.random.default_rng()
    for number in range(kills):
        process = subprocess.Popen(command, **quietly)
        try:
            status = process.wait(rng.uniform(0, 2 * (_START + seconds / kills)))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            say(f"killed, {number + 1} of {kills}")
            continue
        if status:
            raise RuntimeError("bravais map failed after it was killed")
        return number
    subprocess.run(command, check=True, **quietly)
    return kills


def _same_maps(one: str, other: str) -> bool:
    """Tell whether two saved maps are the same, bit for bit."""
    with np.load(one) as first, np.load(other) as second:
        names = ("probabilities", "quality")
        return all(first[name].tobytes() == second[name].tobytes() for name in names)


_COMMAND = [sys.executable, "-c", "from napari_bravais.cli import app; app()"]
_MAKE = [
    *(sys.executable, "-c"),
    "import sys; from pathlib import Path; from napari_bravais.mapping.benchmark import make_scan; "
    "make_scan(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])",
]


def machine() -> dict[str, Any]:
    """Return what this machine is: processor, cores that may be used, memory."""
    cpu = "unknown"
    with Path("/proc/cpuinfo").open() as facts:
        cpu = next((line.split(":")[1].strip() for line in facts if "model name" in line), cpu)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 2**30, 1),
        "python": sys.version.split()[0],
    }


def peak_memory_mb() -> int:
    """Return the most memory that this process has held."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
