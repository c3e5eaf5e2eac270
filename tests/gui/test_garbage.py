"""What Python need not search for garbage."""

import gc
from weakref import ref

from tests.gui.window import wait_until


def test_what_an_open_window_is_made_of_is_left_alone(window):
    wait_until(lambda: gc.get_freeze_count() > 200_000, "the first search")
    assert len(gc.get_objects()) < gc.get_freeze_count() / 2


def test_a_scan_that_is_left_is_garbage_all_the_same(window):
    wait_until(lambda: gc.get_freeze_count() > 200_000, "the first search")
    layer = ref(window.viewer.layers[0])
    window.open_sample()
    wait_until(lambda: layer() is None, "the search after the second scan")
