"""Crystal structures of some hundred materials, the everyday ones of EBSD first.

``structures.jsonl`` holds them, one a line; ``scripts/catalogue`` made it.
"""

from typing import TYPE_CHECKING

from napari_bravais.catalogue.cif import read_cif
from napari_bravais.catalogue.index import (
    by_elements,
    by_lattice,
    find,
    names,
    search,
    structures,
)
from napari_bravais.catalogue.structure import CatalogueError, Structure

if TYPE_CHECKING:
    from orix.crystal_map import Phase

__all__ = [
    "CatalogueError",
    "Structure",
    "by_elements",
    "by_lattice",
    "find",
    "names",
    "phase",
    "read_cif",
    "search",
    "structures",
    "to_cif",
]


def phase(name: str) -> "Phase":
    """Return a structure of the catalogue as orix's phase; see `find` and `Structure.phase`."""
    return find(name).phase()


def to_cif(name: str) -> str:
    """Return a structure of the catalogue as the text of a CIF; see `find`."""
    return find(name).to_cif()
