"""Which network reads the patterns, and on what: chosen, loaded, or told what is wrong with it."""

from pathlib import Path

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QFileDialog

from napari_bravais.gui.display import Display
from napari_bravais.gui.notices import tell_done, tell_error, tell_warning
from napari_bravais.gui.own_crystals import OwnCrystals
from napari_bravais.gui.scene import Scene
from napari_bravais.gui.sections.map import MapSection
from napari_bravais.gui.settings import Settings
from napari_bravais.mapping.messages import Message
from napari_bravais.mapping.service import AUTOMATIC, GPU, ClassifierService

_FILTER = "Networks (*.keras)"

_LOADING = "Loading the network…"


class Network(QObject):
    """Lets the user choose network and device, and the service use them.

    Parameters
    ----------
    section
        The panel's section with the choice.
    scene
        Where the status line is.
    display
        The settings, among them the choice, and the quality threshold that the network advises.
    service
        What runs the network.
    """

    changed = Signal()  # another is used: answers that were waited for will not come
    loaded = Signal(bool)

    def __init__(
        self, section: MapSection, scene: Scene, display: Display, service: ClassifierService
    ):
        super().__init__(section)
        self._section, self._scene = section, scene
        self._display, self._service = display, service
        self._used = self._told = self._wanted  # the last is what the service was told
        service.use(*self._told)
        section.model_chosen.connect(lambda path: display.change(model=path))
        section.model_asked_for.connect(self._ask)
        self.own_crystals = OwnCrystals(section)
        self.own_crystals.made.connect(self._use_made)
        section.crystals_asked_for.connect(self._ask_for_crystals)
        display.settings_changed.connect(self._follow)
        section.show_network(display.settings)

    def loading(self) -> None:
        """Say that the network is being loaded, which takes a while."""
        self._section.classifier_label.setText(_LOADING)
        self._scene.say(_LOADING)
        self.loaded.emit(False)

    def ready(self, message: Message) -> None:
        """Say what has been loaded."""
        if message["path"] != self._used[0]:
            return  # what was said last by a process that has been replaced
        self._section.classifier_label.setText(f"{message['model']} on {message['device']}")
        self._scene.say("The network is loaded.")
        if self._used[1] == GPU and not message["device"].startswith(GPU):
            self._go_without_gpu()
        self._display.advise(message["quality_threshold"])
        self.loaded.emit(True)

    def failed(self, message: Message) -> None:
        """Say why the network is not loaded; go back to the bundled one."""
        if self._used[0]:
            tell_error(f"{message['text']}. The bundled network is used instead.")
            self._display.change(model="")
        else:
            self._section.classifier_label.setText("The network could not be loaded.")
            tell_error(message["text"])

    @property
    def _wanted(self) -> tuple[str, str]:
        return self._display.settings.model, self._display.settings.device

    def _follow(self, settings: Settings) -> None:
        """Use what the settings say."""
        if self._wanted == self._used:
            return
        self._section.show_network(settings)
        self._used = self._wanted
        if self._used == self._told:  # the GPU again, which the process that runs does not see
            self._go_without_gpu()
            return
        self._told = self._used
        self.loading()
        self.changed.emit()
        self._service.use(*self._told)

    def _go_without_gpu(self) -> None:
        """Go back to the automatic choice, as which the process runs on already: let it run on."""
        tell_warning("No GPU is seen here that the network could run on: the CPU is used.")
        self._used = self._used[0], AUTOMATIC
        self._display.change(device=AUTOMATIC)
        self._section.show_network(self._display.settings)

    def _ask_for_crystals(self) -> None:
        self._section.show_network(self._display.settings)
        self.own_crystals.ask(self._display.settings.model)

    def _use_made(self, path: str) -> None:
        """Use a network that has been made, or that has got to know more."""
        if not self._section.model_box.isEnabled():  # a map under way would end
            tell_done(f"{path} is made. Choose it under Map as soon as this map is done.")
            return
        if path == self._display.settings.model:
            self._display.change(model="")  # what is loaded knows less
        self._display.change(model=path)
        tell_done(f"{Path(path).name} knows the crystals now.")

    def _ask(self) -> None:
        before = self._display.settings.model
        path, _ = QFileDialog.getOpenFileName(
            self._section, "Choose a network", str(Path(before).parent) if before else "", _FILTER
        )
        if path:
            self._display.change(model=path)
        self._section.show_network(self._display.settings)
