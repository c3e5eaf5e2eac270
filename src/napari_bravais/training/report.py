"""The accuracy page of the docs, written from what was measured."""

from collections.abc import Iterable

from napari_bravais.training.evaluate_gaze import NEAR, ZONE_AXES
from napari_bravais.training.evaluate_patterns import MODERATE, SIZE

#: Folder of the page's figures, beside it.
FIGURES = "accuracy"

#: How grains are judged whose phase had to be found, and how by themselves.
_BY_PHASE = ("right, by phase", "right, by pattern")


def as_markdown(measured: dict, command: str) -> str:
    """Return the accuracy page.

    Parameters
    ----------
    measured
        What `napari_bravais.training.evaluate.evaluate` returned.
    command
        The command that measures it again.
    """
    sections = [
        _head(measured, command),
        _simulated(measured["simulated"], measured["simulated, otherwise"]),
        _pooled(measured),
        _conditions(measured["conditions"]),
        _doubt(measured["doubt"]),
        _gaze(measured["gaze"]),
        _real(measured["real"], measured["steadiness"]),
        _by_material(measured["simulated"]),
    ]
    return "\n\n".join(sections) + "\n"


def _table(head: Iterable[str], rows: Iterable[Iterable]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _figure(name: str, what: str) -> str:
    return f"![{what}]({FIGURES}/{name}.png)"


def _head(measured: dict, command: str) -> str:
    return (
        f"# Accuracy of {measured['model']}\n\n"
        f"Measured on {measured['measured']} with model `{measured['model_sha256'][:12]}` by\n\n"
        f"    {command}\n\n"
        "All numbers are in `accuracy.json` beside this page."
    )


def _scores(scores: dict) -> str:
    rows = [
        [
            name,
            s["materials"],
            s["patterns"],
            *(_percent(s[key]) for key in ("top1", "top3", "crystal_system")),
            f"{s['calibration_error']:.3f}",
        ]
        for name, s in scores.items()
    ]
    head = ("materials", "how many", "patterns", "lattice right", "among first three")
    return _table([*head, "crystal system right", "calibration error"], rows)


def _simulated(scores: dict, otherwise: dict[str, dict]) -> str:
    low, high = MODERATE.noise
    others = [text for how, s in otherwise.items() for text in (f"The {how}:", _scores(s))]
    return "\n\n".join(
        [
            "## One pattern, one answer",
            f"New patterns of {SIZE}x{SIZE} pixels, simulated dynamically, in random orientations "
            f"and at moderate noise\n({low} to {high} of the Kikuchi signal, with all other faults "
            "of detectors). The pattern centre is known, as most scans store it,\nand nothing is "
            "pooled.",
            _scores(scores),
            *others,
            _figure("confusion", "Confusion matrices of the trained materials' lattices"),
            _figure("new-materials", "Answers to materials that were never trained on"),
            _figure("calibration", "Share that is right against the probability that is stated"),
        ]
    )


def _pooled(measured: dict) -> str:
    title = "## Many orientations of a phase, pooled"
    if "no pooling" in measured:
        return f"{title}\n\nNot measured: {measured['no pooling']}"
    pooled = measured["pooled"]
    numbers = list(next(iter(pooled.values())))
    lattice_rows = [
        [name, *(f"{_percent(s[n]['top1'])} / {_percent(s[n]['top3'])}" for n in numbers)]
        for name, s in pooled.items()
    ]
    last = numbers[-1]
    doubt_rows = [
        [name, _percent(s[last]["crystal_system"]), f"{s[last]['calibration_error']:.3f}"]
        for name, s in pooled.items()
    ]
    return "\n\n".join(
        [
            title,
            "Lattice right / among the first three, by the number of orientations:",
            _table(["materials", *numbers], lattice_rows),
            _figure("pooled", "Accuracy against the number of orientations"),
            f"With {last} orientations:",
            _table(["materials", "crystal system right", "calibration error"], doubt_rows),
            _candidates(measured["candidates"]),
        ]
    )


def _candidates(rows: list[dict]) -> str:
    keys = ("top1", "top3", "top1 with elements", "top3 with elements")
    return "\n\n".join(
        [
            "**Candidate materials**: how often the right one of the "
            f"{rows[-1]['materials'] if rows else 0} materials in the index comes first, or "
            "among the first three,\nwithout and with the elements known:",
            _table(
                ["orientations", *keys],
                [[row["orientations"], *(_percent(row[key]) for key in keys)] for row in rows],
            ),
        ]
    )


def _conditions(conditions: dict) -> str:
    parts = ["## Noise, size of the pattern, camera distance"]
    parts.append(
        "Trained materials of the seed paper. Noise is its standard deviation in that of the "
        "Kikuchi signal,\nsize is in pixels, camera distance in sides of the detector."
    )
    parts.append(_figure("conditions", "Accuracy against noise, pattern size and camera distance"))
    for what, rows in conditions.items():
        parts.append(
            _table(
                [what, *(f"{row['value']:g}" for row in rows)],
                [
                    ["lattice right", *(_percent(row["top1"]) for row in rows)],
                    ["among first three", *(_percent(row["top3"]) for row in rows)],
                    ["mean quality", *(f"{row['quality']:.2f}" for row in rows)],
                ],
            )
        )
    return "\n\n".join(parts)


def _doubt(rows: dict) -> str:
    return "\n\n".join(
        [
            "## Patterns that cannot be read",
            "Shares that are left *not classified*:",
            _table(
                ["patterns", "how many", "not classified", "should be"],
                [
                    [
                        kind,
                        row["patterns"],
                        _percent(row["rejected"]),
                        "all" if row["should be rejected"] else "none",
                    ]
                    for kind, row in rows.items()
                ],
            ),
        ]
    )


def _gaze(rows: dict) -> str:
    return "\n\n".join(
        [
            "## Where the network looks",
            f"Share of Grad-CAM's weight, for the true lattice, within {NEAR:g}° of the "
            f"{ZONE_AXES} shortest lattice directions (low-index zone axes),\nagainst the share of "
            "the pattern's solid angle that they cover, and against the same weight near the zone "
            "axes\nof a crystal turned at random. A ratio over one, and a weight over that "
            "elsewhere, say that the network looks\nat zone axes. In part it must: it weighs "
            "whole bands, and these are laid over the pattern, brightest where they cross.",
            _table(
                ["lattice", "patterns", "weight", "solid angle", "elsewhere", "ratio"],
                [
                    [
                        symbol,
                        row["patterns"],
                        f"{_percent(row['weight'])} ± {_percent(row['error'])}",
                        _percent(row["solid angle"]),
                        _percent(row["elsewhere"]),
                        f"{row['weight'] / max(row['solid angle'], 1e-9):.2f}",
                    ]
                    for symbol, row in rows.items()
                ],
            ),
        ]
    )


def _real(rows: dict, steadiness: dict) -> str:
    return "\n\n".join(
        [
            "## Real patterns",
            _table(
                [
                    *("patterns", "lattice", "pattern centre", "how many", "right", "answers"),
                    *("P(right)", "quality"),
                ],
                [
                    [
                        name,
                        row["lattice"],
                        "known" if row["pattern centre known"] else "not known",
                        row["patterns"],
                        row["right"],
                        ", ".join(f"{symbol} {n}" for symbol, n in row["answers"].items()),
                        f"{row['probability of the right one']:.2f}",
                        f"{row['quality']:.2f}",
                    ]
                    for name, row in rows.items()
                ],
            ),
            "All of them, changed in ways that should not change the answer (right, same answer "
            "and drift, half the sum\nof the probabilities' differences, are of those classified):",
            _table(
                ["change", "patterns", "classified", "right", "same answer", "drift"],
                [
                    [
                        change,
                        row["patterns"],
                        _percent(row["classified"]),
                        _percent(row["right"]),
                        _percent(row["same"]),
                        f"{row['drift']:.2f}",
                    ]
                    for change, row in steadiness.items()
                ],
            ),
        ]
    )


def _by_material(scores: dict) -> str:
    parts = ["## Each material"]
    for name, s in scores.items():
        if name == "all trained materials":
            continue  # hundreds of rows: they are in accuracy.json
        parts.append(f"{name[:1].upper()}{name[1:]}:")
        parts.append(
            _table(
                ["material", "lattice", "right", "among first three", "mostly called"],
                [
                    [
                        material,
                        row["lattice"],
                        f"{row['top1']:.0%}",
                        f"{row['top3']:.0%}",
                        row["mostly"],
                    ]
                    for material, row in s["by_material"].items()
                ],
            )
        )
    return "\n\n".join(parts)
