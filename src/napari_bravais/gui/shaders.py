"""What makes changes of the layout quick where napari's canvas, vispy, works things out again."""

import time
from contextlib import suppress
from functools import partial
from weakref import WeakSet

from napari._vispy.canvas import VispyCanvas
from qtpy.QtCore import QTimer
from qtpy.QtGui import QImage
from vispy.gloo.program import Program
from vispy.visuals import Visual

#: Seconds for which visuals are built before the window lives again.
_SPELL = 0.006

#: Milliseconds from a change of the layout to the first spell: the last picture stays till then.
_PAUSE = 30

#: Seconds after a change of the layout in which visuals are built by spells.
_SETTLING = 2.0


def remember_shaders() -> None:
    """Let vispy read the variables of each shader's code once, not whenever a layer moves.

    A layer that gets another place in the grid has its shaders built anew, from the very code they
    had; half of the time went into regular expressions over it. Nothing is different but that.
    A vispy that does it otherwise is left alone.
    """
    read, known = getattr(Program, "_parse_variables_from_code", None), {}
    if read is None or hasattr(read, "known"):  # by another window of this process
        return

    def look_up(program: Program, update_variables: bool = True) -> None:
        code = tuple(shader.code for shader in program.shaders)
        if code not in known:
            read(program, update_variables=False)
            known[code] = program._code_variables
        program._code_variables = dict(known[code])
        if update_variables:
            program._process_pending_variables()

    look_up.known = known
    Program._parse_variables_from_code = look_up


class Spells:
    """Visuals built by spells: what is not drawn within one is drawn in the next frame.

    After a change of the layout dozens of visuals are built anew when they are drawn, for some five
    milliseconds each where there is no GPU, and vispy would build them all before the window lives
    again.
    """

    def __init__(self):
        self._settled = self._end = 0.0
        self._under_way = False
        self._rests = 0
        self._built: WeakSet[Visual] = WeakSet()
        self._waiting: WeakSet[Visual] = WeakSet()
        self._held: WeakSet[VispyCanvas] = WeakSet()

    def begin(self, canvas: VispyCanvas) -> None:
        """Begin now, with the layout changed: the first spell comes when the window has lived."""
        self._hold(canvas)
        now = time.perf_counter()
        self._settled, self._end = now + _SETTLING, now
        self._built.clear()
        self._rest(_PAUSE)

    def put_off(self) -> None:
        """Let the window live again before the first spell, if that has not come yet."""
        if self._held:
            self._rest(_PAUSE)

    def end(self) -> None:
        """Let everything be drawn from now on."""
        self._settled = 0.0
        self._let_go()

    def may_draw(self, visual: Visual) -> bool:
        """Tell whether a visual may be drawn in this frame: it is built, or there is time."""
        now = time.perf_counter()
        if now > self._settled or visual in self._built:
            return True
        if not self._under_way:
            self._end = now + _SPELL
            self._rest(0)
        if now < self._end:
            self._built.add(visual)
            return True
        self._waiting.add(visual)
        return False

    def _hold(self, canvas: VispyCanvas) -> None:
        """Keep the canvas's last picture, which Qt may show again, until it is let go."""
        if canvas not in self._held:
            self._held.add(canvas)
            # not by `setUpdatesEnabled`: the window might be painted over where the canvas is
            canvas.native.setUpdateBehavior(canvas.native.UpdateBehavior.PartialUpdate)
            canvas._scene_canvas.events.draw.block()

    def _let_go(self) -> None:
        for canvas in self._held:
            canvas._scene_canvas.events.draw.unblock()
            with suppress(RuntimeError):  # closed meanwhile
                canvas.native.update()
        self._held.clear()

    def _rest(self, milliseconds: int) -> None:
        self._under_way = True
        self._rests += 1
        QTimer.singleShot(milliseconds, partial(self._rested, self._rests))

    def _rested(self, rest: int) -> None:
        if rest != self._rests:  # the layout has changed again since: its pause counts
            return
        self._under_way = False
        self._let_go()
        waiting, self._waiting = self._waiting, WeakSet()
        for visual in waiting:
            visual.update()  # asks for the next frame; while one is drawn it would be in vain


def build_by_spells() -> Spells:
    """Let vispy build visuals by spells; return what is to be told of changes of the layout.

    A screenshot shows all of them.
    """
    draw, screenshot = Visual.draw, VispyCanvas.screenshot
    if hasattr(draw, "spells"):  # another window of this process
        return draw.spells
    spells = Spells()

    def draw_or_wait(visual: Visual) -> None:
        if spells.may_draw(visual):
            draw(visual)

    def whole_screenshot(canvas: VispyCanvas) -> QImage:
        spells.end()
        return screenshot(canvas)

    draw_or_wait.spells = spells
    Visual.draw, VispyCanvas.screenshot = draw_or_wait, whole_screenshot
    return spells
