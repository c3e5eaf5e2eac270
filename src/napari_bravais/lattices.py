"""The 14 Bravais lattices: the one place that says their order, names and colours."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lattice:
    """One Bravais lattice.

    Attributes
    ----------
    index
        Position in the classifier's output, 0 to 13.
    pearson
        Pearson symbol of the lattice, for example ``"cF"``.
    name
        Name in words, for example ``"face-centred cubic"``.
    crystal_system
        One of the seven crystal systems; *hR* counts as ``"trigonal"``.
    colour
        Hexadecimal RGB colour, for example ``"#0072b2"``.
    """

    index: int
    pearson: str
    name: str
    crystal_system: str
    colour: str


_ROWS = (
    ("aP", "triclinic", "triclinic", "#999999"),
    ("mP", "primitive monoclinic", "monoclinic", "#8c564b"),
    ("mS", "base-centred monoclinic", "monoclinic", "#c49c94"),
    ("oP", "primitive orthorhombic", "orthorhombic", "#2ca02c"),
    ("oS", "base-centred orthorhombic", "orthorhombic", "#98df8a"),
    ("oI", "body-centred orthorhombic", "orthorhombic", "#006400"),
    ("oF", "face-centred orthorhombic", "orthorhombic", "#bcbd22"),
    ("tP", "primitive tetragonal", "tetragonal", "#d55e00"),
    ("tI", "body-centred tetragonal", "tetragonal", "#ffbb78"),
    ("hR", "rhombohedral", "trigonal", "#9467bd"),
    ("hP", "hexagonal", "hexagonal", "#56b4e9"),
    ("cP", "primitive cubic", "cubic", "#e377c2"),
    ("cI", "body-centred cubic", "cubic", "#f0e442"),
    ("cF", "face-centred cubic", "cubic", "#0072b2"),
)

#: The lattices in the order of the classifier's output.
LATTICES = tuple(Lattice(index, *row) for index, row in enumerate(_ROWS))

#: Pearson symbols in the same order.
PEARSON_SYMBOLS = tuple(lattice.pearson for lattice in LATTICES)

#: Label of a pixel that was not classified: nothing there yet, or its pattern shows too little.
NOT_CLASSIFIED = -1

#: Colour of pixels that were not classified.
NOT_CLASSIFIED_COLOUR = "#404040"


def lattice(symbol: str) -> Lattice:
    """Return the lattice with a Pearson symbol.

    Parameters
    ----------
    symbol
        Pearson symbol, for example ``"cF"``.

    Returns
    -------
    Lattice

    Raises
    ------
    ValueError
        If no lattice has that symbol.
    """
    try:
        return LATTICES[PEARSON_SYMBOLS.index(symbol)]
    except ValueError:
        known = " ".join(PEARSON_SYMBOLS)
        raise ValueError(f"{symbol!r} is no Bravais lattice; the symbols are {known}") from None
