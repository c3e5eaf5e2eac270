"""Maps as orix's ``CrystalMap`` and back."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from napari_bravais.lattices import Lattice
from napari_bravais.mapping.indexed_map import NOT_INDEXED, NOT_MAPPED, CrystalPhase, IndexedMap

if TYPE_CHECKING:
    from orix.crystal_map import CrystalMap, Phase

    from napari_bravais.mapping.phase_map import PhaseMap
    from napari_bravais.mapping.shown_map import MapClass

# The group of highest symmetry with no glides and no screws, which says the lattice and no more.
_HOLOHEDRAL = dict(
    zip(
        ("aP", "mP", "mS", "oP", "oS", "oI", "oF", "tP", "tI", "hR", "hP", "cP", "cI", "cF"),
        (2, 10, 12, 47, 65, 71, 69, 123, 139, 166, 191, 221, 229, 225),
        strict=True,
    )
)


# The same of crystal systems, which say no lattice.
_SYSTEMS = {
    "triclinic": "-1",
    "monoclinic": "2/m",
    "orthorhombic": "mmm",
    "tetragonal": "4/mmm",
    "trigonal": "-3m",
    "hexagonal": "6/mmm",
    "cubic": "m-3m",
}


def phase_of_class(entry: "Lattice | MapClass") -> CrystalPhase:
    """Return what stands for all phases of a lattice or system; its unit cell is not known."""
    if entry.pearson:
        return CrystalPhase(f"{entry.pearson} {entry.name}", _HOLOHEDRAL[entry.pearson])
    gamma = 120 if entry.name in ("trigonal", "hexagonal") else 90
    return CrystalPhase(entry.name, cell=(1, 1, 1, 90, 90, gamma), point_group=_SYSTEMS[entry.name])


def as_indexed(shown: "PhaseMap | IndexedMap") -> IndexedMap:
    """Return a map as one that names phases: a lattice map with a phase for each lattice."""
    if isinstance(shown, IndexedMap):
        return shown
    labels = shown.labels
    found = np.unique(labels[labels >= 0])
    place = np.full(len(shown.classes), NOT_INDEXED, np.int16)
    place[found] = np.arange(found.size)
    index = np.where(shown.mapped, place[labels], np.int16(NOT_MAPPED))
    return IndexedMap(
        phases=tuple(phase_of_class(shown.classes[label + 1]) for label in found),
        phase_index=index,
        scores={"quality": shown.quality, "confidence": shown.confidence},
        step=shown.step,
        step_unit=shown.step_unit,
        source="Neural network",
        provenance=shown.provenance,
    )


def phase_map_to_crystal_map(phase_map: "PhaseMap") -> "CrystalMap":
    """Return a lattice map as orix's.

    Parameters
    ----------
    phase_map
        The map.

    Returns
    -------
    orix.crystal_map.CrystalMap
        A phase for each lattice (or crystal system, if these are shown) found, its id the
        lattice's place among the fourteen; -1 where not classified. The orientations are not
        known and stand as the identity. Properties: ``quality``, ``confidence`` and, by Pearson
        symbol or system, the probabilities (``p_aP`` ...).
    """
    labels = phase_map.labels
    found = np.unique(labels[labels >= 0]).tolist()
    properties = {"quality": phase_map.quality, "confidence": phase_map.confidence}
    probabilities = np.moveaxis(phase_map.class_probabilities, -1, 0)
    for entry, values in zip(phase_map.classes[1:], probabilities, strict=True):
        properties[f"p_{entry.key}"] = values
    return _crystal_map(
        {label: phase_of_class(phase_map.classes[label + 1]) for label in found},
        labels,
        None,
        properties,
        phase_map.step,
        phase_map.step_unit,
    )


def indexed_to_crystal_map(indexed: IndexedMap) -> "CrystalMap":
    """Return an indexed map as orix's; its scores become properties."""
    return _crystal_map(
        dict(enumerate(indexed.phases)),
        np.maximum(indexed.phase_index, NOT_INDEXED),
        indexed.rotations,
        indexed.scores,
        indexed.step,
        indexed.step_unit,
    )


def _crystal_map(
    phases: dict[int, CrystalPhase],
    phase_id: np.ndarray,
    rotations: np.ndarray | None,
    properties: dict[str, np.ndarray],
    step: tuple[float, float],
    unit: str,
) -> "CrystalMap":
    from orix.crystal_map import CrystalMap, PhaseList
    from orix.quaternion import Rotation

    rows, columns = np.indices(phase_id.shape)
    if rotations is None:
        rotations = np.broadcast_to([1.0, 0, 0, 0], (*phase_id.shape, 4))
    # a quaternion of zeros, where nothing was indexed, is no rotation
    usable = np.where((phase_id >= 0)[..., None], rotations, [1.0, 0, 0, 0])
    return CrystalMap(
        rotations=Rotation(usable.reshape(-1, 4).astype(float)),
        phase_id=phase_id.ravel().astype(int),
        x=columns.ravel() * step[1],
        y=rows.ravel() * step[0],
        phase_list=PhaseList({key: phase.to_orix() for key, phase in phases.items()}),
        prop={name: np.asarray(values).ravel() for name, values in properties.items()},
        scan_unit=unit,
    )


def from_crystal_map(
    crystal_map: "CrystalMap", source: str, *, frame: str = "edax", shape=None
) -> IndexedMap:
    """Return orix's map as ours.

    Parameters
    ----------
    crystal_map
        The map; where it lists several solutions for a pixel, the first is taken.
    source
        Its title.
    frame
        Whose sample frame its rotations are in.
    shape
        Rows and columns, if the map's own coordinates do not say them (one row or column).

    Returns
    -------
    IndexedMap

    Raises
    ------
    ValueError
        If the points do not fill a rectangle.
    """
    shape = shape or _shape(crystal_map)
    if np.prod(shape) != crystal_map.size:
        raise ValueError(f"its {crystal_map.size} points are no map of {shape[0]} x {shape[1]}")
    ids = [key for key in crystal_map.phases.ids if key >= 0]
    first = crystal_map.phase_id if crystal_map.phase_id.ndim == 1 else crystal_map.phase_id[:, 0]
    index = np.full(crystal_map.size, NOT_INDEXED, np.int16)
    for place, key in enumerate(ids):
        if _is_told(crystal_map.phases[key]):
            index[first == key] = place
    order = np.lexsort((_or_zeros(crystal_map.x, first), _or_zeros(crystal_map.y, first)))
    rotations = crystal_map.rotations.data.reshape(crystal_map.size, -1, 4)[:, 0]
    scores = {
        name: np.asarray(values).reshape(crystal_map.size, -1)[order, 0].reshape(shape)
        for name, values in crystal_map.prop.items()
        if np.size(values) >= crystal_map.size  # files hold other things, too
    }
    return IndexedMap(
        phases=tuple(CrystalPhase.from_orix(crystal_map.phases[key]) for key in ids),
        phase_index=index[order].reshape(shape),
        rotations=rotations[order].reshape(*shape, 4),
        scores=scores,
        step=_step(crystal_map),
        step_unit=crystal_map.scan_unit or "px",
        source=source,
        frame=frame,
    )


def _is_told(phase: "Phase") -> bool:
    """Tell a phase from one that stands for nothing, as in what kikuchipy saves unindexed."""
    return phase.point_group is not None or phase.name not in ("", "None")


def _shape(crystal_map: "CrystalMap") -> tuple[int, int]:
    rows, columns = (
        1 if values is None else np.unique(np.round(values, 5)).size
        for values in (crystal_map.y, crystal_map.x)
    )
    return rows, columns


def _step(crystal_map: "CrystalMap") -> tuple[float, float]:
    """Return the step (y, x); a line's missing step is its other one."""
    y, x = float(crystal_map.dy), float(crystal_map.dx)
    return (y or x or 1.0, x or y or 1.0)


def _or_zeros(values: Iterable | None, like: np.ndarray) -> np.ndarray:
    return np.zeros(like.shape) if values is None else np.round(values, 5)
