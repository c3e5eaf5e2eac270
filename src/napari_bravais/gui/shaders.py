"""What makes changes of the layout quick where napari's canvas, vispy, works things out again."""

import time

from qtpy.QtCore import QTimer
from vispy.gloo.program import Program
from vispy.visuals import Visual

#: Seconds for which shaders are built before the window lives again.
_SPELL = 0.025

#: Milliseconds from a change of the layout to the first spell: the frame in between is empty.
_PAUSE = 10

#: Seconds after a change of the layout in which shaders are built by spells.
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
    """Shaders built by spells: what is not drawn within one is drawn in the next frame.

    After a change of the layout all of a dozen visuals have to be built anew, each for some ten
    milliseconds where there is no GPU, and vispy would build them all before the window lives
    again.
    """

    def __init__(self):
        self._settled = self._end = 0.0
        self._under_way = False

    def begin(self) -> None:
        """Begin now, with the layout changed: the first spell comes when the window lives again."""
        now = time.perf_counter()
        self._settled, self._end = now + _SETTLING, now
        self._rest(_PAUSE)

    def may_build(self) -> bool:
        """Tell whether shaders may be built in this frame."""
        now = time.perf_counter()
        if now > self._settled:
            return True
        if not self._under_way:
            self._end = now + _SPELL
            self._rest(0)
        return now < self._end

    def _rest(self, milliseconds: int) -> None:
        self._under_way = True
        QTimer.singleShot(milliseconds, self._rested)

    def _rested(self) -> None:
        self._under_way = False


def build_by_spells() -> Spells:
    """Let vispy build shaders by spells; return what is to be told of changes of the layout.

    A vispy that does it otherwise is left alone.
    """
    draw = Visual.draw
    if hasattr(draw, "spells"):  # another window of this process
        return draw.spells
    spells = Spells()

    def draw_or_wait(visual: Visual) -> None:
        if getattr(visual._program, "_need_build", False) and not spells.may_build():
            visual.update()  # in the next frame
        else:
            draw(visual)

    draw_or_wait.spells = spells
    Visual.draw = draw_or_wait
    return spells
