"""The accuracy page's figures."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_bravais.lattices import PEARSON_SYMBOLS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 150


def save_figures(measured: dict, folder: Path) -> list[Path]:
    """Draw all figures.

    Parameters
    ----------
    measured
        What `napari_bravais.training.evaluate.evaluate` returned.
    folder
        Where to; made if it is not there.

    Returns
    -------
    list of pathlib.Path
        PNG files.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    scores = measured["simulated"]
    trained = ("seed's trained materials", "all trained materials")
    new = ("seed's blind materials", "new structure types")
    figures = {
        "confusion": _confusions({name: scores[name] for name in trained if name in scores}),
        "new-materials": _answers({name: scores[name] for name in new if name in scores}),
        "calibration": _calibration(scores),
        "conditions": _conditions(measured["conditions"]),
    }
    if "pooled" in measured:
        figures["pooled"] = _pooled(measured["pooled"], measured["candidates"])
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, figure in figures.items():
        FigureCanvasAgg(figure)
        paths.append(folder / f"{name}.png")
        figure.savefig(paths[-1], dpi=_DPI)
    return paths


def _new_figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure((width, height), layout="constrained")


def _draw_matrix(axes: "Axes", counts: np.ndarray, rows: list[str], right: np.ndarray) -> None:
    """Draw counts, each row's shares as shades and percentages; ``right`` cells are framed."""
    from matplotlib.patches import Rectangle

    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for i, j in np.argwhere(shares >= 0.005):
        colour = "white" if shares[i, j] > 0.5 else "black"
        text = f"{100 * shares[i, j]:.0f}"
        axes.text(j, i, text, ha="center", va="center", fontsize=6, color=colour)
    for i, j in np.argwhere(right):
        frame = Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, edgecolor="#1a7f37", linewidth=1.2)
        axes.add_patch(frame)
    axes.set_xticks(range(counts.shape[1]), PEARSON_SYMBOLS, fontsize=7)
    axes.set_yticks(range(len(rows)), rows, fontsize=7)
    axes.set_xlabel("answer (per cent of the row)", fontsize=8)
    axes.tick_params(length=0)


def _confusions(scores: dict) -> "Figure":
    """Draw confusion matrices, as the seed paper's figure 2 and extended figure 1."""
    figure = _new_figure(5.2 * max(1, len(scores)), 5)
    for place, (name, score) in enumerate(scores.items(), 1):
        axes = figure.add_subplot(1, len(scores), place)
        counts = np.array(score["confusion"])
        _draw_matrix(axes, counts, list(PEARSON_SYMBOLS), np.eye(len(counts), dtype=bool))
        axes.set_ylabel("lattice", fontsize=8)
        axes.set_title(f"{name}: {score['top1']:.1%} right", fontsize=9)
    return figure


def _answers(scores: dict) -> "Figure":
    """Draw answers to new materials, a row each, as the seed paper's figure 3.

    Structure types, which are many, are drawn a row a lattice.
    """
    heights = [len(_rows_of(score)[0]) for score in scores.values()]
    figure = _new_figure(6.2, 1 + 0.26 * sum(heights) + 0.6 * len(heights))
    panels = figure.subplots(max(1, len(scores)), 1, height_ratios=heights or [1], squeeze=False)
    for axes, (name, score) in zip(panels.ravel(), scores.items(), strict=False):
        rows, counts, true = _rows_of(score)
        right = np.zeros(counts.shape, bool)
        right[np.arange(len(rows)), true] = True
        _draw_matrix(axes, counts, rows, right)
        axes.set_title(f"{name}: {score['top1']:.1%} right", fontsize=9)
    return figure


def _rows_of(score: dict) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return labels, counts and true lattices of the rows: materials, or lattices if too many."""
    materials = score["by_material"]
    if len(materials) <= 20:
        counts = np.array([row["answers"] for row in materials.values()])
        true = np.array([PEARSON_SYMBOLS.index(row["lattice"]) for row in materials.values()])
        return [f"{name}" for name in materials], counts, true
    counts = np.array(score["confusion"])
    there = np.flatnonzero(counts.sum(axis=1))
    return [PEARSON_SYMBOLS[i] for i in there], counts[there], there


def _calibration(scores: dict) -> "Figure":
    """Draw reliability diagrams."""
    figure = _new_figure(3.2 * len(scores), 3.4)
    for place, (name, score) in enumerate(scores.items(), 1):
        axes = figure.add_subplot(1, len(scores), place)
        stated, right, patterns = np.array(score["reliability"]).T
        axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
        axes.bar(stated, right, width=0.05, color="#9fc3e6")
        axes.plot(stated, right, "o-", color="#1f5f99", markersize=3, linewidth=1)
        axes.bar(stated, patterns / patterns.sum(), width=0.02, color="#d08a2e")
        axes.set(xlim=(0, 1), ylim=(0, 1))
        axes.set_title(f"{name}\nECE {score['calibration_error']:.3f}", fontsize=8)
        axes.set_xlabel("stated probability", fontsize=8)
        axes.set_ylabel("share right (orange: of patterns)", fontsize=8)
        axes.tick_params(labelsize=7)
    return figure


def _pooled(pooled: dict, candidates: list[dict]) -> "Figure":
    """Draw accuracy against the number of orientations that are pooled."""
    figure = _new_figure(7, 3)
    lattices, materials = figure.subplots(1, 2)
    for name, by_number in pooled.items():
        shares = [score["top1"] for score in by_number.values()]
        lattices.plot([int(n) for n in by_number], shares, "o-", markersize=3, label=name)
    lattices.set_ylabel("lattice right", fontsize=8)
    for key in ("top1", "top3", "top1 with elements", "top3 with elements"):
        values = [row["orientations"] for row in candidates]
        materials.plot(values, [row[key] for row in candidates], "o-", markersize=3, label=key)
    materials.set_ylabel("known material right", fontsize=8)
    for axes in (lattices, materials):
        axes.set(xscale="log", ylim=(0, 1))
        axes.set_xlabel("orientations pooled", fontsize=8)
        axes.tick_params(labelsize=7)
        axes.legend(fontsize=6)
    return figure


def _conditions(conditions: dict) -> "Figure":
    """Draw accuracy against each varied condition."""
    figure = _new_figure(3.4 * len(conditions), 3)
    units = {"noise": "noise / Kikuchi signal", "size": "pattern size in pixels"}
    for place, (what, rows) in enumerate(conditions.items(), 1):
        axes = figure.add_subplot(1, len(conditions), place)
        values = [row["value"] for row in rows]
        for key, label in (("top1", "right"), ("top3", "among first three")):
            axes.plot(values, [row[key] for row in rows], "o-", markersize=3, label=label)
        if what == "size":
            axes.set_xscale("log")
            axes.set_xticks(values, [f"{value:g}" for value in values])
            axes.minorticks_off()
        axes.set(ylim=(0, 1))
        axes.set_xlabel(units.get(what, f"{what} / detector side"), fontsize=8)
        axes.tick_params(labelsize=7)
        axes.legend(fontsize=7)
    return figure
