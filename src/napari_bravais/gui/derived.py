"""What the window shows of a map: derived from stored probabilities, which stay as they are.

There is no Qt in this module.
"""

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter

from napari_bravais.gui.classes import NOT_CLASSIFIED_VALUE, NOT_MAPPED, classes_of
from napari_bravais.gui.settings import AUTOMATIC, SYSTEMS_LEVEL, UNDONE, Settings
from napari_bravais.mapping.phase_map import PhaseMap
from napari_bravais.mapping.shown_map import MapClass, ShownMap, summed


class DerivedMap:
    """A map under settings, brought up to date rectangle by rectangle.

    Parameters
    ----------
    phase_map
        What the network answered; it is read only.
    settings
        How to show it; to be set anew as they change, with `update` to follow.

    Attributes
    ----------
    values
        Layer value of each pixel (see `classes_of`), shape (ny, nx), uint8.
    confidence
        Probability of each pixel's class, shape (ny, nx), float32; NaN where not mapped.
    """

    def __init__(self, phase_map: PhaseMap, settings: Settings):
        self.phase_map = phase_map
        self.settings = settings
        self.values = np.full(phase_map.shape, NOT_MAPPED, np.uint8)
        self.confidence = np.full(phase_map.shape, np.nan, np.float32)

    @property
    def threshold(self) -> float:
        """The quality under which a pixel is not classified."""
        wanted = self.settings.quality_threshold
        return self.phase_map.quality_threshold if wanted <= AUTOMATIC else wanted

    @property
    def classes(self) -> tuple[MapClass, ...]:
        """What the map is coloured by."""
        return classes_of(self.settings.level, self.settings.colours)

    def update(self, rows: slice, columns: slice) -> None:
        """Derive a rectangle anew."""
        probabilities = summed(self._probabilities(rows, columns), self.classes[:-1])
        quality = self.phase_map.quality[rows, columns]
        best = probabilities.argmax(axis=-1).astype(np.uint8)
        values = np.where(quality >= self.threshold, best + np.uint8(1), NOT_CLASSIFIED_VALUE)
        self.values[rows, columns] = np.where(np.isnan(quality), NOT_MAPPED, values)
        self.confidence[rows, columns] = probabilities.max(axis=-1)

    def touched_by(self, rows: slice, columns: slice) -> tuple[slice, slice]:
        """Return the rectangle that changes when the network's answers in another one do."""
        reach = self.settings.smoothing
        ny, nx = self.values.shape
        return (
            slice(max(0, rows.start - reach), min(ny, rows.stop + reach)),
            slice(max(0, columns.start - reach), min(nx, columns.stop + reach)),
        )

    def fractions(self) -> list[tuple[MapClass, int, float]]:
        """Count the mapped pixels of each class: those present, largest first.

        *Not classified* is always the last. The fractions are of the mapped pixels.
        """
        counts = np.bincount(self.values.ravel(), minlength=NOT_CLASSIFIED_VALUE + 1).tolist()
        total = max(sum(counts[1:]), 1)
        *classes, nothing = self.classes
        present = [(entry, counts[entry.value]) for entry in classes if counts[entry.value]]
        present.sort(key=lambda row: -row[1])
        rows = [*present, (nothing, counts[nothing.value])]
        return [(entry, pixels, pixels / total) for entry, pixels in rows]

    def at(self, pixel: tuple[int, int]) -> MapClass | None:
        """Return the class of a pixel (row, column); None where not mapped."""
        value = int(self.values[pixel])
        return next((entry for entry in self.classes if entry.value == value), None)

    def as_phase_map(self) -> PhaseMap:
        """Return the lattices as they are shown, smoothed and with threshold, to be compared."""
        whole = slice(0, self.values.shape[0]), slice(0, self.values.shape[1])
        return replace(
            self.phase_map,
            probabilities=np.array(self._probabilities(*whole)),
            quality_threshold=self.threshold,
        )

    def as_shown(self) -> ShownMap:
        """Return the map as it is shown, for figures and files; provenance says how."""
        settings, lattices = self.settings, self.as_phase_map()
        *classes, nothing = self.classes
        systems = settings.level == SYSTEMS_LEVEL
        how = {
            "quality_threshold": self.threshold,
            "smoothing": settings.smoothing,
            "coloured_by": settings.level,
            "own_colours": settings.colours or "none",
            "hidden": sorted(settings.hidden) or "nothing",
        }
        return ShownMap(
            probabilities=lattices.probabilities,
            quality=lattices.quality,
            step=lattices.step,
            step_unit=lattices.step_unit,
            quality_threshold=self.threshold,
            provenance=self.phase_map.provenance | {"shown": how},
            classes=(nothing, *classes),
            kind="crystal system" if systems else ShownMap.kind,
            title="Crystal systems" if systems else ShownMap.title,
            hidden=settings.hidden,
            answered=self.as_answered(),
        )

    def as_answered(self) -> PhaseMap:
        """Return the map as the network answered it; provenance keeps how it was shown."""
        shown = {name: getattr(self.settings, name) for name in UNDONE if name != "hidden"}
        provenance = self.phase_map.provenance | {"window": shown}
        return replace(self.phase_map, provenance=provenance)

    def _probabilities(self, rows: slice, columns: slice) -> np.ndarray:
        """Return the probabilities of a rectangle, smoothed as the settings say."""
        if not self.settings.smoothing:
            return self.phase_map.probabilities[rows, columns]
        around = self.touched_by(rows, columns)
        smooth = smoothed(
            self.phase_map.probabilities[around],
            self.phase_map.quality[around],
            self.settings.smoothing,
        )
        top, left = rows.start - around[0].start, columns.start - around[1].start
        height, width = rows.stop - rows.start, columns.stop - columns.start
        return smooth[top : top + height, left : left + width]


def smoothed(probabilities: np.ndarray, quality: np.ndarray, radius: int) -> np.ndarray:
    """Average probabilities over neighbours, weighted by quality and nearness.

    Parameters
    ----------
    probabilities
        Shape (ny, nx, 14); NaN where not mapped.
    quality
        Shape (ny, nx); NaN where not mapped.
    radius
        How far neighbours count, in pixels, 1 or more: two standard deviations of a Gaussian.

    Returns
    -------
    numpy.ndarray
        Shape (ny, nx, 14), float32; rows sum to one; NaN where not mapped.
    """
    mapped = ~np.isnan(quality)
    # a pattern that shows nothing must not be outvoted into nothing: it keeps a small weight
    weight = np.where(mapped, np.clip(np.nan_to_num(quality), 1e-3, None), 0).astype(np.float32)
    weighted = np.where(mapped[..., None], probabilities, 0) * weight[..., None]
    options = {"radius": (radius, radius), "mode": "constant"}
    spread = radius / 2
    total = gaussian_filter(weight, spread, **options)
    mean = gaussian_filter(weighted, spread, axes=(0, 1), **options)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean /= total[..., None]
    mean[~mapped] = np.nan
    return mean
