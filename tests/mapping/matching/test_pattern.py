"""One pattern of the sample scan, and real ones of nickel, held against known materials."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from napari_bravais.io.sample_data import nickel_sample_path, quartz_rutile_sample_path
from napari_bravais.io.scan import ScanError, open_scan
from napari_bravais.lattices import lattice
from napari_bravais.mapping.matching.matcher import FURTHER, MATERIALS, NOTHING_FITS
from napari_bravais.mapping.matching.pattern import match_pattern
from napari_bravais.mapping.pattern_centre import PatternCentre, moved_to
from napari_bravais.model.card import ModelError
from napari_bravais.model.classifier import BUNDLED, Classifier


@pytest.fixture(scope="module")
def quartz():
    return open_scan(quartz_rutile_sample_path())


def test_a_material_is_named_and_shows_what_the_pattern_shows(quartz, classifier, matcher):
    pixel = 20, 30
    found = match_pattern(quartz, pixel, classifier, matcher)
    (material, probability, correlation), *_ = found.candidates
    assert (material.name, material.lattice) == ("quartz", "hP") and probability > 0.9
    assert found.probabilities.argmax() == lattice("hP").index
    assert found.probabilities.sum() == pytest.approx(1, abs=1e-4)
    assert found.none < 0.05 and found.tried == 80
    assert found.expected.shape == (len(found.candidates), 80, 80)
    prepared = classifier.prepare(quartz.patterns[pixel].compute(), quartz.static_background)
    # what is drawn is what the correlation was found with, at half the resolution
    drawn, own = (
        image.reshape(40, 2, 40, 2).mean(axis=(1, 3)) for image in (found.expected[0], prepared)
    )
    seen = np.corrcoef(drawn.ravel(), own.ravel())[0, 1]
    assert correlation > 0.5 and seen == pytest.approx(correlation, abs=0.03)
    assert np.corrcoef(drawn.ravel(), own[::-1].ravel())[0, 1] < seen / 2


def test_elements_narrow_what_is_named_but_not_the_lattice(quartz, classifier, matcher):
    found = match_pattern(quartz, (20, 30), classifier, matcher, {"Ti", "O"})
    named = [material for material, _, _ in found.candidates]
    assert all(set(material.elements) <= {"Ti", "O"} for material in named)
    assert found.probabilities.argmax() == lattice("hP").index


def test_real_nickel_is_an_element_of_its_lattice(classifier, matcher):
    found = match_pattern(open_scan(nickel_sample_path()), (1, 1), classifier, matcher)
    assert found.probabilities.argmax() == lattice("cF").index
    material, _, correlation = found.candidates[0]
    assert material.space_group == 225 and correlation > 0.75 * found.quality


def test_without_a_pattern_centre_or_an_atlas_it_is_an_error(quartz, classifier, tmp_path):
    with pytest.raises(ScanError, match="stores no pattern centre"):
        match_pattern(replace(quartz, detector=None), (20, 30), classifier)
    for path in (BUNDLED, BUNDLED.with_suffix(".json")):
        shutil.copy(path, tmp_path)
    lonely = Classifier.load(tmp_path / BUNDLED.name)
    with pytest.raises(ModelError, match=rf"{BUNDLED.name} brings no atlas"):
        match_pattern(quartz, (20, 30), lonely)


def test_more_are_tried_where_nothing_fits(classifier, matcher):
    scan = open_scan(nickel_sample_path())
    wrong = moved_to(scan, PatternCentre(0.9, 0.9, 0.9))
    told = []

    def tell(*progress: int) -> None:
        told.append(progress)

    found = match_pattern(wrong, (1, 1), classifier, matcher, progress=tell)
    every = FURTHER * MATERIALS
    assert found.none > NOTHING_FITS and found.tried == every
    # each once: it goes on where it stood
    assert told == [(done, MATERIALS if done < MATERIALS else every) for done in range(every)]


def test_what_progress_raises_ends_it(quartz, classifier, matcher):
    class Enough(Exception):
        pass

    def stop(done: int, of: int) -> None:
        if done == 2:
            raise Enough

    with pytest.raises(Enough):
        match_pattern(quartz, (20, 30), classifier, matcher, progress=stop)
