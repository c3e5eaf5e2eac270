"""Structures out of CIFs."""

from pathlib import Path

from napari_bravais.catalogue.standard import NotOneLatticeError, standardised
from napari_bravais.catalogue.structure import ELEMENTS, CatalogueError, Structure


def read_cif(path: str | Path) -> Structure:
    """Read a crystal structure, in whatever setting, and turn it to the standard one.

    Parameters
    ----------
    path
        A CIF whose sites are each filled by one element.

    Raises
    ------
    CatalogueError
        If the file cannot be read as a CIF, or its structure is not one.
    OSError
        If there is no such file.
    """
    from diffpy.structure import loadStructure

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(2, "no such file", str(path))
    try:
        stored = loadStructure(str(path), fmt="cif")
    except Exception as error:  # the parser lets many kinds through
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CatalogueError(f"{path}: cannot be read as a CIF: {reason}") from error
    numbers = [_atomic_number(atom.element, path) for atom in stored]
    if not numbers:
        raise CatalogueError(f"{path}: holds no atoms")
    if min(atom.occupancy for atom in stored) < 0.99:
        raise CatalogueError(f"{path}: has sites that are not filled by one element")
    try:
        return standardised(
            stored.lattice.base,
            stored.xyz,
            numbers,
            name=path.stem,
            kind="",
            rank=3,
            source=f"CIF {path.name}",
        )
    except NotOneLatticeError as error:
        raise CatalogueError(f"{path}: {error}") from error


def _atomic_number(symbol: str, path: Path) -> int:
    plain = "".join(filter(str.isalpha, symbol)).capitalize()
    if plain not in ELEMENTS[1:]:
        raise CatalogueError(f"{path}: {symbol!r} is no element")
    return ELEMENTS.index(plain)
