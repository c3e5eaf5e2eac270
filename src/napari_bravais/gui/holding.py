"""The inspected pixel held against known materials, to see which one would show the same."""

from qtpy.QtCore import QObject, QTimer

from napari_bravais.gui.display import Display
from napari_bravais.gui.inspector import Inspector
from napari_bravais.gui.layers import title
from napari_bravais.gui.phases import Phases
from napari_bravais.gui.settings import HELD, Settings, seen_by
from napari_bravais.gui.widget import Panel
from napari_bravais.lattices import LATTICES
from napari_bravais.mapping.messages import Message
from napari_bravais.mapping.service import ClassifierService

#: Milliseconds after which pictures that have come have their place in the panel.
_LAID_OUT = 50


class Holding(QObject):
    """Holds each inspected pixel against known materials, if the settings say so.

    Parameters
    ----------
    panel
        The panel that shows them.
    inspector
        What inspects pixels.
    display
        The settings.
    phases
        What knows the pattern centre, if it found a better one.
    service
        What holds patterns.

    Attributes
    ----------
    request
        Number of the request whose answer is waited for, or None.
    """

    def __init__(
        self,
        panel: Panel,
        inspector: Inspector,
        display: Display,
        phases: Phases,
        service: ClassifierService,
    ):
        super().__init__(panel)
        self._inspector, self._display, self._phases = inspector, display, phases
        self._elements, self._service = panel.phases.elements_edit, service
        self._view = panel.inspect.held
        self._view.hide()
        # the first pictures may come below the panel's edge; later the user may have scrolled
        self._reveal = QTimer(self)
        self._reveal.setSingleShot(True)
        self._reveal.setInterval(_LAID_OUT)
        self._reveal.timeout.connect(lambda: panel.ensureWidgetVisible(self._view, 0, 4))
        self.request: int | None = None
        self._wanted = self._first = False
        self._of: tuple = ()  # pixel, and how it is seen, that is held
        self._answer: Message | None = None
        inspector.asked.connect(self._follow)
        inspector.answered.connect(self._ask)
        phases.located.connect(self._ask)  # by a better pattern centre
        self._view.chosen.connect(self._show_pictures)

    def clear(self) -> None:
        """Forget the materials: another pixel is looked at, or none."""
        self.request = self._answer = None
        self._of = ()
        self._view.say("")

    def stop_waiting(self) -> None:
        """Wait no more for an answer."""
        if self.request is not None:
            self.clear()

    def show_settings(self, settings: Settings) -> None:
        """Follow the settings."""
        wanted = settings.known == HELD
        if wanted == self._wanted:
            return
        self._wanted = self._first = wanted
        self._view.setVisible(wanted)
        self.clear()
        self._ask()

    def take(self, message: Message) -> None:
        """Show what the service says: how far it is, the materials, or why there are none."""
        if message["id"] == self.request:
            {"matching": self._progress, "matched": self._show, "unmatched": self._refused}[
                message.kind
            ](message)

    def _progress(self, message: Message) -> None:
        self._view.say(f"Held against {message['done']} of {message['total']} materials…")

    def _show(self, message: Message) -> None:
        self.request, self._answer = None, message
        rows = [
            f"{name}   ·   {lattice}   ·   {probability:.0%}   ·   correlation {correlation:.2f}"
            for name, lattice, probability, correlation in message["candidates"]
        ]
        self._view.show_materials(_said(message), rows)
        if rows:
            self._show_pictures(0)
        if self._first:
            self._first = False
            self._reveal.start()

    def _refused(self, message: Message) -> None:
        self.request, self._of = None, ()
        if message["reason"] is None:  # only something else came in between
            self._ask()
        else:
            self._view.say(message["reason"])

    def _follow(self, pixel: tuple[int, int]) -> None:
        """Forget the materials of another pixel."""
        if self._of and self._of[0] != pixel:
            self.clear()

    def _ask(self) -> None:
        shown = self._inspector.shown
        if not self._wanted or shown is None or self._inspector.request is not None:
            return
        settings = self._display.settings
        seen, centre = seen_by(settings), self._phases.centre(settings)
        of = shown.pixel, self._elements.text(), seen, centre
        if of == self._of:  # it is only explained once more
            return
        self._of, self._answer = of, None
        self._view.say("Known materials follow…")
        row, column = shown.pixel
        self.request = self._service.match(row, column, *of[1:])

    def _show_pictures(self, number: int) -> None:
        name, lattice, _, correlation = self._answer["candidates"][number]
        title = f"Simulated: {name} ({lattice}), correlation {correlation:.2f}"
        expected = self._answer.arrays["expected"][number]
        self._view.show_pictures(self._inspector.shown.prepared, expected, title)


def _said(message: Message) -> str:
    """Return what is said above the materials."""
    probabilities = message.arrays["probabilities"]
    best = int(probabilities.argmax())
    return (
        f"Held against {message['tried']} known materials: {title(LATTICES[best])}, "
        f"{probabilities[best]:.0%}\nNone of them: {message['none']:.0%}   ·   the right one "
        f"correlates by about {message['quality']:.2f} in this noise"
    )
