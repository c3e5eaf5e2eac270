"""Make the screenshots of the docs, by driving a real window with a real mouse.

Needs Xvfb and xdotool: ``python docs/make_screenshots.py``.
"""

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from napari_bravais.gui import screen
from napari_bravais.gui.settings import HELD, NOT_HELD

FOLDER = Path(__file__).parent / "screenshots"


class Film:
    """A window, a mouse and a camera.

    Parameters
    ----------
    widget
        Name of the plugin's widget.
    """

    def __init__(self, widget: str):
        import napari

        self.viewer = napari.Viewer()
        self.viewer.window.set_geometry(0, 0, *screen.SIZE)
        _, self.panel = self.viewer.window.add_plugin_dock_widget("napari-bravais", widget)
        self.wait(2)

    def wait(self, until) -> None:
        """Let the window live for some seconds, or until something is so; fail if it never is."""
        from qtpy.QtWidgets import QApplication

        end = time.monotonic() + (600 if callable(until) else until)
        while time.monotonic() < end and not (callable(until) and until()):
            QApplication.processEvents()
            time.sleep(0.005)
        if callable(until) and not until():
            raise TimeoutError("waited in vain")

    def point(self, x: int, y: int, *, click: bool = True) -> None:
        """Move the mouse to a place on the screen, and click."""
        subprocess.run(["xdotool", "mousemove", str(x), str(y)], check=True)
        self.wait(0.3)
        if click:
            subprocess.run(["xdotool", "click", "1"], check=True)
            self.wait(0.3)

    def answered(self) -> None:
        """Wait until the inspected pixel is explained."""
        self.wait(lambda: self.panel.controller.inspector.request is None)

    def press(self, widget) -> None:
        """Click in the middle of one of the panel's widgets."""
        self.panel.ensureWidgetVisible(widget)
        self.wait(0.1)
        self._press(widget)

    def agree_to(self, widget) -> None:
        """Press one of the panel's buttons that asks first, and agree."""
        from qtpy.QtCore import QTimer
        from qtpy.QtWidgets import QApplication

        def agree() -> None:
            box = QApplication.activeModalWidget()
            self._press(next(each for each in box.buttons() if each != box.defaultButton()))

        QTimer.singleShot(1000, agree)
        self.press(widget)

    def _press(self, widget) -> None:
        middle = widget.mapToGlobal(widget.rect().center())
        self.point(middle.x(), middle.y())

    def point_at(self, place: int, row: int, column: int, *, click: bool = True) -> None:
        """Move the mouse to a pixel of the image (place 0) or of the map (place 1), and click."""
        canvas = self.viewer.window._qt_viewer.canvas.native
        map_rows, map_columns = self.viewer.layers[0].data.shape
        height, width = self.viewer.canvas.size
        places = self.viewer.canvas.grid.actual_shape(self.viewer.layers)
        tall, wide = height / places[0], width / places[1]
        zoom = self.viewer.scene.camera.zoom * self.viewer.layers[0].scale[0]
        from qtpy.QtCore import QPoint

        x = (place % places[1] + 0.5) * wide + (column - (map_columns - 1) / 2) * zoom
        y = (place // places[1] + 0.5) * tall + (row - (map_rows - 1) / 2) * zoom
        at = canvas.mapToGlobal(QPoint(round(x), round(y)))
        self.point(at.x(), at.y(), click=click)

    def take(self, name: str) -> None:
        """Take a picture of the whole screen, as a user sees it."""
        from qtpy.QtWidgets import QApplication

        self.wait(0.5)
        picture = QApplication.primaryScreen().grabWindow(0)
        path = FOLDER / f"{name}.png"
        picture.save(str(path))
        print(f"{path} ({path.stat().st_size // 1000} kB)")


def map_and_inspect(film: Film) -> None:
    """Open the sample, map, cancel, map again, click."""
    panel = film.panel
    film.viewer.open_sample("napari-bravais", "quartz_rutile")
    film.wait(lambda: panel.map.map_button.isEnabled())
    film.wait(lambda: " on " in panel.map.classifier_label.text())
    film.wait(3)  # until all is drawn
    film.take("1-opened")
    film.press(panel.map.map_button)
    film.wait(lambda: panel.map.progress_bar.value() > panel.map.progress_bar.maximum() / 3)
    film.take("2-mapping")
    film.press(panel.map.cancel_button)
    film.wait(lambda: panel.map.map_button.isEnabled())
    film.take("3-cancelled")
    film.agree_to(panel.map.map_button)
    film.wait(1)
    film.wait(lambda: panel.map.map_button.isEnabled())
    film.point_at(1, 34, 20, click=False)
    film.take("4-mapped")
    film.point_at(1, 33, 44)
    film.answered()
    film.take("5-inspected")


def hold(film: Film) -> None:
    """Hold the inspected pixel against known materials."""
    panel = film.panel
    display, holding = panel.controller.display, panel.controller.holding
    display.change(known=HELD)
    film.wait(lambda: holding.request is None)
    film.wait(1)  # until it is scrolled into sight
    film.take("held")
    display.change(known=NOT_HELD)


def adjust(film: Film) -> None:
    """Set threshold and smoothing, take it back; pin pixels."""
    panel, display = film.panel, film.panel.controller.display
    display.change(smoothing=2)
    display.change(quality_threshold=0.6)
    film.panel.verticalScrollBar().setValue(0)
    film.take("6-smoothed")
    for _ in range(2):
        film.press(panel.map.undo_button)
    for row, column in ((10, 10), (20, 60), (33, 44)):
        panel.controller.inspect((row, column))
        film.answered()
        film.press(panel.inspect.pin_button)
    film.take("7-pinned")


def find_phases(film: Film) -> None:
    """Find the phases and their symmetry; then put their map aside."""
    panel = film.panel
    panel.inspect.pins.clear()
    film.press(panel.phases.find_button)
    film.wait(lambda: panel.phases.find_button.isEnabled())
    film.wait(1)
    panel.ensureWidgetVisible(panel.phases, 0, 4)
    film.take("8-phases")
    film.press(panel.phases.symmetry_button)
    film.wait(lambda: panel.phases.find_button.isEnabled())
    film.wait(1)
    panel.ensureWidgetVisible(panel.phases.spheres, 0, 4)
    film.take("symmetry")
    panel.compare.shown_changed.emit("Phases", False)


def compare(film: Film) -> None:
    """Index by Hough transform, swipe, blend."""
    panel, display = film.panel, film.panel.controller.display
    panel.compare.phases_edit.setText("quartz, rutile")
    film.press(panel.compare.hough_button)
    film.wait(lambda: panel.controller.comparing.comparison is not None)
    film.wait(1)
    film.press(panel.compare.next_button)
    film.answered()
    panel.ensureWidgetVisible(panel.export.all_button)
    film.take("9-compared")
    display.change(view="swipe")
    film.take("10-swipe")
    panel.compare.pair_chosen.emit("Electron image", "Bravais lattices")
    display.change(view="blend")
    film.take("11-blend")
    display.change(view="side by side")
    for name in ("Other map", "Difference"):
        panel.compare.shown_changed.emit(name, False)


def export(film: Film) -> None:
    """Export the map through the dialog."""
    panel = film.panel
    film.wait(3)  # until the layout has settled

    def in_dialog() -> None:
        for step in (["type", str(target)], ["key", "Return"]):
            subprocess.run(["xdotool", *step], check=True)

    from qtpy.QtCore import QTimer

    with TemporaryDirectory() as folder:
        target = Path(folder) / "map.png"
        QTimer.singleShot(4000, lambda: film.take("12-exporting"))
        QTimer.singleShot(8000, in_dialog)
        film.press(panel.export.figure_button)
        film.wait(lambda: target.exists() and panel.export.figure_button.isEnabled())
        film.take("13-exported")


def average(film: Film) -> None:
    """Map the sample in noise, each pattern by itself; then averaged with those around."""
    import kikuchipy as kp
    import numpy as np

    from napari_bravais.gui.settings import AVERAGED
    from napari_bravais.io.sample_data import quartz_rutile_sample_path
    from napari_bravais.io.scan import open_scan

    panel = film.panel
    patterns = open_scan(quartz_rutile_sample_path()).patterns.compute().astype(float)
    patterns += np.random.default_rng(0).normal(0, 22, patterns.shape)  # twice their deviation
    with TemporaryDirectory() as folder:
        path = Path(folder) / "noisy.h5"
        kp.signals.EBSD(patterns.clip(0, 255).astype(np.uint8)).save(path)
        panel.controller.open(path)
        film.wait(lambda: panel.scan.file_label.text().startswith(path.name))
        film.wait(lambda: panel.map.map_button.isEnabled())
        for name in ("noisy", "noisy-averaged"):
            if name == "noisy":
                film.press(panel.map.map_button)
            else:
                panel.controller.display.change(averaging=AVERAGED)
                film.agree_to(panel.map.map_button)
            film.wait(1)
            film.wait(lambda: panel.map.map_button.isEnabled())
            panel.verticalScrollBar().setValue(0)
            film.take(name)


def read_structure(film: Film) -> None:
    """Read silicon without a quarter of its atoms."""
    import numpy as np
    from ase.build import bulk
    from ase.io import write

    from napari_bravais.fingerprint.defects import supercell, thinned

    silicon = supercell(bulk("Si", "diamond", a=5.43, cubic=True))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "silicon-25-vacancies.cif"
        write(path, thinned(silicon, 0.25, np.random.default_rng(0)))
        film.panel.open(path)
        film.wait(lambda: "Si162" in film.panel.status_label.text())
    film.take("../fingerprint/window")


def main() -> None:
    """Make all screenshots."""
    FOLDER.mkdir(exist_ok=True)
    hidden = screen.start_screen()
    screen.forget_preferences()
    try:
        film = Film("Bravais lattice map")
        map_and_inspect(film)
        hold(film)
        adjust(film)
        find_phases(film)
        compare(film)
        export(film)
        film.viewer.theme = "light"
        film.take("14-light")
        film.viewer.close()
        film = Film("Bravais lattice map")
        film.viewer.theme = "dark"
        average(film)
        film.viewer.close()
        film = Film("Structure")
        read_structure(film)
        film.viewer.close()
    finally:
        hidden.terminate()


if __name__ == "__main__":
    sys.exit(main())
