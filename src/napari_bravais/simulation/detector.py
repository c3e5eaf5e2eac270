"""The faults of real detectors, laid on clean patterns."""

from dataclasses import dataclass, replace
from io import BytesIO

import numba as nb
import numpy as np
from PIL import Image
from scipy import fft, ndimage


@dataclass(frozen=True)
class DetectorFaults:
    """How bad a detector may be; each pattern draws its own faults.

    Attributes
    ----------
    noise
        Range of the noise's standard deviation, in those of the Kikuchi signal; drawn
        log-uniformly.
    blur
        Largest standard deviation of the point spread, in pixels.
    contrast
        Range of the Kikuchi signal's standard deviation, in the background's mean.
    overlap
        Share of patterns that overlap with another, as at a grain boundary.
    mask
        Share of patterns with a circular phosphor, and with a dead border or shadow, each.
    dust
        Share of patterns with dark or bright spots of the phosphor.
    structured
        Share of patterns whose static background has structure and was left in: vignettes and
        frames with edges, dark borders, and pixels and phosphor grains of unequal gain.
    dead
        Largest share of dead or hot pixels.
    cloud
        Largest strength of a smooth field over the bands, in the deviations of the Kikuchi signal:
        what theory says of broad intensities is less right than what it says of band edges.
    sharpened
        Largest share of the broad half of a pattern, periods of ten pixels of 60 and more, that is
        missing: real nickel has half of what theory gives it there against periods of four.
    excess
        Largest strength of the excess and deficiency of opposite band edges, which real patterns
        show and dynamical simulations leave out (Winkelmann 2008, doi
        10.1016/j.ultramic.2008.05.002).
    favoured
        Largest factor, as a logarithm, by which bands of one direction, mostly level ones, are
        stronger than theory says and those across weaker: in real silicon and nickel, level bands
        are 1.3 to 1.8 times as strong against theory as upright ones, and a network that has not
        met this takes cubic crystals for tetragonal ones.
    flattened
        Share of patterns whose static background has been divided out.
    tone
        Largest exponent, and one over the least, that bends the Kikuchi signal's own scale:
        simulations by different programs, at different energies, differ as much.
    compressed
        Share of patterns with few grey levels or a gain that is not linear, each.
    stretched
        Share of patterns whose contrast was stretched until some of each end is saturated.
    jpeg
        Share of patterns that were stored as JPEG, as some vendors' programs do.
    smoothed
        Share of patterns that were smoothed against noise, by a Gaussian or a median filter.
    """

    noise: tuple[float, float] = (0.1, 2.5)
    blur: float = 1.5
    contrast: tuple[float, float] = (0.015, 0.4)
    overlap: float = 0.1
    mask: float = 0.15
    dust: float = 0.4
    structured: float = 0.4
    dead: float = 0.002
    cloud: float = 1.2
    sharpened: float = 0.9
    excess: float = 0.5
    favoured: float = 0.7
    flattened: float = 0.4
    tone: float = 1.5
    compressed: float = 0.15
    stretched: float = 0.15
    jpeg: float = 0.1
    smoothed: float = 0.12

    def eased(self, difficulty: float) -> "DetectorFaults":
        """Return milder faults: none of noise's worst at 0, these at a difficulty of 1."""
        most = 0.3 * (self.noise[1] / 0.3) ** difficulty
        least = 0.1 * (self.contrast[0] / 0.1) ** difficulty
        return replace(self, noise=(self.noise[0], most), contrast=(least, self.contrast[1]))


def standardise(patterns: np.ndarray) -> None:
    """Bring each pattern, shape (n, h, w), to zero mean and unit deviation, in place."""
    patterns -= patterns.mean(axis=(1, 2), keepdims=True)
    patterns /= patterns.std(axis=(1, 2), keepdims=True) + 1e-6


@nb.njit(fastmath=True, cache=True, nogil=True)
def _blur(pattern, sigma, scratch):
    """Gaussian point spread, separable, cut at two pixels."""
    near = np.exp(-0.5 / sigma**2)
    far = np.exp(-2 / sigma**2)
    total = 1 + 2 * near + 2 * far
    h, w = pattern.shape
    for i in range(h):
        for j in range(w):
            scratch[i, j] = (
                pattern[i, j]
                + near * (pattern[i, max(j - 1, 0)] + pattern[i, min(j + 1, w - 1)])
                + far * (pattern[i, max(j - 2, 0)] + pattern[i, min(j + 2, w - 1)])
            ) / total
    for i in range(h):
        for j in range(w):
            pattern[i, j] = (
                scratch[i, j]
                + near * (scratch[max(i - 1, 0), j] + scratch[min(i + 1, h - 1), j])
                + far * (scratch[max(i - 2, 0), j] + scratch[min(i + 2, h - 1), j])
            ) / total


@nb.njit(fastmath=True, cache=True, nogil=True)
def degrade(patterns, noise, blur, contrast, field, gamma, levels, rng):
    """Turn standardised patterns into exposures on a bright, uneven background, in place."""
    n, h, w = patterns.shape
    scratch = np.empty((h, w), np.float32)
    for b in range(n):
        pattern = patterns[b]
        if blur[b] > 0.25:
            _blur(pattern, blur[b], scratch)
        a = field[b]
        peak = 0.0
        for i in range(h):
            y = (i + 0.5) / h - a[0]
            for j in range(w):
                x = (j + 0.5) / w - a[1]
                glow = a[2] + np.exp(-(x * x + y * y) / a[3]) + a[4] * x + a[5] * y + a[6] * x * y
                glow = max(glow, 0.02)
                # bands fade away from the bright centre
                fade = max(1 - a[7] * min(1.0, 2 * (x * x + y * y)), 0.0)
                # and on one side, mostly the lower, where electrons have lost more energy
                aside = max(np.cos(a[10]) * x + np.sin(a[10]) * y, 0.0)
                fade *= max(1 - a[9] * aside, 0.0)
                clean = glow * (1 + contrast[b] * fade * pattern[i, j])
                # shot noise grows with the root of the brightness
                value = clean + contrast[b] * noise[b] * np.sqrt(glow) * rng.standard_normal()
                pattern[i, j] = max(value, 0.0) / (glow if a[8] > 0 else 1.0)
                peak = max(peak, pattern[i, j])
        for i in range(h):
            for j in range(w):
                value = (pattern[i, j] / peak) ** gamma[b]
                pattern[i, j] = np.floor(value * levels[b] + 0.5)


def _vignette(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the edge of what lights the sensor, a circle to a frame with round corners."""
    middle, reach = rng.uniform(0.4, 0.6, 2), rng.uniform(0.38, 0.6, 2)
    corner = np.exp(rng.uniform(*np.log((2, 10))))
    across, down = np.abs(x - middle[0]) / reach[0], np.abs(y - middle[1]) / reach[1]
    beyond = (across**corner + down**corner) ** (1 / corner) - 1
    return rng.uniform(-0.1, 0.3) / (1 + np.exp(-beyond / rng.uniform(0.01, 0.15)))


def _structure(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the structure of a static background, shape (h, w), about 1, at places in [0, 1)."""
    vignette = sum(_vignette(x, y, rng) for _ in range(rng.integers(1, 3)))
    border = sum(
        rng.uniform(-0.1, 0.4) * np.exp(-distance / rng.uniform(0.01, 0.06))
        for distance in (x, y, 1 - x, 1 - y)
    )
    grains = rng.normal(size=x.shape)
    if rng.random() < 0.7:
        grains = 2 * _blurred(grains[None], rng.uniform(0.006, 0.02))[0]
    gain = 1 + np.exp(rng.uniform(*np.log((0.002, 0.04)))) * grains
    return np.clip(gain * (1 - vignette) * (1 - border), 0.02, None).astype(np.float32)


def _dim(patterns: np.ndarray, rng: np.random.Generator, faults: DetectorFaults) -> None:
    """Lay circular phosphors, spots, dead borders and dead pixels over exposures, in place."""
    n, h, w = patterns.shape
    y, x = np.mgrid[:h, :w]
    for b in np.flatnonzero(rng.random(n) < faults.mask):
        centre = rng.uniform(0.45, 0.55, 2)
        radius = np.hypot((y + 0.5) / h - centre[0], (x + 0.5) / w - centre[1])
        patterns[b][radius > rng.uniform(0.45, 0.65)] *= rng.choice([0.0, 0.06, 0.1, 0.6])
    for b in np.flatnonzero(rng.random(n) < faults.dust):
        for _ in range(rng.integers(1, 8)):
            centre = rng.uniform(0, 1, 2)
            square = ((y + 0.5) / h - centre[0]) ** 2 + ((x + 0.5) / w - centre[1]) ** 2
            depth = rng.uniform(-0.1, 0.3) * np.exp(-square / rng.uniform(0.01, 0.05) ** 2)
            patterns[b] *= 1 - depth.astype(np.float32)
    for b in np.flatnonzero(rng.random(n) < faults.structured):
        patterns[b] *= _structure(x / w, y / h, rng)
    for b in np.flatnonzero(rng.random(n) < faults.mask):
        depth = int(rng.uniform(0.03, 0.25) * h)
        turned = np.rot90(patterns[b], rng.integers(4))
        turned[:depth] = turned[:depth] * rng.choice([0.0, 0.3])
    for b in np.flatnonzero(rng.random(n) < 0.3):
        bad = rng.random((h, w)) < rng.uniform(0, faults.dead)
        patterns[b][bad] = rng.choice([0, patterns[b].max()])


def _excess(patterns: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the difference of patterns, shape (n, h, w), shifted up and down by some pixels."""
    height = patterns.shape[1]
    shift = int(rng.integers(1, 2 + height // 20))
    rows = np.arange(height)
    above, below = np.maximum(rows - shift, 0), np.minimum(rows + shift, height - 1)
    return patterns[:, below] - patterns[:, above]


def _favoured(patterns: np.ndarray, rng: np.random.Generator, most: float) -> np.ndarray:
    """Return patterns, shape (n, h, w), with the bands of one direction strengthened."""
    n, h, w = patterns.shape
    # waves run across bands: those of level bands run down
    run = np.arctan2(fft.fftfreq(h)[:, None], fft.rfftfreq(w))
    direction = rng.normal(np.pi / 2, 0.5, (n, 1, 1))
    gain = np.exp(rng.uniform(0, most, (n, 1, 1)) * np.cos(2 * (run - direction)))
    waves = fft.rfft2(patterns) * gain.astype(np.float32)
    return fft.irfft2(waves, s=(h, w))  # SciPy's, unlike NumPy's, keep to single precision


def _blurred(patterns: np.ndarray, sigma: float) -> np.ndarray:
    """Blur patterns, shape (n, h, w), with a Gaussian of ``sigma`` pattern heights."""
    height, width = patterns.shape[1:]
    down, across = (
        np.exp(-0.5 * ((np.arange(n)[:, None] - np.arange(n)) / (sigma * height)) ** 2)
        for n in (height, width)
    )
    down, across = (
        (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
        for weights in (down, across)
    )
    return down @ patterns @ across.T


def _clouds(rng: np.random.Generator, n: int, h: int, w: int) -> np.ndarray:
    """Draw smooth random fields, shape (n, h, w), of unit deviation at their knots."""
    knots = int(rng.integers(5, 24))
    at = np.arange(knots)
    down = np.stack([np.interp(np.linspace(0, knots - 1, h), at, row) for row in np.eye(knots)])
    across = np.stack([np.interp(np.linspace(0, knots - 1, w), at, row) for row in np.eye(knots)])
    coarse = rng.normal(size=(n, knots, knots))
    return (down.T @ coarse @ across).astype(np.float32)


def expose(
    patterns: np.ndarray, rng: np.random.Generator, faults: DetectorFaults | None = None
) -> np.ndarray:
    """Lay a detector's faults on clean patterns.

    Parameters
    ----------
    patterns
        Clean patterns, shape (n, h, w); any scale.
    rng
        Source of randomness.
    faults
        How bad the detector may be.

    Returns
    -------
    numpy.ndarray
        Exposures as a camera stores them, shape (n, h, w), float32 holding whole grey levels.
    """
    faults = faults or DetectorFaults()
    n, h, w = patterns.shape
    exposed = patterns.astype(np.float32)
    standardise(exposed)
    bend = np.exp(rng.uniform(-1, 1, (n, 1, 1)) * np.log(faults.tone)).astype(np.float32)
    exposed = np.sign(exposed) * np.abs(exposed) ** bend
    missing = rng.uniform(0, faults.sharpened, (n, 1, 1)).astype(np.float32)
    exposed -= missing * _blurred(exposed, rng.uniform(0.015, 0.045))
    standardise(exposed)
    strength = rng.uniform(-faults.excess, faults.excess, (n, 1, 1)).astype(np.float32)
    exposed += strength * _excess(exposed, rng)
    exposed = _favoured(exposed, rng, faults.favoured)
    exposed += rng.uniform(0, faults.cloud, (n, 1, 1)).astype(np.float32) * _clouds(rng, n, h, w)
    other = np.flatnonzero(rng.random(n) < faults.overlap)
    share = rng.uniform(0.05, 0.35, (other.size, 1, 1)).astype(np.float32)
    exposed[other] = (1 - share) * exposed[other] + share * exposed[(other + 1) % n]
    field = np.stack(
        [
            rng.uniform(0.2, 0.8, n),
            rng.uniform(0.3, 0.7, n),
            rng.uniform(0.05, 1.5, n),  # of what the bright centre stands on
            rng.uniform(0.1, 0.6, n),
            *rng.uniform(-0.5, 0.5, (3, n)),
            rng.uniform(0, 1.5, n),  # of how much the bands fade towards the rim
            rng.random(n) < faults.flattened,
            rng.uniform(0, 4, n) * (rng.random(n) < 0.6),  # of how much they fade on one side
            rng.normal(np.pi / 2, 0.8, n),  # of which side that is; a half pi is the lower
        ],
        axis=1,
    )
    compressed = rng.random((2, n)) < faults.compressed
    degrade(
        exposed,
        np.exp(rng.uniform(*np.log(faults.noise), n)),
        rng.uniform(0, faults.blur, n),
        np.exp(rng.uniform(*np.log(faults.contrast), n)),
        field,
        np.where(compressed[0], rng.uniform(0.5, 1.8, n), 1.0),
        np.where(compressed[1], 2.0 ** rng.uniform(4, 7, n), 255.0 * rng.choice([1, 1, 257], n)),
        rng,
    )
    _dim(exposed, rng, faults)
    _store(exposed, rng, faults)
    return np.floor(exposed + 0.5)


def _store(patterns: np.ndarray, rng: np.random.Generator, faults: DetectorFaults) -> None:
    """Smooth, stretch and compress exposures as programs do that store them, in place."""
    n = len(patterns)
    if faults.smoothed:
        for b in np.flatnonzero(rng.random(n) < faults.smoothed):
            if rng.random() < 0.4:
                patterns[b] = ndimage.median_filter(patterns[b], 3)
            else:
                patterns[b] = ndimage.gaussian_filter(patterns[b], rng.uniform(0.4, 1.3))
    for b in np.flatnonzero(rng.random(n) < faults.stretched):
        low, high = np.percentile(patterns[b], (rng.uniform(0, 10), rng.uniform(90, 100)))
        patterns[b] = np.clip((patterns[b] - low) / max(high - low, 1e-6), 0, 1) * 255
    for b in np.flatnonzero(rng.random(n) < faults.jpeg):
        grey = patterns[b] * (255 / max(patterns[b].max(), 1))
        file = BytesIO()
        Image.fromarray(grey.astype(np.uint8)).save(file, "JPEG", quality=int(rng.integers(20, 95)))
        patterns[b] = np.asarray(Image.open(file))
