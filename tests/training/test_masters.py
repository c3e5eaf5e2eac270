"""A folder of master patterns; what simulates them is tested where it is installed."""

import numpy as np

from napari_bravais import catalogue
from napari_bravais.training.masters import MasterFolder


def test_two_processes_may_fill_a_folder(tmp_path):
    nickel, quartz = catalogue.find("nickel"), catalogue.find("quartz")
    master = np.zeros((2, 5, 5), np.uint8)
    one, other = MasterFolder(tmp_path), MasterFolder(tmp_path)
    one.add(nickel, 20, master, "a simulator")
    other.add(quartz, 20, master, "a simulator")
    again = MasterFolder(tmp_path)
    assert again.holds(nickel, 20) and again.holds(quartz, 20)
    assert not again.holds(nickel, 30)
