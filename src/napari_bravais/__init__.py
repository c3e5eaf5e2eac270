"""Bravais lattice maps of EBSD scans by a neural network.

The public names are imported when they are first used, so that ``import napari_bravais`` loads
neither napari nor TensorFlow nor kikuchipy.
"""

from importlib import import_module

from napari_bravais import numba_faults  # noqa: F401

_HOME = {
    "open_scan": "io.scan",
    "Scan": "io.scan",
    "ScanError": "io.scan",
    "Classifier": "model.classifier",
    "map_phases": "mapping.engine",
    "iter_phase_map": "mapping.engine",
    "MapChunk": "mapping.engine",
    "PhaseMap": "mapping.phase_map",
    "IndexedMap": "mapping.indexed_map",
    "scan_from_signal": "io.signal",
    "find_phase": "mapping.phases",
    "hough_map": "mapping.hough",
    "iter_hough_map": "mapping.hough",
    "compare": "mapping.comparison",
    "read_map": "io.vendor_maps",
    "export": "io.exports",
    "match_pattern": "mapping.matching.pattern",
    "find_phases": "mapping.pooling",
    "PooledMap": "mapping.pooled_map",
    "MaterialIndex": "model.candidates",
}

__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
