"""The Compare section when things go wrong, and from one scan to the next."""

from napari_bravais.io.exports import export
from tests.gui.window import wait_until


def test_a_map_that_does_not_open_leaves_what_is_said_of_the_other(mapped, tmp_path):
    comparing, label = mapped.controller.comparing, mapped.panel.compare.result_label
    export("map", mapped.controller.phase_map, tmp_path / "same.npz")
    comparing.open(tmp_path / "same.npz")
    wait_until(lambda: "100.0% agree" in label.text(), "the comparison")
    before, other = label.text(), comparing.other
    (tmp_path / "damaged.ang").write_text("no map")
    comparing.open(tmp_path / "damaged.ang")
    wait_until(lambda: mapped.said("damaged.ang"), "the error")
    assert label.text() == before and label.isVisible() and comparing.other is other
    # nor does indexing that fails, or is cancelled
    comparing.index(["no such phase"])
    assert label.text() != before
    wait_until(lambda: mapped.said("no such phase"), "the error")
    assert label.text() == before
    comparing.index(["quartz"])
    mapped.press(mapped.panel.compare.cancel_button)
    assert label.text() == before
