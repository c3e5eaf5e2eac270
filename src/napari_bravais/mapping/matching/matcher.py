"""Patterns held against the materials that they may be of: lattice, material, orientation."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from cachetools import LRUCache, cached

from napari_bravais.lattices import LATTICES, PEARSON_SYMBOLS
from napari_bravais.mapping.matching.atlas import Atlas, atlas_path
from napari_bravais.mapping.matching.order import Order
from napari_bravais.mapping.matching.search import Target, View, best_orientations, closer
from napari_bravais.mapping.sphere import detector_directions, values_at
from napari_bravais.model.candidates import MaterialIndex, floored_logs
from napari_bravais.model.classifier import Classifier

#: Materials that a pattern is held against: the likeliest by what the network sees.
MATERIALS = 80

#: From which probability of none of these on patterns are held against more, and how many times as
#: many: the right one is mostly among them then. Of one pattern in thirteen it is so.
NOTHING_FITS, FURTHER = 0.05, 5

#: By how much less than the best a lattice's correlation may be for its order to be looked for.
_NEARLY = 0.04

#: Space groups of elements whose lattices are ordered: face-centred and body-centred cubic.
_PARENTS = (225, 229)

#: Bytes of targets that are kept ready: 1 MB (cubic) to 22 MB (triclinic) each. Making one takes
#: as long as holding a pattern against it, and the next pattern mostly asks for the same ones.
_KEPT_TARGETS = 10**9


@dataclass(frozen=True)
class Matches:
    """Patterns held against some materials.

    Attributes
    ----------
    materials
        Which materials of the index, shape (n, k).
    correlations
        Of each pattern with what each material would show in the orientation that fits best, shape
        (n, k).
    rotations
        These orientations, detector to crystal, shape (n, k, 3, 3).
    order
        What the bands that order adds (`napari_bravais.mapping.matching.order`) tell against a
        material, a log-likelihood: against ordered forms where they are missing, against elements
        of the same lattice where they are there, of all else 0; shape (n, k).
    """

    materials: np.ndarray
    correlations: np.ndarray
    rotations: np.ndarray
    order: np.ndarray

    def of(self, *chosen: np.ndarray) -> "Matches":
        """Return those of some of the patterns or, two indices given, of some materials of each."""
        return Matches(*(values[chosen] for values in vars(self).values()))

    def beside(self, others: "Matches") -> "Matches":
        """Return the same patterns held against these materials and against others."""
        both = zip(vars(self).values(), vars(others).values(), strict=True)
        return Matches(*(np.concatenate(values, axis=1) for values in both))


class Matcher:
    """Holds patterns against the atlas of a classifier's materials.

    Parameters
    ----------
    classifier
        What sees the patterns first.
    index
        The materials that patterns may be of; the whole index that lies beside it by default.

    Attributes
    ----------
    index
        The materials.
    atlas
        What they show.
    weights
        How much each kind of evidence counts: the atlas's.
    target
        Gives the target (`napari_bravais.mapping.matching.search.Target`) of a material of the
        index, by its number.

    Raises
    ------
    ModelError
        If the index or the atlas is missing, damaged or made for another model.
    """

    def __init__(self, classifier: Classifier, index: MaterialIndex | None = None):
        self.index = index or MaterialIndex.of(classifier)
        self.atlas = Atlas.of(classifier)
        self.weights = self.atlas.weights
        self._lattices = np.array(
            [PEARSON_SYMBOLS.index(material.lattice) for material in self.index.materials]
        )
        self._log_prior = np.log(self.index.prior)
        kept = LRUCache(_KEPT_TARGETS, getsizeof=lambda target: target.waves.nbytes)
        self.target = cached(kept)(self._make_target)

    @classmethod
    @lru_cache(maxsize=1)  # with the targets that it keeps ready
    def beside(cls, classifier: Classifier) -> "Matcher | None":
        """Return what holds patterns against a network's materials; None if it has no atlas.

        The same one as long as no other network is asked for.
        """
        return cls(classifier) if atlas_path(classifier.path).exists() else None

    def likeliest(self, seen: np.ndarray, most: int = MATERIALS) -> np.ndarray:
        """Return the materials that patterns are to be held against, shape (n, k).

        Parameters
        ----------
        seen
            The network's log-probabilities of the index's materials, all being as likely before,
            shape (n, materials).
        most
            How many.
        """
        return np.argsort(-(seen + self._log_prior), axis=-1, kind="stable")[..., :most]

    def hold(
        self,
        prepared: np.ndarray,
        pattern_centre: np.ndarray,
        materials: np.ndarray,
        progress: Callable[[int, int], None] = lambda done, of: None,
        near: np.ndarray | None = None,
    ) -> Matches:
        """Hold patterns of one camera against materials.

        Parameters
        ----------
        prepared
            Prepared patterns, shape (n, 80, 80).
        pattern_centre
            (PCx, PCy, PCz), Bruker's convention, of the square that was prepared.
        materials
            Which materials of the index, shape (n, k).
        progress
            Called with the materials done, and how many there are. What it raises ends it.
        near
            Orientations near which each is sought, shape (j, 3, 3); by default everywhere.
        """
        view = View.of(prepared, np.asarray(pattern_centre, float))
        correlations = np.empty(materials.shape, np.float32)
        rotations = np.empty((*materials.shape, 3, 3), np.float32)
        every = np.unique(materials)
        for done, material in enumerate(every):
            progress(done, len(every))
            which, places = np.nonzero(materials == material)
            target = self.target(int(material))
            if near is None:
                found = best_orientations(view, which, target)
            else:
                found = closer(view, which, target, np.tile(near, (len(which), 1, 1, 1)))
            correlations[which, places], rotations[which, places] = found
        return Matches(materials, correlations, rotations, np.zeros_like(correlations))

    def hold_each(
        self,
        prepared: np.ndarray,
        pattern_centre: np.ndarray,
        features: np.ndarray,
        quality: np.ndarray,
    ) -> Matches:
        """Hold patterns, each by itself, against what the network thinks of, and against order.

        A pattern that none of these fits is held against `FURTHER` times as many, of which the
        likeliest are returned.

        Parameters
        ----------
        prepared, pattern_centre
            As for `hold`.
        features, quality
            As `Classifier.embed` returns them.
        """
        seen = self.index.log_probabilities(features)
        order = self.likeliest(seen, FURTHER * MATERIALS)
        first = self.hold(prepared, pattern_centre, order[:, :MATERIALS])
        matches = self.see_order(first, prepared, pattern_centre)
        rows = np.flatnonzero(self._likely(matches, seen, quality)[:, -1] > NOTHING_FITS)
        if len(rows):
            more = self.hold(prepared[rows], pattern_centre, order[rows, MATERIALS:])
            more = self.see_order(first.of(rows).beside(more), prepared[rows], pattern_centre)
            likely = self._likely(more, seen[rows], quality[rows])[:, :-1]
            best = np.argsort(-likely, axis=1, kind="stable")[:, :MATERIALS]
            more = more.of(np.arange(len(rows))[:, None], best)
            for values, found in zip(vars(matches).values(), vars(more).values(), strict=True):
                values[rows] = found
        return matches

    def see_order(
        self, matches: Matches, prepared: np.ndarray, pattern_centre: np.ndarray
    ) -> Matches:
        """Hold patterns against the bands that order adds, where its lattice fits nearly best.

        What they tell counts against a material, never for one: another crystal's bands may be
        like those of an order that is not there, and that one's own correlation says so.

        Parameters
        ----------
        matches
            As `hold` returned them.
        prepared, pattern_centre
            As `hold` was given them.
        """
        order = matches.order.copy()
        best = matches.correlations.max(axis=1, keepdims=True)
        near = (matches.correlations >= best - _NEARLY) & (best > _NEARLY)
        for of_lattice, orders in zip(self._elements, self._orders, strict=True):
            seen = np.zeros(len(order))
            for material, own in orders.items():
                rows, places = np.nonzero(near & (matches.materials == material))
                if len(rows):
                    turns = matches.rotations[rows, places]
                    told = own.seen(prepared[rows], pattern_centre, turns)
                    order[rows, places] = np.minimum(told, 0)
                    seen[rows] = np.maximum(seen[rows], told)
            order -= np.where(np.isin(matches.materials, of_lattice), seen[:, None], 0)
        return replace(matches, order=order)

    def expected(
        self, material: int, rotation: np.ndarray, pattern_centre: np.ndarray, size: int
    ) -> np.ndarray:
        """Return what a material would show, as preparation leaves it, shape (size, size).

        Parameters
        ----------
        material
            Which material of the index.
        rotation
            Its orientation, detector to crystal, shape (3, 3).
        pattern_centre
            As for `hold`.
        size
            Side of the picture in pixels.
        """
        directions = detector_directions(size, pattern_centre) @ np.asarray(rotation).T
        return values_at(self.target(material).spheres[1], directions).reshape(size, size)

    def lattice_probabilities(
        self,
        matches: Matches,
        features: np.ndarray,
        probabilities: np.ndarray,
        quality: np.ndarray,
    ) -> np.ndarray:
        """Return the probability of each lattice for every pattern by itself, shape (n, 14).

        Parameters
        ----------
        matches
            Of these patterns.
        features, probabilities, quality
            As `Classifier.embed` returns them.
        """
        likely = self._likely(matches, self.index.log_probabilities(features), quality)
        return self.by_lattice(likely, matches.materials, floored_logs(probabilities))

    def _likely(self, matches: Matches, seen: np.ndarray, quality: np.ndarray) -> np.ndarray:
        """Return how likely each pattern's materials are and, last, none of them, (n, k + 1)."""
        own = np.take_along_axis(seen, matches.materials, axis=1)
        prior = self._log_prior[matches.materials]
        evidence = self.weights.evidence(matches.correlations, matches.order)[:, None]
        return self.weights.posterior(own, prior, evidence, quality[:, None])

    def posterior(
        self,
        matches: Matches,
        means: np.ndarray,
        quality: np.ndarray,
        allowed: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return how likely each material is by several patterns of one phase.

        Parameters
        ----------
        matches
            Of these patterns, all held against the same materials.
        means
            Mean of the phase's log-probabilities of the index's materials, shape (materials,).
        quality
            Of the patterns, shape (n,).
        allowed
            Which materials of the index the phase may be, shape (materials,); all by default.

        Returns
        -------
        numpy.ndarray
            Of the materials that the patterns were held against and, last, of none of them, shape
            (k + 1,); sums to one.
        """
        materials = matches.materials[0]
        prior = self._log_prior[materials]
        if allowed is not None:
            prior = np.where(allowed[materials], prior, -np.inf)
        count = self.index.doubt.independent(len(quality))
        evidence = self.weights.evidence(matches.correlations, matches.order)
        return self.weights.posterior(means[materials], prior, evidence, quality, count)

    def by_lattice(self, likely: np.ndarray, materials: np.ndarray, logs: np.ndarray) -> np.ndarray:
        """Sum materials by lattice; the network tells that of a material that is not known.

        Parameters
        ----------
        likely
            Of materials and of none of them, shape (n, k + 1).
        materials
            Which materials of the index, shape (n, k).
        logs
            The network's log-probabilities of lattices, shape (n, 14).

        Returns
        -------
        numpy.ndarray
            Shape (n, 14), rows sum to one.
        """
        known = np.eye(len(LATTICES))[self._lattices[materials]]
        trusted = np.exp(self.weights.trust * logs)
        trusted /= trusted.sum(axis=1, keepdims=True)
        return (likely[:, None, :-1] @ known)[:, 0] + likely[:, -1:] * trusted

    @cached_property
    def _elements(self) -> list[np.ndarray]:
        """Elements of each lattice that is ordered, by their numbers in the index."""
        materials = enumerate(self.index.materials)
        own = [(n, m.space_group) for n, m in materials if len(m.elements) == 1]
        return [np.array([n for n, group in own if group == parent]) for parent in _PARENTS]

    @cached_property
    def _orders(self) -> list[dict[int, Order]]:
        """What order adds to materials of the index, by their number, for each of its lattices."""
        spheres = [
            tuple(self.atlas.sphere(self._place(number)) for number in numbers)
            for numbers in self._elements
        ]
        found: list[dict[int, Order]] = [{} for _ in _PARENTS]
        numbers = {material.key: number for number, material in enumerate(self.index.materials)}
        for place, key in enumerate(self.atlas.ordered):
            if key in numbers:
                order = self.atlas.order(place)
                parent = int(np.argmax([order.likeness(own) for own in spheres]))
                found[parent][numbers[key]] = replace(order, elements=spheres[parent])
        return found

    def _place(self, material: int) -> int:
        """Return where in the atlas a material of the index is."""
        return self.atlas.places[self.index.materials[material].key]

    def _make_target(self, material: int) -> Target:
        place = self._place(material)
        return Target.of(self.atlas.sphere(place), self.atlas.symmetries[place])
