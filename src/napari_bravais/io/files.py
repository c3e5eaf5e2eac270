"""Writing files so that nobody ever sees half of one."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path to write to, which takes the place of ``path`` once all went well.

    Parameters
    ----------
    path
        The file to write. It is left as it was if the block raises.

    Yields
    ------
    Path
        A hidden path in the same folder, with the same suffix.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{uuid4().hex[:8]}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: str | Path, facts: Any) -> None:
    """Write facts as JSON; a file that was there is replaced once all is written."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
