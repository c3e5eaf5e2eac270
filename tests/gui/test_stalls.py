"""The watch over the event loop."""

import time

from qtpy.QtCore import QTimer

from napari_bravais.gui.stalls import StallWatch
from tests.gui.window import wait_until


def test_a_stall_is_seen_with_what_it_was_for(qapp):
    watch = StallWatch()
    watch.start()
    wait_until(lambda: len(watch.stalls) > 5, "some looks")

    def dawdle() -> None:
        watch.during = "dawdling"
        time.sleep(0.3)

    QTimer.singleShot(0, dawdle)
    wait_until(lambda: watch.during == "dawdling", "the stall")
    wait_until(lambda: watch.worst()[0].wall > 250, "the look after it")
    watch.stop()
    report = watch.report()
    assert report["over_100_ms"] >= 1
    dawdled = next(stall for stall in report["longest"] if stall["during"] == "dawdling")
    assert dawdled["ms"] > 250 and dawdled["processor_ms"] < 200  # it slept
