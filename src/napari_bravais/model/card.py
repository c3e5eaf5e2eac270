"""Model cards: what a model was made of and how well it does, and its checksum."""

import hashlib
import json
from pathlib import Path


class ModelError(Exception):
    """A file is no usable model; the message names the file and the fault."""


def read_card(path: Path) -> dict:
    """Read the model card beside a model and hold the model against its checksum.

    Parameters
    ----------
    path
        The model; its card has the same name and ends in ``.json``.

    Raises
    ------
    ModelError
        If one of the files is missing or damaged.
    """
    if not path.is_file():
        raise ModelError(f"{path}: there is no such model file")
    try:
        card = json.loads(path.with_suffix(".json").read_text())
        expected = card["sha256"]
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{path}: its model card {path.stem}.json cannot be read") from error
    if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
        raise ModelError(f"{path}: the file is damaged: its checksum is not the model card's")
    return card


def read_companion_card(path: Path, model_sha256: str, what: str, command: str) -> dict:
    """Read the card of a file that was made for a model and lies beside it.

    Parameters
    ----------
    path
        The file.
    model_sha256
        Checksum of the model.
    what, command
        What the file is, and the command that makes it, for errors.

    Raises
    ------
    ModelError
        If the file or its card is missing or damaged, or it was made for another model.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no {what} is there; `{command}` makes it")
    card = read_card(path)
    if card["model_sha256"] != model_sha256:
        raise ModelError(f"{path}: this {what} was made for another model")
    return card
