"""Watching the event loop: how long it ever stands still, and what for."""

import time
from dataclasses import dataclass

from qtpy.QtCore import QObject, Qt, QTimer

#: Milliseconds between two looks.
INTERVAL = 10


@dataclass(frozen=True)
class Stall:
    """A time in which the event loop stood still.

    Attributes
    ----------
    wall
        How long, in milliseconds: what the user feels.
    processor
        Processor time that the window's thread spent in it, in milliseconds; the rest it waited
        for a processor that others had.
    during
        What was done last.
    """

    wall: float
    processor: float
    during: str


class StallWatch(QObject):
    """Looks at the clock every 10 ms and notes how late it was.

    Attributes
    ----------
    during
        What is being done; stalls are told with it.
    stalls
        All looks so far.
    """

    def __init__(self):
        super().__init__()
        self.during = ""
        self.stalls: list[Stall] = []
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(INTERVAL)
        self._timer.timeout.connect(self._look)
        self._last = (0.0, 0.0)

    def start(self) -> None:
        """Begin anew."""
        self.stalls = []
        self._last = _clocks()
        self._timer.start()

    def stop(self) -> None:
        """End."""
        self._timer.stop()

    def worst(self) -> list[Stall]:
        """Return the longest stall of each thing that was done, the longest first."""
        found: dict[str, Stall] = {}
        for stall in self.stalls:
            if stall.during not in found or stall.wall > found[stall.during].wall:
                found[stall.during] = stall
        return sorted(found.values(), key=lambda stall: -stall.wall)

    def report(self) -> dict:
        """Return what was seen, JSON-able, in milliseconds: the longest of each thing done."""
        return {
            "looks": len(self.stalls),
            "over_100_ms": sum(s.wall > 100 for s in self.stalls),
            "over_100_ms_of_processor": sum(s.processor > 100 for s in self.stalls),
            "longest": [
                {"during": s.during, "ms": round(s.wall, 1), "processor_ms": round(s.processor, 1)}
                for s in self.worst()
            ],
        }

    def _look(self) -> None:
        now = _clocks()
        wall, processor = (1000 * (new - old) for new, old in zip(now, self._last, strict=True))
        self._last = now
        self.stalls.append(Stall(max(wall - INTERVAL, 0.0), processor, self.during))


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.thread_time()
