"""What makes changes of the layout quick where napari's canvas, vispy, works things out again."""

from vispy.gloo.program import Program


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
