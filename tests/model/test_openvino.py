"""OpenVINO computes what Keras does, from the same weights."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest

from napari_bravais import open_scan
from napari_bravais.model.classifier import Classifier, ModelError

if find_spec("openvino") is None:  # not imported: that would load its telemetry
    pytest.skip("OpenVINO is not installed", allow_module_level=True)

pytestmark = pytest.mark.tensorflow

#: Two lattices whose probabilities differ by less are equally likely: a tie.
TIE = 0.05

#: What rounding to bfloat16 changes a probability by at most.
ROUNDED = 0.08


@pytest.fixture(scope="module")
def fast():
    return Classifier.bundled(runtime="openvino")


@pytest.fixture(scope="module")
def patterns(sample_data):
    """Patterns of the sample scan, as they are, noisy, and nothing but noise."""
    clean = open_scan(sample_data / "quartz_rutile.h5").patterns[:8].compute().reshape(-1, 60, 60)
    noise = np.random.default_rng(0).normal(0, 1, clean[:192].shape)
    return np.concatenate([clean, clean[:192] + 60 * noise, 100 + 20 * noise]).astype(np.float32)


def test_labels_agree_but_for_ties(classifier, fast, patterns):
    expected, quality = classifier.assess(patterns)
    got, fast_quality = fast.assess(patterns)
    best = np.sort(expected, axis=1)[:, -2:]
    tie = best[:, 1] - best[:, 0] < TIE
    assert tie.mean() < 0.6
    np.testing.assert_array_equal(got.argmax(1)[~tie], expected.argmax(1)[~tie])
    np.testing.assert_allclose(got, expected, atol=ROUNDED)
    np.testing.assert_allclose(fast_quality, quality, atol=0.02)


def test_detectors_batches_and_backgrounds_do_not_matter(classifier, fast, patterns):
    for part in (patterns[:1], patterns[:77, 5:50], patterns[:3, 3:35, ::2]):
        np.testing.assert_allclose(fast.predict(part), classifier.predict(part), atol=ROUNDED)
    known = patterns[:300].mean(axis=0), (0.5, 0.3, 0.6)
    np.testing.assert_allclose(
        fast.predict(patterns[:140], *known),
        classifier.predict(patterns[:140], *known),
        atol=ROUNDED,
    )
    assert fast.predict(patterns[:0]).shape == (0, 14)


def test_what_holds_nothing_is_told_so_too(classifier, fast):
    nothing = np.stack([np.zeros((60, 60)), np.full((60, 60), np.nan), np.full((60, 60), np.inf)])
    assert (fast.assess(nothing)[1] < fast.quality_threshold).all()
    np.testing.assert_allclose(fast.assess(nothing)[1], classifier.assess(nothing)[1], atol=0.02)


def test_nothing_is_told_to_any_server(fast):
    from openvino.tools.ovc import convert_impl

    assert convert_impl.tm.__name__ == "openvino.tools.ovc.telemetry_stub"
    assert sys.modules["openvino_telemetry"] is None


def test_it_says_what_it_runs_on(fast):
    assert fast.device.startswith("CPU (OpenVINO, ") and "openvino" in fast.versions


def test_runtimes_that_are_not_there(monkeypatch):
    with pytest.raises(ValueError, match="no runtime 'abacus'"):
        Classifier.bundled(runtime="abacus")
    monkeypatch.setattr("napari_bravais.model.classifier.find_spec", lambda name: None)
    with pytest.raises(ModelError, match="not installed"):
        Classifier.bundled(runtime="openvino")
