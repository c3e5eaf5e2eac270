import numpy as np
import pytest


@pytest.fixture(scope="session")
def number_of(matcher):
    """Return what tells the number of a material in the index by its name."""
    names = [material.name for material in matcher.index.materials]
    return names.index


@pytest.fixture(scope="session")
def nickel(classifier):
    """Return kikuchipy's real nickel patterns, prepared, their pattern centre and orientations."""
    import kikuchipy as kp

    scan = kp.data.nickel_ebsd_small()
    patterns = scan.data.reshape(-1, *scan.data.shape[-2:])
    prepared = classifier.prepare(patterns, np.asarray(scan.static_background))
    stored = scan.xmap.rotations.to_matrix().reshape(-1, 3, 3)
    return prepared, np.array(scan.detector.pc_average), stored
