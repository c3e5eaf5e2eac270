"""A part of the panel that folds under its heading."""

from collections.abc import Callable, Iterable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget


class Section(QWidget):
    """A heading, and what it opens and closes.

    Parameters
    ----------
    title
        The heading.
    tooltip
        What the section is for.
    """

    def __init__(self, title: str, tooltip: str):
        super().__init__()
        self.heading = QToolButton()
        self.heading.setText(title)
        self.heading.setToolTip(f"{tooltip} Click to fold or unfold.")
        self.heading.setCheckable(True)
        self.heading.setChecked(True)
        self.heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.heading.setStyleSheet(
            "QToolButton { font-weight: bold; border: none; padding: 1px 0px; }"
            "QToolButton:focus { text-decoration: underline; }"
        )
        line = QWidget()
        line.setFixedHeight(1)
        line.setStyleSheet("background: gray;")
        top = QHBoxLayout()
        top.setSpacing(6)
        top.addWidget(self.heading)
        top.addWidget(line, 1)
        self.body = QWidget()
        #: Layout that takes the section's contents.
        self.contents = QVBoxLayout(self.body)
        self.contents.setContentsMargins(0, 0, 0, 0)
        self.contents.setSpacing(3)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(top)
        layout.addWidget(self.body)
        self.heading.toggled.connect(self._fold)
        self._fold(True)

    def _fold(self, is_open: bool) -> None:
        arrow = Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow
        self.heading.setArrowType(arrow)
        self.body.setVisible(is_open)


def label(tooltip: str) -> QLabel:
    """Return an empty label that wraps its text."""
    widget = QLabel()
    widget.setToolTip(tooltip)
    widget.setWordWrap(True)
    widget.setTextFormat(Qt.TextFormat.PlainText)
    return widget


def button(text: str, tooltip: str, clicked, value: Callable | None = None) -> QPushButton:
    """Return a button that emits the signal ``clicked``, with what ``value`` returns if given."""
    widget = QPushButton(text)
    widget.setToolTip(tooltip)
    widget.clicked.connect(lambda: clicked.emit() if value is None else clicked.emit(value()))
    return widget


def order_tabs(before: QWidget, widgets: Iterable[QWidget]) -> None:
    """Let the Tab key go on from one widget to others, made later than what stands below them."""
    for widget in widgets:
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            QWidget.setTabOrder(before, widget)
            before = widget


def row(*widgets: QWidget, stretch: int | None = None) -> QHBoxLayout:
    """Return widgets in a row; the one with index ``stretch`` takes what room is left."""
    layout = QHBoxLayout()
    layout.setSpacing(4)
    for index, widget in enumerate(widgets):
        layout.addWidget(widget, 1 if stretch in (None, index) else 0)
    return layout
