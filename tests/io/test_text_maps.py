import numpy as np
import pytest
from orix.io import load
from orix.quaternion import Rotation

from napari_bravais.io.text_maps import write_ang, write_ctf
from napari_bravais.lattices import lattice
from napari_bravais.mapping.indexed_map import NOT_INDEXED, NOT_MAPPED, CrystalPhase, IndexedMap
from napari_bravais.mapping.phase_map import PhaseMap

PHASES = (
    CrystalPhase("quartz", 152, (4.913, 4.913, 5.405, 90, 90, 120)),
    CrystalPhase("Iron fcc", 225, (3.66, 3.66, 3.66, 90, 90, 90)),
    CrystalPhase("gypsum", 15, (6.284, 15.2, 6.523, 90, 127.4, 90)),
)


def indexed_map(phases=PHASES, shape=(5, 7), step=(0.5, 0.25), unit="um") -> IndexedMap:
    rng = np.random.default_rng(2)
    index = rng.integers(-1, len(phases), shape).astype(np.int16)
    index[0, 0], index[0, 1], index[1, : len(phases)] = NOT_MAPPED, NOT_INDEXED, range(len(phases))
    rotations = Rotation.random(shape).data
    scores = {
        "fit": rng.random(shape).astype(np.float32),
        "bands": rng.integers(3, 10, shape).astype(np.float32),
        "confidence": rng.random(shape).astype(np.float32),
        "pattern_quality": 900 * rng.random(shape).astype(np.float32),
    }
    scores["fit"][0, 0] = np.nan
    return IndexedMap(phases, index, rotations, scores, step, unit, "Hough indexing")


@pytest.mark.parametrize("phases", [PHASES, PHASES[1:2]], ids=["three phases", "one phase"])
@pytest.mark.parametrize("ending, frame", [("ang", "edax"), ("ctf", "oxford")])
def test_orix_reads_what_is_written(tmp_path, phases, ending, frame):
    shown = indexed_map(phases)
    path = tmp_path / f"map.{ending}"
    {"ang": write_ang, "ctf": write_ctf}[ending](shown, path)
    keywords = {"autogen_names": False} if ending == "ang" else {}
    again = load(path, **keywords)
    assert again.shape == shown.shape and again.scan_unit == "um"
    assert (again.dy, again.dx) == pytest.approx(shown.step)
    number = again.phase_id.reshape(shown.shape)
    np.testing.assert_array_equal(number < 1, ~shown.indexed)
    np.testing.assert_array_equal(number[shown.indexed] - 1, shown.phase_index[shown.indexed])
    by_number = {key: again.phases[key] for key in again.phases.ids if key > 0}
    for place, phase in enumerate(phases, start=1):
        assert by_number[place].name == phase.name
        cell = by_number[place].structure.lattice.abcABG()
        np.testing.assert_allclose(cell, phase.cell, atol=1e-3)
        own = phase.to_orix().point_group.laue.name
        assert by_number[place].point_group.laue.name == own
    rotations = Rotation(shown.in_frame(frame).rotations[shown.indexed])
    read = again.rotations[shown.indexed.ravel()]
    assert np.degrees((~rotations * read).angle).max() < 0.01


def test_what_is_not_indexed_is_written_as_mtex_and_oim_expect(tmp_path):
    path = write_ang(indexed_map(PHASES[1:2]), tmp_path / "map.ang")
    rows = np.loadtxt(path)
    off = rows[:, 7] == 0
    assert set(rows[:, 7]) == {0, 1}, "MTEX takes the column for the phase if it is 0 to n"
    np.testing.assert_allclose(rows[off, :3], 4 * np.pi, atol=1e-5)
    assert (rows[off, 6] == -1).all() and (rows[off, 9] == 180).all()
    rows = np.loadtxt(write_ctf(indexed_map(), tmp_path / "map.ctf"), skiprows=18)
    off = rows[:, 0] == 0
    assert off.any() and (rows[off, 4] == 3).all() and (rows[~off, 4] == 0).all()
    assert (rows[off, 5:9] == 0).all()


def test_headers_keep_the_vendors_order(tmp_path):
    lines = write_ang(indexed_map(), tmp_path / "map.ang").read_text().splitlines()
    assert [line for line in lines if line.startswith("# Phase ")] == [
        *("# Phase 3", "# Phase 2", "# Phase 1")
    ]
    symmetry = [line.split()[-1] for line in lines if line.startswith("# Symmetry")]
    assert symmetry == ["20", "43", "32"], "20 has b as its unique axis"
    content = write_ctf(indexed_map(), tmp_path / "map.ctf").read_bytes()
    assert content.count(b"\r\n") == content.count(b"\n")
    lines = content.decode().splitlines()
    assert lines[0] == "Channel Text File" and "XCells\t7" in lines and "YCells\t5" in lines
    assert "3.660;3.660;3.660\t90.000;90.000;90.000\tIron fcc\t11\t225" in lines


@pytest.mark.parametrize("unit, factor", [("nm", 1e-3), ("um", 1), ("mm", 1e3), ("px", 1)])
def test_lengths_are_micrometres_whatever_the_scans_unit(tmp_path, unit, factor):
    shown = indexed_map(step=(400, 200), unit=unit)
    again = load(write_ang(shown, tmp_path / "map.ang"), autogen_names=False)
    assert (again.dy, again.dx) == pytest.approx((400 * factor, 200 * factor))


def test_lattice_maps_name_a_phase_for_each_lattice(tmp_path):
    labels = np.array([[10, 10, 7], [13, 2, 10], [10, 7, 7]])
    quality = np.ones((3, 3), np.float32)
    quality[2, 0] = 0.1
    shown = PhaseMap(np.eye(14, dtype=np.float32)[labels], quality, quality_threshold=0.5)
    again = load(write_ctf(shown, tmp_path / "map.ctf"))
    for place in np.ndindex(3, 3):
        number = again.phase_id.reshape(3, 3)[place]
        if place == (2, 0):
            assert number == -1
        else:
            pearson = again.phases[int(number)].name.split()[0]
            assert lattice(pearson).index == labels[place]
    assert (again.rotations.angle == 0).all()
