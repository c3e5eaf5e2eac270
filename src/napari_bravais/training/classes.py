"""Sets of classes other than the 14 lattices: point groups, or a user's own phases."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from napari_bravais.training.library import USUAL_ENERGY, MasterLibrary


class ClassError(ValueError):
    """Classes that cannot be told apart, or materials that are not there."""


@dataclass(frozen=True)
class ClassSet:
    """Classes, each with the materials that show it.

    Attributes
    ----------
    names
        Names of the classes.
    materials
        Names of the materials of each, as master patterns are named.
    """

    names: tuple[str, ...]
    materials: tuple[tuple[str, ...], ...]

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "ClassSet":
        """Read classes written as ``NAME=MATERIAL,MATERIAL``.

        Raises
        ------
        ClassError
            If a text is not written so, or a name stands twice.
        """
        names, materials = [], []
        for text in texts:
            name, equals, members = text.partition("=")
            own = tuple(member.strip() for member in members.split(",") if member.strip())
            if not (name.strip() and equals and own):
                raise ClassError(f"{text!r} does not say a class as NAME=MATERIAL,MATERIAL")
            names.append(name.strip())
            materials.append(own)
        if len(set(names)) < len(names):
            raise ClassError(f"a class is named twice: {', '.join(names)}")
        return cls(tuple(names), tuple(materials))

    def masters(self, library: MasterLibrary) -> tuple[np.ndarray, np.ndarray]:
        """Find the master patterns of the materials, at the usual beam energy.

        Parameters
        ----------
        library
            Where to look.

        Returns
        -------
        tuple of numpy.ndarray
            Which master patterns, and the class of each, both of shape (m,).

        Raises
        ------
        ClassError
            If a material is not in the library.
        """
        of_name = {
            record["name"]: i
            for i, record in enumerate(library.records)
            if record["beam_energy_kev"] == USUAL_ENERGY
        }
        missing = [m for own in self.materials for m in own if m not in of_name]
        if missing:
            raise ClassError(f"no master pattern at {USUAL_ENERGY:g} keV of {', '.join(missing)}")
        pairs = [(of_name[m], label) for label, own in enumerate(self.materials) for m in own]
        index, labels = np.array(pairs).T
        return index, labels
