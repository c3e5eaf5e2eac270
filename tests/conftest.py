"""Fixtures that the whole suite shares."""

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


def pytest_collection_modifyitems(config, items):
    """Leave the window's tests out of a run with others: TensorFlow and they cannot share one."""
    window = [item for item in items if Path(__file__).parent / "gui" in item.path.parents]
    if window and len(window) < len(items):
        items[:] = [item for item in items if item not in window]
        config.hook.pytest_deselected(items=window)
        config.issue_config_time_warning(
            UserWarning("the window's tests are run by themselves: pytest tests/gui"), stacklevel=2
        )
