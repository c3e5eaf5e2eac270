"""Tiny scans in each vendor's format."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_bravais.io.sample_data import nickel_sample_path


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
    from kikuchipy.data._dummy_files.bruker_h5ebsd import create_dummy_bruker_h5ebsd_file

    create_dummy_bruker_h5ebsd_file(tmp_path / "bruker.h5")
    return tmp_path / "bruker.h5"


@pytest.fixture
def oxford_scan(tmp_path) -> Path:
    """Return an Oxford scan with an electron image of each kind, and a broken one.

    The images are 8 x 12 pixels of 0.75 um; the map covers 4.5 x 4.5 um of them, a quarter of
    their height from the top and a third of their width from the left.
    """
    from kikuchipy.data._dummy_files.oxford_h5ebsd import create_dummy_oxford_h5ebsd_file

    path = tmp_path / "oxford.h5oina"
    create_dummy_oxford_h5ebsd_file(path)
    with h5py.File(path, "r+") as file:
        file["1/EBSD/Header/Relative Offset"] = [[1 / 3, 1 / 4]]
        file["1/EBSD/Header/Relative Size"] = [[6 / 12, 6 / 8]]
        header = file.create_group("1/Electron Image/Header")
        header["X Cells"], header["Y Cells"] = [12], [8]
        header["X Step"], header["Y Step"] = [0.75], [0.75]
        data = file.create_group("1/Electron Image/Data")
        image = np.arange(96, dtype=np.uint8)
        data["SE/Electron Image 1"] = image
        data["BSE/Electron Image 2"] = image[::-1]
        data["FSE/Lower Centre"] = image + 100
        data["FSE/Broken"] = image[:50]
    return path
