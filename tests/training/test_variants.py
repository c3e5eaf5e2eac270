import numpy as np
import pytest

from napari_bravais.training.variants import reflectors_of, variant

RUTILE = {
    "lattice": "tP",
    "cell": np.diag([4.594, 4.594, 2.959]),
    "positions": [
        [0.0, 0.0, 0.0],
        [0.5, 0.5, 0.5],
        [0.3053, 0.3053, 0.0],
        [0.1947, 0.8053, 0.5],
        [0.8053, 0.1947, 0.5],
        [0.6947, 0.6947, 0.0],
    ],
    "atomic_numbers": [22, 22, 8, 8, 8, 8],
}


@pytest.fixture(scope="module")
def master(sample_data):
    return np.load(sample_data / "master_patterns" / "rutile.npz")["mp"]


def test_bands_lie_where_the_dynamical_simulation_has_them(master):
    reflectors = reflectors_of(RUTILE)
    rng = np.random.default_rng(0)
    bands = reflectors.draw(reflectors.amplitudes**1.3, rng, 161, kilovolts=20)
    assert np.corrcoef(bands.ravel(), master[0].ravel())[0, 1] > 0.4
    aside = np.roll(bands, 6, axis=1)
    assert np.corrcoef(aside.ravel(), master[0].ravel())[0, 1] < 0.15


def test_forbidden_reflections_stay_dark_and_families_stay_together():
    reflectors = reflectors_of(RUTILE)
    indices = np.round(reflectors.normals * reflectors.lengths[:, None] @ RUTILE["cell"].T)
    h, k, l = np.abs(indices).astype(int).T  # noqa: E741, Miller indices
    # the n glide of P4_2/mnm forbids 0kl with odd k + l
    assert not ((h == 0) & ((k + l) % 2 == 1)).any()
    family = reflectors.families[(h == 1) & (k == 1) & (l == 0)]
    assert len(family) == 2 and len(set(family)) == 1


def test_a_variant_keeps_the_symmetry_and_changes_the_bands(master):
    reflectors = reflectors_of(RUTILE)
    rng = np.random.default_rng(1)
    drawn = [variant(master, reflectors, 20.0, rng) for _ in range(12)]
    likeness = [np.corrcoef(v.ravel(), master.ravel())[0, 1] for v in drawn]
    assert 0.1 < min(likeness) < 0.8 and max(likeness) > 0.9
    for v in drawn:
        assert v.shape == master.shape and v.dtype == np.uint8
        # the fourfold axis of the lattice stands on the pole
        turned = np.rot90(v[0]).astype(float)
        assert np.corrcoef(turned.ravel(), v[0].ravel())[0, 1] > 0.98


def test_monoclinic_crystals_stand_in_the_frame_of_their_master_patterns():
    cell = np.array([[5.0, 0, 0], [0, 6.0, 0], [-2.0, 0, 7.0]])
    record = {
        "lattice": "mP",
        "cell": cell,
        "positions": [[0.1, 0.2, 0.3], [0.9, 0.7, 0.7]],
        "atomic_numbers": [22, 22],
    }
    normals = reflectors_of(record).normals
    # the mirror normal to b, now along z
    mirrored = normals * [1, 1, -1]
    distance = np.abs(mirrored @ normals.T).max(axis=1)
    np.testing.assert_allclose(distance, 1, atol=1e-6)
