"""``bravais match``: single patterns of a scan held against known materials."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_bravais.lattices import LATTICES, PEARSON_SYMBOLS, UNCLASSIFIED, lattice
from napari_bravais.terminal import (
    Average,
    Centre,
    Convention,
    Elements,
    Model,
    ScanPath,
    classifier_at,
    fail,
    pattern_centre,
    plain_errors,
    progress_bar,
    scan_at,
)

if TYPE_CHECKING:
    from napari_bravais.mapping.matching.pattern import MatchedPattern

#: Patterns that are held unasked: each takes about a second, and of more a map is wanted.
_MOST = 500


def match(
    scan: ScanPath,
    pixel: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROW,COLUMN",
            help="A pattern, from 0,0; may be repeated. By default all patterns.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write a table (CSV), too."),
    ] = None,
    elements: Elements = None,
    average: Average = False,
    pc: Centre = None,
    convention: Convention = "bruker",
    model: Model = None,
) -> None:
    """Hold single patterns against known materials: the lattice of each, and what it may be.

    It takes about a second a pattern. Of a map, `bravais phases` holds each phase's.
    """
    from napari_bravais.mapping.elements import elements_in
    from napari_bravais.mapping.matching.centre import ready_to_match
    from napari_bravais.mapping.matching.pattern import match_pattern

    with plain_errors():
        present, centre = elements_in(elements or ""), pattern_centre(pc, convention)
        opened = scan_at(scan, centre, average)
        pixels = _pixels(pixel, opened.navigation_shape)
        classifier = classifier_at(model)
        with progress_bar("Pattern centre", "cameras") as progress:
            ready = ready_to_match(opened, classifier, None, progress)
        if ready.note:
            typer.echo(ready.note)
        rows = []
        try:
            with progress_bar("Matching") as progress:
                for done, place in enumerate(pixels):
                    progress(done, len(pixels))
                    found = match_pattern(ready.scan, place, classifier, ready.matcher, present)
                    rows.append(_row(place, found, found.quality >= classifier.quality_threshold))
        finally:  # what is done is kept if the rest is given up
            if output is not None and rows:
                _write(rows, output)
        typer.echo("\n".join(_told(rows)))
        if output is not None:
            typer.echo(f"Written: {output}")


def _pixels(given: list[str] | None, shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Return rows and columns of the patterns that are asked for."""
    rows, columns = shape
    if given is None:
        if rows * columns > _MOST:
            fail(
                f"There are {rows * columns:,} patterns, and each takes about a second: name some "
                "(--pixel ROW,COLUMN), or have all phases found (`bravais map`, `bravais phases`)."
            )
        return [(row, column) for row in range(rows) for column in range(columns)]
    found = []
    for text in given:
        try:
            row, column = (int(part) for part in text.split(","))
        except ValueError as error:
            raise typer.BadParameter(f"--pixel {text}: two numbers, like 12,40") from error
        if not (0 <= row < rows and 0 <= column < columns):
            fail(f"--pixel {text}: the rows are 0 to {rows - 1}, the columns 0 to {columns - 1}")
        found.append((row, column))
    return found


def _row(
    pixel: tuple[int, int], found: "MatchedPattern", readable: bool
) -> dict[str, str | int | float]:
    """Return what is found of a pattern as a row of the table."""
    row, column = pixel
    facts = {"row": row, "column": column, "quality": round(found.quality, 3)}
    if not readable:  # what fits noise best is nothing to be taken for a result
        return facts | {"lattice": UNCLASSIFIED.key}
    best = int(found.probabilities.argmax())
    facts |= {
        "lattice": LATTICES[best].key,
        "P(lattice)": round(float(found.probabilities[best]), 4),
        "P(no known material)": round(found.none, 4),
    }
    for number, (material, probability, correlation) in enumerate(found.candidates, 1):
        facts |= {
            f"material {number}": material.name,
            f"formula {number}": material.formula,
            f"P(material {number})": round(probability, 4),
            f"correlation {number}": round(correlation, 4),
        }
    shares = zip(PEARSON_SYMBOLS, found.probabilities, strict=True)
    return facts | {f"P({pearson})": round(float(share), 4) for pearson, share in shares}


def _told(rows: list[dict]) -> Iterator[str]:
    """Say each pattern's lattice, and the material that it is the likeliest of."""
    yield f"{'row':>5} {'column':>6} {'quality':>7}  {'lattice':<25}{'P':>6}  like"
    for row in rows:
        named, share, like = row["lattice"], "", ""
        if named != UNCLASSIFIED.key:
            named = f"{named}  {lattice(named).name}"
            share = f"{row['P(lattice)']:.2f}"
            like = f"nothing known (P {row['P(no known material)']:.2f})"
            if row["P(no known material)"] < 0.5 and "material 1" in row:
                like = f"{row['material 1']} (P {row['P(material 1)']:.2f}, "
                like += f"correlation {row['correlation 1']:.2f})"
        place = f"{row['row']:>5} {row['column']:>6} {row['quality']:>7.2f}"
        yield f"{place}  {named:<25}{share:>6}  {like}".rstrip()


def _write(rows: list[dict], path: Path) -> None:
    """Write the table: columns in the order of the row that has most."""
    from napari_bravais.io.files import replacing

    columns = list(max(rows, key=len))
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
