"""How quick the window is: ``python -m napari_bravais.gui.benchmark SCAN`` prints JSON.

A real napari window opens the scan, is clicked at, and is used while the scan is mapped. There must
be no TensorFlow in this process, so ``bravais benchmark-window`` makes the scan and starts it.
"""

import json
import os
import random
import sys
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from statistics import mean, median

from napari_bravais.gui import screen
from napari_bravais.gui.settings import LATTICES_LEVEL, SIDE_BY_SIDE, SYSTEMS_LEVEL

#: Clicks that do not count: the first ones find everything cold.
_WARM_UP = 3

#: Milliseconds between two deeds of the user while the scan is mapped.
_PACE = 250

#: Seconds from where the mouse is moved to where it is pressed.
_AIMED = 0.05

#: Milliseconds between two looks whether something is so.
_LOOK = 3

#: What the user does to the layout is told apart: there napari builds its canvas anew.
LAYOUT = "layout"

#: Seconds after which what is waited for will not come any more.
_PATIENCE = 3600


class Benchmark:
    """A window, and a user who is never tired.

    Parameters
    ----------
    scan
        The scan to open.
    """

    def __init__(self, scan: Path):
        import napari

        from napari_bravais.gui.stalls import PaintWatch, StallWatch

        self.viewer = napari.Viewer()
        self.viewer.window.set_geometry(0, 0, *screen.SIZE)
        _, self.panel = self.viewer.window.add_plugin_dock_widget("napari-bravais")
        self.controller = self.panel.controller
        self.watch = StallWatch()
        inspect = self.panel.inspect
        self._painted = PaintWatch((inspect.pattern, inspect.bars), self._answered)
        self._chance = random.Random(0)
        self._canvas = self.viewer.window._qt_viewer.canvas.native
        self.controller.open(scan)
        self.wait_until(lambda: self.panel.map.map_button.isEnabled())
        self.wait_until(lambda: " on " in self.panel.map.classifier_label.text())

    def clicks(self, count: int) -> dict:
        """Click so many pixels, one after the other; tell how long each answer took."""
        for _ in range(_WARM_UP):
            self._click_and_wait()
        spent = [self._click_and_wait() for _ in range(count)]
        took, window, drawing, classifier = zip(*spent, strict=True)
        return _click_report(took) | {
            "window_processor_ms": round(1000 * mean(window), 1),
            "of_it_drawing_without_gpu_ms": round(1000 * mean(drawing), 1),
            "classifier_processor_ms": round(1000 * mean(classifier), 1),
        }

    def map_in_use(self) -> dict:
        """Map the scan while the window is used; tell the stalls of the event loop, and the clicks.

        Pressing the button counts, and so does what is shown at the end.
        """
        from qtpy.QtCore import QTimer

        deeds, took = cycle(self._deeds()), []
        user = QTimer()
        user.setInterval(_PACE)
        user.timeout.connect(lambda: self._do(next(deeds), took))
        self.watch.during = "map pressed"
        self.watch.start()
        start = time.perf_counter()
        self.panel.map.map_button.click()
        user.start()
        self.wait_until(lambda: self.panel.map.map_button.isEnabled())
        user.stop()
        seconds = time.perf_counter() - start
        self.watch.during = "map finished"
        self.wait(1.0)
        self.watch.stop()
        patterns = self.controller.phase_map.quality.size
        return {
            "patterns_per_second": round(patterns / seconds, 1),
            "event_loop": self.watch.report(),
            "clicks": _click_report(took),
        }

    def close(self) -> None:
        """End the window and its process."""
        self.viewer.close()

    def wait_until(self, true: Callable[[], bool], patience: float = _PATIENCE) -> None:
        """Let the window live until something is so."""
        from qtpy.QtCore import QEventLoop, QTimer

        loop, look = QEventLoop(), QTimer()
        end = time.monotonic() + patience
        look.timeout.connect(lambda: loop.quit() if true() or time.monotonic() > end else None)
        look.start(_LOOK)
        loop.exec()
        if not true():
            raise TimeoutError("the window did not answer")

    def wait(self, seconds: float) -> None:
        """Let the window live for some time."""
        end = time.monotonic() + seconds
        self.wait_until(lambda: time.monotonic() > end)

    # what the user does

    def _aim(self) -> None:
        """Move the mouse to somewhere in the middle of the first image."""
        from qtpy.QtCore import QPoint
        from qtpy.QtTest import QTest

        rows, columns = self.viewer.canvas.grid.actual_shape(self.viewer.layers)
        height, width = self.viewer.canvas.size
        y, x = (self._chance.uniform(0.3, 0.7) for _ in range(2))
        self._point = QPoint(round(x * width / columns), round(y * height / rows))
        QTest.mouseMove(self._canvas, self._point)

    def _click(self) -> None:
        """Press and release the mouse where it is."""
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        QTest.mouseClick(self._canvas, Qt.MouseButton.LeftButton, pos=self._point)

    def _click_and_wait(self) -> tuple[float, ...]:
        """Click, and wait until pattern, overlay and probabilities are painted.

        Returns the seconds that it took, and the processor's, as `_clocks` tells them.
        """
        self.panel.reveal_inspection()  # what is out of sight is not painted
        self._aim()
        self.wait(_AIMED)
        start = self._clocks()
        self._click()
        if not self._answered():  # the pixel that is shown already asks for nothing
            self._painted.begin()
            self.wait_until(lambda: self._painted.done)
        return tuple(now - then for now, then in zip(self._clocks(), start, strict=True))

    def _answered(self) -> bool:
        return self.controller.inspector.request is None

    def _do(self, deed: tuple[str, Callable[[], None]], took: list[float]) -> None:
        """Do something, unless the last click still waits for its answer."""
        from qtpy.QtCore import QTimer

        if not self._answered():
            return
        self.watch.during, act = deed
        if act != self._click:
            act()
            return
        self._aim()
        QTimer.singleShot(round(1000 * _AIMED), lambda: self._click_and_note(took))

    def _click_and_note(self, took: list[float]) -> None:
        start = time.perf_counter()
        self._click()
        self._note_answer(start, took)

    def _note_answer(self, start: float, took: list[float]) -> None:
        """Note when the answer has come, without an event loop of its own."""
        from qtpy.QtCore import QTimer

        if self._answered():
            took.append(time.perf_counter() - start)
        else:
            QTimer.singleShot(2, lambda: self._note_answer(start, took))

    def _deeds(self) -> list[tuple[str, Callable[[], None]]]:
        """Return what a user does while a map grows, by name."""
        panel, display = self.panel, self.controller.display

        def setting(section, name: str, value) -> tuple[str, Callable[[], None]]:
            return f"{name}: {value}", lambda: section.setting_changed.emit(name, value)

        def view(value: str) -> tuple[str, Callable[[], None]]:
            return f"{LAYOUT}: {value}", setting(panel.compare, "view", value)[1]

        def shown(name: str, on: bool) -> tuple[str, Callable[[], None]]:
            return f"{LAYOUT}: {name} {'on' if on else 'off'}", (
                lambda: panel.compare.shown_changed.emit(name, on)
            )

        click = ("click", self._click)
        return [
            *(click, click, ("key", lambda: self._press("Right")), ("zoom", self._zoom)),
            *(setting(panel.map, "quality_threshold", value) for value in (0.4, 0.5, 0.6)),
            *(click, setting(panel.map, "smoothing", 1), setting(panel.map, "smoothing", 2)),
            *(("undo", display.undo), ("undo", display.undo), click),
            *(setting(panel.map, "level", value) for value in (SYSTEMS_LEVEL, LATTICES_LEVEL)),
            *(shown("Confidence", True), click, shown("Pattern quality", True), click),
            *(shown("Confidence", False), shown("Pattern quality", False)),
            *(view(value) for value in ("blend", "swipe", SIDE_BY_SIDE)),
            *(("scroll", self._scroll), click, ("key", lambda: self._press("Down"))),
        ]

    def _press(self, key: str) -> None:
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        QTest.keyClick(self._canvas, getattr(Qt.Key, f"Key_{key}"))

    def _zoom(self) -> None:
        camera = self.viewer.scene.camera
        camera.zoom *= self._chance.choice((0.8, 1.25))

    def _scroll(self) -> None:
        bar = self.panel.verticalScrollBar()
        bar.setValue(self._chance.randint(bar.minimum(), bar.maximum()))

    def _clocks(self) -> tuple[float, ...]:
        """Return the time, and the processor's so far, in seconds.

        The processor's is that of the window, of its part that draws where there is no GPU, and of
        the classifier's process.
        """
        import psutil  # napari's own

        times = psutil.Process(self.controller.service.pid).cpu_times()
        return time.perf_counter(), time.process_time(), _drawing_time(), times.user + times.system


def _drawing_time() -> float:
    """Return the processor seconds of the threads with which Mesa draws where there is no GPU."""
    total = 0.0
    for thread in Path("/proc/self/task").glob("*"):  # none but on Linux
        name, numbers = (thread / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
        if name.startswith("llvmpipe"):
            user, system = numbers.split()[11:13]
            total += (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return total


def _click_report(took: list[float]) -> dict:
    milliseconds = sorted(1000 * seconds for seconds in took) or [float("nan")]
    return {
        "count": len(took),
        "median_ms": round(median(milliseconds), 1),
        "mean_ms": round(mean(milliseconds), 1),
        "longest_ms": round(milliseconds[-1], 1),
    }


def measure(scan: Path, clicks: int) -> dict:
    """Measure the window on a scan; return what was found, JSON-able."""
    bench = Benchmark(scan)
    try:
        idle = bench.clicks(clicks)
        mapping = bench.map_in_use()
        patterns = bench.controller.phase_map.quality.size
        return {"patterns": patterns, "clicks_while_idle": idle, "while_mapping": mapping}
    finally:
        bench.close()


def main() -> None:
    """Measure on the scan, and with the number of clicks, that the command line names."""
    hidden = None if screen.has_display() else screen.start_screen()
    screen.forget_preferences()
    try:
        print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]))))
    finally:
        if hidden is not None:
            hidden.terminate()


if __name__ == "__main__":
    main()
