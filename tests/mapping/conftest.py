"""Phases, and scans small enough to be indexed in a test."""

from dataclasses import replace

import numpy as np
import pytest
from tifffile import imread

from napari_bravais import catalogue, open_scan


def _phase(name, space_group, cell, sites):
    """Return an orix phase from its asymmetric unit."""
    from diffpy.structure import Atom, Lattice, Structure
    from orix.crystal_map import Phase

    structure = Structure([Atom(element, xyz) for element, *xyz in sites], Lattice(*cell))
    return Phase(name, space_group=space_group, structure=structure).expand_asymmetric_unit()


@pytest.fixture(scope="session")
def make_phase():
    """Return what makes an orix phase of name, space group, cell and sites."""
    return _phase


@pytest.fixture(scope="session")
def quartz():
    return catalogue.phase("quartz")


@pytest.fixture(scope="session")
def rutile():
    return catalogue.phase("rutile")


@pytest.fixture(scope="session")
def nickel():
    return catalogue.phase("nickel")


@pytest.fixture(scope="session")
def every_sixth(sample_data):
    """Return every sixth pattern of the sample scan, 8 x 12, and the truth there."""
    scan = open_scan(sample_data / "quartz_rutile.h5")
    scan = replace(scan, patterns=scan.patterns[::6, ::6], step=(12.0, 12.0))
    truth = imread(sample_data / "quartz_rutile_truth.tif")[::6, ::6].astype(int) - 1
    assert set(np.unique(truth)) == {-1, 7, 10}
    return scan, truth
