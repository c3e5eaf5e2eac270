"""A screen that nobody sees, for windows in tests, benchmarks and documentation.

There is no Qt in this module: it is asked for a screen before Qt starts.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

#: Width and height of the screen, the least that the window is made for.
SIZE = (1280, 800)


def has_display() -> bool:
    """Say whether there is a screen to draw on."""
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def start_screen(size: tuple[int, int] = SIZE) -> subprocess.Popen:
    """Start Xvfb on a display that is free, and let this process draw there.

    Parameters
    ----------
    size
        Width and height in pixels.

    Returns
    -------
    subprocess.Popen
        The screen, to be terminated in the end.

    Raises
    ------
    FileNotFoundError
        If Xvfb is not installed.
    """
    if shutil.which("Xvfb") is None:
        raise FileNotFoundError("Xvfb is not installed (Debian: apt install xvfb)")
    reading, writing = os.pipe()
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "{}x{}x24".format(*size), "-noreset"],
        pass_fds=[writing],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as answer:
        os.environ["DISPLAY"] = f":{answer.readline().strip()}"
    # llvmpipe draws the same everywhere, also where no graphics card is
    os.environ["LIBGL_ALWAYS_SOFTWARE"] = "1"
    return screen


def forget_preferences() -> None:
    """Let napari neither read nor change the user's settings in this process."""
    os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp()) / "settings.yaml")
