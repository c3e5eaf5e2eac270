import numpy as np
import pytest
from kikuchipy.data import nickel_ebsd_small

from napari_bravais import open_scan
from napari_bravais.io.sample_data import nickel_sample_path
from napari_bravais.io.scan import ScanError
from napari_bravais.io.signal import scan_from_signal


def test_a_signal_in_memory_is_the_scan_that_its_file_is():
    scan, stored = scan_from_signal(nickel_ebsd_small()), open_scan(nickel_sample_path())
    np.testing.assert_array_equal(scan.patterns.compute(), stored.patterns.compute())
    assert (scan.step, scan.step_unit) == (stored.step, stored.step_unit)
    assert scan.beam_energy == stored.beam_energy
    np.testing.assert_array_equal(scan.static_background, stored.static_background)
    np.testing.assert_allclose(scan.detector.pc, stored.detector.pc)


def test_lazy_signals_stay_lazy_and_are_cut_in_whole_patterns():
    signal = nickel_ebsd_small(lazy=True)
    signal.data = signal.data.rechunk((1, 2, 30, 30))
    scan = scan_from_signal(signal)
    assert scan.patterns.chunks[2:] == ((60,), (60,))


def test_lines_and_single_patterns_are_maps_of_one_row():
    signal = nickel_ebsd_small()
    assert scan_from_signal(signal.inav[:, 0]).navigation_shape == (1, 3)
    assert scan_from_signal(signal.inav[0, 0]).navigation_shape == (1, 1)


def test_units_that_are_no_lengths_count_as_pixels():
    signal = nickel_ebsd_small()
    for axis in signal.axes_manager.navigation_axes:
        axis.units = "s"
    assert (scan_from_signal(signal).step, scan_from_signal(signal).step_unit) == ((1, 1), "px")


def test_signals_of_other_shapes_are_refused():
    from kikuchipy.signals import EBSD

    with pytest.raises(ScanError, match="is no scan"):
        scan_from_signal(EBSD(np.zeros((2, 2, 2, 4, 4), np.uint8)))
