import h5py
import numpy as np
import pytest
from orix.io import save
from orix.quaternion import Rotation

from napari_bravais.io.results import save_results
from napari_bravais.io.sample_data import nickel_sample_path, quartz_rutile_sample_path
from napari_bravais.io.text_maps import write_ang, write_ctf
from napari_bravais.io.vendor_maps import MapError, read_map, stored_map
from napari_bravais.mapping.indexed_map import CrystalPhase, IndexedMap
from napari_bravais.mapping.phase_map import PhaseMap

CF, TP = 13, 7


def test_the_map_that_kikuchipy_stores_is_found():
    found = stored_map(nickel_sample_path())
    assert (found.labels == CF).all() and found.shape == (3, 3)
    assert found.phases[0].name == "ni" and found.step == (1.5, 1.5)
    assert stored_map(quartz_rutile_sample_path()) is None, "the scan is not indexed"


def test_edax_files_name_the_lattice_by_their_reflectors(kikuchipy_data):
    found = stored_map(kikuchipy_data / "edax_h5ebsd" / "patterns.h5")
    assert found.source == "EDAX (in the file)" and found.frame == "edax"
    (phase,) = found.phases
    assert (phase.name, phase.lattice.pearson) == ("Nickel", "cF")
    assert phase.cell == pytest.approx((3.56, 3.56, 3.56, 90, 90, 90))
    assert (found.labels == CF)[found.indexed].all()


def test_bruker_files_are_put_in_order(bruker_scan):
    with h5py.File(bruker_scan, "r+") as file:
        data = file["Scan 0/EBSD/Data"]
        data["Phase"][...] = [1, 0, 1, 1, 1, 1, 1, 1, 1]
        data["phi1"][...] = np.arange(9) * 10
        sem = file["Scan 0/SEM"]
        del sem["SEM IX"], sem["SEM IY"]
        # scanned column by column, from the lower right corner
        sem["SEM IX"] = np.repeat([2, 1, 0], 3)
        sem["SEM IY"] = np.tile([2, 1, 0], 3)
    found = stored_map(bruker_scan)
    assert np.argwhere(~found.indexed).tolist() == [[1, 2]]
    assert found.phases[0].space_group == 225 and (found.labels[found.indexed] == CF).all()
    first = Rotation(found.rotations[2, 2]).to_euler(degrees=True)[0]
    last = Rotation(found.rotations[0, 0]).to_euler(degrees=True)[0]
    assert (last[0] - first[0]) % 360 == pytest.approx(80, abs=1e-3)


@pytest.fixture
def indexed_oxford_scan(oxford_scan):
    with h5py.File(oxford_scan, "r+") as file:
        file["1/EBSD/Data/Phase"][...] = [1, 2, 2, 1, 0, 2, 1, 2, 2]
        phases = file.create_group("1/EBSD/Header/Phases")
        for number, (name, group) in enumerate((("Nickel", 225), ("Rutile", 136)), start=1):
            entry = phases.create_group(str(number))
            entry["Phase Name"] = name.encode()
            entry["Space Group"] = [group]
            entry["Lattice Dimensions"] = [[3.5, 3.5, 3.5]]
            entry["Lattice Angles"] = [[np.pi / 2] * 3]
    return oxford_scan


def test_oxford_files_name_phases_and_what_is_not_indexed(indexed_oxford_scan):
    found = stored_map(indexed_oxford_scan)
    assert found.labels.tolist() == [[CF, TP, TP], [CF, -1, TP], [CF, TP, TP]]
    assert found.source == "AZtec (in the file)" and found.frame == "oxford"
    assert found.phases[1].cell == pytest.approx((3.5, 3.5, 3.5, 90, 90, 90))
    assert set(found.scores) == {"mad", "bc", "bands"}


@pytest.mark.parametrize("lost", ["1/EBSD/Header/Phases/1/Space Group", "1/EBSD/Data/Phase"])
def test_a_stored_map_that_is_not_whole_counts_as_none(indexed_oxford_scan, lost):
    with h5py.File(indexed_oxford_scan, "r+") as file:
        del file[lost]
    assert stored_map(indexed_oxford_scan) is None


def test_files_that_store_no_map_have_none(tmp_path, oxford_scan):
    assert stored_map(oxford_scan) is None, "it has no phases"
    assert stored_map(tmp_path) is None and stored_map(tmp_path / "nowhere.h5") is None
    (tmp_path / "text.h5").write_text("not HDF5")
    assert stored_map(tmp_path / "text.h5") is None


def test_what_kikuchipy_saves_of_patterns_that_nobody_indexed_is_no_map(tmp_path):
    import kikuchipy as kp

    path = tmp_path / "patterns.h5"
    kp.signals.EBSD(np.ones((2, 3, 8, 8), np.uint8)).save(path)
    assert kp.load(path).xmap is not None, "kikuchipy stores a map of nothing"
    assert stored_map(path) is None


@pytest.fixture
def shown() -> IndexedMap:
    index = np.array([[0, 1, -1, 0], [1, 1, 0, 0]], np.int16)
    rotations = Rotation.random((2, 4)).data
    phases = (
        CrystalPhase("nickel", 225, (3.52, 3.52, 3.52, 90, 90, 90)),
        CrystalPhase("quartz", 152, (4.91, 4.91, 5.41, 90, 90, 120)),
    )
    return IndexedMap(phases, index, rotations, {"fit": np.ones((2, 4))}, (2.0, 3.0), "um")


@pytest.mark.parametrize("ending", ["ang", "ctf", "h5"])
def test_written_maps_open_again(tmp_path, shown, ending):
    path = tmp_path / f"map.{ending}"
    if ending == "h5":
        save(path, shown.to_crystal_map(), overwrite=True)
    else:
        {"ang": write_ang, "ctf": write_ctf}[ending](shown, path)
    again = read_map(path)
    np.testing.assert_array_equal(again.phase_index, shown.phase_index)
    assert again.step == pytest.approx(shown.step) and again.step_unit == "um"
    assert [phase.name for phase in again.phases] == ["nickel", "quartz"]
    turned = again.in_frame("edax").rotations[shown.indexed]
    between = ~Rotation(shown.rotations[shown.indexed]) * Rotation(turned)
    assert np.degrees(between.angle).max() < 0.01
    if ending != "ang":
        np.testing.assert_array_equal(again.labels, shown.labels)


def test_ang_names_lattices_by_reflectors_or_where_there_is_no_choice(tmp_path, shown):
    path = write_ang(shown, tmp_path / "map.ang")
    assert set(read_map(path).labels[shown.indexed]) == {-1}, "they may be hP, hR, cP, cI or cF"
    families = "".join(
        f"# hklFamilies   \t {hkl} 1 0.0 1\n" for hkl in ("1 1 1", "2 0 0", "2 2 0", "3 1 1")
    )
    text = path.read_text().split("# Phase 1\n")
    head, tail = text[1].split("# NumberFamilies        0\n", 1)
    path.write_text(f"{text[0]}# Phase 1\n{head}# NumberFamilies        4\n{families}{tail}")
    assert set(read_map(path).labels[shown.indexed]) == {CF, -1}
    path.write_text(
        path.read_text().replace("Symmetry              32", "Symmetry              62")
    )
    assert set(read_map(path).labels[shown.indexed]) == {CF, 10}, "hexagonal is hP alone"


@pytest.mark.parametrize("shape", [(1, 6), (6, 1)])
def test_lines_keep_their_shape(tmp_path, shape):
    shown = IndexedMap((CrystalPhase("Ni", 225),), np.zeros(shape, np.int16))
    assert read_map(write_ang(shown, tmp_path / "map.ang")).shape == shape
    assert read_map(write_ctf(shown, tmp_path / "map.ctf")).shape == shape


def test_own_maps_open_too(tmp_path):
    phase_map = PhaseMap.empty((2, 3))
    paths = save_results(phase_map, None, tmp_path)
    assert read_map(paths["map"]).shape == read_map(tmp_path).shape == (2, 3)


@pytest.mark.parametrize("name", ["map.ang", "map.ctf", "map.h5", "map.npz", "map.txt"])
def test_damaged_maps_give_one_clear_error(tmp_path, name):
    (tmp_path / name).write_bytes(b"# not a map\n1 2 3\n\x00\xff")
    with pytest.raises(MapError, match=rf"{name} is no (saved )?map"):
        read_map(tmp_path / name)


def test_a_scan_is_told_from_a_map():
    with pytest.raises(MapError, match=r"h5 is no map: HDF5 files with maps are those that orix"):
        read_map(quartz_rutile_sample_path())


def test_truncated_maps_give_one_clear_error(tmp_path, shown):
    path = write_ctf(shown, tmp_path / "map.ctf")
    path.write_bytes(path.read_bytes()[:-150])
    with pytest.raises(MapError, match=r"map\.ctf is no map, or damaged"):
        read_map(path)
    with pytest.raises(FileNotFoundError):
        read_map(tmp_path / "nowhere.ang")
