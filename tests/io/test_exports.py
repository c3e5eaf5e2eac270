import base64
import io
import json
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import tifffile
from orix.io import load
from PIL import Image
from typer.testing import CliRunner

from napari_bravais.cli import app
from napari_bravais.gui.writer import write_map
from napari_bravais.io.exports import (
    COMPARISON_FILES,
    EXPORTS,
    export,
    export_comparison,
    export_kind,
)
from napari_bravais.io.figures import FigureOptions
from napari_bravais.io.results import save_results
from napari_bravais.io.scan import ElectronImage
from napari_bravais.lattices import LATTICES, PEARSON_SYMBOLS
from napari_bravais.mapping.comparison import compare
from napari_bravais.mapping.indexed_map import CrystalPhase, IndexedMap
from napari_bravais.mapping.phase_map import PhaseMap, colour_table

SHAPE = (12, 20)


@pytest.fixture
def phase_map() -> PhaseMap:
    labels = np.where(np.arange(SHAPE[1]) < 13, 10, 7) * np.ones((SHAPE[0], 1), int)
    labels[3, 4] = 2
    probabilities = 0.8 * np.eye(14, dtype=np.float32)[labels] + np.float32(0.2 / 14)
    quality = np.ones(SHAPE, np.float32)
    quality[5, 5:8] = 0.1
    card = {"name": "compact", "trained_on": {"materials": 25}}
    provenance = {
        "scan": {"file": "Körner <1>.h5"},
        "model": "compact",
        "model_card": card,
        "created": "2026-11-21T09:00:00+00:00",
    }
    return PhaseMap(probabilities, quality, (0.5, 0.25), "um", 0.2, provenance)


@pytest.fixture
def indexed() -> IndexedMap:
    index = np.zeros(SHAPE, np.int16)
    index[:, 14:] = 1
    index[8, 2] = -1
    rotations = np.zeros((*SHAPE, 4))
    rotations[..., 0] = 1
    phases = (
        CrystalPhase("quartz", 152, (4.9, 4.9, 5.4, 90, 90, 120)),
        CrystalPhase("rutile", 136, (4.6, 4.6, 3.0, 90, 90, 90)),
    )
    scores = {"fit": np.full(SHAPE, 0.3, np.float32), "bands": np.full(SHAPE, 8, np.float32)}
    return IndexedMap(phases, index, rotations, scores, (0.5, 0.25), "um", "Hough indexing")


@pytest.fixture
def image() -> ElectronImage:
    grey = np.random.default_rng(0).integers(0, 200, SHAPE)
    return ElectronImage("FSE", grey, (0.5, 0.25))


@pytest.mark.parametrize("kind", EXPORTS)
def test_every_way_out_gives_the_same_bytes(phase_map, tmp_path, kind):
    """From Python, from the command line, from napari's Save, and once more."""
    saved = save_results(phase_map, None, tmp_path / "saved")["map"]
    (suffix, *_) = EXPORTS[kind].suffixes
    paths = [tmp_path / place / f"map{suffix}" for place in ("python", "again", "line", "napari")]
    for path in paths:
        path.parent.mkdir()
    for path in paths[:2]:
        assert export(kind, phase_map, path) == path
    arguments = ["export", str(saved), str(paths[2]), "--kind", kind]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    same = paths[:3]
    if export_kind(paths[3]) == kind:
        metadata = {"metadata": {"bravais_map": phase_map}}
        assert write_map(str(paths[3]), None, metadata) == [str(paths[3])]
        same = paths
    assert len({path.read_bytes() for path in same}) == 1


def test_napari_is_told_where_a_layer_is_no_map(tmp_path):
    assert write_map(str(tmp_path / "map.png"), np.zeros((2, 2)), {"metadata": {}}) == []
    assert not list(tmp_path.iterdir())


def test_tables_open_in_pandas(phase_map, indexed, tmp_path):
    table = pd.read_csv(export("pixels", phase_map, tmp_path / "pixels.csv"))
    assert len(table) == phase_map.labels.size
    where = table["row"], table["column"]
    np.testing.assert_allclose(table["x / um"], table["column"] * 0.25)
    np.testing.assert_allclose(table["y / um"], table["row"] * 0.5)
    for lattice in LATTICES:
        expected = phase_map.probabilities[(*where, lattice.index)]
        np.testing.assert_allclose(table[f"p {lattice.pearson}"], expected, rtol=1e-5)
    named = table["lattice"].map({s: i for i, s in enumerate(PEARSON_SYMBOLS)}).fillna(-1)
    np.testing.assert_array_equal(named, phase_map.labels[where])
    assert (table["lattice"] == "not classified").sum() == 3
    table = pd.read_csv(export("pixels", indexed, tmp_path / "indexed.csv"))
    assert table["phase"].value_counts().to_dict() == {
        "quartz": 167,
        "rutile": 72,
        "not indexed": 1,
    }
    assert set(table["bands"]) == {8}
    table = pd.read_csv(export("fractions", indexed, tmp_path / "fractions.csv"))
    assert table["pixels"].tolist() == [167, 72, 1]


def test_crystal_maps_open_in_orix(phase_map, indexed, tmp_path):
    again = load(export("crystal_map", phase_map, tmp_path / "map.h5"))
    np.testing.assert_array_equal(again.phase_id.reshape(SHAPE), phase_map.labels)
    assert [again.phases[i].name for i in (2, 7, 10)] == [
        *("mS base-centred monoclinic", "tP primitive tetragonal", "hP hexagonal")
    ]
    assert again.scan_unit == "um" and (again.dy, again.dx) == (0.5, 0.25)
    np.testing.assert_allclose(again.prop["p_hP"].reshape(SHAPE), phase_map.probabilities[..., 10])
    again = load(export("crystal_map", indexed, tmp_path / "indexed.h5"))
    np.testing.assert_array_equal(again.phase_id.reshape(SHAPE), indexed.phase_index)
    assert again.phases[1].name == "rutile" and again.phases[1].space_group.number == 136


def test_label_images_of_phases_have_the_lattices_colours(indexed, tmp_path):
    path = export("labels", indexed, tmp_path / "labels.tif")
    np.testing.assert_array_equal(tifffile.imread(path), indexed.labels + 1)
    seen = np.asarray(Image.open(path).convert("RGB"))
    np.testing.assert_array_equal(seen, colour_table()[indexed.labels + 1])


@pytest.mark.parametrize("width, dpi", [(90, 150), (180, 300), (120, 72.5)])
def test_figures_are_as_large_as_asked_for(phase_map, image, tmp_path, width, dpi):
    options = FigureOptions(width_mm=width, dpi=dpi)
    page = Image.open(export("figure", phase_map, tmp_path / "map.png", image, options))
    assert page.width == pytest.approx(width / 25.4 * dpi, abs=1)
    assert page.info["dpi"][0] == pytest.approx(dpi, abs=0.1)


def test_a_map_can_lie_over_its_image(phase_map, image, tmp_path):
    options = FigureOptions(layout="overlay")
    path = export("figure", phase_map, tmp_path / "map.svg", image, options)
    root = ElementTree.parse(path).getroot()
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "2 µm" or texts[0] == "Bravais lattices on FSE"
    assert "Bravais lattices on FSE" in texts and texts.count("Bravais lattices") == 0
    alone = FigureOptions(layout="map")
    export("figure", phase_map, tmp_path / "alone.png", image, alone)
    export("figure", phase_map, tmp_path / "none.png", None)
    assert (tmp_path / "alone.png").read_bytes() == (tmp_path / "none.png").read_bytes()


@pytest.mark.parametrize(
    "wrong, fault",
    [
        ({"layout": "stacked"}, "'stacked' is no layout"),
        ({"width_mm": 5}, "20 to 2000 mm wide, not 5"),
        ({"dpi": 0}, "20 to 2400 dots an inch, not 0"),
    ],
)
def test_impossible_figures_are_refused(wrong, fault):
    with pytest.raises(ValueError, match=fault):
        FigureOptions(**wrong)


class Page(HTMLParser):
    def __init__(self, content: str):
        super().__init__()
        self.images, self.links, self.text, self.open = [], [], [], []
        self.feed(content)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag == "img":
            self.images.append(found["src"])
        elif {"src", "href"} & set(found):
            self.links.append(found)

    def handle_data(self, data):
        self.text.append(data)


def test_reports_need_no_other_file_and_say_everything(phase_map, indexed, image, tmp_path):
    comparison = compare(indexed, phase_map)
    path = export("report", phase_map, tmp_path / "report.html", image, comparison=comparison)
    page = Page(path.read_text(encoding="utf-8"))
    assert page.links == [] and len(page.images) == 3
    for source in page.images:
        kind, content = source.split(",", 1)
        assert kind == "data:image/png;base64"
        assert Image.open(io.BytesIO(base64.b64decode(content))).width > 300
    text = " ".join(page.text)
    for said in ("Körner <1>.h5", "primitive tetragonal", "trained on: materials", "Cohen's kappa"):
        assert said in text
    assert f"{100 * comparison.agreement:.1f} %" in text


def test_comparisons_are_drawn_beside_the_image_and_tabled(phase_map, indexed, image, tmp_path):
    comparison = compare(indexed, phase_map)
    written = export_comparison(comparison, tmp_path / "here", image)
    assert sorted(tmp_path.glob("here/*")) == sorted(written.values())
    assert set(written) == set(COMPARISON_FILES)
    root = ElementTree.parse(written["figure (SVG)"]).getroot()
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert [text for text in texts if text[:1] == "(" and "%" not in text] == [
        *("(a) Hough indexing", "(b) FSE", "(c) Neural network")
    ]
    assert "(a) 69.6 %" in texts and "(c) 63.3 %" in texts
    assert "hexagonal: quartz" in texts and "primitive tetragonal: rutile" in texts
    numbers = json.loads(written["numbers"].read_text())
    assert numbers == json.loads(json.dumps(comparison.as_json()))
    confusion = pd.read_csv(written["confusion"], index_col=0)
    np.testing.assert_array_equal(confusion.to_numpy(), comparison.confusion.counts)
    table = pd.read_csv(written["disagreements"])
    assert len(table) == len(comparison.disagreements()) > 0
    again = export_comparison(comparison, tmp_path / "again", image)
    for what in written:
        assert written[what].read_bytes() == again[what].read_bytes(), what


def test_the_difference_is_drawn_in_its_colours(phase_map, indexed, tmp_path):
    comparison = compare(indexed, phase_map)
    path = export_comparison(comparison, tmp_path)["difference"]
    page = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)
    for colour in ("#d9d9d9", "#f0b27a", "#d55e00"):
        assert (page == list(bytes.fromhex(colour[1:]))).all(axis=1).sum() > 100


def test_wrong_kinds_and_endings_are_refused(phase_map, indexed, tmp_path):
    with pytest.raises(ValueError, match=r"map\.jpeg: maps are saved as \.tif, "):
        export_kind(tmp_path / "map.jpeg")
    with pytest.raises(ValueError, match="'drawing' is no kind of export"):
        export("drawing", phase_map, tmp_path / "map.png")
    with pytest.raises(ValueError, match=r"map\.png: area fractions is saved as \.csv"):
        export("fractions", phase_map, tmp_path / "map.png")
    with pytest.raises(ValueError, match=r"saved whole as a crystal map \(\.h5\)"):
        export("map", indexed, tmp_path / "map.npz")
    result = CliRunner().invoke(app, ["export", str(tmp_path / "no.npz"), str(tmp_path / "a.png")])
    assert result.exit_code == 1 and "no.npz: no such file" in result.output
    assert not list(tmp_path.iterdir())
