"""The result of mapping a scan."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from napari_bravais.lattices import LATTICES, NOT_CLASSIFIED, Lattice


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
    """

    probabilities: np.ndarray
    quality: np.ndarray
    step: tuple[float, float] = (1.0, 1.0)
    step_unit: str = "px"
    quality_threshold: float = 0.0
    provenance: dict[str, Any] = field(default_factory=dict)

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
    def mapped(self) -> np.ndarray:
        """True where the network has answered, shape (ny, nx)."""
        return ~np.isnan(self.quality)

    @property
    def labels(self) -> np.ndarray:
        """Index of the likeliest lattice, shape (ny, nx), int8; -1 where not classified."""
        best = np.nan_to_num(self.probabilities, nan=-1.0).argmax(axis=-1).astype(np.int8)
        return np.where(self.mapped & (self.quality >= self.quality_threshold), best, NOT_CLASSIFIED)

    @property
    def confidence(self) -> np.ndarray:
        """Probability of the likeliest lattice, shape (ny, nx); NaN where not mapped."""
        return self.probabilities.max(axis=-1)

    def fractions(self) -> list[tuple[Lattice | None, int, float]]:
        """Count the mapped pixels of each lattice.

        Returns
        -------
        list of (lattice, pixels, area fraction)
            The lattices present, largest first; last, always, None for *not classified*. The
            fractions are of the mapped pixels and sum to one (all zero if nothing is mapped).
        """
        labels = self.labels[self.mapped]
        total = max(labels.size, 1)
        counts = [(lattice, int((labels == lattice.index).sum())) for lattice in LATTICES]
        present = sorted((row for row in counts if row[1]), key=lambda row: -row[1])
        present.append((None, int((labels == NOT_CLASSIFIED).sum())))
        return [(lattice, count, count / total) for lattice, count in present]
