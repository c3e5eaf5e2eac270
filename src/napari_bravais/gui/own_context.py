"""What napari's canvas, vispy, frees is freed where it was made: in the canvas's own GL context."""

from napari._vispy.canvas import VispyCanvas


def free_in_own_context() -> None:
    """Let napari free what a layer drew with in the GL context of the canvas, not in any other.

    When a layer is removed napari has vispy delete its shader programs at once. Between two frames
    it is Qt's context that is current, the one which puts the window together; a program deleted
    there stays bound in the canvas's own, and Mesa crashes at one of the next frames.
    """
    clean = getattr(VispyCanvas, "_clean_and_update_scenegraph", None)
    if clean is None or hasattr(clean, "plain"):  # another napari, or another window of the process
        return

    def clean_in_own_context(canvas: VispyCanvas) -> None:
        canvas._scene_canvas.set_current()
        clean(canvas)

    clean_in_own_context.plain = clean
    VispyCanvas._clean_and_update_scenegraph = clean_in_own_context
