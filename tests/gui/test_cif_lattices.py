"""CIF files among the phases of the Hough panel: their lattices by spglib and by fingerprint."""

import os
import signal

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_bravais.fingerprint.defects import thinned
from napari_bravais.gui.cif_lattices import CifLattices
from napari_bravais.gui.sections.compare import CompareSection
from tests.gui.test_structure import wait_until


@pytest.fixture
def section(qapp):
    section = CompareSection()
    section.resize(360, 500)
    section.show()
    lattices = CifLattices(section)
    yield section
    lattices.release()
    section.close()


def test_a_cif_file_has_its_lattice_from_both(section, tmp_path):
    iron = bulk("Fe", "bcc", a=2.87, cubic=True)
    write(tmp_path / "iron.cif", iron)
    write(tmp_path / "holes.cif", thinned(iron.repeat(5), 0.25, np.random.default_rng(0)))
    (tmp_path / "broken.cif").write_text("no crystal")
    assert not section.lattices_label.isVisible()
    QTest.keyClicks(section.phases_edit, f"nickel, {tmp_path / 'iron.cif'}")
    QTest.keyClick(section.phases_edit, Qt.Key.Key_Return)
    assert section.lattices_label.text() == "iron.cif: reading …"
    section.add_phases([str(tmp_path / name) for name in ("holes.cif", "broken.cif")])
    wait_until(lambda: "reading" not in section.lattices_label.text(), "the answers")
    iron, holes, broken = section.lattices_label.text().splitlines()
    assert iron.startswith("iron.cif: cI by spglib, Im-3m (229); cI by fingerprint (body-centred")
    assert "differ" not in iron
    assert holes.startswith("holes.cif: aP by spglib, P1 (1); cI by fingerprint (body-centred")
    assert "They differ" in holes
    assert "ASE cannot read" in broken
    section.phases_edit.setText("nickel")
    QTest.keyClick(section.phases_edit, Qt.Key.Key_Return)
    assert not section.lattices_label.isVisible()


def test_a_process_that_dies_is_told(section, tmp_path):
    lattices = section.findChild(CifLattices)
    section.add_phases([str(tmp_path / "iron.cif")])
    os.kill(lattices._service.pid, signal.SIGKILL)
    wait_until(lambda: "died" in section.lattices_label.text(), "the death")
