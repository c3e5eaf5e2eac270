"""The phases of the map: how many there are, of which lattice, and perhaps of which material."""

from html import escape

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLineEdit, QProgressBar

from napari_bravais.gui.section import Section, button, label, row
from napari_bravais.gui.spheres_view import SpheresView
from napari_bravais.gui.texts import time_left
from napari_bravais.mapping.phase_map import percentage
from napari_bravais.mapping.pooled_map import NOTHING_FITS, PooledPhase
from napari_bravais.mapping.shown_map import MapClass


class PhasesSection(Section):
    """Find phases, and say what they are."""

    find_clicked = Signal(str)  # the elements present, as the user typed them
    symmetry_clicked = Signal()
    cancel_clicked = Signal()
    map_clicked = Signal()

    def __init__(self):
        super().__init__(
            "Phases",
            "Which grains are of one phase, and what all of its orientations say together.",
        )
        self.elements_edit = QLineEdit()
        self.elements_edit.setPlaceholderText("elements, such as Si, O, Ti")
        self.elements_edit.setAccessibleName("Elements present")
        self.elements_edit.setToolTip(
            "Elements present, with commas between them, if you know them: of the materials that "
            "the network knows, only those made of them are proposed"
        )
        self.find_button = button(
            "Find phases",
            "Group the grains of the map into phases, and pool the evidence of all orientations of "
            "each: one lattice a phase, and the materials that it may be",
            self.find_clicked,
            self.elements_edit.text,
        )
        # as by the button, which may be off: then nothing happens
        self.elements_edit.returnPressed.connect(self.find_button.click)
        self.hint_label = label(
            "On simulated maps three of four pixels are right by themselves, and 99 of 100 by the "
            "phases of known materials (docs/pooling.md)"
        )
        self.hint_label.setText(
            "The map is the network's answer to each pixel by itself. Find phases, and all "
            "patterns of a phase answer together: they are more often right."
        )
        self.symmetry_button = button(
            "Symmetry",
            "Assemble the patterns of each phase to one sphere, whatever the phase and however its "
            "grains lie, and find the sphere's rotation axes: crystal system and Laue group. Half "
            "a minute or more a phase; twelve grains are needed, and the pattern centre",
            self.symmetry_clicked,
        )
        self.cancel_button = button("Cancel", "Stop looking", self.cancel_clicked)
        self.progress_bar = QProgressBar()
        self.progress_bar.setToolTip("How far the search for phases, or for their symmetry, is")
        self.result_label = label(
            "Each phase: its lattice with the probability that all its orientations give together, "
            "its share of the classified area, and the likeliest materials. Patterns are held "
            "against what these would show, at the pattern centre by which known materials fit "
            "best: a correlation well under the patterns' quality says that the phase is none of "
            "them"
        )
        self.result_label.setTextFormat(Qt.TextFormat.RichText)
        self.result_label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.map_button = button(
            "Map again by it",
            "Take this pattern centre under Scan, and map the scan again: the network, told where "
            "the pattern centre is, reads more patterns right",
            self.map_clicked,
        )
        self.spheres = SpheresView()
        controls = row(self.elements_edit, self.find_button, stretch=0)
        self.contents.addLayout(controls)
        self.contents.addWidget(self.hint_label)
        self.contents.addLayout(row(self.symmetry_button, self.cancel_button))
        self.contents.addWidget(self.progress_bar)
        self.contents.addWidget(self.result_label)
        self.contents.addLayout(row(self.map_button))
        self.contents.addWidget(self.spheres)
        self.show_phases([], [])
        self.show_enabled(can_find=False, found=False, finding=False)

    def show_enabled(self, *, can_find: bool, found: bool, finding: bool) -> None:
        """Enable the buttons that make sense now."""
        self.find_button.setEnabled(can_find and not finding)
        self.symmetry_button.setEnabled(can_find and found and not finding)
        self.cancel_button.setEnabled(finding)
        self.progress_bar.setVisible(finding)
        self.hint_label.setVisible(can_find and not found and not finding)

    def show_progress(self, what: str, done: int, total: int, rate: float = 0.0) -> None:
        """Show how far the search is, and of what; with a total of zero, that it goes on.

        ``rate`` is how much of it is done a second, zero while unknown.
        """
        self.progress_bar.setRange(0, total)
        self.progress_bar.setValue(done)
        text = f"{what} {done:,} of {total:,}{time_left(done, total, rate)}"
        self.progress_bar.setFormat(text if total else "")

    def show_phases(
        self,
        phases: list[PooledPhase],
        classes: list[MapClass],
        note: str = "",
        better_centre: bool = False,
    ) -> None:
        """Say the phases, in the colours that they have on the map.

        Parameters
        ----------
        phases
            The phases, the largest first.
        classes
            Name and colour of each.
        note
            What else is to be said.
        better_centre
            Whether it says a pattern centre that the map does not go by.
        """
        rows = [_row(phase, entry) for phase, entry in zip(phases, classes, strict=True)]
        head = "<tr><td></td><td></td><td align=right>&nbsp; of classified</td></tr>"
        table = f"<table width='100%'>{head}{''.join(rows)}</table>" if rows else ""
        self.result_label.setText(table + (f"<p>{escape(note)}</p>" if note else ""))
        self.result_label.setVisible(bool(rows or note))
        self.map_button.setVisible(better_centre)


def _row(phase: PooledPhase, entry: MapClass) -> str:
    """Return what is said of a phase, as rows of a table in HTML."""
    name = phase.lattice.name.replace(" ", "&nbsp;")  # else its probability has a line of its own
    lattice = f"{phase.number + 1}: <i>{phase.lattice.pearson}</i>&nbsp;{name}"
    likely = [f"{escape(name)} {probability:.0%}" for name, _, probability in phase.candidates]
    if likely and phase.correlation is not None:
        likely[0] += f" (correlation {phase.correlation:.2f})"
    materials = f"{NOTHING_FITS}: try Symmetry"
    if likely:
        materials = f"perhaps {' · '.join(likely)}"
    elif phase.excluded:
        materials = escape(phase.what)
    return (
        f"<tr><td><span style='color: {entry.colour}'>■</span>&nbsp;</td>"
        f"<td>{lattice},&nbsp;{phase.probability:.0%}</td>"
        f"<td align=right>{percentage(phase.fraction)}</td></tr>"
        f"<tr><td></td><td colspan=2><small>{phase.evidence}: {materials}</small></td></tr>"
    )
