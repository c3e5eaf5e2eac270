"""A screen for the window's tests, and one window for most of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from napari_bravais.gui import screen

_screen: subprocess.Popen | None = None
_missing = False


def _alone(config) -> bool:
    """Say whether nothing but the window is tested; else it is left out (see tests/conftest.py)."""
    return all("gui" in Path(argument.split("::")[0]).parts for argument in config.args)


def pytest_configure(config):
    """See to it that there is a screen before a window needs one."""
    global _missing, _screen
    # llvmpipe draws the same everywhere, also where no graphics card is
    os.environ["LIBGL_ALWAYS_SOFTWARE"] = "1"
    # what tests set must not be kept, nor what the user has set disturb them
    screen.forget_preferences()
    if not _alone(config) or sys.platform != "linux" or "DISPLAY" in os.environ:
        return
    try:
        _screen = screen.start_screen()
    except FileNotFoundError:
        _missing = True


def pytest_collection_modifyitems(items):
    if _missing:
        reason = "THE WINDOW IS NOT TESTED: there is no display, and no Xvfb (Debian: xvfb)"
        for item in items:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def ended_threads():
    """Wait for the windows' threads: what they tell after Qt has gone ends the process."""
    yield
    from napari.qt.threading import WorkerBase

    WorkerBase.await_workers()


@pytest.fixture(scope="session")
def shared(qapp):
    """One window for all tests: to open one, and to load the network, takes long."""
    from tests.gui.window import Window  # napari must not be imported before it is configured

    window = Window()
    yield window
    window.viewer.close()


@pytest.fixture
def window(shared):
    """The window with the sample scan open, and no map."""
    shared.open_sample()
    shared.reset()
    return shared


@pytest.fixture(scope="session")
def finished(shared, tmp_path_factory):
    """Return the file of a finished map of the sample scan: to map it once more takes longer."""
    from napari_bravais.io.results import write_map

    shared.open_sample()
    path = tmp_path_factory.mktemp("finished") / "map.npz"
    write_map(shared.map(), path)
    return path


@pytest.fixture
def mapped(shared, finished):
    """The window with the sample scan mapped; tests that use it leave the map alone."""
    from tests.gui.window import wait_until

    shared.reset()  # the layers have their names again
    phase_map = shared.controller.phase_map
    whole = phase_map is not None and phase_map.shape == (48, 72) and phase_map.mapped.all()
    if not whole or "Bravais lattices" not in shared.names:
        shared.open_sample()
        shared.viewer.open(finished, plugin="napari-bravais")
        wait_until(lambda: shared.controller.phase_map is not None and shared.idle, "the map")
    shared.reset()
    return shared


def pytest_unconfigure(config):
    if _screen is not None:
        _screen.terminate()
        _screen.wait()
