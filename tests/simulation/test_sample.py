import numpy as np
import tifffile

from napari_bravais import open_scan
from napari_bravais.simulation import sample


def test_the_shipped_scan_is_what_its_maker_makes(sample_data):
    folder = sample_data / "master_patterns"
    masters = np.stack([np.load(folder / f"{phase}.npz")["mp"] for phase in sample.PHASES])
    patterns, truth = sample.simulate(masters)
    stored = tifffile.imread(sample_data / "quartz_rutile_truth.tif").astype(int) - 1
    np.testing.assert_array_equal(truth, stored)
    shipped = open_scan(sample_data / "quartz_rutile.h5").patterns.compute()
    # processors round differently, by a grey level here and there
    assert np.abs(shipped.astype(int) - patterns).mean() < 0.1


def test_the_microstructure_holds_both_phases_and_a_pore():
    phase, grain = sample.microstructure(np.random.default_rng(2020))
    assert set(np.unique(phase)) == {sample.QUARTZ, sample.RUTILE, sample.PORE}
    assert len(np.unique(grain)) > 8
