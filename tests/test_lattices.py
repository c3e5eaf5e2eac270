import itertools

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from napari_bravais.lattices import (
    LATTICES,
    NOT_CLASSIFIED_COLOUR,
    PEARSON_SYMBOLS,
    lattice,
    lattice_of_space_group,
)

# Machado, Oliveira & Fernandes (2009), severity 1, acting on linear RGB
DICHROMACY = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
COMMON = ("cF", "cI", "hP", "tP", "tI", "hR", "cP", "oP", "mS")


def as_seen(colours: list[str], vision: str) -> np.ndarray:
    """CIELAB coordinates of hexadecimal colours, shape (n, 3), as a reader of that vision sees."""
    rgb = np.array([list(bytes.fromhex(colour[1:])) for colour in colours]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ DICHROMACY[vision].T, 0, 1)
    seen = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return rgb2lab(seen)


def least_difference(colours: list[str], vision: str) -> float:
    lab = as_seen(colours, vision)
    return min(float(deltaE_ciede2000(a, b)) for a, b in itertools.combinations(lab, 2))


def test_the_order_is_the_classifiers():
    assert " ".join(PEARSON_SYMBOLS) == "aP mP mS oP oS oI oF tP tI hR hP cP cI cF"
    assert [entry.index for entry in LATTICES] == list(range(14))


def test_a_lattice_is_found_by_its_symbol():
    assert lattice("hR").name == "rhombohedral"
    assert lattice("cF") is LATTICES[13]
    with pytest.raises(ValueError, match="'xF' is no Bravais lattice"):
        lattice("xF")


@pytest.mark.parametrize(
    "vision, least, least_common",
    [
        ("normal", 14.5, 17),
        ("protanopia", 12.5, 15),
        ("deuteranopia", 12.5, 15),
        ("tritanopia", 10.5, 10.5),
    ],
)
def test_colours_can_be_told_apart(vision, least, least_common):
    everything = [entry.colour for entry in LATTICES] + [NOT_CLASSIFIED_COLOUR]
    common = [lattice(symbol).colour for symbol in COMMON] + [NOT_CLASSIFIED_COLOUR]
    assert least_difference(everything, vision) > least
    assert least_difference(common, vision) > least_common


@pytest.mark.parametrize("vision", DICHROMACY)
def test_colours_show_on_a_dark_canvas_and_on_paper(vision):
    lightness = as_seen([entry.colour for entry in LATTICES], vision)[:, 0]
    assert lightness.min() > 15
    assert lightness.max() < 95


def test_not_classified_is_a_neutral_grey():
    red, green, blue = bytes.fromhex(NOT_CLASSIFIED_COLOUR[1:])
    assert red == green == blue


def test_space_groups_have_the_lattice_of_their_symbol():
    from diffpy.structure.spacegroups import GetSpaceGroup

    centring = {"A": "S", "C": "S", "H": "R"}  # diffpy writes R in hexagonal axes as H
    families = dict(triclinic="a", monoclinic="m", orthorhombic="o", tetragonal="t", cubic="c")
    for number in range(1, 231):
        group = GetSpaceGroup(number)
        letter = centring.get(group.short_name[0], group.short_name[0])
        expected = families.get(group.crystal_system.lower(), "h") + letter
        assert lattice_of_space_group(number).pearson == expected, number


@pytest.mark.parametrize("number", [0, 231, -1])
def test_no_lattice_where_there_is_no_space_group(number):
    with pytest.raises(ValueError, match="numbered from 1 to 230"):
        lattice_of_space_group(number)
