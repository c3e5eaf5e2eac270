"""The result of mapping a scan."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from napari_bravais.lattices import LATTICES, NOT_CLASSIFIED, UNCLASSIFIED, Lattice

if TYPE_CHECKING:
    from orix.crystal_map import CrystalMap

#: Mean quality below which patterns count as noisy.
_NOISY = 0.5

#: What labels mean, to be indexed by label + 1.
CLASSES = (UNCLASSIFIED, *LATTICES)


@dataclass
class PhaseMap:
    """Bravais lattices of every pixel of a scan, with their probabilities.

    Attributes
    ----------
    probabilities
        Probability of each lattice, shape (ny, nx, 14), float32; NaN where not mapped.
    quality
        Pattern quality, shape (ny, nx), float32 in [0, 1]: the correlation that the network
        expects between the pattern and its noise-free self; NaN where not mapped.
    step
        Step (y, x) in ``step_unit``.
    step_unit
        Unit of ``step``; ``"px"`` where the scan gave none.
    quality_threshold
        Pixels of lower quality are not classified.
    provenance
        What made the map, JSON-able: scan, model and its checksum, device, versions, settings.

    Raises
    ------
    ValueError
        If the shapes of ``probabilities`` and ``quality`` do not belong together.
    """

    probabilities: np.ndarray
    quality: np.ndarray
    step: tuple[float, float] = (1.0, 1.0)
    step_unit: str = "px"
    quality_threshold: float = 0.0
    provenance: dict[str, Any] = field(default_factory=dict)

    # `ShownMap` has others
    classes: ClassVar[tuple[Lattice, ...]] = CLASSES
    kind: ClassVar[str] = "lattice"
    title: ClassVar[str] = "Bravais lattices"
    hidden: ClassVar[frozenset[str]] = frozenset()

    def __post_init__(self):
        if self.quality.ndim != 2 or self.probabilities.shape != (*self.shape, len(LATTICES)):
            raise ValueError(
                "a map needs quality of shape (ny, nx) and probabilities of shape "
                f"(ny, nx, {len(LATTICES)}), not {self.quality.shape} and "
                f"{self.probabilities.shape}"
            )

    @classmethod
    def empty(cls, shape: tuple[int, int], **attributes) -> "PhaseMap":
        """Return a map of ``shape`` (ny, nx) in which nothing is mapped yet."""
        return cls(
            np.full((*shape, len(LATTICES)), np.nan, np.float32),
            np.full(shape, np.nan, np.float32),
            **attributes,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns (ny, nx)."""
        return self.quality.shape

    @property
    def extent(self) -> tuple[float, float]:
        """Height and width of the mapped area in ``step_unit``."""
        return self.shape[0] * self.step[0], self.shape[1] * self.step[1]

    @property
    def averaged(self) -> bool:
        """Whether it was made from averaged patterns (`napari_bravais.mapping.averaging`)."""
        return bool(self.provenance.get("scan", {}).get("averaged"))

    @property
    def noisy(self) -> bool:
        """Whether its patterns are so poor that they may be read better averaged, and were not.

        Where their quality is 0.36 on the mean a fifth is read wrong, and averaged hardly any
        (docs/averaging.md).
        """
        if self.averaged or min(self.shape) < 3 or not self.mapped.any():
            return False
        return bool(np.nanmean(self.quality) < _NOISY)

    @property
    def mapped(self) -> np.ndarray:
        """True where the network has answered, shape (ny, nx)."""
        return ~np.isnan(self.quality)

    @property
    def labels(self) -> np.ndarray:
        """Index of the likeliest lattice, shape (ny, nx), int8; -1 where not classified."""
        # NaN compares false, so pixels that are not mapped are not classified either
        classified = self.quality >= self.quality_threshold
        best = self.probabilities.argmax(axis=-1).astype(np.int8)
        return np.where(classified, best, np.int8(NOT_CLASSIFIED))

    @property
    def confidence(self) -> np.ndarray:
        """Probability of the likeliest lattice, shape (ny, nx); NaN where not mapped."""
        return self.probabilities.max(axis=-1)

    def fractions(self) -> list[tuple[Lattice, int, float]]:
        """Count the mapped pixels of each lattice.

        Returns
        -------
        list of (lattice, pixels, area fraction)
            The lattices present, largest first; last, always, `UNCLASSIFIED`. The fractions
            are of the mapped pixels and sum to one (all zero if nothing is mapped).
        """
        return count_classes(self.labels[self.mapped], self.classes)

    @property
    def class_probabilities(self) -> np.ndarray:
        """Probability of each of ``classes[1:]``, shape (ny, nx, classes)."""
        return self.probabilities

    def to_crystal_map(self) -> "CrystalMap":
        """Return the map as orix's; see `napari_bravais.mapping.crystal_map`."""
        from napari_bravais.mapping.crystal_map import phase_map_to_crystal_map

        return phase_map_to_crystal_map(self)


def count_classes(
    labels: np.ndarray, classes: tuple[Lattice, ...] = CLASSES
) -> list[tuple[Lattice, int, float]]:
    """Count the labels of each class: (class, pixels, fraction), as `PhaseMap.fractions`."""
    total = max(labels.size, 1)
    counts = np.bincount(labels.ravel() + 1, minlength=len(classes)).tolist()
    nothing, *present = ((entry, n) for entry, n in zip(classes, counts, strict=True))
    present = sorted((row for row in present if row[1]), key=lambda row: -row[1])
    return [(entry, n, n / total) for entry, n in [*present, nothing]]


def colour_table(classes: tuple[Lattice, ...] = CLASSES) -> np.ndarray:
    """Return the colours of labels as RGB, a row a class, uint8, to be indexed by label + 1.

    Row 0 is *not classified*.
    """
    return np.array([list(bytes.fromhex(entry.colour[1:])) for entry in classes], np.uint8)


def percentage(fraction: float) -> str:
    """Return an area fraction as a reader wants it; what is there never reads as nothing."""
    return "<0.1 %" if 0 < fraction < 0.0005 else f"{100 * fraction:.1f} %"


def written_unit(unit: str) -> str:
    """Return a unit of length as people write it: ``"um"`` is µm."""
    return "µm" if unit == "um" else unit
