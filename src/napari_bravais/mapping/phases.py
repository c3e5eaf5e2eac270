"""The phases to index by: by name, by CIF file, or proposed from a map."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from napari_bravais import catalogue
from napari_bravais.mapping.phase_map import PhaseMap
from napari_bravais.mapping.pooled_map import PooledMap

if TYPE_CHECKING:
    from orix.crystal_map import Phase

# A lattice that covers less is more likely noise than a phase; nor is a less likely material one.
_LEAST_FRACTION = 0.01


def find_phase(name: str | Path) -> "Phase":
    """Return a phase by its name in the catalogue, or from a CIF file.

    Parameters
    ----------
    name
        Name, alias or formula of a structure of the catalogue, for example ``"rutile"``, or the
        path of a file that ends in ``.cif``.

    Returns
    -------
    orix.crystal_map.Phase
        With space group, unit cell and all its atoms.

    Raises
    ------
    CatalogueError
        If there is no such structure, or the file holds none.
    """
    if Path(name).suffix.lower() == ".cif":
        return catalogue.read_cif(Path(name)).phase()
    return catalogue.phase(str(name))


def fault_of(names: Iterable[str]) -> str | None:
    """Say which phase `find_phase` would not find, without reading files; None if all are there."""
    for name in names:
        if Path(name).suffix.lower() == ".cif":
            if not Path(name).is_file():
                return f"{name}: there is no such file"
            continue
        try:
            catalogue.find(name)
        except catalogue.CatalogueError as error:
            return str(error)
    return None


def proposed_phases(
    phase_map: PhaseMap, materials: Iterable[str] = (), each: int = 2
) -> list["Phase"]:
    """Propose phases for a map that the network made.

    Parameters
    ----------
    phase_map
        The map.
    materials
        Names of the materials that the network takes for likeliest; those that are in the
        catalogue are proposed first.
    each
        How many phases a lattice.

    Returns
    -------
    list of orix.crystal_map.Phase
        For each lattice that covers one percent of the map, the largest first: the likeliest
        materials, then the catalogue's most everyday ones of that lattice.
    """
    likely = []
    for name in materials:
        try:
            likely.append(catalogue.find(name))
        except catalogue.CatalogueError:
            continue
    phases = []
    for lattice, _, fraction in phase_map.fractions():
        if lattice.pearson and fraction >= _LEAST_FRACTION:
            own = [entry for entry in likely if entry.lattice == lattice.pearson]
            ranked = dict.fromkeys([*own, *catalogue.by_lattice(lattice.pearson)])
            phases += [entry.phase() for entry in list(ranked)[:each]]
    return phases


def named_phases(pooled: PooledMap) -> list[str]:
    """Return the likeliest materials of a map's phases, by names that `find_phase` knows.

    Parameters
    ----------
    pooled
        The phases.

    Returns
    -------
    list of str
        Of each phase, the first candidate that is in the catalogue and has the phase's lattice.
    """
    names = []
    for phase in pooled.phases:
        for name, _, probability in phase.candidates:
            if probability < _LEAST_FRACTION:
                break  # the likeliest come first
            try:
                entry = catalogue.find(name)
            except catalogue.CatalogueError:
                continue
            if entry.lattice == phase.lattice.pearson:
                names.append(name)
                break
    return list(dict.fromkeys(names))
