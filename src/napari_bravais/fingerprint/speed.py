"""How long a fingerprint takes."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from napari_bravais.fingerprint.cluster import fingerprint, standard_cluster
from napari_bravais.fingerprint.defects import displaced, thinned
from napari_bravais.fingerprint.diffraction import diffraction_fingerprint
from napari_bravais.fingerprint.evaluate import SEED, defective

if TYPE_CHECKING:
    from ase import Atoms

#: How often each structure is taken; the median counts.
ROUNDS = 5


def times(number: int) -> list[dict]:
    """Return the processor time of fingerprints in milliseconds, whatever else the machine does.

    Parameters
    ----------
    number
        How many structures of each kind: supercells of some 250 sites of the eight prototypes in
        turn, in any setting and orientation, pristine and defective.
    """

    def spoilt(atoms: "Atoms", random: np.random.Generator) -> "Atoms":
        return displaced(thinned(atoms, 0.25, random), 0.06, random)

    kinds = {"pristine": lambda atoms, random: atoms, "25 % vacancies and σ = 0.06 Å": spoilt}
    rows = []
    for name, change in kinds.items():
        every = [atoms for _, atoms in defective(change, number, SEED)]
        clusters = [standard_cluster(atoms) for atoms in every]
        whole = [_milliseconds(lambda atoms=atoms: fingerprint(atoms)) for atoms in every]
        waves = [_milliseconds(lambda one=one: diffraction_fingerprint(*one)) for one in clusters]
        rows.append(
            {
                "structures": f"{number}, {name}",
                "median (ms)": f"{np.median(whole):.1f}",
                "slowest (ms)": f"{max(whole):.1f}",
                "of the median, diffraction": f"{np.median(waves):.1f}",
            }
        )
    return rows


def _milliseconds(what: Callable[[], object]) -> float:
    """Return the median processor time of this thread; the first time, what compiles, apart."""
    what()
    taken = []
    for _ in range(ROUNDS):
        start = time.thread_time()
        what()
        taken.append(time.thread_time() - start)
    return 1e3 * float(np.median(taken))
