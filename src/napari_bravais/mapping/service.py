"""``ClassifierService``: the classifier in a process of its own, for programs that cannot hold it.

TensorFlow and Mesa's GL drivers crash when they share a process, so the window talks to the
classifier through this. Requests return a number at once; the answers come as messages:

=============  ====================================================================
``loading``    the network is being loaded
``ready``      it is: ``model``, ``device``, ``quality_threshold``, ``path``
``opened``     a scan: ``path``, ``navigation_shape``, ``signal_shape``, ``step``,
               ``step_unit``, ``beam_energy``, ``detector``, ``pattern_centre``, ``provenance``,
               ``chunks`` (rows and columns that are read at once),
               ``image`` (facts of the electron image) and the array ``image``,
               ``images`` (names of all images that can be asked for)
``image``      another electron image: ``image`` and the array ``image``, as above
``mapping``    a map begins: ``quality_threshold``, ``provenance``
``chunk``      a rectangle of it: ``rows``, ``columns`` (start and stop) and the
               arrays ``probabilities`` and ``quality``
``finished``   the map, or the search for phases or for their symmetry, ended:
               ``cancelled``
``finding``    phases, or their symmetry, are looked for: ``what``, ``done`` and ``total``
``phases``     they are found: ``phases`` (facts of each `PooledPhase`), ``named`` (what
               to index by), and ``note``, ``centre`` (x, y, z, convention) and the arrays
               ``numbers`` and ``grains`` of the `PooledMap`
``symmetry``   a phase was assembled: ``number``, ``text``, and the array ``picture`` of
               its sphere, which is not there if it could not be
``explained``  a pixel: ``row``, ``column``, ``lattice``, ``quality`` and the
               arrays ``pattern``, ``prepared``, ``heat`` and ``probabilities``
``matching``   a pixel is held against known materials: ``done`` and ``total``
``matched``    it was: ``candidates`` (of each material name, Pearson symbol, probability
               and correlation), ``tried`` (how many), ``none`` (probability), ``quality``
               and the arrays ``probabilities`` (of lattices) and ``expected``: what each
               candidate would show
``unmatched``  it was not: ``reason``; None if another request came in between
``error``      a request failed, the process lives on: ``text``, ``during``
``died``       the process ended by itself: ``reason``, ``restarted``
=============  ====================================================================

All but ``died`` carry the ``id`` of the request that they answer.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import numpy as np

from napari_bravais.mapping.messages import Message
from napari_bravais.mapping.pattern_centre import PatternCentre
from napari_bravais.mapping.phase_map import PhaseMap
from napari_bravais.mapping.pooled_map import PooledMap, facts_of
from napari_bravais.mapping.process import ProcessClient
from napari_bravais.mapping.seen import AS_STORED, Seen

#: A process that dies is started again, but not more often than this in `DEATHS_WINDOW` seconds.
MAX_DEATHS, DEATHS_WINDOW = 3, 60.0

#: What networks run on: a GPU where one is seen, or what is named.
DEVICES = AUTOMATIC, CPU, GPU = "automatic", "CPU", "GPU"

#: Seconds after which what was cancelled, but goes on, is ended with its process.
CANCEL_PATIENCE = 30.0


class ClassifierService(ProcessClient):
    """The client's side of the classifier's process.

    A process that died is replaced, unless they die like flies, and the scan opened anew.

    Parameters
    ----------
    receive
        Called with each `Message`, in a thread of its own.
    """

    module = "napari_bravais.mapping.service_worker"

    def __init__(self, receive: Callable[[Message], None]):
        super().__init__(receive)
        self._opening: Message | None = None  # the last request to open a scan
        self._opened: Message | None = None  # the same, once it went well
        self._at_work: int | None = None  # the last request that can be cancelled
        self._deaths = deque(maxlen=MAX_DEATHS)
        self._network = ["", AUTOMATIC]

    def use(self, model: str, device: str) -> None:
        """Choose network and device; a process that runs with others is replaced.

        Requests that wait are forgotten, a map under way ends without a word, and the scan is
        opened again.

        Parameters
        ----------
        model
            Path of a model file, empty for the bundled one.
        device
            One of `DEVICES`.
        """
        with self._lock:
            if self._network != [model, device]:
                self._network, self._at_work = [model, device], None
                if self._process is not None:
                    self.restart()

    def open(self, path: str | Path) -> int:
        """Open a scan, in place of the one that is open if it goes well; ends a map under way."""
        with self._lock:
            self._opening = self._ask("open", path=str(path))
            return self._opening["id"]

    def map(self, seen: Seen = AS_STORED) -> int:
        """Map the scan that is open; ends a map under way.

        Parameters
        ----------
        seen
            How its patterns are seen; by default as the file stores them.
        """
        with self._lock:
            self._at_work = self._ask("map", seen=seen.facts())["id"]
            return self._at_work

    def find_phases(
        self,
        phase_map: PhaseMap,
        elements: str = "",
        seen: Seen = AS_STORED,
        centre: PatternCentre | None = None,
    ) -> int:
        """Find the phases of a map of the scan that is open.

        Parameters
        ----------
        phase_map
            The map.
        elements
            Symbols of the elements present, with commas between them; empty where nobody knows.
        seen
            As for `map`.
        centre
            The pattern centre by which known materials fit best, if an earlier search found it.
        """
        with self._lock:
            request = self._ask(
                "phases",
                {"probabilities": phase_map.probabilities, "quality": phase_map.quality},
                quality_threshold=phase_map.quality_threshold,
                elements=elements,
                **_by(seen, centre),
            )
            self._at_work = request["id"]
            return self._at_work

    def find_symmetry(
        self,
        quality: np.ndarray,
        pooled: PooledMap,
        seen: Seen = AS_STORED,
        centre: PatternCentre | None = None,
    ) -> int:
        """Find the symmetry of the phases of a map of the scan that is open.

        Parameters
        ----------
        quality
            Quality of each pattern, shape (ny, nx).
        pooled
            The phases.
        seen
            As for `map`.
        centre
            As for `find_phases`.
        """
        with self._lock:
            request = self._ask(
                "symmetry",
                {"quality": quality, "numbers": pooled.numbers, "grains": pooled.grains},
                phases=[facts_of(phase) for phase in pooled.phases],
                **_by(seen, centre),
            )
            self._at_work = request["id"]
            return self._at_work

    def cancel(self) -> None:
        """End the map, or a search, after the block that is being worked out.

        If the process does not answer for `CANCEL_PATIENCE` seconds, it is ended.
        """
        with self._lock:
            if self._at_work is None:
                return
            self._ask("cancel")
            patience = threading.Timer(CANCEL_PATIENCE, self._kill_if, args=(self._at_work,))
            patience.daemon = True
            patience.start()

    def explain(
        self, row: int, column: int, lattice: str | None = None, seen: Seen = AS_STORED
    ) -> int:
        """Explain a pixel: why it should be this lattice (Pearson symbol), or the likeliest.

        A map under way goes on afterwards. Of several requests that wait only the last is served.
        How it is seen is as for `map`.
        """
        pixel = {"row": row, "column": column, "seen": seen.facts()}
        return self._ask("explain", lattice=lattice, **pixel)["id"]

    def match(
        self,
        row: int,
        column: int,
        elements: str = "",
        seen: Seen = AS_STORED,
        centre: PatternCentre | None = None,
    ) -> int:
        """Hold a pixel against known materials; whatever else is asked for meanwhile goes first.

        Parameters
        ----------
        row, column
            The pixel.
        elements, seen, centre
            As for `find_phases`.
        """
        facts = _by(seen, centre)
        return self._ask("match", row=row, column=column, elements=elements, **facts)["id"]

    def image(self, name: str) -> int:
        """Ask for another electron image of the scan, by one of the names that it came with."""
        return self._ask("image", name=name)["id"]

    def _arguments(self) -> list[str]:
        return self._network

    def _started(self) -> None:
        if self._opened is not None:
            self._send(self._opened)

    def _kill_if(self, request: int) -> None:
        with self._lock:
            if self._at_work == request and self._process is not None:
                self._process.kill()

    def _note(self, message: Message) -> None:
        if message.kind == "opened" and message["id"] == self._opening["id"]:
            self._opened = self._opening
        elif message.kind in ("finished", "phases", "error") and message["id"] == self._at_work:
            self._at_work = None

    def _after_death(self) -> dict:
        now = time.monotonic()
        self._at_work = None
        self._deaths.append(now)
        like_flies = len(self._deaths) == MAX_DEATHS and now - self._deaths[0] < DEATHS_WINDOW
        if not like_flies:
            self.start()
        return {"restarted": not like_flies}


def _by(seen: Seen, centre: PatternCentre | None) -> dict:
    """Return how patterns are seen, and the pattern centre that was found, as a message's facts."""
    return {"seen": seen.facts(), "centre": centre and astuple(centre)}
