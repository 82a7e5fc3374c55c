"""Writing the small files of a run directory so that a crash never leaves half of one."""

import json
import os
from pathlib import Path
from typing import Any

import orjson

__all__ = ["read_json", "write_json", "write_text"]


def write_text(path: Path, text: str) -> None:
    """Replace a text file atomically, creating its directory."""
    # A lone surrogate can come out of a model's JSON; it must not stop the run.
    _write(path, text.encode("utf-8", "replace"))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    partial.write_bytes(data)
    partial.replace(path)


def write_json(path: Path, value: Any, *, indent: bool = True) -> None:
    """Replace a JSON file atomically; what JSON cannot hold is written as its text."""
    options = orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE
    try:
        data = orjson.dumps(value, str, options | (orjson.OPT_INDENT_2 if indent else 0))
    except TypeError:
        # Huge integers and lone surrogates; the slow writer takes everything.
        data = json.dumps(value, default=str).encode("ascii")
    _write(path, data)


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        FileNotFoundError: It does not exist.
        json.JSONDecodeError: It is not JSON.
    """
    return json.loads(path.read_bytes())
