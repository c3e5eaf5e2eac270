"""Fixtures that the whole suite shares."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def sample_data() -> Path:
    """Return the folder of the sample scan."""
    return Path(__file__).parent.parent / "sample_data"


@pytest.fixture(scope="session")
def classifier():
    """Return the bundled classifier, loaded once."""
    from napari_bravais import Classifier

    return Classifier.bundled()


@pytest.fixture(scope="session")
def matcher(classifier):
    """Return what holds patterns against the bundled atlas, one for all tests as for all scans."""
    from napari_bravais.mapping.matching.matcher import Matcher

    return Matcher.beside(classifier)


@pytest.fixture(scope="session")
def rutile_scan(sample_data, tmp_path_factory) -> Path:
    """Return a part of the sample scan, 24x36 pixels: mostly rutile, of 25 grains.

    As few as show its symmetry: the sphere of all sixty takes minutes on a busy machine.
    """
    import h5py

    path = tmp_path_factory.mktemp("part") / "rutile.h5"
    shutil.copy(sample_data / "quartz_rutile.h5", path)
    with h5py.File(path, "r+") as file:
        scan = file["Scan 1/EBSD"]
        patterns = scan["Data/patterns"][()].reshape(48, 72, 60, 60)[8:32, 28:64]
        del scan["Data/patterns"], scan["CrystalMap"]
        scan["Data/patterns"] = patterns.reshape(-1, 60, 60)
        scan["Header/n_rows"][...], scan["Header/n_columns"][...] = patterns.shape[:2]
    return path


def pytest_collection_modifyitems(config, items):
    """Leave the window's tests out of a run with others: TensorFlow and they cannot share one."""
    window = [item for item in items if Path(__file__).parent / "gui" in item.path.parents]
    if window and len(window) < len(items):
        items[:] = [item for item in items if item not in window]
        config.hook.pytest_deselected(items=window)
        config.issue_config_time_warning(
            UserWarning("the window's tests are run by themselves: pytest tests/gui"), stacklevel=2
        )
