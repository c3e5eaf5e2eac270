"""What the panel says, in words."""

import time

import numpy as np

from napari_bravais.gui.layers import title
from napari_bravais.lattices import LATTICES
from napari_bravais.mapping.messages import Message


def scan_texts(scan: Message) -> dict[str, str]:
    """Return what `Panel.show_scan` shows of a scan.

    Parameters
    ----------
    scan
        The service's message ``"opened"``.
    """
    rows, columns = scan["navigation_shape"]
    height, width = scan["signal_shape"]
    facts = scan["provenance"]
    size = facts.get("size_bytes", facts.get("size"))
    energy = scan["beam_energy"]
    pattern = [f"patterns of {height} × {width} px"]
    if energy is not None:
        pattern.append(f"{energy:g} kV")
    chunk_rows, chunk_columns = scan["chunks"]
    about = [scan["detector"], f"read in chunks of {chunk_rows} × {chunk_columns}"]
    details = [scan["path"], *(f"{key}: {value}" for key, value in facts.items())]
    return {
        "file": file_name(scan) + (f" ({_megabytes(size)})" if size else ""),
        "grid": f"{rows} × {columns} pixels, {_step(scan)}",
        "pattern": ", ".join(pattern),
        "detector": "\n".join(filter(None, about)),
        "details": "\n".join(details),
    }


def file_name(scan: Message) -> str:
    """Return the name of the scan's file."""
    return scan["path"].replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]


def pixel_text(scan: Message, pixel: tuple[int, int]) -> str:
    """Say where a pixel (row, column) is."""
    unit = _unit(scan)
    y, x = (index * length for index, length in zip(pixel, scan["step"], strict=True))
    text = f"Row {pixel[0]}, column {pixel[1]}"
    return text if unit == "px" else f"{text}   ·   y {y:.4g} {unit}, x {x:.4g} {unit}"


def answer_text(probabilities: np.ndarray, quality: float, threshold: float | None) -> str:
    """Say what the network answers.

    Parameters
    ----------
    probabilities
        Shape (14,).
    quality
        Pattern quality.
    threshold
        Pixels of lower quality are not classified; None where no map says.
    """
    best = int(probabilities.argmax())
    text = f"{title(LATTICES[best])}, {probabilities[best]:.0%}   ·   quality {quality:.2f}"
    if threshold is not None and quality < threshold:
        text = f"Not classified (quality under {threshold:g}); likeliest {text}"
    return text


class Pace:
    """How fast a map grows, or a search goes on."""

    def __init__(self):
        self._start: float | None = None
        self._first: tuple[int, float] | None = None  # patterns done, and when, at the first block
        self._last = (0, 0.0)

    def start(self) -> None:
        """Begin to count the time."""
        self._start = time.monotonic()

    def note(self, done: int) -> None:
        """Note how many patterns are done now."""
        self._last = done, time.monotonic()
        self._first = self._first or self._last

    @property
    def rate(self) -> float:
        """Patterns a second, zero while unknown.

        Measured from the first block on, which is slower than the others, once there is a second.
        """
        if self._first is None or self._start is None:
            return 0.0
        done, when = self._last
        if self._last == self._first:
            return done / max(when - self._start, 1e-3)
        return (done - self._first[0]) / max(when - self._first[1], 1e-3)


def progress_text(done: int, total: int, rate: float) -> str:
    """Say how far a map is.

    Parameters
    ----------
    done, total
        Patterns mapped, and in all.
    rate
        Patterns a second; zero while unknown.
    """
    text = f"{done:,} of {total:,} patterns"
    if not rate:
        return text
    return f"{text}   ·   {rate:,.0f}/s{time_left(done, total, rate)}"


def time_left(done: int, total: int, rate: float) -> str:
    """Say how long something will still take, to be added to how far it is.

    Parameters
    ----------
    done, total
        What is done, and in all.
    rate
        As many a second; zero while unknown.
    """
    if not rate or done >= total:
        return ""
    return f"   ·   {_duration((total - done) / rate)} left"


def _step(scan: Message) -> str:
    lengths = " × ".join(f"{length:.4g}" for length in dict.fromkeys(scan["step"]))
    unit = _unit(scan)
    return "step unknown" if unit == "px" else f"step {lengths} {unit}"


def _unit(scan: Message) -> str:
    return "µm" if scan["step_unit"] == "um" else scan["step_unit"]


def _megabytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:,.{1 if size < 1e7 else 0}f} MB"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
