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

    @property
    def key(self) -> str:
        """Pearson symbol, or the name of what has none."""
        return self.pearson or self.name


# The colours maximise the least difference between any two of them, and grey for *not classified*,
# to normal eyes and to readers without red, green or (with less weight) blue cones; the lattices
# met most often are the furthest apart. None vanishes on a black canvas or on white paper.
# tests/test_lattices.py holds the differences.
_ROWS = (
    ("aP", "triclinic", "triclinic", "#995890"),
    ("mP", "primitive monoclinic", "monoclinic", "#efd5ff"),
    ("mS", "base-centred monoclinic", "monoclinic", "#6e1b6f"),
    ("oP", "primitive orthorhombic", "orthorhombic", "#7fffb0"),
    ("oS", "base-centred orthorhombic", "orthorhombic", "#128853"),
    ("oI", "body-centred orthorhombic", "orthorhombic", "#c9f41d"),
    ("oF", "face-centred orthorhombic", "orthorhombic", "#5c77ff"),
    ("tP", "primitive tetragonal", "tetragonal", "#cb3a01"),
    ("tI", "body-centred tetragonal", "tetragonal", "#860500"),
    ("hR", "rhombohedral", "trigonal", "#9fa5ff"),
    ("hP", "hexagonal", "hexagonal", "#11c9bb"),
    ("cP", "primitive cubic", "cubic", "#ff6087"),
    ("cI", "body-centred cubic", "cubic", "#de9a00"),
    ("cF", "face-centred cubic", "cubic", "#3600ea"),
)

#: The lattices in the order of the classifier's output.
LATTICES = tuple(Lattice(index, *row) for index, row in enumerate(_ROWS))

#: Pearson symbols in the same order.
PEARSON_SYMBOLS = tuple(lattice.pearson for lattice in LATTICES)

#: Lattice points in the conventional cell, by the centring: the second letter of the symbol.
POINTS_PER_CELL = {"P": 1, "S": 2, "I": 2, "R": 3, "F": 4}

#: Label of a pixel that was not classified: nothing there yet, or its pattern shows too little.
NOT_CLASSIFIED = -1

#: Colour of pixels that were not classified.
NOT_CLASSIFIED_COLOUR = "#515151"

#: Stands for *not classified* where lattices are listed with their shares.
UNCLASSIFIED = Lattice(NOT_CLASSIFIED, "", "not classified", "", NOT_CLASSIFIED_COLOUR)


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


# Space groups whose lattice is not primitive, by centring, as the International Tables number them.
_CENTRED = {
    "S": (5, 8, 9, 12, 15, 20, 21, *range(35, 42), *range(63, 69)),
    "F": (22, 42, 43, 69, 70, 196, 202, 203, 209, 210, 216, 219, *range(225, 229)),
    "I": (
        *(23, 24, 44, 45, 46, *range(71, 75), 79, 80, 82, 87, 88, 97, 98, *range(107, 111)),
        *(*range(119, 123), *range(139, 143), 197, 199, 204, 206, 211, 214, 217, 220, 229, 230),
    ),
    "R": (146, 148, 155, 160, 161, 166, 167),
}
_FAMILIES = ((2, "a"), (15, "m"), (74, "o"), (142, "t"), (194, "h"), (230, "c"))


def lattice_of_space_group(number: int) -> Lattice:
    """Return the lattice of a space group.

    Parameters
    ----------
    number
        Number in the International Tables, 1 to 230.

    Returns
    -------
    Lattice

    Raises
    ------
    ValueError
        If there is no such space group.
    """
    if not 1 <= number <= 230:
        raise ValueError(f"{number} is no space group; they are numbered from 1 to 230")
    family = next(letter for last, letter in _FAMILIES if number <= last)
    centring = next((letter for letter, groups in _CENTRED.items() if number in groups), "P")
    return lattice(family + centring)
