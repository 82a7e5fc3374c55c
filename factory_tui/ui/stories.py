"""Where a scenario is written down."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["file_of"]

_HEAD: Final = 40
"""Lines in which the front matter names the id."""


def file_of(folder: Path, scenario_id: str) -> Path | None:
    """The file of a scenario below a folder; None if there is none."""
    for path in sorted(folder.rglob("*.md")):
        with path.open(encoding="utf-8", errors="replace") as lines:
            for _, line in zip(range(_HEAD), lines, strict=False):
                key, _, value = line.partition(":")
                if key.strip() == "id" and value.strip().strip("\"'") == scenario_id:
                    return path
    return None
