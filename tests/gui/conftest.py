"""A screen for the window's tests: the one that is there, or one of their own."""

import os
import shutil
import subprocess
import sys

import pytest

# llvmpipe draws the same everywhere, also where no graphics card is
os.environ["LIBGL_ALWAYS_SOFTWARE"] = "1"

_screen: subprocess.Popen | None = None


def _start_screen() -> None:
    """Start Xvfb, before Qt is loaded, and let it choose a free display."""
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


_MISSING = None
if sys.platform == "linux" and "DISPLAY" not in os.environ:
    if shutil.which("Xvfb"):
        _start_screen()
    else:
        _MISSING = "THE WINDOW IS NOT TESTED: there is no display, and no Xvfb (Debian: xvfb)"


def pytest_unconfigure(config):
    if _screen is not None:
        _screen.terminate()
        _screen.wait()


def pytest_collection_modifyitems(items):
    if _MISSING:
        for item in items:
            if "/gui/" in item.path.as_posix():
                item.add_marker(pytest.mark.skip(reason=_MISSING))
