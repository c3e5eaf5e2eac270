"""Watching the window: how long its event loop ever stands still, and when it has been painted."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtWidgets import QWidget

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


class PaintWatch(QObject):
    """Notes which widgets are painted.

    Parameters
    ----------
    widgets
        Those that are watched.
    counts
        Whether what is painted now counts.
    """

    def __init__(self, widgets: tuple[QWidget, ...], counts: Callable[[], bool]):
        super().__init__()
        self._counts = counts
        self._waiting: set[QWidget] = set()
        self._widgets = widgets
        for widget in widgets:
            widget.installEventFilter(self)

    def begin(self) -> None:
        """Begin anew."""
        self._waiting = set(self._widgets)

    @property
    def done(self) -> bool:
        """Whether all have been painted."""
        return not self._waiting

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take notice of what is painted."""
        if event.type() == QEvent.Type.Paint and self._counts():
            self._waiting.discard(watched)
        return False


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.thread_time()
