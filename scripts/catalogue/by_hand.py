"""Structures entered by hand: their cells, on sites of AFLOW prototypes or entered too.

Their numbers are well-known values at room temperature, typed from memory: no book or paper was
consulted, so none is named. Those of ``published.txt`` say where they were read.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sources import Candidate, cell_vectors

from napari_bravais.catalogue.structure import ELEMENTS, orbit

HERE = Path(__file__).parent
_ENTERED = "entered by hand from well-known values, only checked by spglib"
_BY_HAND = f"cell and sites {_ENTERED}"


def by_prototype(prototypes: dict[str, Candidate]) -> Iterator[Candidate]:
    """Yield the rows of ``relatives.tsv``: elements and cell put into an AFLOW prototype."""
    short = dict(line.split() for line in _lines("prototypes.tsv"))
    for line in _lines("relatives.tsv"):
        name, aliases, kind, rank, label, symbols, cell = (part.strip() for part in line.split("|"))
        parent = prototypes[short.get(label, label)]
        tag = short.get(label, label)
        yield Candidate(
            *_replaced(parent, tag, symbols.split(), [float(v) for v in cell.split()]),
            name,
            f"cell {_ENTERED}; sites of {parent.source}",
            kind,
            int(rank),
            tuple(alias.strip() for alias in aliases.split(";") if alias.strip()),
        )


def by_sites(file: str = "sites.txt", source: str = _BY_HAND) -> Iterator[Candidate]:
    """Yield the structures of a file: a heading line, then a line a site."""
    for block in (HERE / file).read_text().split("\n\n"):
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        if not lines:
            continue
        name, aliases, kind, rank, group, cell, note = (
            part.strip() for part in lines[0].split("|")
        )
        positions, numbers = [], []
        for line in lines[1:]:
            symbol, *xyz = line.split()
            images = orbit(int(group), np.array([float(eval_fraction(v)) for v in xyz]))
            positions.append(images)
            numbers += [ELEMENTS.index(symbol)] * len(images)
        yield Candidate(
            cell_vectors(*_full_cell(int(group), [float(v) for v in cell.split()])),
            np.concatenate(positions),
            numbers,
            name,
            "; ".join(filter(None, (source, note))),
            kind,
            int(rank),
            tuple(alias.strip() for alias in aliases.split(";") if alias.strip()),
        )


def eval_fraction(text: str) -> float:
    """Return the value of ``0.25`` or ``-1/3``."""
    numerator, _, denominator = text.partition("/")
    return float(numerator) / float(denominator or 1)


def _lines(name: str) -> list[str]:
    text = (HERE / name).read_text().splitlines()
    return [line for line in text if line.strip() and not line.startswith("#")]


def _replaced(parent: Candidate, tag: str, symbols: list[str], cell: list[float]):
    """Return cell, positions and numbers of a prototype with other elements in another cell."""
    import spglib

    # origin and axes of the standard setting, so that the cell can be given in its usual numbers
    data = spglib.get_symmetry_dataset(
        (parent.cell, parent.positions, parent.numbers), symprec=0.01
    )
    own = sorted({ELEMENTS[z] for z in parent.numbers})
    if len(own) != len(symbols):
        raise ValueError(f"{tag} has the elements {own}, not as many as {symbols}")
    # one element on two kinds of sites is written twice, with a digit: Fe Fe1
    new = {
        ELEMENTS.index(a): ELEMENTS.index(b.rstrip("0123456789"))
        for a, b in zip(own, symbols, strict=True)
    }
    numbers = [new[int(z)] for z in data.std_types]
    vectors = cell_vectors(*_full_cell(int(data.number), cell))
    return vectors, data.std_positions, numbers


def _full_cell(group: int, cell: list[float]) -> list[float]:
    """Return all six parameters, given those that the crystal system leaves free."""
    if group <= 2:
        return cell
    if group <= 15:
        return [*cell[:3], 90, cell[3], 90]
    if group <= 74:
        return [*cell, 90, 90, 90]
    if group <= 142:
        return [cell[0], cell[0], cell[1], 90, 90, 90]
    if group <= 194:
        return [cell[0], cell[0], cell[1], 90, 90, 120]
    return [cell[0]] * 3 + [90] * 3
