import csv
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_bravais.io.results import RESULT_FILES, ResultError, load_result, save_results
from napari_bravais.io.scan import ElectronImage
from napari_bravais.lattices import LATTICES, NOT_CLASSIFIED_COLOUR
from napari_bravais.mapping.phase_map import PhaseMap


@pytest.fixture
def phase_map() -> PhaseMap:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(14), (12, 20)).astype(np.float32)
    quality = rng.random((12, 20), np.float32)
    quality[0], probabilities[0] = np.nan, np.nan
    provenance = {"scan": {"file": "Körner ä.h5"}, "model": "compact", "versions": [1, 2]}
    return PhaseMap(probabilities, quality, (0.5, 0.25), "um", 0.2, provenance)


@pytest.fixture
def image() -> ElectronImage:
    return ElectronImage("virtual forward-scatter", np.eye(12, 20), (0.5, 0.25), virtual=True)


def test_pixels_too_small_for_a_tiff_to_say_are_saved_all_the_same(phase_map, tmp_path):
    tiny = replace(phase_map, step=(0.002, 0.002), step_unit="nm")
    paths = save_results(tiny, None, tmp_path)
    with tifffile.TiffFile(paths["labels"]) as file:
        assert file.pages[0].resolutionunit == tifffile.RESUNIT.NONE
    assert load_result(tmp_path).step == (0.002, 0.002)


def test_a_saved_map_opens_again_as_it_was(phase_map, image, tmp_path):
    paths = save_results(phase_map, image, tmp_path / "made" / "here")
    assert paths == {what: tmp_path / "made/here" / name for what, name in RESULT_FILES.items()}
    assert sorted(tmp_path.glob("made/here/*")) == sorted(paths.values())
    for path in (paths["map"], tmp_path / "made" / "here"):
        again = load_result(path)
        np.testing.assert_array_equal(again.probabilities, phase_map.probabilities)
        np.testing.assert_array_equal(again.quality, phase_map.quality)
        assert again.probabilities.dtype == again.quality.dtype == np.float32
        assert (again.step, again.step_unit) == (phase_map.step, phase_map.step_unit)
        assert again.quality_threshold == phase_map.quality_threshold
        assert again.provenance == phase_map.provenance


@pytest.mark.parametrize("unit, to_centimetres", [("um", 1e-4), ("nm", 1e-7), ("px", None)])
def test_labels_carry_their_colours_and_pixel_size(phase_map, tmp_path, unit, to_centimetres):
    phase_map.step_unit = unit
    path = save_results(phase_map, None, tmp_path)["labels"]
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        assert page.photometric.name == "PALETTE" and page.dtype == np.uint8
        np.testing.assert_array_equal(page.asarray(), phase_map.labels + 1)
        assert "0 = not classified, 1 = aP," in page.description
        assert page.resolutionunit.name == ("NONE" if to_centimetres is None else "CENTIMETER")
        if to_centimetres is not None:
            x, y = page.resolution
            assert 1 / x == pytest.approx(0.25 * to_centimetres, rel=1e-6)
            assert 1 / y == pytest.approx(0.5 * to_centimetres, rel=1e-6)
    seen = np.asarray(Image.open(path).convert("RGB"))
    colours = [NOT_CLASSIFIED_COLOUR, *(entry.colour for entry in LATTICES)]
    for row, column in np.ndindex(phase_map.shape):
        expected = colours[phase_map.labels[row, column] + 1]
        assert "#" + bytes(seen[row, column]).hex() == expected


def test_fractions_add_up_to_the_mapped_pixels(phase_map, tmp_path):
    path = save_results(phase_map, None, tmp_path)["fractions"]
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["lattice", "name", "pixels", "fraction"]
    assert sum(int(row["pixels"]) for row in rows) == 11 * 20
    assert sum(float(row["fraction"]) for row in rows) == pytest.approx(1, abs=1e-4)
    for row in rows[:-1]:
        index = [entry.pearson for entry in LATTICES].index(row["lattice"])
        assert int(row["pixels"]) == (phase_map.labels == index).sum()
    assert (rows[-1]["lattice"], rows[-1]["name"]) == ("", "not classified")


def test_earlier_results_stay_until_the_new_are_complete(phase_map, image, tmp_path):
    paths = save_results(phase_map, image, tmp_path)
    before = {path: path.read_bytes() for path in paths.values()}
    phase_map.quality_threshold = 0.9
    phase_map.provenance["unsaveable"] = object()  # found out last, when the map itself is written
    with pytest.raises(TypeError):
        save_results(phase_map, image, tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    del phase_map.provenance["unsaveable"]
    save_results(phase_map, image, tmp_path)
    assert load_result(tmp_path).quality_threshold == 0.9
    assert sorted(tmp_path.iterdir()) == sorted(before)


def test_the_same_map_gives_the_same_bytes(phase_map, image, tmp_path):
    first = save_results(phase_map, image, tmp_path / "first")
    second = save_results(load_result(first["map"]), image, tmp_path / "second")
    for what in RESULT_FILES:
        assert first[what].read_bytes() == second[what].read_bytes(), what


def damaged(good: bytes) -> dict[str, bytes]:
    middle = len(good) // 2
    return {
        "empty": b"",
        "text": b"not a map",
        "truncated": good[:middle],
        "flipped": good[:middle] + bytes(255 - byte for byte in good[middle : middle + 64])
        + good[middle + 64 :],
    }  # fmt: skip


@pytest.mark.parametrize("fault", ["empty", "text", "truncated", "flipped"])
def test_damaged_files_give_one_clear_error(phase_map, tmp_path, fault):
    path = save_results(phase_map, None, tmp_path)["map"]
    path.write_bytes(damaged(path.read_bytes())[fault])
    with pytest.raises(ResultError, match=r"map\.npz is no saved map, or damaged"):
        load_result(path)


def test_other_arrays_and_missing_files_are_told_apart(tmp_path):
    np.savez(tmp_path / "map.npz", something=np.zeros(3))
    with pytest.raises(ResultError, match="is no saved map"):
        load_result(tmp_path)
    with pytest.raises(FileNotFoundError):
        load_result(tmp_path / "nowhere.npz")


def test_pickles_are_never_opened(phase_map, tmp_path):
    np.savez(tmp_path / "map.npz", about=np.array([{"step": (1, 1)}], dtype=object))
    with pytest.raises(ResultError, match="allow_pickle=False"):
        load_result(tmp_path)
