"""The classifier in a process of its own: ``python -m napari_bravais.mapping.service_worker``.

It is told the model's path (empty: the bundled one) and the device. It reads requests from its
standard input and answers on its standard output, as `napari_bravais.mapping.service` says, and
ends when its standard input closes.
"""

import math
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import astuple
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_bravais.lattices import LATTICES
from napari_bravais.mapping.messages import Message, write_message
from napari_bravais.mapping.pattern_centre import PatternCentre
from napari_bravais.mapping.process import give_way
from napari_bravais.mapping.seen import Seen
from napari_bravais.mapping.service import AUTOMATIC, CPU
from napari_bravais.mapping.service_facts import description, image_facts
from napari_bravais.mapping.service_inbox import CLICKS, INTERRUPTING, Inbox

if TYPE_CHECKING:
    from napari_bravais.io.scan import Scan

#: Seconds to wait for a first request before the network is loaded: a scan that is asked for
#: right at the start is opened first, so that its image shows while the network loads.
_FIRST_REQUEST = 0.3

#: Patterns of a block: a click while the scan is mapped waits for one to be done.
_BLOCK_PATTERNS = 256

#: Side in pixels of the picture of a phase's sphere.
_PICTURE = 600

#: Why a pixel is not held against known materials.
_NO_ATLAS = "This network brings no atlas of what materials show."
_NO_CENTRE = (
    "The pattern centre is not known. Find phases looks for it, or give it yourself under Scan."
)


class Interrupted(Exception):
    """A request came that ends what is under way."""


class Worker:
    """Answers requests, one after the other.

    Parameters
    ----------
    inbox
        Where requests come from.
    send
        What takes the answers.
    model
        Path of the model file, empty for the bundled one.
    device
        One of the service's devices.
    """

    def __init__(
        self,
        inbox: Inbox,
        send: Callable[[Message], None],
        model: str = "",
        device: str = AUTOMATIC,
    ):
        self._inbox = inbox
        self._send = send
        self._model, self._device = model, device
        self._classifier = None
        self._scan: Scan | None = None
        self._warmed_up: Scan | None = None
        self._answers = {
            "open": self._open,
            "map": self._map,
            "phases": self._phases,
            "symmetry": self._symmetry,
            "explain": self._explain,
            "match": self._match,
            "image": self._image,
            "cancel": lambda request: None,
        }

    def run(self) -> None:
        """Answer requests for ever."""
        request = self._inbox.take(_FIRST_REQUEST)
        if request is not None:
            self._answer(request)
        self._answer(Message("load", {"id": 0}), self._load)
        while True:
            request = self._inbox.take(0)
            if request is None:
                self._warm_up()
                request = self._inbox.take()
            self._answer(request)

    def _answer(self, request: Message, answer: Callable[[Message], Any] | None = None) -> None:
        """Answer a request; what goes wrong is told, and the process lives on."""
        try:
            (answer or self._answers[request.kind])(request)
        except Exception as error:
            traceback.print_exc()
            self._say("error", request, text=_plain(error), during=request.kind)

    def _say(self, kind: str, request: Message, arrays: dict | None = None, **facts) -> None:
        self._send(Message(kind, {"id": request["id"], **facts}, arrays or {}))

    def _load(self, request: Message, patterns: int = 0):
        """Return the classifier, loading it if need be: for so many patterns, as fast as can be."""
        from napari_bravais.model.backend import fastest_runtime, stay_on_cpu

        if self._classifier is None and self._device == CPU:
            stay_on_cpu()
        runtime = fastest_runtime(patterns)
        loaded = self._classifier
        # a runtime once loaded for a large scan stays: it reads a click as well
        if loaded is None or (loaded.runtime == "keras" and runtime != "keras"):
            self._say("loading", request)
            from napari_bravais.model.classifier import BUNDLED, Classifier

            self._classifier = Classifier.load(self._model or BUNDLED, runtime)
            self._say(
                "ready",
                request,
                model=self._classifier.name,
                device=self._classifier.device,
                quality_threshold=self._classifier.quality_threshold,
                path=self._model,
            )
        return self._classifier

    def _open(self, request: Message) -> None:
        from napari_bravais.io.electron_image import forward_scatter_image
        from napari_bravais.io.scan import open_scan

        # if this fails, the scan that was open stays so
        scan = open_scan(Path(request["path"]))
        image = forward_scatter_image(scan)
        self._scan = scan
        self._say("opened", request, {"image": image.data}, **description(scan, image))

    def _map(self, request: Message) -> None:
        from napari_bravais.mapping.engine import iter_phase_map, map_blocks, provenance

        scan = self._seen(request)
        classifier = self._load(request, math.prod(scan.navigation_shape))
        cancelled = self._inbox.interrupts()
        if not cancelled:
            self._say(
                "mapping",
                request,
                quality_threshold=classifier.quality_threshold,
                provenance=provenance(scan, classifier),
            )
        # one at a time, so that a click between two is answered by a network that rests
        chunks = iter_phase_map(scan, classifier, map_blocks(scan, _BLOCK_PATTERNS), at_a_time=1)
        while not cancelled and (chunk := next(chunks, None)) is not None:
            self._say(
                "chunk",
                request,
                {"probabilities": chunk.probabilities, "quality": chunk.quality},
                rows=[chunk.rows.start, chunk.rows.stop],
                columns=[chunk.columns.start, chunk.columns.stop],
            )
            if (click := self._inbox.take_click()) is not None:
                self._answer(click)
            cancelled = self._inbox.interrupts()
        chunks.close()
        self._say("finished", request, cancelled=cancelled)

    def _phases(self, request: Message) -> None:
        from napari_bravais.mapping.elements import elements_in
        from napari_bravais.mapping.phase_map import PhaseMap
        from napari_bravais.mapping.phases import named_phases
        from napari_bravais.mapping.pooled_map import facts_of
        from napari_bravais.mapping.pooling import find_phases

        phase_map = PhaseMap(**request.arrays, quality_threshold=request["quality_threshold"])
        elements = elements_in(request["elements"])
        scan, classifier = self._seen(request), self._load(request)
        tell = self._telling(request)
        try:
            centre = PatternCentre.by(request["centre"])
            found = find_phases(scan, phase_map, classifier, None, elements, centre, tell)
        except Interrupted:
            self._say("finished", request, cancelled=True)
            return
        phases = [facts_of(phase) for phase in found.phases]
        arrays = {"numbers": found.numbers, "grains": found.grains}
        self._say(
            "phases",
            request,
            arrays,
            phases=phases,
            named=named_phases(found),
            note=found.note,
            centre=found.pattern_centre and astuple(found.pattern_centre),
        )

    def _symmetry(self, request: Message) -> None:
        from napari_bravais.mapping.assembly.assembled_phase import AssemblyError, assemble_phase
        from napari_bravais.mapping.assembly.figure import sphere_picture
        from napari_bravais.mapping.matching.centre import ready_to_match
        from napari_bravais.mapping.pooled_map import PooledMap, phase_of

        quality, numbers, grains = (request.arrays[n] for n in ("quality", "numbers", "grains"))
        pooled = PooledMap(tuple(map(phase_of, request["phases"])), numbers, grains)
        scan, classifier = self._seen(request), self._load(request)
        told = self._telling(request)
        try:
            tell = partial(told, "pattern centre: cameras")
            ready = ready_to_match(scan, classifier, PatternCentre.by(request["centre"]), tell)
        except Interrupted:
            self._say("finished", request, cancelled=True)
            return
        for number in range(len(pooled.phases)):
            tell = partial(told, f"phase {number + 1}: steps")
            try:
                one = assemble_phase(
                    ready.scan, quality, pooled, number, classifier, ready.matcher, tell
                )
            except AssemblyError as error:
                self._say("symmetry", request, number=number, text=str(error))
            except Interrupted:
                self._say("finished", request, cancelled=True)
                return
            else:
                picture = {"picture": sphere_picture(one, _PICTURE)}
                self._say("symmetry", request, picture, number=number, text=one.caption())
        self._say("finished", request, cancelled=False)

    def _telling(self, request: Message) -> Callable[[str, int, int], None]:
        """Return what tells how far a search is, answers clicks meanwhile, and lets it end."""
        said = None

        def tell(what: str, done: int, total: int) -> None:
            nonlocal said
            if (what, done) != said:
                said = what, done
                self._say("finding", request, what=what, done=done, total=total)
            if (click := self._inbox.take_click()) is not None:
                self._answer(click)
            if self._inbox.interrupts():
                raise Interrupted

        return tell

    def _explain(self, request: Message) -> None:
        import numpy as np

        scan, classifier = self._seen(request), self._load(request)
        pixel = request["row"], request["column"]
        pattern = scan.patterns[pixel].compute()
        known = scan.known_at(*pixel)
        probabilities, quality = classifier.assess(pattern[None], *known)
        lattice = request["lattice"] or LATTICES[int(probabilities[0].argmax())].pearson
        heat = classifier.explain(pattern, lattice, *known)
        prepared = classifier.prepare(pattern, scan.static_background)
        self._say(
            "explained",
            request,
            {
                "pattern": np.asarray(pattern),
                "prepared": prepared,
                "heat": heat,
                "probabilities": probabilities[0],
            },
            quality=float(quality[0]),
            lattice=lattice,
            row=request["row"],
            column=request["column"],
        )

    def _match(self, request: Message) -> None:
        from napari_bravais.mapping.elements import elements_in
        from napari_bravais.mapping.matching.matcher import Matcher
        from napari_bravais.mapping.matching.pattern import match_pattern
        from napari_bravais.mapping.pattern_centre import moved_to

        elements, centre = elements_in(request["elements"]), PatternCentre.by(request["centre"])
        scan, classifier = self._seen(request), self._load(request)
        scan = scan if centre is None else moved_to(scan, centre)
        matcher = Matcher.beside(classifier)
        if matcher is None or scan.pattern_centre is None:
            self._say("unmatched", request, reason=_NO_ATLAS if matcher is None else _NO_CENTRE)
            return

        def tell(done: int, total: int) -> None:
            if self._inbox.interrupts(CLICKS | INTERRUPTING):
                raise Interrupted
            self._say("matching", request, done=done, total=total)

        pixel = request["row"], request["column"]
        try:
            found = match_pattern(scan, pixel, classifier, matcher, elements, tell)
        except Interrupted:
            self._say("unmatched", request, reason=None)
            return
        self._say(
            "matched",
            request,
            {"probabilities": found.probabilities, "expected": found.expected},
            candidates=[
                (material.name, material.lattice, probability, correlation)
                for material, probability, correlation in found.candidates
            ],
            tried=found.tried,
            none=found.none,
            quality=found.quality,
        )

    def _image(self, request: Message) -> None:
        from napari_bravais.io.electron_image import image_named

        image = image_named(self._opened(), request["name"])
        self._say("image", request, {"image": image.data}, image=image_facts(image))

    def _warm_up(self) -> None:
        """While nobody asks, show the network a pattern of this size: the first one takes long."""
        if self._scan is None or self._classifier is None or self._scan is self._warmed_up:
            return
        self._warmed_up = self._scan
        with suppress(Exception):  # what is wrong shows, and is told, when the user asks
            pattern = self._scan.patterns[0, 0].compute()
            self._classifier.assess(pattern[None])
            self._classifier.explain(pattern)
            self._classifier.prepare(pattern)

    def _seen(self, request: Message) -> "Scan":
        """Return the scan that is open, as the request says that it is seen."""
        return Seen.by(request["seen"]).of(self._opened())

    def _opened(self) -> "Scan":
        if self._scan is None:
            raise ValueError("no scan is open")
        return self._scan


def _plain(error: Exception) -> str:
    """Return what a user should read of an error."""
    from napari_bravais.io.scan import ScanError
    from napari_bravais.model.classifier import ModelError

    if isinstance(error, ScanError | ModelError | OSError | ValueError) and str(error):
        return str(error)
    return f"unexpected {type(error).__name__}: {error}"


def main() -> None:
    """Serve whoever started this process."""
    # Libraries print what they like; messages go where none of them can reach.
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    give_way()
    # Ctrl-C is meant for the program that started this one, which ends it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    inbox = Inbox()
    threading.Thread(target=inbox.fill, args=(requests,), name="inbox", daemon=True).start()
    Worker(inbox, lambda message: write_message(answers, message), *sys.argv[1:]).run()


if __name__ == "__main__":
    main()
