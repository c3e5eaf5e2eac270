"""What the window and the classifier's process say to each other.

A message is one line of JSON, which tells the sizes of the arrays, followed by the arrays in
NumPy's ``.npy`` format. Nothing is ever unpickled.
"""

import json
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np


@dataclass(frozen=True)
class Message:
    """One message.

    Attributes
    ----------
    kind
        What it is about, for example ``"chunk"``.
    facts
        What it says, JSON-able.
    arrays
        The arrays that come with it, by name.
    """

    kind: str
    facts: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    def __getitem__(self, fact: str) -> Any:
        return self.facts[fact]


def write_message(stream: BinaryIO, message: Message) -> None:
    """Write a message.

    Parameters
    ----------
    stream
        Where to; it is flushed.
    message
        The message.

    Raises
    ------
    OSError
        If nobody reads the other end any more.
    """
    parts = {name: _to_bytes(array) for name, array in message.arrays.items()}
    head = {
        "kind": message.kind,
        "facts": message.facts,
        "sizes": {name: len(part) for name, part in parts.items()},
    }
    # paths and times in what a file says of itself become text
    line = json.dumps(head, default=str).encode() + b"\n"
    stream.write(b"".join((line, *parts.values())))
    stream.flush()


def read_message(stream: BinaryIO) -> Message | None:
    """Wait for a message and return it.

    Parameters
    ----------
    stream
        Where from.

    Returns
    -------
    Message or None
        None once the other end has closed the stream, also in the middle of a message.
    """
    line = stream.readline()
    if not line.endswith(b"\n"):
        return None
    head = json.loads(line)
    arrays = {}
    for name, size in head["sizes"].items():
        part = stream.read(size)
        if len(part) < size:
            return None
        arrays[name] = np.lib.format.read_array(BytesIO(part), allow_pickle=False)
    return Message(head["kind"], head["facts"], arrays)


def _to_bytes(array: np.ndarray) -> bytes:
    buffer = BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), allow_pickle=False)
    return buffer.getvalue()
