"""Maps as ``.ang`` (EDAX) and ``.ctf`` (Oxford Instruments), by the rules that MTEX reads them by.

Phases are numbered from 1 in both, and 0 is not indexed. orix's own writer of ``.ang`` numbers
what is not indexed -1 where there is one phase; MTEX then takes another column for the phase.
"""

from pathlib import Path

import numpy as np

from napari_bravais.io.files import replacing
from napari_bravais.mapping.crystal_map import as_indexed
from napari_bravais.mapping.indexed_map import CrystalPhase, IndexedMap
from napari_bravais.mapping.phase_map import PhaseMap

# Laue groups in the order in which .ctf numbers them from 1: the last space group of each, its
# symbol, and the code that .ang has for it. Monoclinic cells have b as their unique axis.
_LAUE_GROUPS = (
    *((2, "-1", "1"), (15, "2/m", "20"), (74, "mmm", "22"), (88, "4/m", "4")),
    *((142, "4/mmm", "42"), (148, "-3", "3"), (167, "-3m", "32"), (176, "6/m", "6")),
    *((194, "6/mmm", "62"), (206, "m-3", "23"), (230, "m-3m", "43")),
)

_MICROMETRES = {"m": 1e6, "mm": 1e3, "um": 1.0, "nm": 1e-3}


def write_ang(shown: PhaseMap | IndexedMap, path: str | Path) -> Path:
    """Write a map as ``.ang``.

    Parameters
    ----------
    shown
        The map. A lattice map has no orientations; its Euler angles are zero.
    path
        The file; it appears, or is replaced, when it is complete.

    Returns
    -------
    pathlib.Path
        ``path``.

    Notes
    -----
    Lengths are in micrometres, or in pixels where the scan has no unit. Where a map is not
    indexed its Euler angles are 4π, its phase 0, its confidence index -1 and its fit 180. The
    image quality is the pattern's quality; a lattice map's confidence index is its probability.
    """
    indexed = as_indexed(shown)
    step_y, step_x = _steps(indexed)
    rows, columns = np.indices(indexed.shape)
    good = indexed.indexed
    blank = np.zeros(indexed.shape)
    fit = np.where(good, _score(indexed, "fit"), 180)
    table = [
        *np.where(good, _euler(indexed, "edax"), 4 * np.pi),
        *(columns * step_x, rows * step_y),
        np.where(good, _score(indexed, "pattern_quality", "quality", "iq"), 0),
        np.where(good, _score(indexed, "confidence", "ci"), -1),
        np.maximum(indexed.phase_index + 1, 0),
        *(blank, fit),
    ]
    header = ["TEM_PIXperUM          1.000000", *_pattern_centre(indexed), ""]
    # OIM Analysis expects the last phase first
    for number, phase in reversed(list(enumerate(indexed.phases, start=1))):
        cell = " ".join(f"{value:.3f}" for value in _cell(phase))
        header += [
            *(f"Phase {number}", f"MaterialName  \t{phase.name}", f"Formula     \t{phase.name}"),
            *("Info \t\t", f"Symmetry              {_LAUE_GROUPS[_laue(phase)][2]}"),
            *(f"LatticeConstants      {cell}", "NumberFamilies        0", ""),
        ]
    ny, nx = indexed.shape
    header += [
        *("GRID: SqrGrid", f"XSTEP: {step_x:.6f}", f"YSTEP: {step_y:.6f}"),
        *(f"NCOLS_ODD: {nx}", f"NCOLS_EVEN: {nx}", f"NROWS: {ny}", ""),
        *("OPERATOR: napari-bravais", "", "SAMPLEID:", "", "SCANID:", ""),
        "Column names: phi1, Phi, phi2, x, y, image_quality, confidence_index, phase_id, "
        "detector_signal, pattern_fit",
    ]
    formats = ["%9.5f"] * 3 + ["%12.5f"] * 2 + ["%9.3f", "%6.3f", "%2i", "%6i", "%7.3f"]
    lines = [f"# {line}".rstrip() for line in header]
    return _write(path, lines, table, " ".join(formats), "\n")


def write_ctf(shown: PhaseMap | IndexedMap, path: str | Path) -> Path:
    """Write a map as ``.ctf``; as `write_ang`, but in Oxford Instruments' sample frame.

    ``MAD`` is the fit, ``Bands`` how many bands fit, ``BC`` the pattern's quality in 255ths of the
    map's best, and ``Error`` 3 ("no solution") where not indexed.
    """
    indexed = as_indexed(shown)
    step_y, step_x = _steps(indexed)
    rows, columns = np.indices(indexed.shape)
    good = indexed.indexed
    quality = np.nan_to_num(_score(indexed, "pattern_quality", "quality", "bc", "iq"))
    contrast = np.clip(255 * quality / (quality.max() or 1), 0, 255)
    table = [
        np.maximum(indexed.phase_index + 1, 0),
        *(columns * step_x, rows * step_y),
        np.where(good, _score(indexed, "bands"), 0),
        np.where(good, 0, 3),
        *np.where(good, np.degrees(_euler(indexed, "oxford")), 0),
        np.where(good, _score(indexed, "fit", "mad"), 0),
        *(contrast, np.zeros(indexed.shape)),
    ]
    ny, nx = indexed.shape
    lines = [
        *("Channel Text File", f"Prj\t{Path(path).stem}", "Author\tnapari-bravais"),
        *("JobMode\tGrid", f"XCells\t{nx}", f"YCells\t{ny}"),
        *(f"XStep\t{step_x:.6f}", f"YStep\t{step_y:.6f}", "AcqE1\t0", "AcqE2\t0", "AcqE3\t0"),
        "Euler angles refer to Sample Coordinate system (CS0)!\tMag\t0\tCoverage\t100\tDevice\t0"
        "\tKV\t0\tTiltAngle\t70\tTiltAxis\t0",
        f"Phases\t{len(indexed.phases)}",
    ]
    for phase in indexed.phases:
        cell = [f"{value:.3f}" for value in _cell(phase)]
        group = phase.space_group or 0
        lines.append(
            f"{';'.join(cell[:3])}\t{';'.join(cell[3:])}\t{phase.name}\t{_laue(phase) + 1}\t{group}"
        )
    lines.append("Phase\tX\tY\tBands\tError\tEuler1\tEuler2\tEuler3\tMAD\tBC\tBS")
    formats = ["%i", "%.4f", "%.4f", "%i", "%i", "%.4f", "%.4f", "%.4f", "%.4f", "%i", "%i"]
    return _write(path, lines, table, "\t".join(formats), "\r\n")


def _write(
    path: str | Path, lines: list[str], table: list[np.ndarray], row_format: str, newline: str
) -> Path:
    path = Path(path)
    values = np.column_stack([np.nan_to_num(column).ravel() for column in table])
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", newline=newline) as file,
    ):
        file.write("\n".join(lines) + "\n")
        np.savetxt(file, values, fmt=row_format)
    return path


def _steps(indexed: IndexedMap) -> tuple[float, float]:
    """Return the step (y, x) in micrometres; in pixels where the scan has no unit."""
    factor = _MICROMETRES.get(indexed.step_unit, 1.0)
    return indexed.step[0] * factor, indexed.step[1] * factor


def _score(indexed: IndexedMap, *names: str) -> np.ndarray:
    """Return the first of these scores, whatever its case; zeros if the map has none of them."""
    scores = {name.lower(): values for name, values in indexed.scores.items()}
    found = next((scores[name] for name in names if name in scores), None)
    return np.zeros(indexed.shape) if found is None else found


def _euler(indexed: IndexedMap, frame: str) -> np.ndarray:
    """Return Bunge's Euler angles in radians, shape (3, ny, nx)."""
    from orix.quaternion import Rotation

    rotations = indexed.in_frame(frame).rotations
    if rotations is None:
        return np.zeros((3, *indexed.shape))
    usable = np.where(indexed.indexed[..., None], rotations, [1.0, 0, 0, 0])
    angles = Rotation(usable.reshape(-1, 4).astype(float)).to_euler()
    return angles.T.reshape(3, *indexed.shape)


def _cell(phase: CrystalPhase) -> tuple[float, ...]:
    return tuple(float(value) for value in phase.to_orix().structure.lattice.abcABG())


def _laue(phase: CrystalPhase) -> int:
    """Return the place of a phase's Laue group in the table."""
    if phase.space_group is not None:
        last_groups = [last for last, *_ in _LAUE_GROUPS]
        return next(i for i, last in enumerate(last_groups) if phase.space_group <= last)
    group = phase.to_orix().point_group
    symbols = [symbol for _, symbol, _ in _LAUE_GROUPS]
    return 0 if group is None else symbols.index(group.laue.name)


def _pattern_centre(indexed: IndexedMap) -> list[str]:
    """Return the lines of the pattern centre, as far as it is known."""
    centre = indexed.provenance.get("pattern_centre") or {}
    if centre.get("convention") != "edax":
        centre = {}
    names = {"x-star": "x", "y-star": "y", "z-star": "z"}
    lines = [f"{name}                {centre.get(key, 0):.6f}" for name, key in names.items()]
    return [*lines, "WorkingDistance       0.000000"]
