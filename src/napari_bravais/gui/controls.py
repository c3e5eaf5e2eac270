"""Controls made from the fields of `Settings`: titles, tooltips and limits come from there."""

from typing import Any

from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QLabel, QSpinBox, QWidget
from superqt import QLabeledDoubleSlider, QLabeledSlider

from napari_bravais.gui.settings import TITLED


class Control(QObject):
    """One setting's widget.

    Parameters
    ----------
    name
        Name of the field.

    Attributes
    ----------
    widget
        A slider for a number with limits, a field where it has so many decimals, a box for a
        choice.
    """

    changed = Signal(str, object)  # name, value

    def __init__(self, name: str):
        super().__init__()
        self.name = name
        self.about = TITLED[name].metadata
        self.widget = self._make_widget()
        for part in (self.widget, *self.widget.findChildren(QWidget)):
            part.setToolTip(self.about["tooltip"])
        self.widget.setAccessibleName(self.about["title"])

    def show_value(self, value: Any) -> None:
        """Show a value without telling of a change."""
        self.widget.blockSignals(True)
        if isinstance(self.widget, QComboBox):
            self.widget.setCurrentIndex(self.widget.findText(str(value)))
        else:
            self.widget.setValue(value)
        self.widget.blockSignals(False)

    def add_to(self, form: QFormLayout) -> None:
        """Add title and widget as a row of a form."""
        title = QLabel(self.about["title"])
        title.setToolTip(self.about["tooltip"])
        title.setBuddy(self.widget)
        form.addRow(title, self.widget)

    def _make_widget(self) -> QWidget:
        if "choices" in self.about:
            box = QComboBox()
            box.addItems(self.about["choices"])
            box.textActivated.connect(self._tell)
            return box
        low, high = self.about["limits"]
        if "decimals" in self.about:
            return self._make_field(low, high, self.about["decimals"])
        horizontal = Qt.Orientation.Horizontal
        if isinstance(low, float):
            slider = QLabeledDoubleSlider(horizontal)
            slider.setDecimals(2)
            slider.setSingleStep(0.01)
        else:
            slider = QLabeledSlider(horizontal)
        # negative numbers stand for «automatic» and are not for the mouse
        slider.setRange(max(low, 0), high)
        slider.setPageStep((high - max(low, 0)) / 10 if isinstance(low, float) else 1)
        slider.valueChanged.connect(self._tell)
        return slider

    def _make_field(self, low: float, high: float, decimals: int) -> QWidget:
        field = QDoubleSpinBox() if decimals else QSpinBox()
        if decimals:
            field.setDecimals(decimals)
            field.setSingleStep(0.01)
            # three such fields stand in a row: their digits need the buttons' room
            field.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        field.setRange(low, high)
        field.setSuffix(self.about.get("suffix", ""))
        field.setSpecialValueText(self.about.get("least", ""))
        field.setKeyboardTracking(False)  # half a number is none
        field.valueChanged.connect(self._tell)
        return field

    def _tell(self, value: Any) -> None:
        if isinstance(value, float):
            value = round(value, self.about.get("decimals", 2))
        self.changed.emit(self.name, value)


def form() -> QFormLayout:
    """Return an empty form in the panel's style."""
    layout = QFormLayout()
    layout.setVerticalSpacing(3)
    layout.setHorizontalSpacing(8)
    return layout
