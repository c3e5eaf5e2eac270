"""Pooled evidence: a map's grains, its phases, and one lattice for each phase."""

from collections.abc import Callable, Collection, Iterable
from functools import partial

import numpy as np

from napari_bravais.io.scan import Scan
from napari_bravais.mapping.clustering import cluster
from napari_bravais.mapping.grains import (
    NO_GRAIN,
    best_pixels,
    find_grains,
    grain_means,
    log_probabilities,
)
from napari_bravais.mapping.likeness import pattern_components
from napari_bravais.mapping.matching.centre import Ready, ready_to_match
from napari_bravais.mapping.matching.grouping import Grains, matched_phases, phases_of_further
from napari_bravais.mapping.matching.phase import LEAST_LIKELY, MatchedPhase
from napari_bravais.mapping.pattern_centre import PatternCentre
from napari_bravais.mapping.phase_map import PhaseMap
from napari_bravais.mapping.pooled_map import NO_PHASE, PooledMap, PooledPhase
from napari_bravais.model.camera import of_middle_square
from napari_bravais.model.candidates import Material, MaterialIndex, floored_logs
from napari_bravais.model.classifier import Classifier

#: Grains from which evidence is pooled: the largest, and some of all other sizes, or a phase whose
#: grains are small would be missed where those of another are many.
MOST_GRAINS, OF_ALL_SIZES = 600, 200

#: Further grains, the largest, that are held against the phases' materials.
FURTHER_GRAINS = 3000

#: Patterns of each of the first that are read again, spread over the grain.
PATTERNS_A_GRAIN = 3

#: Patterns read from the file at a time.
_BATCH = 256


def find_phases(
    scan: Scan,
    phase_map: PhaseMap,
    classifier: Classifier,
    index: MaterialIndex | None = None,
    elements: Collection[str] | None = None,
    centre: PatternCentre | None = None,
    progress: Callable[[str, int, int], None] = lambda what, done, of: None,
) -> PooledMap:
    """Group a map into grains and phases, and give every phase one lattice.

    Parameters
    ----------
    scan
        The scan that was mapped. Patterns of each phase are held against what the materials would
        show that the network thinks of; first the pattern centre is moved to where they fit best.
    phase_map
        Its map.
    classifier
        What mapped it.
    index
        The materials that the classifier knows; by default those that lie beside its file.
    elements
        Symbols of the elements present, to narrow the candidate materials by; not the lattices.
    centre
        The pattern centre by which known materials fit best, if an earlier search found it.
    progress
        Called with what is gone through, how many of these are done, and how many there are. What
        it raises ends the search.

    Returns
    -------
    PooledMap
        Without any phase if nothing is classified.

    Raises
    ------
    ModelError
        If the classifier has no index of materials.
    ScanError
        If patterns cannot be read.
    """
    index = index or MaterialIndex.of(classifier)
    classified = phase_map.labels >= 0
    if not classified.any():
        nothing = np.full(phase_map.shape, NO_PHASE, np.int16)
        return PooledMap((), nothing, np.full(phase_map.shape, NO_GRAIN, np.int32))
    tell = partial(progress, "grains: patterns")
    components = pattern_components(scan, classifier, classified, tell)
    grains = find_grains(components, phase_map.probabilities, classified)
    sizes = np.bincount(grains[grains != NO_GRAIN])
    read = telling_grains(sizes)
    pixels, owner = best_pixels(grains, read, phase_map.quality, PATTERNS_A_GRAIN)
    probabilities, features = _embedded(scan, classifier, pixels, partial(progress, "patterns"))
    means = _averages(features, owner)
    logs = _averages(floored_logs(probabilities), owner)
    labels = group(index, means)
    ready = ready_to_match(scan, classifier, centre, partial(progress, "pattern centre: cameras"))
    if ready.matcher is None:
        of_each = [labels == number for number in range(labels.max() + 1)]
        answers = [_pooled(index, means[own], logs[own], elements) for own in of_each]
    else:
        best = pixels[np.searchsorted(owner, np.arange(len(read)))]
        seen = _seen(ready.scan, phase_map, classifier, best, index.log_probabilities(means), logs)
        allowed = index.made_of(elements)
        labels, found, materials = matched_phases(ready.matcher, seen, labels, allowed, progress)
        answers = [_matched(phase) for phase in found]
    of_grain = _of_all_grains(labels, phase_map, grains, read)
    further = np.setdiff1d(np.arange(len(sizes)), read)[:FURTHER_GRAINS]
    if ready.matcher is not None and len(found) > 1 and len(further):
        best, _ = best_pixels(grains, further, phase_map.quality, 1)
        tell = partial(progress, "small grains: patterns")
        probabilities, features = _embedded(ready.scan, classifier, best, tell)
        known = index.log_probabilities(features), floored_logs(probabilities)
        seen = _seen(ready.scan, phase_map, classifier, best, *known)
        tell = partial(progress, "small grains: materials")
        by_likeness = np.bincount(labels) / len(labels), seen, of_grain[further]
        of_grain[further] = phases_of_further(ready.matcher, materials, *by_likeness, tell)
    return _pooled_map(grains, of_grain, labels, answers, ready)


def _pooled_map(
    grains: np.ndarray,
    of_grain: np.ndarray,
    labels: np.ndarray,
    answers: list[dict],
    ready: Ready,
) -> PooledMap:
    """Return phases, the largest first, by that of each grain, and of those that made them."""
    sizes = np.bincount(grains[grains != NO_GRAIN])
    pixels_of = np.bincount(of_grain, sizes, len(answers)).astype(int)
    order = np.argsort(-pixels_of, kind="stable")
    numbers = np.where(grains == NO_GRAIN, NO_PHASE, np.argsort(order)[of_grain][grains])
    phases = tuple(
        PooledPhase(
            number=number,
            pixels=int(pixels_of[label]),
            grains=int((of_grain == label).sum()),
            fraction=float(pixels_of[label] / sizes.sum()),
            orientations=int((labels == label).sum()),
            **answers[label],
        )
        for number, label in enumerate(order)
    )
    return PooledMap(phases, numbers.astype(np.int16), grains, ready.centre, ready.note)


def telling_grains(sizes: np.ndarray) -> np.ndarray:
    """Return which grains phases are made of, by the pixels of all grains, the largest first."""
    # single pixels are mostly noise or boundary; where there is more, they have no say
    count = (sizes > 2).sum() or len(sizes)
    if count <= MOST_GRAINS:
        return np.arange(count)
    largest = MOST_GRAINS - OF_ALL_SIZES
    return np.append(np.arange(largest), np.linspace(largest, count - 1, OF_ALL_SIZES).astype(int))


def group(index: MaterialIndex, means: np.ndarray) -> np.ndarray:
    """Group grains into phases.

    Parameters
    ----------
    index
        The materials that the classifier knows.
    means
        What the network sees in each grain, shape (n, channels).

    Returns
    -------
    numpy.ndarray
        Phase of each grain, shape (n,), from 0.
    """
    return cluster(index.log_probabilities(means))


def _pooled(
    index: MaterialIndex, means: np.ndarray, logs: np.ndarray, elements: Collection[str] | None
) -> dict:
    """Return what the network says of a phase, as arguments of `PooledPhase`."""
    found = index.candidates(means, elements)
    return {
        "probabilities": index.pooled(means, np.exp(logs)),
        "candidates": _likely_ones((each.material, each.probability) for each in found),
    }


def _matched(phase: MatchedPhase) -> dict:
    """Return what a phase's patterns are like, as arguments of `PooledPhase`."""
    likely = _likely_ones((material, share) for material, share, _ in phase.candidates)
    return {
        "probabilities": phase.probabilities,
        "candidates": likely,
        "correlation": phase.candidates[0][2] if likely else None,
        "excluded": phase.excluded and (phase.excluded.name, phase.excluded.formula),
    }


def _likely_ones(
    materials: Iterable[tuple[Material, float]],
) -> tuple[tuple[str, str, float], ...]:
    return tuple(
        (material.name, material.formula, probability)
        for material, probability in materials
        if probability >= LEAST_LIKELY
    )


def _embedded(
    scan: Scan, classifier: Classifier, pixels: np.ndarray, progress: Callable[[int, int], None]
) -> tuple[np.ndarray, np.ndarray]:
    """Read patterns again; return their probabilities and what the network sees in them."""
    rows, columns = np.unravel_index(pixels, scan.navigation_shape)
    answers = []
    for start in range(0, len(pixels), _BATCH):
        progress(start, len(pixels))
        part = slice(start, start + _BATCH)
        place = rows[part], columns[part]
        patterns = scan.patterns_at(*place)
        answers.append(classifier.embed(patterns, *scan.known_at(*place)))
    probabilities, _, features = map(np.concatenate, zip(*answers, strict=True))
    return probabilities, features


def _seen(
    scan: Scan,
    phase_map: PhaseMap,
    classifier: Classifier,
    pixels: np.ndarray,
    seen: np.ndarray,
    logs: np.ndarray,
) -> Grains:
    """Read a pattern of each grain again, and prepare it to be held against materials."""
    rows, columns = np.unravel_index(pixels, scan.navigation_shape)
    prepared, centres = [], []
    for start in range(0, len(pixels), _BATCH):
        place = rows[start : start + _BATCH], columns[start : start + _BATCH]
        background, own = scan.known_at(*place)
        prepared.append(classifier.prepare(scan.patterns_at(*place), background))
        centres.append(of_middle_square(own, scan.signal_shape))
    quality = phase_map.quality.ravel()[pixels]
    return Grains(np.concatenate(prepared), np.concatenate(centres), quality, seen, logs)


def _averages(values: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Average the rows of each owner."""
    totals = np.zeros((owner.max() + 1, values.shape[1]))
    np.add.at(totals, owner, values)
    return totals / np.bincount(owner)[:, None]


def _of_all_grains(
    labels: np.ndarray, phase_map: PhaseMap, grains: np.ndarray, read: np.ndarray
) -> np.ndarray:
    """Return the phase of every grain: that of those like it, for those that were not read."""
    logs, _ = grain_means(log_probabilities(phase_map.probabilities), grains)
    typical = _averages(logs[read], labels)
    nearest = ((logs[:, None] - typical) ** 2).sum(axis=-1).argmin(axis=1)
    nearest[read] = labels
    return nearest
