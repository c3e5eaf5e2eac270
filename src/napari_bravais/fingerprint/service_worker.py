"""The structure classifier's process: ``python -m napari_bravais.fingerprint.service_worker``.

It reads requests from its standard input and answers on its standard output, as
`napari_bravais.fingerprint.service` says, and ends when its standard input closes.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_bravais.mapping.messages import Message, read_message, write_message

if TYPE_CHECKING:
    from napari_bravais.fingerprint.classifier import StructureClassifier


def main() -> None:
    """Answer requests for ever."""
    # what libraries print must not get between the messages
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    classifier = None
    while (request := read_message(sys.stdin.buffer)) is not None:
        try:
            classifier = classifier or _load()
            said = _classified(request, classifier)
        except Exception as error:
            facts = {"id": request["id"], "path": request["path"], "text": str(error)}
            said = Message("error", facts)
        write_message(out, said)


def _load() -> "StructureClassifier":
    from napari_bravais.fingerprint.classifier import StructureClassifier

    return StructureClassifier.bundled()


def _classified(request: Message, classifier: "StructureClassifier") -> Message:
    from napari_bravais.fingerprint.answer import answer, symbol
    from napari_bravais.fingerprint.figures import visible
    from napari_bravais.fingerprint.files import read_structure

    said = answer(read_structure(Path(request["path"])), classifier)
    facts = {
        "id": request["id"],
        "path": request["path"],
        "formula": said.formula,
        "atoms": said.atoms,
        "class": said.crystal_class.index,
        "space_groups": {name: symbol(group) for name, group in said.space_groups.items()},
        "space_group_numbers": said.space_groups,
    }
    arrays = {
        "probabilities": said.probabilities,
        "fingerprint": np.rint(255 * visible(said.fingerprint)).astype(np.uint8),
        "response": said.response.max(axis=-1).astype(np.float32),
    }
    return Message("answered", facts, arrays)


if __name__ == "__main__":
    main()
