"""``ClassifierService``: the classifier in a process of its own, for programs that cannot hold it.

TensorFlow and Mesa's GL drivers crash when they share a process, so the window talks to the
classifier through this. Requests return a number at once; the answers come as messages:

=============  ====================================================================
``loading``    the network is being loaded
``ready``      it is: ``model``, ``device``
``opened``     a scan: ``path``, ``navigation_shape``, ``signal_shape``, ``step``,
               ``step_unit``, ``beam_energy``, ``detector``, ``provenance``,
               ``image`` (facts of the electron image) and the array ``image``,
               ``images`` (names of all images that can be asked for)
``image``      another electron image: ``image`` and the array ``image``, as above
``mapping``    a map begins: ``quality_threshold``, ``provenance``
``chunk``      a rectangle of it: ``rows``, ``columns`` (start and stop) and the
               arrays ``probabilities`` and ``quality``
``finished``   the map ended: ``cancelled``
``explained``  a pixel: ``row``, ``column``, ``lattice``, ``quality`` and the
               arrays ``pattern``, ``prepared``, ``heat`` and ``probabilities``
``error``      a request failed, the process lives on: ``text``, ``during``
``died``       the process ended by itself: ``reason``, ``restarted``
=============  ====================================================================

All but ``died`` carry the ``id`` of the request that they answer.
"""

import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

from napari_bravais.mapping.messages import Message, read_message, write_message

#: A process that dies is started again, but not more often than this in `DEATHS_WINDOW` seconds.
MAX_DEATHS, DEATHS_WINDOW = 3, 60.0

#: Seconds after which a map that was cancelled, but goes on, is ended with its process.
CANCEL_PATIENCE = 30.0


class ClassifierService:
    """The client's side of the classifier's process.

    Parameters
    ----------
    receive
        Called with each `Message`, in a thread of its own.
    """

    def __init__(self, receive: Callable[[Message], None]):
        self._receive = receive
        self._lock = threading.RLock()
        self._process: subprocess.Popen | None = None
        self._numbers = count(1)
        self._opening: Message | None = None  # the last request to open a scan
        self._opened: Message | None = None  # the same, once it went well
        self._mapping: int | None = None
        self._deaths = deque(maxlen=MAX_DEATHS)
        self._closed = False

    def start(self) -> None:
        """Start the process, unless it runs, and let it open the scan that was open."""
        with self._lock:
            if self._process is not None or self._closed:
                return
            self._process = process = subprocess.Popen(
                [sys.executable, "-m", "napari_bravais.mapping.service_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # a module in the folder that the user happens to stand in must not be imported
                env=os.environ | {"PYTHONSAFEPATH": "1"},
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
            if self._opened is not None:
                self._send(self._opened)
        lines = deque(maxlen=30)
        keeper = threading.Thread(target=_keep_lines, args=(process.stderr, lines), daemon=True)
        keeper.start()
        threading.Thread(
            target=self._listen, args=(process, keeper, lines), name="classifier", daemon=True
        ).start()

    @property
    def pid(self) -> int | None:
        """Number of the process, None while there is none."""
        process = self._process
        return None if process is None else process.pid

    def open(self, path: str | Path) -> int:
        """Open a scan, in place of the one that is open if it goes well; ends a map under way."""
        with self._lock:
            self._opening = self._request("open", path=str(path))
            self._send(self._opening)
            return self._opening["id"]

    def map(self) -> int:
        """Map the scan that is open; ends a map under way."""
        with self._lock:
            request = self._request("map")
            self._mapping = request["id"]
            self._send(request)
            return request["id"]

    def cancel(self) -> None:
        """End the map under way after the block that is being worked out.

        If the process does not answer for `CANCEL_PATIENCE` seconds, it is ended.
        """
        with self._lock:
            if self._mapping is None:
                return
            self._send(self._request("cancel"))
            patience = threading.Timer(CANCEL_PATIENCE, self._kill_if, args=(self._mapping,))
            patience.daemon = True
            patience.start()

    def explain(self, row: int, column: int, lattice: str | None = None) -> int:
        """Explain a pixel: why it should be this lattice (Pearson symbol), or the likeliest.

        A map under way goes on afterwards. Of several requests that wait only the last is served.
        """
        with self._lock:
            request = self._request("explain", row=row, column=column, lattice=lattice)
            self._send(request)
            return request["id"]

    def image(self, name: str) -> int:
        """Ask for another electron image of the scan, by one of the names that it came with."""
        with self._lock:
            request = self._request("image", name=name)
            self._send(request)
            return request["id"]

    def close(self) -> None:
        """End the process; no message comes any more."""
        with self._lock:
            self._closed = True
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _request(self, kind: str, **facts) -> Message:
        return Message(kind, {"id": next(self._numbers), **facts})

    def _send(self, request: Message) -> None:
        self.start()
        # if it just died, the thread that listens to it says so
        with suppress(OSError, ValueError):
            write_message(self._process.stdin, request)

    def _kill_if(self, mapping: int) -> None:
        with self._lock:
            if self._mapping == mapping and self._process is not None:
                self._process.kill()

    def _listen(self, process: subprocess.Popen, keeper: threading.Thread, lines: deque) -> None:
        """Pass on what a process says until it ends."""
        while (message := read_message(process.stdout)) is not None:
            with self._lock:
                if self._closed:
                    break
                self._note(message)
            self._receive(message)
        status = process.wait()
        keeper.join(1)
        with self._lock:
            for stream in (process.stdin, process.stdout, process.stderr):
                with suppress(OSError):  # what was not sent went down with the process
                    stream.close()
            if self._closed:
                return
            restarted = self._restart()
        reason = f"exit status {status}; its last words: {' | '.join(lines) or 'none'}"
        self._receive(Message("died", {"reason": reason, "restarted": restarted}))

    def _note(self, message: Message) -> None:
        if message.kind == "opened" and message["id"] == self._opening["id"]:
            self._opened = self._opening
        elif message.kind in ("finished", "error") and message["id"] == self._mapping:
            self._mapping = None

    def _restart(self) -> bool:
        """Start another process with the same scan, unless they die like flies."""
        now = time.monotonic()
        self._process = self._mapping = None
        self._deaths.append(now)
        if len(self._deaths) == MAX_DEATHS and now - self._deaths[0] < DEATHS_WINDOW:
            return False
        self.start()
        return True


def _keep_lines(stream, lines: deque) -> None:
    for line in stream:
        lines.append(line.decode(errors="replace").rstrip())
