import xml.etree.ElementTree as ElementTree
from itertools import groupby

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from napari_bravais.io.figure_layout import lay_out, nice_length
from napari_bravais.io.figures import FigureOptions, save_figure
from napari_bravais.io.scan import ElectronImage
from napari_bravais.lattices import LATTICES
from napari_bravais.mapping.phase_map import PhaseMap, colour_table
from napari_bravais.mapping.pooled_map import PooledMap, PooledPhase
from napari_bravais.mapping.shown_phases import ShownPhases


def phase_map(labels, step=(0.5, 0.5), unit="um", quality=1.0) -> PhaseMap:
    labels = np.asarray(labels)
    probabilities = np.eye(14, dtype=np.float32)[labels]
    return PhaseMap(probabilities, np.full(labels.shape, quality, np.float32), step, unit, 0.5)


def electron_image(shape, step=(0.5, 0.5), offset=(0.0, 0.0)) -> ElectronImage:
    data = np.random.default_rng(1).integers(0, 200, shape)
    return ElectronImage("virtual forward-scatter", data, step, offset, virtual=True)


def quartz_and_rutile(ny=30, nx=40) -> np.ndarray:
    return np.where(np.arange(nx) < 0.7 * nx, 10, 7) * np.ones((ny, 1), int)


def panel_of(path, drawn: PhaseMap, titles, legend_rows, which=-1) -> np.ndarray:
    """Cut one panel out of a figure."""
    layout = lay_out(drawn.shape[1], drawn.extent, titles, legend_rows)
    page = np.asarray(Image.open(path).convert("RGB"))
    assert page.shape[:2] == layout.size[::-1]
    (x, y), (width, height) = layout.corners[which], layout.panel
    return page[y : y + height, x : x + width]


def longest_white_run(pixels: np.ndarray) -> int:
    white = (pixels == 255).all(axis=-1)
    return max(
        sum(1 for _ in run) for row in white for is_white, run in groupby([False, *row]) if is_white
    )


BOTH = ["Virtual forward-scatter", "Bravais lattices"]


def test_every_pixel_of_the_map_is_a_block_of_its_colour(tmp_path):
    labels = np.random.default_rng(0).integers(0, 14, (30, 40))
    labels[0, :14] = range(14)
    drawn = phase_map(labels)
    drawn.quality[5, 5:9] = 0.1
    panel = panel_of(
        save_figure(drawn, electron_image((30, 40)), tmp_path / "map.png"), drawn, BOTH, 15
    )
    block = panel.shape[1] // 40
    assert panel.shape[:2] == (30 * block, 40 * block)
    expected = colour_table()[drawn.labels + 1].repeat(block, 0).repeat(block, 1)
    above_scale_bar = slice(0, 20 * block)
    np.testing.assert_array_equal(panel[above_scale_bar], expected[above_scale_bar])


@pytest.mark.parametrize(
    "step, unit, length",
    [((0.5, 0.5), "um", 5.0), ((20, 20), "nm", 200), ((1, 1), "px", 10), ((0.3, 0.1), "um", 1.0)],
)
def test_scale_bars_have_the_right_length_to_the_pixel(tmp_path, step, unit, length):
    drawn = phase_map(quartz_and_rutile(), step, unit)
    save_figure(drawn, electron_image((30, 40), step), tmp_path / "map.png")
    for which in (0, 1):
        panel = panel_of(tmp_path / "map.png", drawn, BOTH, 3, which)
        expected = round(length / (40 * step[1]) * panel.shape[1])
        assert longest_white_run(panel[panel.shape[0] * 2 // 3 :]) == expected


def test_the_scale_bar_of_a_tall_map_stands_upright(tmp_path):
    drawn = phase_map(quartz_and_rutile(200, 20))
    save_figure(drawn, None, tmp_path / "map.png")
    panel = panel_of(tmp_path / "map.png", drawn, ["Bravais lattices"], 3)
    assert longest_white_run(panel.transpose(1, 0, 2)) == round(20 / 100 * panel.shape[0])


def test_svg_says_everything_as_text(tmp_path):
    drawn = phase_map(quartz_and_rutile())
    drawn.quality[:3] = 0.1
    save_figure(drawn, electron_image((30, 40)), tmp_path / "map.svg")
    root = ElementTree.parse(tmp_path / "map.svg").getroot()
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == [
        "Virtual forward-scatter",
        "5 µm",
        "Bravais lattices",
        "5 µm",
        *("hP", "hexagonal", "63.0 %"),
        *("tP", "primitive tetragonal", "27.0 %"),
        *("not classified", "10.0 %"),
    ]


def test_what_is_not_mapped_stays_white_and_is_named(tmp_path):
    drawn = phase_map(quartz_and_rutile())
    drawn.quality[:15] = np.nan
    save_figure(drawn, None, tmp_path / "map.svg")
    assert "not mapped (of all pixels)" in (tmp_path / "map.svg").read_text()
    save_figure(drawn, None, tmp_path / "map.png")
    panel = panel_of(tmp_path / "map.png", drawn, ["Bravais lattices"], 4)
    assert (panel[: panel.shape[0] // 2] == 255).all()


def test_an_electron_image_is_drawn_where_it_belongs(tmp_path):
    """Its pixels are half as large and it starts two map pixels below and right of the scan."""
    drawn = phase_map(quartz_and_rutile())
    data = np.zeros((20, 20))
    data[10, 4] = 1.0  # centre 2 + 10 / 2 rows below, 2 + 4 / 2 columns right of the first pixel's
    image = ElectronImage("FSE", data, (0.25, 0.25), (1.0, 1.0))
    save_figure(drawn, image, tmp_path / "map.png")
    panel = panel_of(tmp_path / "map.png", drawn, ["FSE", "Bravais lattices"], 3, which=0)
    block = panel.shape[1] / 40
    grey = panel[:, :, 0].astype(int)
    start, stop = round(2.3 * block), round(12.2 * block)  # what the image covers; white beyond
    bright = np.argwhere(grey[start:stop, start:stop] > 128) + start
    np.testing.assert_allclose(bright.mean(axis=0) / block - 0.5, (7.0, 4.0), atol=0.1)


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (1, 200), (200, 1), (1000, 200), (40, 700)])
def test_maps_of_any_shape_show_all_their_lattices(tmp_path, shape):
    labels = np.arange(np.prod(shape)).reshape(shape) % 14
    image = electron_image(shape)
    page = np.asarray(Image.open(save_figure(phase_map(labels), image, tmp_path / "map.png")))
    place_values = np.array([65536, 256, 1])
    there = np.unique(page[..., :3] @ place_values)
    present = colour_table()[np.unique(labels) + 1] @ place_values
    assert np.isin(present, there).all()
    assert page.shape[1] / page.shape[0] < 6


def test_images_in_colour_and_flat_images_are_drawn(tmp_path):
    drawn = phase_map(quartz_and_rutile())
    rgb = np.zeros((30, 40, 3), np.uint8)
    rgb[..., 1] = 200
    save_figure(drawn, ElectronImage("FSE", rgb, (0.5, 0.5)), tmp_path / "rgb.png")
    panel = panel_of(tmp_path / "rgb.png", drawn, ["FSE", "Bravais lattices"], 3, which=0)
    assert panel[0, 0].tolist() == [0, 255, 0]
    flat = ElectronImage("FSE", np.full((30, 40), 7.0), (0.5, 0.5))
    save_figure(drawn, flat, tmp_path / "flat.png")


@pytest.mark.parametrize("extension", ["png", "svg", "pdf", "tif"])
def test_the_same_map_gives_the_same_bytes_whatever_the_users_style(tmp_path, extension):
    import matplotlib

    drawn, image = phase_map(quartz_and_rutile()), electron_image((30, 40))
    first = save_figure(drawn, image, tmp_path / f"first.{extension}").read_bytes()
    with matplotlib.rc_context({"font.size": 20, "savefig.bbox": "tight"}):
        second = save_figure(drawn, image, tmp_path / f"second.{extension}").read_bytes()
    assert first == second


def test_a_figure_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    drawn = phase_map(quartz_and_rutile())
    with pytest.raises(ValueError, match=r"map\.jpeg: a figure is saved as \.png, "):
        save_figure(drawn, None, tmp_path / "map.jpeg")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(OSError):
        save_figure(drawn, None, tmp_path / "folder.png")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


def test_long_and_odd_names_are_drawn_as_they_are(tmp_path):
    image = ElectronImage("$a_1$ & <b>" + "x" * 60, np.eye(30), (0.5, 0.5))
    save_figure(phase_map(quartz_and_rutile(30, 30)), image, tmp_path / "map.svg")
    root = ElementTree.parse(tmp_path / "map.svg").getroot()
    assert next(root.iter("{http://www.w3.org/2000/svg}text")).text == (
        "$a_1$ & <b>" + "x" * 18 + "…"
    )


@pytest.mark.parametrize(
    "longest, expected",
    [(1, 1), (0.99, 0.5), (4.9, 2), (5, 5), (250, 200), (0.03, 0.02), (0.3, 0.2)],
)
def test_scale_bars_are_one_two_or_five_times_a_power_of_ten(longest, expected):
    assert nice_length(longest) == pytest.approx(expected)


def test_legends_list_every_lattice():
    assert len(LATTICES) + 2 == 16  # all lattices, not classified, not mapped
    layout = lay_out(100, (100, 100), BOTH, 16)
    assert layout.legend[1] + layout.legend_size[1] < layout.size[1]
    assert layout.legend[0] + layout.legend_size[0] < layout.size[0]


def test_how_sure_the_map_is_stands_beside_it(tmp_path):
    drawn = phase_map(quartz_and_rutile())
    drawn.probabilities[:, :20] = 0.3 * drawn.probabilities[:, :20] + 0.05
    options = FigureOptions(layout="with confidence")
    path = save_figure(drawn, electron_image((30, 40)), tmp_path / "map.png", options)
    panel = panel_of(path, drawn, [*BOTH, "Probability"], 3)
    unsure, sure = (panel[panel.shape[0] // 2, column] for column in (5, -5))
    expected = colormaps["viridis"]([0.35, 1.0], bytes=True)[:, :3]
    np.testing.assert_array_equal([unsure, sure], expected)


def test_phases_have_shades_of_their_lattices_and_say_what_they_may_be(tmp_path):
    """Two phases of one lattice and one of another, and a corner that is not classified."""
    numbers = np.zeros((30, 40), np.int16)
    numbers[:, 15:30], numbers[:, 30:], numbers[:3, :4] = 1, 2, -1
    phases = tuple(
        PooledPhase(number, 1, 1, 0.1, 1, sure * np.eye(14)[lattice], likely, excluded=excluded)
        for number, lattice, sure, likely, excluded in (
            (0, 13, 1.0, (("copper", "Cu", 0.9),), None),
            (1, 10, 0.6, (), None),
            (2, 13, 0.9, (), ("nickel", "Ni")),
        )
    )
    drawn = ShownPhases(PooledMap(phases, numbers, numbers), phase_map(quartz_and_rutile()))
    path = save_figure(drawn, None, tmp_path / "phases.png", FigureOptions(layout="map"))
    colours = colour_table(drawn.classes)
    panel = panel_of(path, drawn, ["Phases"], 4)
    block = panel.shape[1] // 40
    above_scale_bar = slice(0, 20 * block)
    expected = colours[numbers + 1].repeat(block, 0).repeat(block, 1)
    np.testing.assert_array_equal(panel[above_scale_bar], expected[above_scale_bar])
    grey, copper, hexagonal, nickel = (entry.colour for entry in drawn.classes)
    assert (copper, hexagonal) == (LATTICES[13].colour, LATTICES[10].colour)
    assert len({grey, copper, hexagonal, nickel}) == 4
    svg = save_figure(drawn, None, tmp_path / "phases.svg").read_text()
    names = "1: perhaps copper, Cu", "2: no known material fits", "3: like nickel, Ni"
    for text in (*names, "cF", "37.5 %"):
        assert f">{text}<" in svg, text
    assert ">36.5 %<" in svg  # what is not classified is not of the first phase
    options = FigureOptions(layout="with confidence")
    beside = save_figure(drawn, None, tmp_path / "sure.png", options)
    sure = panel_of(beside, drawn, ["Phases", "Probability"], 4)
    found = [sure[2, 2], *(sure[sure.shape[0] // 2, at] for at in (5, sure.shape[1] // 2, -5))]
    expected = colormaps["viridis"]([1.0, 0.6, 0.9], bytes=True)[:, :3]
    np.testing.assert_array_equal(found, [(255, 255, 255), *expected])
