"""Tiny scans in vendors' formats, with electron images: ``python -m tests.vendor_files FOLDER``."""

import shutil
import sys
from pathlib import Path

import h5py
import numpy as np


def forget_pattern_centre(header: h5py.Group) -> None:
    """Have a file's header hold what kikuchipy writes where nobody has set a pattern centre."""
    for name in ("pcx", "pcy", "pcz"):
        del header[name]
        header[name] = [0.5]


def write_bruker_scan(path: Path) -> Path:
    """Write a Bruker scan; its image is on the map's grid."""
    from kikuchipy.data._dummy_files.bruker_h5ebsd import create_dummy_bruker_h5ebsd_file

    create_dummy_bruker_h5ebsd_file(path)
    return path


def write_oxford_scan(path: Path) -> Path:
    """Write an Oxford scan with an electron image of each kind, and a broken one.

    The images are 8 x 12 pixels of 0.75 um; the map covers 4.5 x 4.5 um of them, a quarter of
    their height from the top and a third of their width from the left.
    """
    from kikuchipy.data._dummy_files.oxford_h5ebsd import create_dummy_oxford_h5ebsd_file

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


def main(folder: Path) -> None:
    """Write one file of each vendor, for a process that must not load kikuchipy itself."""
    from napari_bravais.io.sample_data import nickel_sample_path

    write_oxford_scan(folder / "oxford.h5oina")
    write_bruker_scan(folder / "bruker.h5")
    edax = nickel_sample_path().parents[1] / "edax_h5ebsd" / "patterns.h5"
    shutil.copy(edax, folder / "edax.h5")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
