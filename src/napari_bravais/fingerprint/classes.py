"""The seven crystal classes: the one place that says their order, names and colours."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CrystalClass:
    """One crystal class.

    Attributes
    ----------
    index
        Position in the network's output, 0 to 6.
    key
        Short name, for example ``"bct139"``.
    name
        Name in words.
    space_groups
        Numbers of the space groups of its elemental solids.
    colour
        Hexadecimal RGB colour.
    """

    index: int
    key: str
    name: str
    space_groups: tuple[int, ...]
    colour: str


_ROWS = (
    ("bct139", "body-centred tetragonal (139)", (139,), "#860500"),
    ("bct141", "body-centred tetragonal (141)", (141,), "#cb3a01"),
    ("hex/rh", "hexagonal or rhombohedral", (194, 166), "#11c9bb"),
    ("sc", "simple cubic", (221,), "#ff6087"),
    ("fcc", "face-centred cubic", (225,), "#3600ea"),
    ("diam", "diamond", (227,), "#5c77ff"),
    ("bcc", "body-centred cubic", (229,), "#de9a00"),
)

#: The classes in the order of the network's output.
CLASSES = tuple(CrystalClass(index, *row) for index, row in enumerate(_ROWS))

#: The class of each space group that has one.
CLASS_OF_SPACE_GROUP = {group: c for c in CLASSES for group in c.space_groups}
