"""A report of a map as one page of HTML that needs no other file."""

from base64 import b64encode
from html import escape
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from napari_bravais.io.figure_parts import Map
from napari_bravais.io.figures import save_code_figure, save_comparison_figure, save_figure
from napari_bravais.io.files import replacing
from napari_bravais.io.scan import ElectronImage
from napari_bravais.mapping.indexed_map import IndexedMap
from napari_bravais.mapping.phase_map import percentage, written_unit

if TYPE_CHECKING:
    from napari_bravais.mapping.comparison import Comparison

_STYLE = """
body { font: 15px/1.45 sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 1.8em; }
table { border-collapse: collapse; } td, th { padding: .15em .8em .15em 0; text-align: left; }
td.n { text-align: right; } th { border-bottom: 1px solid #999; } img { max-width: 100%; }
.swatch { display: inline-block; width: .9em; height: .9em; border: 1px solid #000; }
td { vertical-align: top; overflow-wrap: anywhere; }
"""


def save_report(
    shown: Map,
    image: ElectronImage | None,
    path: str | Path,
    comparison: "Comparison | None" = None,
) -> Path:
    """Save a report: maps, fractions, comparison, settings, model card and versions.

    Parameters
    ----------
    shown
        The map.
    image
        Image of the scanned area, or None.
    path
        The page, ``.html``; it appears, or is replaced, only when it is complete.
    comparison
        Comparison of the map with another one, or None.

    Returns
    -------
    pathlib.Path
        ``path``.
    """
    path = Path(path)
    about = dict(shown.provenance)
    card = about.pop("model_card", None)
    scan = about.get("scan", {}).get("file", "a scan")
    sections = [
        f"<h1>{shown.title} of {escape(str(scan))}</h1>",
        _paragraph(_summary(shown)),
        _figure(lambda target: save_figure(shown, image, target)),
        "<h2>Area fractions</h2>",
        _fractions(shown),
    ]
    if comparison is not None:
        sections += _comparison(comparison, image)
    sections += ["<h2>How it was made</h2>", _facts(_settings(shown) | about)]
    if card:
        sections += ["<h2>Model card</h2>", _facts(card)]
    sections.append(_paragraph(f"Written by napari-bravais {version('napari-bravais')}."))
    page = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{shown.title} of {escape(str(scan))}</title>\n<style>{_STYLE}</style>\n"
        "</head>\n<body>\n" + "\n".join(sections) + "\n</body>\n</html>\n"
    )
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")
    return path


def _summary(shown: Map) -> str:
    (rows, columns), unit = shown.shape, written_unit(shown.step_unit)
    source = shown.source if isinstance(shown, IndexedMap) else "a neural network"
    height, width = shown.extent
    return (
        f"{rows} x {columns} pixels, {height:g} x {width:g} {unit}, step {shown.step[0]:g} x "
        f"{shown.step[1]:g} {unit}; mapped by {source[:1].lower() + source[1:]}. "
        f"{percentage(float(shown.mapped.mean()))} of the pixels are mapped."
    )


def _settings(shown: Map) -> dict[str, Any]:
    if isinstance(shown, IndexedMap):
        return {"phases": [f"{p.name}, space group {p.space_group}" for p in shown.phases]}
    return {"quality threshold": shown.quality_threshold}


def _fractions(shown: Map) -> str:
    rows = [
        f'<tr><td><span class="swatch" style="background:{entry.colour}"></span></td>'
        f"<td><i>{escape(entry.pearson)}</i></td><td>{escape(entry.name)}</td>"
        f'<td class="n">{pixels}</td><td class="n">{percentage(fraction)}</td></tr>'
        for entry, pixels, fraction in shown.fractions()
    ]
    titles = ("", "", shown.kind, "pixels", "of the mapped area")
    head = "".join(f"<th>{title}</th>" for title in titles)
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _comparison(comparison: "Comparison", image: ElectronImage | None) -> list[str]:
    from napari_bravais.io.exports import confusion_table
    from napari_bravais.mapping.comparison import DIFFERENCES

    a, b = comparison.names
    colours = [entry.colour for entry in DIFFERENCES]
    kinds = list(zip(colours, comparison.difference_titles(), strict=True))
    numbers = comparison.as_json()
    shares = {
        f"agreement, {where}": "nothing to compare" if share is None else percentage(share)
        for where, share in numbers["agreement"].items()
    }
    kappa = numbers["kappa"]
    return [
        f"<h2>{escape(a)} against {escape(b[:1].lower() + b[1:])}</h2>",
        _figure(
            lambda target: save_comparison_figure(
                comparison.a, image, comparison.b, comparison.names, target
            )
        ),
        _facts(shares | {"Cohen's kappa": "not defined" if kappa is None else f"{kappa:.3f}"}),
        _figure(
            lambda target: save_code_figure(
                comparison.difference, kinds, "Difference", comparison.a, target
            )
        ),
        confusion_table(comparison).to_html(border=0),
    ]


def _figure(save) -> str:
    """Return a picture that a function saves, as part of the page."""
    with TemporaryDirectory() as folder:
        content = b64encode(save(Path(folder) / "figure.png").read_bytes()).decode("ascii")
    return f'<p><img alt="figure" src="data:image/png;base64,{content}"></p>'


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _facts(facts: dict[str, Any]) -> str:
    """Return nested facts as a table, a line each."""
    lines = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>"
        for name, value in _flattened(facts)
    )
    return f"<table>{lines}</table>"


def _flattened(facts: dict[str, Any], above: str = "") -> list[tuple[str, str]]:
    lines = []
    for key, value in facts.items():
        name = f"{above}{key}".replace("_", " ")
        if isinstance(value, dict):
            lines += _flattened(value, f"{name}: ")
        elif isinstance(value, list | tuple):
            lines.append((name, ", ".join(map(str, value))))
        else:
            lines.append((name, str(value)))
    return lines
