"""Writing the small files of a run directory."""

import json
import os
from pathlib import Path
from typing import Any

import orjson

__all__ = ["encode", "read_json", "replace_file", "write_json", "write_text"]

_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE


def write_text(path: Path, text: str) -> None:
    """Write a stage's text file, creating its directory.

    Not atomic: a stage that was cut off is run again and writes it again.
    """
    # A lone surrogate can come out of a model's JSON; it must not stop the run.
    _write(path, text.encode("utf-8", "replace"))


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file atomically; what JSON cannot hold is written as its text."""
    replace_file(path, encode(value, indent=True))


def encode(value: Any, *, indent: bool = False) -> bytes:
    """JSON for a value; what JSON cannot hold becomes its text."""
    try:
        return orjson.dumps(value, str, _OPTIONS | (orjson.OPT_INDENT_2 if indent else 0))
    except TypeError:
        # Huge integers and lone surrogates; the slow writer takes everything.
        return json.dumps(value, default=str).encode("ascii")


def replace_file(path: Path, data: bytes) -> None:
    """Replace a file atomically, so that a crash never leaves half of one."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    _write(partial, data)
    partial.replace(path)


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except FileNotFoundError:
        # Almost always the directory is there already, and asking first costs a system call.
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        FileNotFoundError: It does not exist.
        json.JSONDecodeError: It is not JSON.
    """
    return json.loads(path.read_bytes())
