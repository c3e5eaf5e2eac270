"""A ``bravais`` command in a process of its own: the window goes on meanwhile."""

import sys

from qtpy.QtCore import QProcess, QProcessEnvironment

from napari_bravais.mapping.process import environment_of_nice

# as the classifier's process, or a click would not be answered meanwhile
_CODE = """
from napari_bravais.mapping.process import give_way
give_way()
from napari_bravais.cli import app
app()
"""


def start_command(process: QProcess, *arguments: str) -> None:
    """Let a process run ``bravais`` with these arguments."""
    environment = QProcessEnvironment()
    for name, value in environment_of_nice().items():
        environment.insert(name, value)
    process.setProcessEnvironment(environment)
    process.start(sys.executable, ["-c", _CODE, *arguments])


def end_command(process: QProcess) -> None:
    """End a process; nothing is told of it."""
    process.blockSignals(True)
    process.kill()
    process.waitForFinished(2000)


def fault_told(said: str, otherwise: str) -> str:
    """Return why a command failed, by what it said on standard error.

    Parameters
    ----------
    said
        What it said; the last line tells the fault.
    otherwise
        What to say if it said nothing.
    """
    lines = said.strip().splitlines() or [otherwise]
    return lines[-1].removeprefix("Error: ")  # the notice says that it is one
