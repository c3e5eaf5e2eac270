"""The classifier's process, for real: opened, asked, cancelled, killed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from io import BytesIO

import h5py
import numpy as np
import pytest

from napari_bravais.io.sample_data import nickel_sample_path, quartz_rutile_sample_path
from napari_bravais.io.scan import open_scan
from napari_bravais.mapping.averaging import averaged
from napari_bravais.mapping.messages import Message, read_message, write_message
from napari_bravais.mapping.pattern_centre import PatternCentre
from napari_bravais.mapping.phase_map import PhaseMap
from napari_bravais.mapping.process import environment_of_nice
from napari_bravais.mapping.seen import Seen
from napari_bravais.mapping.service import MAX_DEATHS, ClassifierService
from napari_bravais.mapping.service_inbox import Inbox
from napari_bravais.mapping.service_worker import Worker
from napari_bravais.model.backend import WORTH_CONVERTING
from tests.vendor_files import forget_pattern_centre

PATIENCE = 300.0


class Client:
    """A service and the messages that came."""

    def __init__(self):
        self.messages: list[Message] = []
        self.service = ClassifierService(self.messages.append)

    def wait(self, kind: str, request: int | None = None, count: int = 1) -> Message:
        """Return the message of a kind that answers a request, or the last of so many."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = [
                message
                for message in list(self.messages)
                if message.kind == kind and (request is None or message["id"] == request)
            ]
            if len(found) >= count:
                return found[-1]
            time.sleep(0.01)
        raise AssertionError(f"no {kind!r} came, but {[m.kind for m in self.messages]}")


@pytest.fixture(scope="module")
def shared():
    client = Client()
    yield client
    client.service.close()


@pytest.fixture
def quartz(shared):
    """The service with the sample scan open."""
    shared.wait("opened", shared.service.open(quartz_rutile_sample_path()))
    return shared


def test_a_scan_is_described(quartz):
    opened = quartz.wait("opened")
    assert opened["navigation_shape"] == [48, 72]
    assert opened["signal_shape"] == [60, 60]
    assert (opened["step"], opened["step_unit"]) == ([2.0, 2.0], "um")
    assert opened["beam_energy"] == 20.0
    assert "pattern centre (0.486, 0.268, 0.583)" in opened["detector"]
    assert opened["image"]["virtual"]
    assert opened.arrays["image"].shape == (48, 72)


def test_a_map_is_the_same_as_in_one_process(shared, classifier):
    from napari_bravais import map_phases, open_scan

    shared.wait("opened", shared.service.open(nickel_sample_path()))
    job = shared.service.map()
    assert not shared.wait("finished", job)["cancelled"]
    chunk, mapping = shared.wait("chunk", job), shared.wait("mapping", job)
    expected = map_phases(open_scan(nickel_sample_path()), classifier)
    np.testing.assert_allclose(chunk.arrays["probabilities"], expected.probabilities, atol=1e-4)
    np.testing.assert_allclose(chunk.arrays["quality"], expected.quality, atol=1e-4)
    assert mapping["quality_threshold"] == expected.quality_threshold
    assert mapping["provenance"]["model_sha256"] == expected.provenance["model_sha256"]


def test_many_patterns_are_read_by_the_fastest_runtime():
    if find_spec("openvino") is None:  # not imported: that would load its telemetry
        pytest.skip("OpenVINO is not installed")
    said = []
    worker, request = Worker(Inbox(), said.append), Message("map", {"id": 1})
    assert worker._load(request).runtime == "keras"
    assert worker._load(request, WORTH_CONVERTING).runtime == "openvino"
    assert worker._load(request).runtime == "openvino"
    assert [message.kind for message in said] == ["loading", "ready"] * 2
    assert "OpenVINO" in said[-1]["device"]


def test_a_pattern_centre_by_hand_takes_the_place_of_the_files_own(quartz, classifier):
    pattern = open_scan(quartz_rutile_sample_path()).patterns[3, 4].compute()
    by_hand = PatternCentre(0.45, 0.6, 0.55, "edax")
    expected = classifier.predict(pattern[None], pattern_centre=(0.45, 0.4, 0.55))[0]
    own = quartz.wait("explained", quartz.service.explain(3, 4))
    explained = quartz.wait("explained", quartz.service.explain(3, 4, seen=Seen(by_hand)))
    answer = explained.arrays["probabilities"]
    np.testing.assert_allclose(answer, expected, rtol=0.02)
    # however sure the network is of its first answer, it weighs the others anew
    assert np.abs(np.log(answer / own.arrays["probabilities"])).max() > 0.2
    mapping = quartz.wait("mapping", quartz.service.map(Seen(by_hand)))
    assert mapping["provenance"]["pattern_centre"] == [0.45, 0.4, 0.55]
    quartz.service.cancel()


def test_averaged_patterns_are_mapped_and_shown(quartz):
    alone = quartz.wait("explained", quartz.service.explain(3, 4))
    explained = quartz.wait("explained", quartz.service.explain(3, 4, seen=Seen(averaged=True)))
    pattern = averaged(open_scan(quartz_rutile_sample_path())).patterns[3, 4].compute()
    np.testing.assert_array_equal(explained.arrays["pattern"], pattern)
    assert explained["quality"] > alone["quality"] + 0.05
    mapping = quartz.wait("mapping", quartz.service.map(Seen(averaged=True)))
    assert mapping["provenance"]["scan"]["averaged"]
    quartz.service.cancel()


def test_cancel_stops_within_a_block_and_clicks_are_answered_before(quartz):
    job = quartz.service.map()
    quartz.wait("chunk", job)
    click = quartz.service.explain(1, 2, "hP")
    explained = quartz.wait("explained", click)
    so_far = sum(m.kind == "chunk" and m["id"] == job for m in quartz.messages)
    quartz.service.cancel()
    assert quartz.wait("finished", job)["cancelled"]
    chunks = [m for m in quartz.messages if m.kind == "chunk" and m["id"] == job]
    assert so_far <= len(chunks) <= so_far + 2
    assert (explained["row"], explained["column"], explained["lattice"]) == (1, 2, "hP")
    assert explained.arrays["pattern"].shape == explained.arrays["heat"].shape == (60, 60)
    assert explained.arrays["probabilities"].sum() == pytest.approx(1, abs=1e-4)


def test_phases_of_a_map_are_found_or_given_up(quartz, classifier):
    from napari_bravais import map_phases

    phase_map = map_phases(open_scan(quartz_rutile_sample_path()), classifier)
    answer = quartz.wait("phases", quartz.service.find_phases(phase_map, "Si, O, Ti"))
    assert [phase["candidates"][0][0] for phase in answer["phases"]] == ["quartz", "rutile"]
    assert answer["named"] == ["quartz", "rutile"]
    numbers = answer.arrays["numbers"]
    areas = [phase["pixels"] for phase in answer["phases"]]
    assert [(numbers == number).sum() for number in range(2)] == areas
    job = quartz.service.find_phases(phase_map)
    quartz.service.cancel()
    assert quartz.wait("finished", job)["cancelled"]
    wrong = quartz.wait("error", quartz.service.find_phases(phase_map, "Qz"))
    assert "Qz: no element's symbol" in wrong["text"]


def test_a_pixel_is_held_against_known_materials_unless_another_is_clicked(quartz):
    service = quartz.service
    job = service.match(20, 30, "Si, O")
    found = quartz.wait("matched", job)
    assert found["candidates"][0][:2] == ["quartz", "hP"]
    assert found.arrays["expected"].shape == (len(found["candidates"]), 80, 80)
    steps = [m["done"] for m in quartz.messages if m.kind == "matching" and m["id"] == job]
    assert steps == sorted(steps) and len(steps) == found["tried"]
    job = service.match(5, 5)
    quartz.wait("matching", job)
    click = service.explain(1, 2)
    assert quartz.wait("unmatched", job)["reason"] is None
    quartz.wait("explained", click)
    job = service.match(5, 5, "Qz")
    assert "Qz: no element's symbol" in quartz.wait("error", job)["text"]


def test_where_the_pattern_centre_is_not_known_nothing_is_held(shared, tmp_path):
    path = tmp_path / "no_centre.h5"
    shutil.copy(quartz_rutile_sample_path(), path)
    with h5py.File(path, "r+") as file:
        forget_pattern_centre(file["Scan 1/EBSD/Header"])
    shared.wait("opened", shared.service.open(path))
    told = shared.wait("unmatched", shared.service.match(20, 30))
    assert "Find phases looks for it" in told["reason"]
    centre = PatternCentre(*open_scan(quartz_rutile_sample_path()).pattern_centre)
    found = shared.wait("matched", shared.service.match(20, 30, centre=centre))
    assert found["candidates"][0][0] == "quartz"


@pytest.mark.skipif(sys.platform == "win32", reason="no signals that stop a process")
def test_who_asks_does_not_wait_until_a_large_map_was_taken(quartz):
    started = quartz.service.pid
    os.kill(started, signal.SIGSTOP)
    try:
        # far more than a pipe holds: written here, it would keep the window for good
        nothing = np.zeros((600, 600, 14), np.float32)
        large = PhaseMap(nothing, nothing[..., 0], quality_threshold=1)
        request = quartz.service.find_phases(large)
    finally:
        os.kill(started, signal.SIGCONT)
    assert quartz.wait("phases", request)["phases"] == []  # nothing in it can be read
    assert quartz.service.pid == started


def test_of_clicks_that_wait_the_newest_is_answered(quartz):
    job = quartz.service.map()
    quartz.wait("mapping", job)
    clicks = [quartz.service.explain(row, 0) for row in range(20)]
    quartz.wait("explained", clicks[-1])
    answered = {m["id"] for m in quartz.messages if m.kind == "explained"}
    assert len(answered & set(clicks)) < 5
    quartz.service.cancel()
    quartz.wait("finished", job)


def test_what_is_no_scan_is_told_and_the_open_scan_stays(quartz, tmp_path):
    path = tmp_path / "no scan.h5"
    path.write_text("nothing of the kind")
    error = quartz.wait("error", quartz.service.open(path))
    assert "no scan.h5" in error["text"]
    assert error["during"] == "open"
    assert quartz.wait("explained", quartz.service.explain(0, 0))["row"] == 0


def test_a_dead_process_is_replaced_and_has_the_scan_open(quartz):
    job = quartz.service.map()
    quartz.wait("chunk", job)
    os.kill(quartz.service.pid, signal.SIGKILL)
    died = quartz.wait("died")
    assert died["restarted"]
    assert str(-signal.SIGKILL) in died["reason"]
    assert not quartz.wait("finished", quartz.service.map())["cancelled"]


def test_processes_that_keep_dying_are_not_started_for_ever():
    client = Client()
    client.service.start()
    for deaths in range(1, MAX_DEATHS + 1):
        os.kill(client.service.pid, signal.SIGKILL)
        died = client.wait("died", count=deaths)
        assert died["restarted"] == (deaths < MAX_DEATHS)
    assert client.service.pid is None
    client.wait("opened", client.service.open(nickel_sample_path()))  # when needed, once more
    client.service.close()


def test_closing_ends_the_process():
    client = Client()
    client.service.start()
    pid = client.service.pid
    client.service.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert "died" not in [message.kind for message in client.messages]


def test_one_of_blas_threads_waits_for_no_other_program_unless_the_user_wants_more(monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    assert environment_of_nice()["OPENBLAS_NUM_THREADS"] == "1"
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    assert environment_of_nice()["OPENBLAS_NUM_THREADS"] == "3"


def test_the_process_ends_with_whoever_started_it():
    worker = subprocess.Popen(
        [sys.executable, "-m", "napari_bravais.mapping.service_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    worker.stdin.close()
    assert worker.wait(30) == 0


def test_messages_come_out_as_they_went_in():
    stream = BytesIO()
    sent = Message("kind", {"id": 1, "text": "Ü\n"}, {"a": np.arange(6.0).reshape(2, 3)})
    write_message(stream, sent)
    write_message(stream, Message("next", {"id": 2}))
    stream.seek(0)
    came = read_message(stream)
    assert (came.kind, came.facts) == (sent.kind, sent.facts)
    np.testing.assert_array_equal(came.arrays["a"], sent.arrays["a"])
    assert read_message(stream).kind == "next"
    assert read_message(stream) is None


def test_a_message_cut_short_is_none():
    stream = BytesIO()
    write_message(stream, Message("kind", {}, {"a": np.arange(6)}))
    whole = stream.getvalue()
    for size in (0, 5, len(whole) - 1):
        assert read_message(BytesIO(whole[:size])) is None


def test_nothing_is_pickled():
    with pytest.raises(ValueError, match="allow_pickle"):
        write_message(BytesIO(), Message("kind", {}, {"a": np.array([print], object)}))
