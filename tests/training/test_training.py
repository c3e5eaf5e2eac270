import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest

from napari_bravais.lattices import lattice
from napari_bravais.model.camera import told, unknown
from napari_bravais.model.card import ModelError
from napari_bravais.model.classifier import BUNDLED, Classifier
from napari_bravais.model.network import CRYSTAL, build_backbone, with_preparation
from napari_bravais.simulation.sample import PHASES
from napari_bravais.training import export as exporting
from napari_bravais.training import train as training
from napari_bravais.training.fused import fused_normalisation
from napari_bravais.training.library import MasterLibrary
from napari_bravais.training.patterns import (
    MIRRORED,
    NO_CRYSTAL,
    TURNED,
    UPRIGHT,
    WAITING,
    Drawn,
    Exposures,
    TrainingBatches,
    laid,
)
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
    prepared = first["prepared"]
    seen = [batch["prepared"] for batch, later in drawn[1:] if later is answers]
    assert 1 <= len(seen) <= 2
    ways = [np.rot90(view, k, (1, 2)) for view in (prepared, prepared[:, ::-1]) for k in range(4)]
    for view in seen:
        assert not np.allclose(view, prepared)
        assert sum(np.allclose(view, way) for way in ways) == 1
    crystal = answers["logits"] != NO_CRYSTAL
    # both phases' records are of one crystal but for the name
    assert (answers[CRYSTAL][crystal] == 0).all() and (answers[CRYSTAL][~crystal] == -1).all()


def test_a_camera_is_turned_with_its_pattern():
    """A spot at the pattern centre stays there, in each of the eight ways a pattern can lie."""
    spot = np.zeros((1, 80, 80, 1), np.float32)
    spot[0, 15, 31] = 1
    camera = told([(31.5 / 80, 15.5 / 80, 0.6)], (80, 80))
    places = set()
    for way in (UPRIGHT, MIRRORED, *TURNED):
        seen = laid(Drawn(spot, camera, *3 * [np.zeros(1)]), way)
        _, row, column, _ = np.argwhere(seen["prepared"])[0]
        known, x, y, z = seen["camera"][0]
        np.testing.assert_allclose((x, y), ((column + 0.5) / 80 - 0.5, (row + 0.5) / 80 - 0.5))
        assert known == 1 and z == camera[0, 3]
        places.add((row, column))
    assert len(places) == 8


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


def test_a_start_gives_the_crystals_that_it_knows_by_their_names():
    earlier = build_backbone(crystals={"a": 0, "b": 1, "c": 1})
    later = build_backbone(crystals={"new": 2, "c": 1, "a": 0})
    training.take_weights(later, earlier)
    for own, other in zip(
        later.get_layer(CRYSTAL).get_weights(),
        earlier.get_layer(CRYSTAL).get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(own[..., 1:], other[..., [2, 0]])
        # and one that it does not know is no likelier than these
        np.testing.assert_allclose(own[..., 0], other.mean(axis=-1), atol=1e-6)


def test_no_mean_is_taken_with_another_network_or_without_its_card(tmp_path):
    with pytest.raises(ModelError, match="it knows crystals that the run does not"):
        exporting.mean_with(build_backbone(crystals={"a": 0, "b": 1}), BUNDLED, 0.5)
    lonely = tmp_path / "lonely.keras"
    lonely.write_bytes(BUNDLED.read_bytes())
    with pytest.raises(ModelError, match=r"model card lonely\.json"):
        exporting.mean_with(build_backbone(), lonely, 0.5)


def test_a_mean_leaves_new_crystals_as_they_are(tmp_path):
    earlier = tmp_path / "earlier.keras"
    with_preparation(build_backbone(crystals={"a": 0, "b": 1})).save(earlier)
    checksum = hashlib.sha256(earlier.read_bytes()).hexdigest()
    card = {"name": "m", "classes": [], "quality_threshold": 0, "sha256": checksum}
    earlier.with_suffix(".json").write_text(json.dumps({**card, "temperature": 2.0}))
    backbone = build_backbone(crystals={"b": 1, "new": 2, "a": 0})
    own, _ = backbone.get_layer(CRYSTAL).get_weights()
    other, _ = training.load_backbone(earlier).get_layer(CRYSTAL).get_weights()
    exporting.mean_with(backbone, earlier, 0.25)
    mean, _ = backbone.get_layer(CRYSTAL).get_weights()

    def spoken_for(kernel, one, another):
        return kernel[:, one] - kernel[:, another]

    # against each other the known ones are means, the new one stands as it stood to these
    expected = 0.25 * spoken_for(own, 0, 2) + 0.75 * 2 * spoken_for(other, 1, 0)
    np.testing.assert_allclose(spoken_for(mean, 0, 2), expected, atol=1e-6)
    centred = own[:, 1] - own[:, [0, 2]].mean(axis=1)
    np.testing.assert_allclose(mean[:, 1] - mean[:, [0, 2]].mean(axis=1), centred, atol=1e-6)


def test_a_run_trains_resumes_and_exports(library, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "BATCHES_PER_EPOCH", 2)
    monkeypatch.setattr(training, "BATCH_SIZE", 8)
    monkeypatch.setattr(exporting, "CALIBRATION_PATTERNS", 64)
    run = tmp_path / "run"
    checkpoint = training.train(library, run, minutes=0.01, random_share=0)
    first = json.loads((run / "state.json").read_text())
    trained_on = {"materials": 3, "patterns": 100, "minutes": 1.0}
    card = {"name": "m", "quality_threshold": 0, "trained_on": trained_on}
    early = exporting.export(checkpoint, library, tmp_path / "early.keras", card)
    training.train(library, run, minutes=first[-1]["seconds"] / 60 + 0.01, random_share=0)
    second = json.loads((run / "state.json").read_text())
    assert second[: len(first)] == first and len(second) > len(first)

    target = exporting.export(checkpoint, library, tmp_path / "m.keras", card)
    # an exported model is a start like the run's own network; its answers are calibrated
    own, exported = map(training.load_backbone, (checkpoint, target))
    for layer in exported.layers:
        if layer.name != CRYSTAL:
            np.testing.assert_equal(layer.get_weights(), own.get_layer(layer.name).get_weights())
    # what all crystals have in common says nothing, and would hide from Grad-CAM what does
    assert np.abs(np.asarray(exported.get_layer(CRYSTAL).kernel).mean(axis=1)).max() < 1e-5
    probabilities = Classifier.load(target).predict(np.random.default_rng(0).random((2, 40, 40)))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)

    # where the heads alone learn, the rest stays
    heads = training.train(library, tmp_path / "heads", 0.01, 0, start=target, heads_only=True)
    before = training.weighted_layers(exported)
    for name, layer in training.weighted_layers(training.load_backbone(heads)).items():
        both = zip(layer.get_weights(), before[name].get_weights(), strict=True)
        assert all(map(np.array_equal, *zip(*both, strict=True))) == (name not in exported.output)

    # the mean of both, before calibration
    both = exporting.export(checkpoint, library, tmp_path / "both.keras", card, early, share=0.25)
    made_of = [(training.load_backbone(path), path) for path in (early, target, both)]
    temperatures = [json.loads(path.with_suffix(".json").read_text()) for _, path in made_of]
    *halves, mean = (
        [
            weights * (facts["temperature"] if layer.name == CRYSTAL else 1)
            for layer in network.layers
            for weights in layer.get_weights()
        ]
        for (network, _), facts in zip(made_of, temperatures, strict=True)
    )
    for one, other, between in zip(*halves, mean, strict=True):
        np.testing.assert_allclose(between, 0.75 * one + 0.25 * other, rtol=1e-3, atol=1e-6)
    assert temperatures[-1]["trained_on"] == {"materials": 3, "patterns": 200, "minutes": 2.0}
