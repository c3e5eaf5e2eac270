"""What holds for any input: preparation, saved maps, stores."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_bravais.io.results import load_result, save_results
from napari_bravais.mapping.phase_map import PhaseMap

SHARED = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@settings(max_examples=30, **SHARED)
@given(
    pattern=hnp.arrays(
        st.sampled_from([np.uint8, np.uint16, np.int32, np.float32, np.float64]),
        st.sampled_from([(8, 8), (16, 16), (16, 24)]),  # each size is traced anew
    )
)
def test_whatever_the_pattern_the_network_gets_bounded_numbers(classifier, pattern):
    prepared = classifier.prepare(pattern)
    assert np.isfinite(prepared).all()
    assert np.abs(prepared).max() <= 3.5 + 1e-5
    probabilities, quality = classifier.assess(pattern[None])
    assert np.isfinite(probabilities).all() and 0 <= quality[0] <= 1
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)


@settings(max_examples=25, **SHARED)
@given(
    pattern=hnp.arrays(np.uint8, (16, 16), elements=st.integers(0, 120)),
    gain=st.sampled_from([0.5, 2.0, 200.0]),
)
def test_the_gain_of_the_detector_does_not_matter(classifier, pattern, gain):
    prepared = classifier.prepare(pattern)
    np.testing.assert_allclose(classifier.prepare(pattern * gain), prepared, atol=0.02)


@settings(max_examples=4, **SHARED)
@given(data=st.data())
def test_a_saved_map_comes_back_as_it_was(tmp_path, data):
    shape = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    finite = st.floats(0, 1, width=32) | st.just(np.nan)
    # no scan's steps differ a millionfold; the figure of one would fill the memory
    step, ratio = data.draw(st.tuples(st.floats(1e-3, 1e3), st.floats(0.5, 2)))
    saved = PhaseMap(
        data.draw(hnp.arrays(np.float32, (*shape, 14), elements=finite)),
        data.draw(hnp.arrays(np.float32, shape, elements=finite)),
        step=(step, step * ratio),
        step_unit=data.draw(st.sampled_from(["px", "um", "nm"])),
        quality_threshold=data.draw(st.floats(0, 1)),
        provenance={"scan": {"file": data.draw(st.text())}},
    )
    save_results(saved, None, tmp_path)
    loaded = load_result(tmp_path)
    np.testing.assert_array_equal(loaded.probabilities, saved.probabilities)
    np.testing.assert_array_equal(loaded.labels, saved.labels)
    assert (loaded.step, loaded.step_unit) == (saved.step, saved.step_unit)
    assert loaded.provenance == saved.provenance
