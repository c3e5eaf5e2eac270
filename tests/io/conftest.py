"""Tiny scans in each vendor's format."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_bravais.io.sample_data import nickel_sample_path
from tests.vendor_files import write_bruker_scan, write_oxford_scan


@pytest.fixture(scope="session")
def kikuchipy_data() -> Path:
    """Return the folder of the scans that kikuchipy ships."""
    return nickel_sample_path().parents[1]


@pytest.fixture(scope="session")
def nickel() -> np.ndarray:
    """Return the nine real nickel patterns, shape (3, 3, 60, 60)."""
    with h5py.File(nickel_sample_path()) as file:
        return file["Scan 1/EBSD/Data/patterns"][()].reshape(3, 3, 60, 60)


@pytest.fixture
def bruker_scan(tmp_path) -> Path:
    """Return a Bruker scan; its image is on the map's grid."""
    return write_bruker_scan(tmp_path / "bruker.h5")


@pytest.fixture
def oxford_scan(tmp_path) -> Path:
    """Return an Oxford scan with electron images, as `write_oxford_scan` says."""
    return write_oxford_scan(tmp_path / "oxford.h5oina")
