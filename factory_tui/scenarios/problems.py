"""What is wrong with a scenario file, and where: the shape every check reports in."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Problem", "Problems", "ScenarioErrors", "nearest"]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake, or one doubt, about a scenario file.

    ``line`` and ``column`` count from 1. ``level`` is ``"error"`` (the scenario cannot be used)
    or ``"warning"`` (it can, but a careful author would change it).
    """

    path: Path
    line: int
    column: int
    message: str
    hint: str = ""
    level: str = "error"

    def __str__(self) -> str:
        mark = "" if self.level == "error" else f"{self.level}: "
        hint = f"\n    hint: {self.hint}" if self.hint else ""
        return f"{self.path}:{self.line}:{self.column}: {mark}{self.message}{hint}"


class ScenarioErrors(Exception):
    """A scenario cannot be used. ``str()`` is every problem, one per line, ready to print."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


class Problems:
    """Collects the problems of one file while it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: list[Problem] = []

    def error(self, line: int, column: int, message: str, hint: str = "") -> None:
        """Note a mistake that makes the scenario unusable."""
        self.found.append(Problem(self.path, line, column, message, hint))

    def warn(self, line: int, column: int, message: str, hint: str = "") -> None:
        """Note a doubt."""
        self.found.append(Problem(self.path, line, column, message, hint, "warning"))

    @property
    def fatal(self) -> bool:
        """Whether one of them is an error."""
        return any(p.level == "error" for p in self.found)


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names the likeliest intended word, or all that are allowed."""
    options = sorted(known)
    close = difflib.get_close_matches(word, options, 1, 0.6)
    return f"did you mean `{close[0]}`?" if close else "allowed: " + ", ".join(options)
