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
