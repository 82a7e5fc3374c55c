"""A command of a product as facts and trajectories see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from factory_tui.text import clean

__all__ = ["kept", "new_record"]

OUTPUT_KEPT: Final = 20_000
"""Characters of a command's output that a trajectory keeps (head and tail)."""


def new_record(command: str, step: int) -> dict[str, Any]:
    """A command as facts see it, before anything is known of it."""
    return {
        "step": step,
        "command": command,
        "exit": None,
        "killed": "",
        "stdout": "",
        "stderr": "",
        "output": "",
        "seconds": 0.0,
    }


def kept(record: Mapping[str, Any]) -> dict[str, Any]:
    """A command's record as a trajectory keeps it."""
    return {
        key: clean(value, limit=OUTPUT_KEPT) if key in ("stdout", "stderr") else value
        for key, value in record.items()
        if key not in ("output", "step")
    }
