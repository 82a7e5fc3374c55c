"""Writing the small files of a run directory so that a crash never leaves half of one."""

import json
import os
from pathlib import Path
from typing import Any

__all__ = ["read_json", "write_json", "write_text"]


def write_text(path: Path, text: str) -> None:
    """Replace a text file atomically, creating its directory."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    # A lone surrogate can come out of a model's JSON; it must not stop the run.
    partial.write_bytes(text.encode("utf-8", "replace"))
    partial.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file atomically; what JSON cannot hold is written as its text."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        FileNotFoundError: It does not exist.
        json.JSONDecodeError: It is not JSON.
    """
    return json.loads(path.read_bytes())
