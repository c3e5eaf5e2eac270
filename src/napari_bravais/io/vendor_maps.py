"""Maps made elsewhere: the vendor's own in the scan's file, and ``.ang`` and ``.ctf`` beside it."""

import re
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_bravais.lattices import Lattice, lattice
from napari_bravais.mapping.crystal_map import from_crystal_map
from napari_bravais.mapping.indexed_map import NOT_INDEXED, CrystalPhase, IndexedMap
from napari_bravais.mapping.phase_map import PhaseMap

if TYPE_CHECKING:
    import h5py

# Endings of maps that are text.
_TEXTS = (".ang", ".ctf")

_HDF5 = (".h5", ".hdf5")


class MapError(Exception):
    """A file is no map that can be read; the message names the file and the fault."""


def read_map(path: str | Path) -> PhaseMap | IndexedMap:
    """Open a map: ``.ang``, ``.ctf``, orix's ``.h5``, or ``.npz`` as this program saves it.

    Parameters
    ----------
    path
        The file, or a folder of results.

    Returns
    -------
    PhaseMap or IndexedMap
        Of ``.ang`` the lattices are known where the header lists the reflectors, or the point group
        leaves no choice; else the labels are -1.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    MapError
        If it is no map, or damaged.
    """
    from napari_bravais.io.results import ResultError, load_result

    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(2, "no such file", str(path))
    try:
        if path.is_dir() or path.suffix == ".npz":
            return load_result(path)
        if path.suffix.lower() in _TEXTS or _holds_crystal_map(path):
            return _read_by_orix(path)
    except ResultError as error:
        raise MapError(str(error)) from error
    except Exception as error:  # orix raises a dozen kinds for damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MapError(f"{path} is no map, or damaged: {reason}") from error
    if path.suffix.lower() in _HDF5:
        raise MapError(f"{path} is no map: HDF5 files with maps are those that orix writes")
    raise MapError(f"{path} is no map: maps end in .ang, .ctf, .h5 or .npz")


def _holds_crystal_map(path: Path) -> bool:
    import h5py

    if path.suffix.lower() not in _HDF5:
        return False
    with h5py.File(path, "r") as file:
        return "crystal_map" in file


def _read_by_orix(path: Path) -> IndexedMap:
    import h5py
    from orix.io import load

    ending = path.suffix.lower()
    keywords = {"autogen_names": False} if ending == ".ang" else {}
    with warnings.catch_warnings():
        # it warns of the space groups that it forgets
        warnings.simplefilter("ignore")
        crystal_map = load(path, **keywords)
    frame = "oxford" if ending == ".ctf" else "edax"
    shape = _shape_of_text(path) if ending in _TEXTS else None
    result = from_crystal_map(crystal_map, path.name, frame=frame, shape=shape)
    result.provenance["file"] = path.name
    if ending == ".ctf":
        _set_space_groups(result, _space_groups_of_ctf(path))
    if ending in _HDF5:
        with h5py.File(path, "r") as file:
            _set_space_groups(result, _space_groups_of_orix(file["crystal_map"]))
    if ending == ".ang":
        families = _families_of_ang(path)
        result.phases = tuple(
            _with_lattice(phase, families.get(phase.name, np.empty((0, 3), int)))
            for phase in result.phases
        )
    return result


def _shape_of_text(path: Path) -> tuple[int, int] | None:
    """Return rows and columns from the header of ``.ang`` or ``.ctf``, if it says them."""
    with path.open(encoding="latin-1") as file:
        head = "".join(line for _, line in zip(range(2000), file, strict=False))
    for rows, columns in (("NROWS:", "NCOLS_ODD:"), ("YCells", "XCells")):
        found = [re.search(rf"{name}\s+(\d+)", head) for name in (rows, columns)]
        if all(found):
            return int(found[0][1]), int(found[1][1])
    return None


def _set_space_groups(result: IndexedMap, groups: list[int | None]) -> None:
    """Set the space groups that orix forgets where their point group has two names, as 32 has."""
    result.phases = tuple(
        replace(phase, space_group=group, lattice=None) if group else phase
        for phase, group in zip(result.phases, groups, strict=True)
    )


def _space_groups_of_orix(group: "h5py.Group") -> list[int | None]:
    """Return the space groups of the phases of a crystal map as orix stores it."""
    from diffpy.structure.spacegroups import GetSpaceGroup

    phases = group["header/phases"]
    names = [_text(phases[key]["space_group"]) for key in sorted(phases, key=int) if int(key) >= 0]
    return [None if name == "None" else GetSpaceGroup(name).number for name in names]


def _space_groups_of_ctf(path: Path) -> list[int | None]:
    """Return the space groups of a ``.ctf``'s phases."""
    with path.open(encoding="latin-1") as file:
        for line in file:
            if line.startswith("Phases"):
                rows = [next(file).split("\t") for _ in range(int(line.split()[1]))]
                return [int(row[4]) or None for row in rows]
    return []


def _families_of_ang(path: Path) -> dict[str, np.ndarray]:
    """Return the Miller indices, shape (n, 3), that an ``.ang`` lists for each phase by name."""
    families: dict[str, list[list[int]]] = {}
    name = ""
    with path.open(encoding="latin-1") as file:
        for line in file:
            if not line.startswith("#"):
                break
            words = line.lstrip("# ").split()
            if words[:1] == ["MaterialName"]:
                name = " ".join(words[1:])
            elif words[:1] == ["hklFamilies"] and len(words) >= 4:
                families.setdefault(name, []).append([int(word) for word in words[1:4]])
    return {name: np.array(rows) for name, rows in families.items()}


def _with_lattice(phase: CrystalPhase, hkl: np.ndarray) -> CrystalPhase:
    """Return a phase with its lattice, as far as point group and reflectors tell it."""
    if phase.lattice is not None or phase.point_group is None:
        return phase
    return CrystalPhase(
        phase.name, None, phase.cell, _lattice_by_reflectors(phase, hkl), phase.point_group
    )


def _lattice_by_reflectors(phase: CrystalPhase, hkl: np.ndarray) -> Lattice | None:
    """Tell the lattice by the crystal system and the conditions that all reflectors fulfil."""
    family = _family(phase)
    if family == "a":
        return lattice("aP")
    if family == "h" and phase.point_group[0] == "6":
        return lattice("hP")
    if len(hkl) < 4:
        return None
    h, k, l = hkl.T  # noqa: E741
    parity = hkl % 2
    fulfilled = {
        "F": (parity == parity[:, :1]).all(),
        "I": ((h + k + l) % 2 == 0).all(),
        "R": ((-h + k + l) % 3 == 0).all() or ((h - k + l) % 3 == 0).all(),
        "S": any(((i + j) % 2 == 0).all() for i, j in ((h, k), (k, l), (h, l))),
    }
    possible = {"c": "FI", "t": "I", "o": "FIS", "m": "S", "h": "R"}[family]
    return lattice(family + next((c for c in possible if fulfilled[c]), "P"))


def _family(phase: CrystalPhase) -> str:
    """Return the first letter of the Pearson symbols of a phase's crystal system."""
    system = phase.to_orix().point_group.system
    return "a" if system == "triclinic" else {"trigonal": "h"}.get(system, system[0])


def stored_map(path: str | Path) -> IndexedMap | None:
    """Return the map that a scan's HDF5 file holds besides its patterns.

    Parameters
    ----------
    path
        A scan of Oxford Instruments, EDAX, Bruker or kikuchipy.

    Returns
    -------
    IndexedMap or None
        None where the file holds none, or is of another kind, or what it holds is not whole: the
        scan itself is good all the same. Nothing indexed at all counts as none.
    """
    import h5py

    path = Path(path)
    if not path.is_file() or not h5py.is_hdf5(path):
        return None
    try:
        with h5py.File(path, "r") as file:
            scans = [group for group in file.values() if isinstance(group, h5py.Group)]
            group = next(g for g in scans if "EBSD/Data" in g and "EBSD/Header" in g)
            found = _read_stored(path, file, group)
    except (StopIteration, KeyError, OSError, ValueError, IndexError):
        return None
    return found if found is not None and found.indexed.any() else None


def _read_stored(path: Path, file: "h5py.File", group: "h5py.Group") -> IndexedMap | None:
    data, header = group["EBSD/Data"], group["EBSD/Header"]
    maker = next((_text(file[key]) for key in file if key.strip().lower() == "manufacturer"), "")
    if maker.lower().startswith("oxford"):
        return _oxford(data, header)
    if maker.lower().startswith("edax"):
        return _edax(data, header)
    if maker.lower().startswith("bruker"):
        return _bruker(group, data, header)
    if "EBSD/CrystalMap/crystal_map" in group:
        from orix.io.plugins.orix_hdf5 import dict2crystalmap, hdf5group2dict

        stored = hdf5group2dict(group["EBSD/CrystalMap/crystal_map"], recursive=True)
        shape = int(_number(header, "n_rows")), int(_number(header, "n_columns"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            crystal_map = dict2crystalmap(stored)
        found = from_crystal_map(crystal_map, "kikuchipy (in the file)", shape=shape)
        _set_space_groups(found, _space_groups_of_orix(group["EBSD/CrystalMap/crystal_map"]))
        return found
    return None


def _oxford(data: "h5py.Group", header: "h5py.Group") -> IndexedMap:
    shape = int(_number(header, "Y Cells")), int(_number(header, "X Cells"))
    step = _number(header, "Y Step"), _number(header, "X Step")
    phases = [
        CrystalPhase(
            _text(entry["Phase Name"]),
            int(_number(entry, "Space Group")) or None,
            (
                *_numbers(entry, "Lattice Dimensions"),
                *np.degrees(_numbers(entry, "Lattice Angles")),
            ),
        )
        for _, entry in sorted(header["Phases"].items(), key=lambda item: int(item[0]))
    ]
    scores = {"mad": "Mean Angular Deviation", "bc": "Band Contrast", "bands": "Bands"}
    return _indexed(
        phases,
        data["Phase"][()],
        _rotations(*np.reshape(data["Euler"][()], (-1, 3)).T),
        {name: data[key][()] for name, key in scores.items() if key in data},
        (shape, step, "AZtec (in the file)", "oxford"),
    )


def _edax(data: "h5py.Group", header: "h5py.Group") -> IndexedMap:
    shape = int(_number(header, "nRows")), int(_number(header, "nColumns"))
    step = _number(header, "Step Y"), _number(header, "Step X")
    phases = []
    for _, entry in sorted(header["Phase"].items(), key=lambda item: int(item[0])):
        names = ("a", "b", "c", "alpha", "beta", "gamma")
        group = (
            re.search(r"\[(.+)\]", _text(entry["Point Group"])) if "Point Group" in entry else None
        )
        phase = CrystalPhase(
            _text(entry["MaterialName"]),
            None,
            tuple(_number(entry, f"Lattice Constant {name}") for name in names),
            point_group={"m3m": "m-3m", "m3": "m-3"}.get(group[1], group[1]) if group else None,
        )
        families = entry["hkl Families"][()] if "hkl Families" in entry else None
        hkl = [[row[axis] for axis in "HKL"] for row in families] if families is not None else []
        phases.append(_with_lattice(phase, np.reshape(hkl, (-1, 3)).astype(int)))
    # one phase alone is numbered 0; what is not indexed has a confidence index of -1
    number = data["Phase"][()].astype(int)
    number = np.where(data["CI"][()] < 0, 0, np.maximum(number, 1 if len(phases) == 1 else 0))
    return _indexed(
        phases,
        number,
        _rotations(data["Phi1"][()], data["Phi"][()], data["Phi2"][()]),
        {"fit": data["Fit"][()], "confidence": data["CI"][()], "iq": data["IQ"][()]},
        (shape, step, "EDAX (in the file)", "edax"),
    )


def _bruker(group: "h5py.Group", data: "h5py.Group", header: "h5py.Group") -> IndexedMap:
    shape = int(_number(header, "NROWS")), int(_number(header, "NCOLS"))
    step = _number(header, "YSTEP"), _number(header, "XSTEP")
    phases = [
        CrystalPhase(
            _text(entry["Name"]),
            int(_number(entry, "IT")),
            tuple(_numbers(entry, "LatticeConstants")),
        )
        for _, entry in sorted(header["Phases"].items(), key=lambda item: int(item[0]))
    ]
    order = _bruker_order(group, shape)
    angles = (np.radians(data[name][()])[order] for name in ("phi1", "PHI", "phi2"))
    scores = {"mad": "MAD", "bands": "NIndexedBands", "pattern_quality": "RadonQuality"}
    return _indexed(
        phases,
        data["Phase"][()][order],
        _rotations(*angles),
        {name: data[key][()][order] for name, key in scores.items() if key in data},
        (shape, step, "Esprit (in the file)", "oxford"),
    )


def _bruker_order(group: "h5py.Group", shape: tuple[int, int]) -> np.ndarray | slice:
    """Return where in the file each pixel is, in reading order: Bruker stores points as scanned."""
    for place in ("EBSD/SEM", "SEM"):
        for row_key, column_key in (("IY", "IX"), ("SEM IY", "SEM IX")):
            if place in group and row_key in group[place] and column_key in group[place]:
                rows, columns = group[place][row_key][()], group[place][column_key][()]
                if rows.size == np.prod(shape):
                    return np.lexsort((columns, rows))
    return slice(None)


def _indexed(
    phases: list[CrystalPhase],
    number: np.ndarray,
    rotations: np.ndarray,
    scores: dict[str, np.ndarray],
    about: tuple[tuple[int, int], tuple[float, float], str, str],
) -> IndexedMap:
    """Put flat arrays in map shape; phases are numbered from 1, and 0 is not indexed."""
    shape, step, source, frame = about
    index = np.where((number >= 1) & (number <= len(phases)), number.astype(int) - 1, NOT_INDEXED)
    return IndexedMap(
        phases=tuple(phases),
        phase_index=index.astype(np.int16).reshape(shape),
        rotations=rotations.reshape(*shape, 4),
        scores={name: np.reshape(values, shape) for name, values in scores.items()},
        step=step if min(step) > 0 else (1.0, 1.0),
        step_unit="um" if min(step) > 0 else "px",
        source=source,
        frame=frame,
    )


def _rotations(phi1: np.ndarray, phi: np.ndarray, phi2: np.ndarray) -> np.ndarray:
    """Return quaternions of Bunge's Euler angles in radians, shape (n, 4)."""
    from orix.quaternion import Rotation

    return Rotation.from_euler(np.stack([phi1, phi, phi2], axis=-1).astype(float)).data


def _text(dataset: Any) -> str:
    value = np.ravel(dataset[()])[0]
    return (value.decode("latin-1") if isinstance(value, bytes) else str(value)).strip()


def _number(group: "h5py.Group", key: str) -> float:
    return float(np.ravel(group[key][()])[0])


def _numbers(group: "h5py.Group", key: str) -> list[float]:
    return [float(value) for value in np.ravel(group[key][()])]
