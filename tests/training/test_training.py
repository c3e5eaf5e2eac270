import json
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest

from napari_bravais.lattices import lattice
from napari_bravais.model.camera import unknown
from napari_bravais.model.classifier import Classifier
from napari_bravais.model.network import CRYSTAL, build_backbone
from napari_bravais.simulation.sample import PHASES
from napari_bravais.training import train as training
from napari_bravais.training.export import export
from napari_bravais.training.fused import fused_normalisation
from napari_bravais.training.library import MasterLibrary
from napari_bravais.training.patterns import NO_CRYSTAL, WAITING, Exposures, TrainingBatches
from napari_bravais.training.together import Team, team_of, train_together


@pytest.fixture(scope="module")
def library(sample_data):
    folder = sample_data / "master_patterns"
    masters = np.stack([np.load(folder / f"{phase}.npz")["mp"] for phase in PHASES])
    lattices = np.array([lattice(symbol).index for symbol in PHASES.values()])
    records = [
        {
            "file": f"{phase}.npz",
            "source": "a seed paper",
            "name": phase,
            "lattice": PHASES[phase],
            "beam_energy_kev": 20.0,
            "space_group": 136,
            "cell": np.diag([4.6, 4.6, 3.0]),
            "positions": [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]],
            "atomic_numbers": [22, 22],
        }
        for phase in PHASES
    ]
    return MasterLibrary(
        np.concatenate([masters, masters]),
        np.concatenate([lattices, lattices]),
        records * 2,
        np.array(["trained", "trained", "validation type", "validation type"]),
    )


def test_exposures_come_with_lattice_and_likeness_to_the_ideal(library):
    exposures = Exposures(library, library.indices("trained"), empty_share=0.3, seed=1)
    drawn = exposures.draw(64)
    assert drawn.prepared.shape == (64, 80, 80, 1)
    crystal = drawn.labels != NO_CRYSTAL
    assert 0 < (~crystal).sum() < 40
    truth = library.lattices[drawn.materials[crystal]]
    np.testing.assert_array_equal(drawn.labels[crystal], truth)
    assert not drawn.correlation[~crystal].any()
    assert 0.3 < drawn.correlation[crystal].mean() < 0.98
    known = drawn.camera[:, 0] == 1
    assert 20 < known.sum() < 55 and not drawn.camera[~known].any()
    assert (np.abs(drawn.camera[known, 1:]) > 0).all()


def test_batches_come_back_mirrored_and_turned_with_their_answers(library):
    exposures = Exposures(library, library.indices("trained"), empty_share=0.2, seed=1)
    batches = TrainingBatches(exposures, 4, 10)
    drawn = [batches[i] for i in range(3 * WAITING)]
    first, answers = drawn[0]
    prepared, (known, x, y, z) = first["prepared"], first["camera"].T
    views = (
        (prepared[:, :, ::-1], (known, -x, y, z)),
        (prepared[:, ::-1, ::-1], (known, -x, -y, z)),
    )
    again = [
        np.allclose(seen["prepared"], view) and np.allclose(seen["camera"].T, camera)
        for seen, later in drawn[1:]
        for view, camera in views
        if later is answers
    ]
    assert 1 <= sum(again) <= 2 and len(again) == 2 * sum(again)
    crystal = answers["logits"] != NO_CRYSTAL
    # both phases' records are of one crystal but for the name
    assert (answers[CRYSTAL][crystal] == 0).all() and (answers[CRYSTAL][~crystal] == -1).all()


def test_fused_normalisation_learns_the_same():
    patterns = {
        "prepared": np.random.default_rng(0).normal(size=(8, 80, 80, 1)).astype(np.float32),
        "camera": unknown(8),
    }
    usual, fused = build_backbone(), build_backbone()
    training.take_weights(fused, usual)
    expected = usual(patterns, training=True)["logits"]
    with fused_normalisation():
        answer = fused(patterns, training=True)["logits"]
    np.testing.assert_allclose(answer, expected, atol=1e-3)
    for a, b in zip(fused.get_weights(), usual.get_weights(), strict=True):
        # the kernel's moving variance is the unbiased one
        np.testing.assert_allclose(a, b, rtol=1e-2, atol=1e-4)
    assert keras.layers.BatchNormalization.call.__qualname__.startswith("BatchNormalization")


def test_processes_that_train_together_agree_on_the_mean():
    own = [[np.full((2, 3), number), np.array(10.0 * number)] for number in range(3)]
    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(Team.mean, team_of(3), own))
    for weights, seconds in answers:
        np.testing.assert_array_equal(weights, np.ones((2, 3)))
        assert seconds == 10


def test_a_process_that_dies_ends_the_run_of_all(library, tmp_path):
    with pytest.raises(RuntimeError, match="died"):
        train_together(2, library, tmp_path, minutes=1, start=tmp_path / "none.keras")


def test_a_run_trains_resumes_and_exports(library, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "BATCHES_PER_EPOCH", 2)
    monkeypatch.setattr(training, "BATCH_SIZE", 8)
    run = tmp_path / "run"
    checkpoint = training.train(library, run, minutes=0.01, random_share=0)
    first = json.loads((run / "state.json").read_text())
    training.train(library, run, minutes=first[-1]["seconds"] / 60 + 0.01, random_share=0)
    second = json.loads((run / "state.json").read_text())
    assert second[: len(first)] == first and len(second) > len(first)

    target = export(
        checkpoint, library, tmp_path / "m.keras", {"name": "m", "quality_threshold": 0}
    )
    probabilities = Classifier.load(target).predict(np.random.default_rng(0).random((2, 40, 40)))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
