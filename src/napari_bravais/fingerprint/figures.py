"""Figures of the docs, drawn after the paper's."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_bravais.fingerprint.classes import CLASSES
from napari_bravais.io.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from napari_bravais.fingerprint.answer import Answer

_STYLE = {"font.size": 8, "axes.titlesize": 9, "axes.spines.top": False, "figure.dpi": 150}


@contextmanager
def _figure(path: Path, size: tuple[float, float]) -> Iterator["Figure"]:
    """Give a figure to draw on, then save it."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(size, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            # of axes with a fixed aspect the layout leaves too little room for titles
            figure.savefig(
                temporary,
                dpi=150,
                bbox_inches="tight",
                pad_inches=0.05,
                metadata={"Software": None},
            )


def visible(fingerprint: np.ndarray) -> np.ndarray:
    """Return a fingerprint as it is shown: its square root, so that weak peaks are seen."""
    return np.sqrt(np.clip(fingerprint, 0, 1))


def draw_answer(answer: "Answer", path: Path) -> None:
    """Draw fingerprint, response map and probabilities of one structure."""
    with _figure(path, (7.2, 2.6)) as figure:
        first, second, third = figure.subplots(1, 3)
        for axes, image, title in (
            (first, visible(answer.fingerprint), f"{answer.formula[:30]}: fingerprint"),
            (second, answer.response, "Response map"),
        ):
            axes.imshow(image)
            axes.set_title(title)
            axes.axis("off")
        names = [each.key for each in CLASSES]
        third.barh(names, answer.probabilities, color=[each.colour for each in CLASSES])
        third.invert_yaxis()
        third.set(xlim=(0, 1), title="Probability")


def draw_images(images: dict[str, np.ndarray], path: Path) -> None:
    """Draw images, RGB in [0, 1], four a row, with their titles."""
    rows = -(-len(images) // 4)
    with _figure(path, (7.2, 2.0 * rows)) as figure:
        every = figure.subplots(rows, 4, squeeze=False).ravel()
        for axes in every:
            axes.axis("off")
        for axes, (title, image) in zip(every, images.items(), strict=False):
            axes.imshow(image)
            axes.set_title(title)


def draw_bcc_to_sc(fractions: np.ndarray, probabilities: np.ndarray, path: Path) -> None:
    """Draw mean probabilities of bcc and sc with their standard deviation (figure 4b)."""
    with _figure(path, (4.2, 3.0)) as figure:
        axes = figure.subplots()
        for each in CLASSES:
            if each.key in ("bcc", "sc"):
                values = probabilities[..., each.index]
                mean, spread = values.mean(axis=1), values.std(axis=1)
                axes.plot(100 * fractions, mean, "o-", color=each.colour, label=each.key)
                low, high = np.clip(mean - spread, 0, 1), np.clip(mean + spread, 0, 1)
                axes.fill_between(100 * fractions, low, high, color=each.colour, alpha=0.25)
        axes.set(xlabel="Central atoms removed (%)", ylabel="Probability", ylim=(-0.02, 1.02))
        axes.legend(frameon=False, loc="center left")


def draw_path(
    ratios: np.ndarray, probabilities: np.ndarray, special: dict[str, float], path: Path
) -> None:
    """Draw probabilities along the rhombohedral path (figure 4d)."""
    with _figure(path, (6.4, 3.0)) as figure:
        axes = figure.subplots()
        for each in CLASSES:
            if probabilities[:, each.index].max() > 0.05:
                values = probabilities[:, each.index]
                axes.plot(ratios, values, ".-", lw=0.8, color=each.colour, label=each.key)
        for name, ratio in special.items():
            axes.plot([ratio, ratio], [0, 1.03], color="0.7", lw=0.6, zorder=0)
            axes.text(ratio, 1.05, name, ha="center")
        axes.set(xlabel="µ = c/a", ylabel="Probability", ylim=(-0.02, 1.12))
        axes.legend(frameon=False, loc="center right")


def draw_thermal(rows: list[dict], path: Path) -> None:
    """Draw what the network and spglib say of hot copper; ``rows`` as `heat_copper` returns."""
    with _figure(path, (4.2, 3.0)) as figure:
        axes = figure.subplots()
        hot = [row["temperature (K)"] for row in rows]
        fcc = next(each for each in CLASSES if each.key == "fcc")
        for what, style, label in (
            ("network", "o-", "network: called fcc"),
            ("mean probability of fcc", "o:", "network: probability of fcc"),
        ):
            axes.plot(hot, [row[what] for row in rows], style, color=fcc.colour, label=label)
        loose = [row["spglib, loose"] for row in rows]
        axes.plot(hot, loose, "s-", color="0.5", label="spglib, loose: Fm-3m")
        axes.axvline(1358, color="0.7", lw=0.6, zorder=0)
        axes.text(1380, 0.12, "copper melts", rotation=90, va="bottom", color="0.4")
        axes.set(xlabel="Temperature (K)", ylabel="Fraction", ylim=(-0.03, 1.03))
        axes.legend(frameon=False, loc="center left")


def draw_calibration(
    answers: dict[str, np.ndarray], classes: np.ndarray, path: Path, bins: int = 10
) -> None:
    """Draw how often the network is right against how sure it is.

    Parameters
    ----------
    answers
        Probabilities, shape (n, 7), by what they are.
    classes
        What is true, shape (n,).
    path
        Where to.
    bins
        Of confidence, each with about as many structures.
    """
    with _figure(path, (3.6, 3.4)) as figure:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color="0.7", lw=0.8, zorder=0)
        for (name, probabilities), style in zip(answers.items(), ("s:", "o-"), strict=False):
            confidence = probabilities.max(axis=1)
            right = probabilities.argmax(axis=1) == classes
            parts = np.array_split(np.argsort(confidence), bins)
            sure, true = ([values[part].mean() for part in parts] for values in (confidence, right))
            axes.plot(sure, true, style, ms=4, lw=0.8, label=name)
        axes.set(
            xlabel="Probability of the likeliest class",
            ylabel="Fraction right",
            xlim=(0, 1.02),
            ylim=(0, 1.02),
            aspect="equal",
        )
        axes.legend(frameon=False, loc="upper left")


def draw_responses(maps: dict[str, list[np.ndarray]], path: Path) -> None:
    """Draw the response maps of some layers' filters, channel by channel (figure 5a)."""
    number = len(next(iter(maps.values())))
    with _figure(path, (7.2, 0.66 * len(maps) + 0.3)) as figure:
        every = figure.subplots(len(maps), 3 * number, squeeze=False)
        for row, (layer, images) in zip(every, maps.items(), strict=True):
            for index, axes in enumerate(row):
                channel, filter_ = divmod(index, number)
                axes.imshow(images[filter_][..., channel], cmap="magma", vmin=0)
                axes.set(xticks=[], yticks=[])
            row[0].set_ylabel(layer)
        for channel, name in enumerate(("Red", "Green", "Blue")):
            every[0, channel * number].set_title(name, loc="left")


def draw_local(atoms, probabilities: np.ndarray, path: Path) -> None:
    """Draw the atoms of the slice and the likeliest class at each place."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Patch

    width, height = np.linalg.norm(atoms.cell[:2], axis=1)
    middle = abs(atoms.get_scaled_positions()[:, 2] - 0.5) * atoms.cell.lengths()[2] < 2
    labels, sure = probabilities.argmax(axis=-1), probabilities.max(axis=-1)
    colours = np.array([to_rgb(each.colour) for each in CLASSES])[labels]
    with _figure(path, (7.2, 3.2)) as figure:
        left, right = figure.subplots(1, 2)
        left.scatter(*atoms.positions[middle, :2].T, s=2.5, color="0.2", linewidths=0)
        left.set(title="Atoms within 2 Å of the slice", xlim=(0, width), ylim=(0, height))
        right.imshow(colours, origin="lower", extent=(0, width, 0, height), alpha=sure)
        right.set(title="Likeliest class, pale where unsure")
        found = [
            Patch(color=CLASSES[each].colour, label=CLASSES[each].key) for each in np.unique(labels)
        ]
        figure.legend(handles=found, loc="outside lower center", ncols=7, frameon=False)
        for axes in (left, right):
            axes.set(aspect="equal", xlabel="Å")
