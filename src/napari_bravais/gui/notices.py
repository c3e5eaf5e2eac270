"""What went wrong, told as napari tells it, and kept in the panel's sight until it is read.

napari's own notification shows half a line of a message and is gone after four seconds.
"""

import re

from napari.utils.notifications import (
    Notification,
    NotificationSeverity,
    notification_manager,
)
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QSizePolicy,
    QStyle,
    QToolButton,
    QWidget,
)

from napari_bravais.gui.section import label

_ICON_SIZE = 20

#: Frames of errors and of warnings, seen on dark and on light.
_ERROR_COLOUR, _WARNING_COLOUR = "#d55e00", "#e69f00"


class Notice(Notification):
    """A message of napari-bravais."""


def tell_error(text: str) -> None:
    """Tell the user that something failed, and what to do."""
    notification_manager.dispatch(Notice(text, NotificationSeverity.ERROR))


def tell_warning(text: str) -> None:
    """Tell the user that something is not as it was asked for."""
    notification_manager.dispatch(Notice(text, NotificationSeverity.WARNING))


def tell_done(text: str) -> None:
    """Tell the user that something went well, after all."""
    notification_manager.dispatch(Notice(text, NotificationSeverity.INFO))


def agreed(parent: QWidget, deed: str, question: str) -> bool:
    """Ask the user before something is lost; say whether they agree.

    Parameters
    ----------
    parent
        The widget that asks.
    deed
        What the button says that agrees.
    question
        What is asked, and what would be lost.
    """
    box = QMessageBox(QMessageBox.Icon.Question, deed, question, parent=parent)
    yes = box.addButton(deed, QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.exec()
    return box.clickedButton() == yes


class NoticeBar(QFrame):
    """What went wrong last, in full, until it is closed, something goes well, or is started.

    Parameters
    ----------
    parent
        The widget that the bar lies in.
    """

    #: The bar appears, or another notice, or it goes.
    changed = Signal()

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self._icon = QLabel()
        self.text_label = label("What went wrong last")
        # a path without blanks must not make the panel wider
        self.text_label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.close_button = QToolButton()
        self.close_button.setText("✕")
        self.close_button.setToolTip("Close this message")
        self.close_button.clicked.connect(self.clear)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.text_label, 1)
        layout.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()
        notification_manager.notification_ready.connect(self._on_notification)

    def clear(self) -> None:
        """Take the notice away."""
        self.hide()
        self.changed.emit()

    def release(self) -> None:
        """Listen to notifications no more."""
        notification_manager.notification_ready.disconnect(self._on_notification)

    def _on_notification(self, notification: Notification) -> None:
        if not isinstance(notification, Notice):
            return
        if notification.severity == NotificationSeverity.INFO:
            self.clear()
            return
        is_error = notification.severity == NotificationSeverity.ERROR
        kinds = QStyle.StandardPixmap
        kind = kinds.SP_MessageBoxCritical if is_error else kinds.SP_MessageBoxWarning
        self._icon.setPixmap(self.style().standardIcon(kind).pixmap(QSize(_ICON_SIZE, _ICON_SIZE)))
        colour = _ERROR_COLOUR if is_error else _WARNING_COLOUR
        self.setStyleSheet(f"NoticeBar {{ border: 1px solid {colour}; border-radius: 3px; }}")
        # paths may break where words end in them
        self.text_label.setText(re.sub(r"([/\\_.-])", "\\1\u200b", notification.message))
        self.show()
        self.changed.emit()
