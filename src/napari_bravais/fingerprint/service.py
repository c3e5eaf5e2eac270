"""``StructureService``: the structure classifier in a process of its own.

TensorFlow and Mesa's GL drivers crash when they share a process (`napari_bravais.mapping.service`
says more), so the window asks through this. Answers come as messages:

============  =====================================================================
``answered``  a structure: ``path``, ``formula``, ``atoms``, ``class`` (its index),
              ``space_groups`` (in words, by tolerance) and the arrays
              ``probabilities``, ``fingerprint`` (RGB, uint8, as it is shown)
              and ``response`` (64, 64), float32 in [0, 1]
``error``     a structure cannot be classified: ``path``, ``text``
``died``      the process ended by itself: ``reason``; the next request starts another
============  =====================================================================
"""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from napari_bravais.mapping.messages import Message, read_message, write_message


class StructureService:
    """The client's side of the process.

    Parameters
    ----------
    receive
        Called with each `Message`, in a thread of its own.
    """

    def __init__(self, receive: Callable[[Message], None]):
        self._receive = receive
        self._lock = threading.RLock()
        self._process: subprocess.Popen | None = None
        self._asked = 0

    def classify(self, path: str | Path) -> int:
        """Ask about a structure file; return the number that the answer will carry as ``id``."""
        with self._lock:
            self._asked += 1
            request = Message("classify", {"id": self._asked, "path": str(path)})
            if self._process is None:
                self._start()
            # if it just died, the thread that listens to it says so
            with suppress(OSError, ValueError):
                write_message(self._process.stdin, request)
            return self._asked

    def close(self) -> None:
        """End the process; no message comes any more."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _start(self) -> None:
        # what it says on standard error, for as long as it lives
        words = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", "napari_bravais.fingerprint.service_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            # a module in the folder that the user happens to stand in must not be imported
            env=os.environ | {"PYTHONSAFEPATH": "1"},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        threading.Thread(
            target=self._listen, args=(self._process, words), name="structures", daemon=True
        ).start()

    def _listen(self, process: subprocess.Popen, words) -> None:
        """Pass on what the process says until it ends."""
        while (message := read_message(process.stdout)) is not None:
            with self._lock:  # so that no message comes once it is closed
                if self._process is process:
                    self._receive(message)
        status = process.wait()
        with self._lock:
            ours = self._process is process
            if ours:
                self._process = None
            for stream in (process.stdin, process.stdout):
                with suppress(OSError):
                    stream.close()
        words.seek(0)
        last = words.read().decode(errors="replace").strip().splitlines()[-1:] or ["none"]
        words.close()
        if ours:
            reason = f"exit status {status}; its last words: {last[0]}"
            self._receive(Message("died", {"reason": reason}))
