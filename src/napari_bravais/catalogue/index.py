"""Look structures up in the catalogue."""

import json
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files

from napari_bravais.catalogue.structure import CatalogueError, Structure
from napari_bravais.lattices import lattice


@lru_cache(maxsize=1)
def structures() -> tuple[Structure, ...]:
    """Return all structures, those met most often first."""
    text = files("napari_bravais.catalogue").joinpath("structures.jsonl").read_text("utf-8")
    return tuple(from_record(json.loads(line)) for line in text.splitlines())


def from_record(record: dict) -> Structure:
    """Return the structure that a line of ``structures.jsonl`` holds."""
    sites = tuple((symbol, *xyz) for symbol, *xyz in record.pop("sites"))
    aliases = tuple(record.pop("aliases", ()))
    return Structure(**record | {"cell": tuple(record["cell"])}, sites=sites, aliases=aliases)


def names() -> tuple[str, ...]:
    """Return the names of all structures, those met most often first."""
    return tuple(structure.name for structure in structures())


def find(name: str) -> Structure:
    """Return the structure of a name.

    Parameters
    ----------
    name
        Key, name, alias or formula, in capitals or not. Of several with that name or formula, the
        one met most often.

    Raises
    ------
    CatalogueError
        If there is none.
    """
    wanted = _plain(name)
    for called in (_keys_and_names, _aliases, _formulas):
        for structure in structures():
            if wanted in called(structure):
                return structure
    known = {call: s for s in structures() for call in (*_keys_and_names(s), *_aliases(s))}
    near = dict.fromkeys(known[call].name for call in get_close_matches(wanted, known, n=3))
    hint = f"; near it: {', '.join(near)}" if near else ""
    raise CatalogueError(f"{name!r} is not in the catalogue{hint}")


def search(text: str, limit: int = 20) -> list[Structure]:
    """Return structures whose name, alias or formula holds a text, those that begin with it first.

    Parameters
    ----------
    text
        What was typed.
    limit
        How many at most.
    """
    wanted = _plain(text)
    found = []
    for structure in structures():
        called = (*_keys_and_names(structure), *_aliases(structure), *_formulas(structure))
        if any(wanted in call for call in called):
            found.append((not any(call.startswith(wanted) for call in called), structure))
    return [structure for _, structure in sorted(found, key=lambda pair: pair[0])][:limit]


def by_lattice(pearson: str) -> list[Structure]:
    """Return the structures of a Bravais lattice, those met most often first.

    Raises
    ------
    ValueError
        If no lattice has that Pearson symbol.
    """
    symbol = lattice(pearson).pearson
    return [structure for structure in structures() if structure.lattice == symbol]


def by_elements(elements: Iterable[str]) -> list[Structure]:
    """Return the structures made of these elements alone, those met most often first."""
    allowed = set(elements)
    return [structure for structure in structures() if structure.elements <= allowed]


def _plain(name: str) -> str:
    return name.casefold().replace(" ", "").replace("_", "-")


def _keys_and_names(structure: Structure) -> tuple[str, ...]:
    return _plain(structure.key), _plain(structure.name)


def _aliases(structure: Structure) -> tuple[str, ...]:
    return tuple(map(_plain, structure.aliases))


def _formulas(structure: Structure) -> tuple[str, ...]:
    return (_plain(structure.formula),)
