"""How a scan's patterns are seen: by which pattern centre, each by itself or averaged."""

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_bravais.mapping.averaging import averaged
from napari_bravais.mapping.pattern_centre import (
    PatternCentre,
    moved_to,
    stored_pattern_centre,
    with_pattern_centre,
)

if TYPE_CHECKING:
    from napari_bravais.io.scan import Scan
    from napari_bravais.mapping.phase_map import PhaseMap

#: By how much a pattern centre in a map's provenance may be off for being rounded.
_ROUNDED = 1e-4


@dataclass(frozen=True)
class Seen:
    """What is done with a scan before anything reads its patterns.

    Attributes
    ----------
    centre
        Pattern centre in place of what the scan's file stores; None for that.
    averaged
        Whether each pattern is averaged with those around that show the same
        (`napari_bravais.mapping.averaging`).
    """

    centre: PatternCentre | None = None
    averaged: bool = False

    def of(self, scan: "Scan") -> "Scan":
        """Return a scan as it is seen so."""
        if self.centre is not None:
            scan = with_pattern_centre(scan, self.centre)
        return averaged(scan) if self.averaged else scan

    def facts(self) -> dict[str, Any]:
        """Return it as a message carries it."""
        return {"centre": self.centre and astuple(self.centre), "averaged": self.averaged}

    @classmethod
    def by(cls, facts: dict[str, Any]) -> "Seen":
        """Return what a message carries."""
        return cls(PatternCentre.by(facts["centre"]), facts["averaged"])


#: As the file stores it.
AS_STORED = Seen()


def as_mapped(scan: "Scan", phase_map: "PhaseMap") -> "Scan":
    """Return a scan as it was seen when its map was made: its pattern centre, averaged or not."""
    if centre := phase_map.provenance.get("pattern_centre"):
        told = PatternCentre(*centre)
        stored = stored_pattern_centre(scan)
        if stored is None or np.abs(told.minus(stored)).max() > _ROUNDED:
            scan = moved_to(scan, told)
    return averaged(scan) if phase_map.averaged else scan
