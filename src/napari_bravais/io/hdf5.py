"""HDF5 scans of kikuchipy, Bruker, EDAX, Oxford Instruments and EMsoft: from path to ``Scan``."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_bravais.io.hdf5_patterns import HDF5Patterns
from napari_bravais.io.scan import Scan, ScanError
from napari_bravais.io.stored import background_shown

if TYPE_CHECKING:
    import h5py

# kikuchipy's module and class for each manufacturer, and the format's name.
_READERS = {
    "kikuchipy": ("kikuchipy_h5ebsd", "KikuchipyH5EBSDReader", "kikuchipy h5ebsd"),
    "bruker nano": ("bruker_h5ebsd", "BrukerH5EBSDReader", "Bruker h5ebsd"),
    "edax": ("edax_h5ebsd", "EDAXH5EBSDReader", "EDAX h5ebsd"),
    "oxford instruments": ("oxford_h5ebsd", "OxfordH5EBSDReader", "Oxford Instruments h5oina"),
}
_EMSOFT_PATTERNS = "EMData/EBSD/EBSDPatterns"


def read_hdf5(path: Path) -> Scan:
    """Read the first scan of an HDF5 file."""
    import h5py

    try:
        file = h5py.File(path, "r")
    except OSError as error:
        if "truncated" in str(error):
            raise ScanError(f"{path} is truncated: the end of the HDF5 file is missing") from error
        raise ScanError(f"{path} is not an HDF5 file, or it is damaged") from error
    with file:
        if _EMSOFT_PATTERNS in file:
            return _read_emsoft(path, file)
        manufacturer = _manufacturer(file)
    if manufacturer not in _READERS:
        made_by = f"made by {manufacturer!r}" if manufacturer else "with no manufacturer's name"
        raise ScanError(f"{path} is not an EBSD scan: it is an HDF5 file {made_by}")
    return _read_h5ebsd(path, manufacturer)


def _manufacturer(file: "h5py.File") -> str:
    """Return the name in the file's top group, lower case; empty if there is none."""
    for key in file:
        if key.strip().lower() == "manufacturer":
            value = np.ravel(file[key][()])[0]
            return (value.decode("latin-1") if isinstance(value, bytes) else str(value)).lower()
    return ""


def _read_h5ebsd(path: Path, manufacturer: str) -> Scan:
    """Read the first scan of a file laid out in a top group per scan."""
    from napari_bravais.io.electron_image import stored_images

    module, name, file_format = _READERS[manufacturer]
    kikuchipy_reader = getattr(import_module(f"kikuchipy.io.plugins.{module}._api"), name)

    class Reader(_BlockReader, kikuchipy_reader):
        """kikuchipy's reader, with the patterns left in the file."""

    # Oxford files hold patterns before and after background correction; either will do.
    processed = _oxford_processed(path) if manufacturer == "oxford instruments" else ()
    reader = Reader(str(path), *processed)
    with reader.file:
        names = [
            group.name.lstrip("/")
            for group in reader.scan_groups
            if "EBSD/Data" in group and "EBSD/Header" in group
        ]
        contents = reader.read(names[0], lazy=True)[0]
        step, unit = _step(contents["axes"], contents["original_metadata"])
        scan = Scan(
            patterns=contents["data"],
            step=step,
            step_unit=unit,
            detector=contents["detector"],
            beam_energy=_positive(contents["metadata"]["Acquisition_instrument"]["SEM"]),
            path=path,
            provenance={"format": file_format, "scan": names[0], "scans_in_file": names},
        )
        images = stored_images(reader.file[names[0]], scan, manufacturer)
    background = background_shown(scan.patterns, contents.get("static_background"))
    return replace(scan, electron_images=images, static_background=background)


class _BlockReader:
    """Mixed into kikuchipy's readers, so that no task per chunk of the file is made.

    kikuchipy takes the file's own chunks, and warns and pads with black where patterns are missing.
    """

    def get_data(
        self,
        group: "h5py.Group",
        data_shape: tuple[int, int, int, int],
        lazy: bool = True,
        indices: np.ndarray | None = None,
    ) -> Any:
        path, name = Path(self.filename), f"EBSD/Data/{self.patterns_name}"
        if name not in group:
            raise ScanError(f"{path} stores no patterns: it has no {group.name}/{name}")
        dataset = group[name]
        ny, nx, h, w = (int(size) for size in data_shape)
        stored = HDF5Patterns(path, (ny, nx, h, w), dataset.dtype, indices, dataset.name)
        if dataset.shape != (ny * nx, h, w):
            raise ScanError(
                f"{path} is incomplete: its header promises {ny} x {nx} patterns of {h} x {w} "
                f"pixels, but the patterns' array is of shape {dataset.shape}"
            )
        return stored.lazy()

    @staticmethod
    def get_axes_list(
        data_shape: tuple[int, int, int, int], data_scale: tuple[float, float, float]
    ) -> list[dict[str, Any]]:
        """Return the navigation axes, those of one pixel too, which kikuchipy leaves out."""
        return [{"scale": float(data_scale[0])}, {"scale": float(data_scale[1])}]


def _oxford_processed(path: Path) -> tuple[bool]:
    """Whether to read the patterns after background correction: unless there are none."""
    import h5py

    with h5py.File(path, "r") as file:
        found = [group for group in file.values() if isinstance(group, h5py.Group)]
        return (any("EBSD/Data/Processed Patterns" in group for group in found),)


def _step(axes: list[dict[str, Any]], header: dict[str, Any]) -> tuple[tuple[float, float], str]:
    """Return step (y, x) and unit; a line scan's missing step is its other one."""
    y, x = (axis["scale"] for axis in axes)
    known = any("step" in str(key).lower() for key in header)
    if not known or max(x, y) <= 0:
        return (1.0, 1.0), "px"
    return (y if y > 0 else x, x if x > 0 else y), "um"


def _positive(microscope: dict[str, Any]) -> float | None:
    """Return the beam energy in keV; files write 0 where they do not know it."""
    energy = microscope.get("beam_energy")
    return float(energy) if energy is not None and energy > 0 else None


def _read_emsoft(path: Path, file: "h5py.File") -> Scan:
    """Read EMsoft's simulated patterns; its file lists patterns, so they are in one row."""
    from kikuchipy.io.plugins.emsoft_ebsd._api import file_reader

    dataset = file[_EMSOFT_PATTERNS]
    ny, nx = (1, dataset.shape[0]) if dataset.ndim == 3 else dataset.shape[:2]
    stored = HDF5Patterns(path, (ny, nx, *dataset.shape[-2:]), dataset.dtype, None, dataset.name)
    contents = file_reader(str(path), lazy=True)[0]
    return Scan(
        patterns=stored.lazy(),
        step=(1.0, 1.0),
        step_unit="px",
        detector=contents["detector"],
        beam_energy=_positive(contents["metadata"]["Acquisition_instrument"]["SEM"]),
        path=path,
        provenance={"format": "EMsoft"},
    )
