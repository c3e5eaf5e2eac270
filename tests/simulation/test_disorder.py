from collections import Counter

import numpy as np
import pytest

from napari_bravais import catalogue
from napari_bravais.simulation.disorder import mixed_atoms


def mixed(name: str):
    structure = catalogue.find(name)
    kinds, places, shares = mixed_atoms(structure.cell_vectors(), *structure.atoms())
    assert shares.sum() == pytest.approx(len(structure.atoms()[0]))
    return kinds, places, Counter(zip(kinds.tolist(), shares.round(3).tolist(), strict=True))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("NiAl", {(13, 0.5): 2, (28, 0.5): 2}),
        ("Cu3Au", {(29, 0.75): 4, (79, 0.25): 4}),
        ("Fe3Al", {(26, 0.75): 16, (13, 0.25): 16}),
        # small atoms spread over all places that are alike where the metals are
        ("cuprite", {(29, 1.0): 4, (8, 0.25): 8}),
        ("roaldite", {(26, 1.0): 4, (7, 0.25): 4}),  # whose iron is 0.2 Å off
        ("MoPt2", {(42, 0.333): 6, (78, 0.667): 6}),
    ],
)
def test_what_is_ordered_is_mixed(name, expected):
    kinds, places, shares = mixed(name)
    assert shares == expected
    heavy = places[kinds >= 10]
    assert len(np.unique(heavy.round(3), axis=0)) == sum(
        z >= 10 for z in catalogue.find(name).atoms()[0]
    )


@pytest.mark.parametrize("name", ["nickel", "silicon", "TiC", "quartz"])
def test_what_has_no_order_stays(name):
    numbers, positions = catalogue.find(name).atoms()
    _, places, shares = mixed(name)
    assert set(shares) == {(int(z), 1.0) for z in numbers}
    apart = places[:, None] - positions[None]
    assert (np.abs(apart - np.rint(apart)).max(axis=2).min(axis=1) < 1e-6).all()
