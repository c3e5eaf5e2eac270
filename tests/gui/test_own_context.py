"""What a removed layer drew with is freed in the GL context it was made in."""

import numpy as np
from qtpy.QtGui import QOpenGLContext
from qtpy.QtTest import QTest
from vispy.gloo.glir import GlirProgram


def test_a_removed_layers_programs_are_deleted_in_the_canvass_own_context(shared, monkeypatch):
    canvas = shared.viewer.window._qt_viewer.canvas.native
    layer = shared.viewer.add_image(np.eye(8), name="passing")
    QTest.qWait(500)  # it is drawn
    freed_in, delete = [], GlirProgram.delete

    def see_delete(program: GlirProgram) -> None:
        freed_in.append(QOpenGLContext.currentContext())
        delete(program)

    monkeypatch.setattr(GlirProgram, "delete", see_delete)
    canvas.doneCurrent()  # as it is between two frames
    shared.viewer.layers.remove(layer)
    assert freed_in
    assert all(context is canvas.context() for context in freed_in)
