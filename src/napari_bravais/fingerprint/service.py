"""``StructureService``: the structure classifier in a process of its own.

TensorFlow and Mesa's GL drivers crash when they share a process (`napari_bravais.mapping.service`
says more), so the window asks through this. Answers come as messages:

============  =====================================================================
``answered``  a structure: ``path``, ``formula``, ``atoms``, ``class`` (its index),
              ``space_groups`` (in words, by tolerance), ``space_group_numbers``
              (the same; None where spglib finds none) and the arrays
              ``probabilities``, ``fingerprint`` (RGB, uint8, as it is shown)
              and ``response`` (64, 64), float32 in [0, 1]
``error``     a structure cannot be classified: ``path``, ``text``
``died``      the process ended by itself: ``reason``; the next request starts another
============  =====================================================================
"""

from pathlib import Path

from napari_bravais.mapping.process import ProcessClient


class StructureService(ProcessClient):
    """The client's side of the process.

    Parameters
    ----------
    receive
        Called with each `Message`, in a thread of its own.
    """

    module = "napari_bravais.fingerprint.service_worker"
    last_lines = 1  # they are shown in a narrow dock

    def classify(self, path: str | Path) -> int:
        """Ask about a structure file; return the number that the answer will carry as ``id``."""
        return self._ask("classify", path=str(path))["id"]
