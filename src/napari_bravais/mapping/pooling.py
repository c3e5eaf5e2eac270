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
from napari_bravais.mapping.matching.centre import ready_to_match
from napari_bravais.mapping.matching.phase import (
    GRAINS,
    LEAST_LIKELY,
    MatchedPhase,
    match_phase,
)
from napari_bravais.mapping.pattern_centre import PatternCentre
from napari_bravais.mapping.phase_map import PhaseMap
from napari_bravais.mapping.pooled_map import NO_PHASE, PooledMap, PooledPhase
from napari_bravais.model.candidates import Material, MaterialIndex, floored_logs
from napari_bravais.model.classifier import Classifier

#: Grains, the largest ones, from which evidence is pooled.
MOST_GRAINS = 600

#: Patterns of each of them that are read again, spread over the grain.
PATTERNS_A_GRAIN = 3

#: Patterns read from the file at a time.
_BATCH = 256


class ElementError(ValueError):
    """What should name elements does not."""


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
    grains = find_grains(phase_map.probabilities, phase_map.labels >= 0)
    if not (grains != NO_GRAIN).any():
        return PooledMap((), np.full(phase_map.shape, NO_PHASE, np.int16), grains)
    sizes = np.bincount(grains[grains != NO_GRAIN])
    read = np.arange(min(len(sizes), MOST_GRAINS))
    # single pixels are mostly noise or boundary; where there is more, they have no say
    if (sizes[read] > 2).any():
        read = read[sizes[read] > 2]
    pixels, owner = best_pixels(grains, read, phase_map.quality, PATTERNS_A_GRAIN)
    probabilities, features = _embedded(scan, classifier, pixels, partial(progress, "patterns"))
    means = _averages(features, owner)
    logs = _averages(floored_logs(probabilities), owner)
    labels = group(index, means)
    of_grain = _of_all_grains(labels, phase_map, grains, read)
    # the largest phase comes first
    order = np.argsort(-np.bincount(of_grain, sizes, labels.max() + 1), kind="stable")
    labels, of_grain = np.argsort(order)[labels], np.argsort(order)[of_grain]
    numbers = np.where(grains == NO_GRAIN, NO_PHASE, of_grain[grains]).astype(np.int16)
    tell = partial(progress, "pattern centre: cameras")
    ready = ready_to_match(scan, classifier, centre, tell)
    phases = []
    for number in range(len(order)):
        own = labels == number
        if ready.matcher is None:
            answer = _pooled(index, means[own], logs[own], elements)
        else:
            # of the largest grains, the best pattern of each
            best = pixels[np.searchsorted(owner, np.flatnonzero(own)[:GRAINS])]
            quality = phase_map.quality.ravel()[best]
            seen = index.log_probabilities(means[own]).mean(axis=0), logs[own].mean(axis=0)
            tell = partial(progress, f"phase {number + 1}: materials")
            to_match = ready.scan, best, quality, seen, classifier, ready.matcher
            answer = _matched(match_phase(*to_match, elements, tell))
        pixels_of_it = int((numbers == number).sum())
        phases.append(
            PooledPhase(
                number=number,
                pixels=pixels_of_it,
                grains=int((of_grain == number).sum()),
                fraction=pixels_of_it / int(sizes.sum()),
                orientations=int(own.sum()),
                **answer,
            )
        )
    return PooledMap(tuple(phases), numbers, grains, ready.centre, ready.note)


def elements_in(text: str) -> set[str] | None:
    """Return the elements that a text names by their symbols, such as ``"Fe, Ni, Al"``.

    Returns
    -------
    set of str, or None
        None if the text names nothing.

    Raises
    ------
    ElementError
        If something in it is no element's symbol.
    """
    from ase.data import chemical_symbols

    symbols = set(text.replace(",", " ").replace(";", " ").split())
    unknown = sorted(symbols - set(chemical_symbols[1:]))
    if unknown:
        raise ElementError(
            f"{', '.join(unknown)}: no element's symbol; name the elements as in Fe, Ni, Al"
        )
    return symbols or None


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
