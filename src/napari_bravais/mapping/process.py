"""``ProcessClient``: the client's side of a process that answers requests by messages."""

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from queue import SimpleQueue

import numpy as np

from napari_bravais.mapping.messages import Message, read_message, write_message


def give_way() -> None:
    """Let the window go first: what it has running beside it shares what is left."""
    if hasattr(os, "nice"):
        os.nice(15)


def environment_of_nice() -> dict[str, str]:
    """Return the environment to start a process in that is going to `give_way`.

    OpenBLAS's threads wait for each other by turning in circles. Where any other program has one
    of the cores, the thread there hardly runs, and all wait for it: the symmetry of a phase took
    twelve times as long. Its part is small, and one thread is as fast on idle cores.
    """
    # a module in the folder that the user happens to stand in must not be imported
    return {"OPENBLAS_NUM_THREADS": "1"} | os.environ | {"PYTHONSAFEPATH": "1"}


class ProcessClient:
    """Starts a process when it is needed, sends it requests and passes on what it answers.

    Each request carries an ``id``. If the process ends by itself, a message ``died`` says the
    ``reason``; the next request starts another.

    Parameters
    ----------
    receive
        Called with each `Message`, in a thread of its own.
    """

    #: What the process runs, as in ``python -m``.
    module: str
    #: How many of its last lines on standard error are told when it died.
    last_lines = 30

    def __init__(self, receive: Callable[[Message], None]):
        self._receive = receive
        self._lock = threading.RLock()
        self._process: subprocess.Popen | None = None
        self._outgoing: SimpleQueue[Message | None] = SimpleQueue()
        self._numbers = count(1)
        self._closed = False

    def start(self) -> None:
        """Start the process, unless it runs."""
        with self._lock:
            if self._process is not None or self._closed:
                return
            self._process = process = subprocess.Popen(
                [sys.executable, "-m", self.module, *self._arguments()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment_of_nice(),
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
            # a process at work reads late, and no window should wait until it took a large map
            self._outgoing = outgoing = SimpleQueue()
            self._started()
        threading.Thread(target=_write_all, args=(process.stdin, outgoing), daemon=True).start()
        lines = deque(maxlen=self.last_lines)
        keeper = threading.Thread(target=_keep_lines, args=(process.stderr, lines), daemon=True)
        keeper.start()
        threading.Thread(
            target=self._listen,
            args=(process, outgoing, keeper, lines),
            name=self.module,
            daemon=True,
        ).start()

    @property
    def pid(self) -> int | None:
        """Number of the process, None while there is none."""
        process = self._process
        return None if process is None else process.pid

    def close(self) -> None:
        """End the process, for good; no message comes any more."""
        with self._lock:
            self._closed = True
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def restart(self) -> None:
        """End the process, without a word, and start another; requests that wait are forgotten."""
        with self._lock:
            process, self._process = self._process, None
            if process is not None:
                process.kill()
            self.start()

    def _arguments(self) -> list[str]:
        """Return what the process is told as it starts."""
        return []

    def _started(self) -> None:
        """Say what each new process has to know first."""

    def _note(self, message: Message) -> None:
        """Take notice of an answer before it is passed on."""

    def _after_death(self) -> dict:
        """Do what is to be done when a process died; return what is to be said of it."""
        return {}

    def _ask(self, kind: str, arrays: dict[str, np.ndarray] | None = None, **facts) -> Message:
        """Send a request and return it."""
        with self._lock:
            request = Message(kind, {"id": next(self._numbers), **facts}, arrays or {})
            self._send(request)
            return request

    def _send(self, request: Message) -> None:
        self.start()
        if self._process is None:  # closed
            return
        self._outgoing.put(request)

    def _listen(
        self,
        process: subprocess.Popen,
        outgoing: SimpleQueue,
        keeper: threading.Thread,
        lines: deque,
    ) -> None:
        """Pass on what a process says until it ends."""
        while (message := read_message(process.stdout)) is not None:
            with self._lock:  # so that no message comes once it is closed, or replaced
                if self._process is not process:
                    break
                self._note(message)
                self._receive(message)
        outgoing.put(None)
        status = process.wait()
        keeper.join(1)
        with self._lock:
            for stream in (process.stdin, process.stdout, process.stderr):
                with suppress(OSError):  # what was not sent went down with the process
                    stream.close()
            if self._process is not process:
                return
            self._process = None
            reason = f"exit status {status}; its last words: {' | '.join(lines) or 'none'}"
            self._receive(Message("died", {"reason": reason, **self._after_death()}))


def _write_all(stream, outgoing: SimpleQueue) -> None:
    while (request := outgoing.get()) is not None:
        # if the process just died, the thread that listens to it says so
        with suppress(OSError, ValueError):
            write_message(stream, request)


def _keep_lines(stream, lines: deque) -> None:
    for line in stream:
        lines.append(line.decode(errors="replace").rstrip())
