"""A screen for the window's tests."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

_screen: subprocess.Popen | None = None
_missing = False


def _alone(config) -> bool:
    """Say whether nothing but the window is tested; else it is left out (see tests/conftest.py)."""
    return all("gui" in Path(argument.split("::")[0]).parts for argument in config.args)


def pytest_configure(config):
    """See to it that there is a screen before a window needs one."""
    global _missing
    # llvmpipe draws the same everywhere, also where no graphics card is
    os.environ["LIBGL_ALWAYS_SOFTWARE"] = "1"
    # what tests set must not be kept, nor what the user has set disturb them
    os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp()) / "settings.yaml")
    if not _alone(config) or sys.platform != "linux" or "DISPLAY" in os.environ:
        return
    if shutil.which("Xvfb"):
        _start_screen()
    else:
        _missing = True


def _start_screen() -> None:
    """Start Xvfb and let it choose a free display."""
    global _screen
    reading, writing = os.pipe()
    _screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x800x24", "-noreset"],
        pass_fds=[writing],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as answer:
        os.environ["DISPLAY"] = f":{answer.readline().strip()}"


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


def pytest_unconfigure(config):
    if _screen is not None:
        _screen.terminate()
        _screen.wait()
