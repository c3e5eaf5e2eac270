"""The electron images of a scan: stored ones, virtual ones, and one that the user lays over it."""

from pathlib import Path

import numpy as np
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QFileDialog

from napari_bravais.gui.notices import tell_error
from napari_bravais.gui.scene import IMAGE, Scene
from napari_bravais.gui.sections.scan import ScanSection
from napari_bravais.io.electron_image import read_image, resampled
from napari_bravais.io.scan import ElectronImage
from napari_bravais.mapping.messages import Message
from napari_bravais.mapping.service import ClassifierService

_FILTER = "Images (*.tif *.tiff *.png *.jpg *.bmp)"


class Images(QObject):
    """Chooses which image of the scanned area stands beside and under the map.

    Parameters
    ----------
    scene
        Where it is shown.
    section
        The panel's section with the choice.
    service
        What reads or makes images of the scan.

    Attributes
    ----------
    request
        Number of the request whose answer is waited for, or None.
    """

    def __init__(self, scene: Scene, section: ScanSection, service: ClassifierService, changed):
        super().__init__(section)
        self._scene, self._section, self._service = scene, section, service
        self._changed = changed
        self._images: dict[str, ElectronImage] = {}
        self._affines: dict[str, np.ndarray] = {}  # of the images that the user has aligned
        self._names: list[str] = []
        self._current = ""
        self.request: int | None = None
        section.image_chosen.connect(self.choose)
        section.add_image_clicked.connect(self._ask_and_add)
        section.align_toggled.connect(self._align)

    def open(self, message: Message) -> ElectronImage:
        """Begin with the images of another scan; return the one to show."""
        image = image_of(message)
        self._section.align_button.setChecked(False)
        self._images, self._affines = {image.name: image}, {}
        self._names, self._current = list(message["images"]), image.name
        self.request = None
        self._show_choice()
        return image

    @property
    def current(self) -> ElectronImage | None:
        """The image that is shown, as it lies on the map."""
        if IMAGE not in self._scene.places:
            return None
        image = self._images[self._current]
        affine = self._affine()
        if np.allclose(affine, np.eye(3)):
            return image
        scan = self._scene.scan
        return resampled(image, affine, scan["navigation_shape"], scan["step"])

    def choose(self, name: str) -> None:
        """Show an image by its name."""
        if name in self._images:
            self._show(self._images[name])
        else:
            self.request = self._service.image(name)

    def take(self, message: Message) -> None:
        """Show the image that the service sends."""
        if message["id"] == self.request:
            self.request = None
            self._show(image_of(message))

    def stop_waiting(self) -> None:
        """Wait no more for an image."""
        self.request = None
        self._show_choice()

    def add(self, path: Path) -> None:
        """Lay an image file over the whole map."""
        if self._scene.scan is None:
            tell_error("Open a scan first: the image is laid over its map.")
            return
        try:
            data = read_image(path)
        except Exception as error:  # each image format raises its own
            tell_error(f"{path.name} cannot be shown: {error}")
            return
        step = np.divide(self._scene.extent, data.shape[:2])
        offset = (step - self._scene.scan["step"]) / 2
        if path.name not in self._names:
            self._names.insert(0, path.name)
        self._show(ElectronImage(path.name, data, tuple(step.tolist()), tuple(offset.tolist())))

    def _show(self, image: ElectronImage) -> None:
        self._section.align_button.setChecked(False)
        self._images[image.name] = image
        if image.name == self._current and IMAGE in self._scene.places:
            self._affines.pop(image.name, None)
        elif IMAGE in self._scene.places:
            self._affines[self._current] = self._affine()
        self._current = image.name
        self._scene.set_image(image)
        if image.name in self._affines:
            self._layer.affine = self._affines[image.name]
        self._show_choice()
        self._changed()

    def _show_choice(self) -> None:
        self._section.show_images(self._names, self._current)

    @property
    def _layer(self):
        return self._scene.places[IMAGE].layer

    def _affine(self) -> np.ndarray:
        return np.asarray(self._layer.affine.affine_matrix)[-3:, -3:]

    def _align(self, on: bool) -> None:
        """Let the user move the image with napari's own tool, or end that."""
        if IMAGE not in self._scene.places:
            return
        self._scene.activate(IMAGE)
        self._layer.mode = "transform" if on else "pan_zoom"
        if not on:
            self._changed()

    def _ask_and_add(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self._section, "Lay an image over the map", "", _FILTER
        )
        if path:
            self.add(Path(path))


def image_of(message: Message) -> ElectronImage:
    """Return the electron image that a message of the service brings."""
    facts = message["image"]
    return ElectronImage(
        facts["name"],
        message.arrays["image"],
        tuple(facts["step"]),
        tuple(facts["offset"]),
        facts["virtual"],
    )
