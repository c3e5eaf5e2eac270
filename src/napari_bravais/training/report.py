"""The accuracy page of the docs, written from scores."""

from dataclasses import asdict
from datetime import UTC, datetime

from napari_bravais.model.classifier import Classifier
from napari_bravais.training.evaluate import MODERATE, SIZE, Score


def as_json(classifier: Classifier, simulated: dict[str, Score], real: dict[str, dict]) -> dict:
    """Return everything measured, for ``accuracy.json``."""
    return {
        "model": classifier.name,
        "model_sha256": classifier.checksum,
        "measured": datetime.now(UTC).date().isoformat(),
        "simulated": {name: asdict(score) for name, score in simulated.items()},
        "real": real,
    }


def as_markdown(measured: dict, command: str) -> str:
    """Return the accuracy page.

    Parameters
    ----------
    measured
        What `as_json` returned.
    command
        The command that measures it again.
    """
    low, high = MODERATE.noise
    lines = [
        f"# Accuracy of {measured['model']}",
        "",
        f"Measured on {measured['measured']} with model `{measured['model_sha256'][:12]}` by",
        "",
        f"    {command}",
        "",
        "## Simulated patterns",
        "",
        f"New patterns of {SIZE}x{SIZE} pixels, simulated dynamically at 20 kV, in random",
        f"orientations and at moderate noise ({low} to {high} of the Kikuchi signal, with all",
        "other faults of detectors). One pattern, one answer: nothing is pooled.",
        "",
        "| materials | how many | patterns | lattice right | among first three | crystal system "
        "right | calibration error |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, score in measured["simulated"].items():
        shares = "".join(f" {score[key]:.1%} |" for key in ("top1", "top3", "crystal_system"))
        lines.append(
            f"| {name} | {score['materials']} | {score['patterns']} |{shares} "
            f"{score['calibration_error']:.3f} |"
        )
    lines += ["", "Blind materials, each:", "", "| material | lattice right |", "|---|---|"]
    blind = measured["simulated"]["seed's blind materials"]["by_material"]
    lines += [f"| {name} | {share:.0%} |" for name, share in blind.items()]
    lines += [
        "",
        "## Real patterns",
        "",
        "| patterns | lattice | how many | right | answers | mean quality |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in measured["real"].items():
        answers = ", ".join(f"{symbol} {count}" for symbol, count in row["answers"].items())
        lines.append(
            f"| {name} | {row['lattice']} | {row['patterns']} | {row['right']} | {answers} | "
            f"{row['quality']:.2f} |"
        )
    return "\n".join(lines) + "\n"
