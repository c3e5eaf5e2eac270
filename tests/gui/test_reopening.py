"""Saved results that open again with another scan than theirs, or in another state."""

from dataclasses import replace

import numpy as np
from qtpy.QtWidgets import QFileDialog

from napari_bravais.io.exports import export
from napari_bravais.io.sample_data import nickel_sample_path
from tests.gui.window import wait_until


def test_a_wrong_scan_for_a_saved_map_leaves_all_that_was_open(mapped, tmp_path, monkeypatch):
    controller, panel = mapped.controller, mapped.panel
    mapped.click(0.5, 0.5)
    mapped.press(panel.inspect.pin_button)
    before, layers, file = controller.phase_map, mapped.names, panel.scan.file_label.text()
    asked = []

    def answer(parent, title):
        asked.append(title)
        return str(nickel_sample_path()), ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", answer)
    gone = {"scan": {"file": "gone.h5"}, "scan_path": str(tmp_path / "gone.h5")}
    export("map", replace(before, provenance=gone), tmp_path / "lost.npz")
    for times in (1, 2):  # the question comes again
        mapped.viewer.open(tmp_path / "lost.npz", plugin="napari-bravais")
        wait_until(lambda times=times: len(asked) == times, "the question")
        wait_until(panel.notice.isVisible, "the error")
        assert mapped.said("it is the map of another scan") and mapped.idle
        assert controller.phase_map is before and mapped.names == layers
        assert panel.scan.file_label.text() == file
        assert len(panel.inspect.pins.pins) == 1
        panel.notice.clear()
    # the service reads the patterns of the scan that is shown: nickel has but 3 × 3
    controller.inspect((40, 60))
    mapped.answered()
    assert not panel.notice.isVisible()
    np.testing.assert_allclose(
        controller.inspector.shown.probabilities, before.probabilities[40, 60], atol=1e-3
    )
    panel.inspect.pins.clear()
