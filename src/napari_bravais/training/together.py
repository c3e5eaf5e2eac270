"""One network trained by several processes, a core each.

On a CPU two processes of one thread show a network 1.5 times as many patterns as one process of
two threads does (`docs/training-log.md`, two processes). Every few batches each takes the mean of
all their weights (local stochastic gradient descent, Stich 2019, arXiv:1805.09767).
"""

import multiprocessing
import os
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from napari_bravais.training.library import MasterLibrary

#: One thread for everything that has threads of its own: they would wait for one another.
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}


@dataclass(frozen=True)
class Team:
    """One process of those that train a network together, and its ways to the others.

    Attributes
    ----------
    connections
        The leader's to all others; another's to the leader alone.
    leads
        Whether it is the leader, which keeps the run's state.
    """

    connections: tuple[Connection, ...] = ()
    leads: bool = True

    def mean(self, own: list[np.ndarray]) -> list[np.ndarray]:
        """Return the means of arrays over all processes, float32; waits until all have come.

        Raises
        ------
        EOFError
            If another process has died.
        RuntimeError
            If the one that started them all has: no run may go on unseen.
        """
        parent = multiprocessing.parent_process()
        if parent is not None and not parent.is_alive():
            raise RuntimeError("the process that started this training has died")
        flat = np.concatenate([np.ravel(array) for array in own]).astype(np.float32)
        if self.leads:
            others = [np.frombuffer(each.recv_bytes(), np.float32) for each in self.connections]
            mean = np.mean([flat, *others], axis=0)
            for each in self.connections:
                each.send_bytes(mean)
        else:
            self.connections[0].send_bytes(flat)
            mean = np.frombuffer(self.connections[0].recv_bytes(), np.float32)
        parts = np.split(mean, np.cumsum([np.size(array) for array in own])[:-1])
        return [part.reshape(np.shape(a)) for part, a in zip(parts, own, strict=True)]


#: A run in one process.
ALONE = Team()


def team_of(size: int) -> list[Team]:
    """Return what each of so many processes gets; the first leads."""
    pairs = [multiprocessing.Pipe() for _ in range(size - 1)]
    leader = Team(tuple(here for here, _ in pairs))
    return [leader, *(Team((there,), leads=False) for _, there in pairs)]


def train_together(
    processes: int, library: MasterLibrary, folder: str | Path, minutes: float, **settings
) -> Path:
    """Train a network in several processes; see `napari_bravais.training.train.train`.

    Raises
    ------
    RuntimeError
        If one of them died; the same call goes on with the run.
    """
    if processes == 1:  # here, where a GPU may already be taken
        return _train(ALONE, library, folder, minutes, settings)
    spawn = multiprocessing.get_context("spawn")
    teams = team_of(processes)
    run = (library, folder, minutes, settings)
    members = [
        spawn.Process(target=_train_on_a_core, args=(team, *run), daemon=True) for team in teams
    ]
    for member in members:
        member.start()
    for connection in (each for team in teams for each in team.connections):
        connection.close()  # or nobody would notice that the process at its other end has died
    for member in members:
        member.join()
    if any(member.exitcode for member in members):
        raise RuntimeError(f"a process that trained into {folder} died; call again to go on")
    return Path(folder) / "averaged.keras"


def _train_on_a_core(*run) -> None:
    os.environ.update(_ONE_THREAD)  # before anything that reads it is imported
    _train(*run)


def _train(team: Team, library: MasterLibrary, folder, minutes: float, settings: dict) -> Path:
    from napari_bravais.training.train import train

    return train(library, folder, minutes, team=team, **settings)
