"""The dock widget: its sections from top to bottom; what they do is the controllers' business."""

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QFrame,
    QScrollArea,
    QScrollBar,
    QVBoxLayout,
    QWidget,
)

from napari_bravais.gui.notices import NoticeBar
from napari_bravais.gui.sections.compare import CompareSection
from napari_bravais.gui.sections.export import ExportSection
from napari_bravais.gui.sections.inspect import InspectSection
from napari_bravais.gui.sections.map import MapSection
from napari_bravais.gui.sections.phases import PhasesSection
from napari_bravais.gui.sections.scan import ScanSection

#: The least width, in pixels, so that the panel seldom need grow with the legend.
_WIDTH = 392

#: Pixels between the notice and all else.
_GAP = 4


class Panel(QScrollArea):
    """Scan, Map, Phases, Inspect, Compare, Export, from top to bottom."""

    def __init__(self):
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scan, self.map, self.phases = ScanSection(), MapSection(), PhasesSection()
        self.inspect, self.compare = InspectSection(), CompareSection()
        self.export = ExportSection()
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(6, 0, 6, 6)
        layout.setSpacing(2)
        for section in self.sections:
            layout.addWidget(section)
        layout.addStretch()
        self.setWidget(content)
        self.notice = NoticeBar(self)
        self.notice.changed.connect(self._place_notice)
        # before what the buttons start, which may go wrong at once
        for started in self._starting:
            started.connect(self.notice.clear)
        content.installEventFilter(self)
        for kind in (QAbstractSlider, QAbstractSpinBox, QComboBox):
            for control in content.findChildren(kind):
                if control.focusPolicy() == Qt.FocusPolicy.WheelFocus:
                    control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
                if not isinstance(control, QScrollBar):
                    control.installEventFilter(self)

    @property
    def sections(self) -> tuple[QWidget, ...]:
        """The sections, from top to bottom."""
        return self.scan, self.map, self.phases, self.inspect, self.compare, self.export

    @property
    def _starting(self) -> tuple:
        """The signals of the buttons that start something; what went wrong before is past then."""
        return (
            self.scan.open_clicked,
            self.scan.add_image_clicked,
            self.map.map_clicked,
            self.phases.find_clicked,
            self.phases.symmetry_clicked,
            self.inspect.save_clicked,
            self.compare.hough_clicked,
            self.compare.open_clicked,
            self.compare.cif_clicked,
            self.export.figure_clicked,
            self.export.phases_clicked,
            self.export.all_clicked,
        )

    def reveal_inspection(self) -> None:
        """Scroll to the inspected pixel, which a long legend may have pushed out of sight."""
        if self.inspect.heading.isChecked():
            self.ensureWidgetVisible(self.inspect.pin_button, 0, 4)
            self.ensureWidgetVisible(self.inspect.pixel_label, 0, 4)

    def scroll_to_top(self) -> None:
        """Show what is open."""
        self.verticalScrollBar().setValue(0)

    def fit(self) -> None:
        """Be wide enough for the contents and the scroll bar."""
        width = max(_WIDTH, self.widget().minimumSizeHint().width())
        # napari's style gives the bar more room than the bar asks for
        bar = self.verticalScrollBar().sizeHint().width()
        self.setMinimumWidth(width + max(bar, self.width() - self.viewport().width()))

    def _place_notice(self) -> None:
        """Lay the notice above all that scrolls."""
        width = self.width() - self.verticalScrollBar().width() - 2 * _GAP
        height = self.notice.heightForWidth(width)
        room = height + 2 * _GAP if self.notice.isVisibleTo(self) else 0
        self.setViewportMargins(0, room, 0, 0)
        self.notice.setGeometry(_GAP, _GAP, width, height)

    def resizeEvent(self, event) -> None:
        """Lay the notice out anew."""
        super().resizeEvent(event)
        self._place_notice()

    def eventFilter(self, watched, event) -> bool:
        """Make room when the contents need more; keep the wheel from controls it only passes."""
        is_content = watched is self.widget()
        # Qt asks here for the scroll bars too, which have to turn with the wheel
        is_control = self.widget().isAncestorOf(watched)
        if event.type() == QEvent.Type.Wheel and is_control and not watched.hasFocus():
            event.ignore()
            return True
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize) and is_content:
            self.fit()
        return super().eventFilter(watched, event)

    def showEvent(self, event) -> None:
        """Make room, now that the fonts are known."""
        super().showEvent(event)
        self.fit()
