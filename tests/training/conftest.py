import numpy as np
import pytest

from napari_bravais.lattices import lattice
from napari_bravais.simulation.sample import PHASES
from napari_bravais.training.library import MasterLibrary

RUTILE = {"cell": np.diag([4.594, 4.594, 2.959]), "space_group": 136}
QUARTZ = {
    "cell": np.array([[4.913, 0, 0], [-2.4565, 4.2548, 0], [0, 0, 5.405]]),
    "space_group": 154,
}
ATOMS = {
    "rutile": ([[0, 0, 0], [0.5, 0.5, 0.5]], [22, 22]),
    "quartz": ([[0.47, 0, 0], [0, 0.47, 0.667], [0.53, 0.53, 0.333]], [14, 14, 14]),
}


@pytest.fixture(scope="session")
def judged_library(sample_data) -> MasterLibrary:
    """Return quartz and rutile, trained, and once more in each other part of a library."""
    folder = sample_data / "master_patterns"
    masters = np.stack([np.load(folder / f"{phase}.npz")["mp"] for phase in PHASES])
    parts = ("trained", "known", "blind", "new type", "validation type")
    records = []
    for part in parts:
        for phase, symbol in PHASES.items():
            positions, numbers = ATOMS[phase]
            cell = (RUTILE if phase == "rutile" else QUARTZ)["cell"]
            group = (RUTILE if phase == "rutile" else QUARTZ)["space_group"]
            records.append(
                {
                    "file": f"{symbol}_{phase}-{part}.npz".replace(" ", "-"),
                    "name": phase,
                    "formula": {"rutile": "TiO2", "quartz": "SiO2"}[phase],
                    "source": "material of the first seed paper",
                    "lattice": symbol,
                    "space_group": group,
                    "beam_energy_kev": 20.0,
                    "cell": cell,
                    "positions": positions,
                    "atomic_numbers": numbers,
                }
            )
    lattices = [lattice(symbol).index for symbol in PHASES.values()] * len(parts)
    return MasterLibrary(
        np.concatenate([masters] * len(parts)),
        np.array(lattices),
        records,
        np.repeat(parts, len(PHASES)),
    )
