"""Requests that wait for the classifier's process."""

import os
import threading
from collections import deque
from collections.abc import Collection
from typing import BinaryIO

from napari_bravais.mapping.messages import Message, read_message

#: Requests that end a map, or a search for phases, under way.
INTERRUPTING = {"open", "map", "phases", "symmetry", "cancel"}

#: Requests about a pixel, answered while a map grows; only the newest of a kind counts.
CLICKS = {"explain", "match"}


class Inbox:
    """Requests that wait; one about a pixel replaces any earlier one of its kind."""

    def __init__(self):
        self._requests = deque()
        self._changed = threading.Condition()

    def fill(self, stream: BinaryIO) -> None:
        """Collect requests until the stream closes, then end the process."""
        while (request := read_message(stream)) is not None:
            with self._changed:
                if request.kind in CLICKS:
                    others = (r for r in self._requests if r.kind != request.kind)
                    self._requests = deque(others)
                self._requests.append(request)
                self._changed.notify()
        # the window is gone: also a block that is being read or classified is of no use any more
        os._exit(0)

    def take(self, timeout: float | None = None) -> Message | None:
        """Wait for the next request; None if none came in time (in seconds)."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._requests, timeout):
                return None
            return self._requests.popleft()

    def take_click(self) -> Message | None:
        """Return the next request if it is about a pixel."""
        with self._changed:
            if self._requests and self._requests[0].kind in CLICKS:
                return self._requests.popleft()
            return None

    def interrupts(self, kinds: Collection[str] = INTERRUPTING) -> bool:
        """Whether a request waits that ends what is under way."""
        with self._changed:
            return any(request.kind in kinds for request in self._requests)
