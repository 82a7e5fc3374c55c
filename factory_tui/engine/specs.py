"""The spec while a run goes on: edits on disk are journaled and handed to the builder.

An edit counts when the file can be read and its content differs. The builder gets it as an
appended message at its next tool round; the conversation before it is never rewritten.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from watchfiles import awatch

from factory_tui.agent import prompts

__all__ = ["SpecWatch", "digest"]

Emit = Callable[[str, Mapping[str, Any]], None]


def digest(text: str) -> str:
    """A spec's version: the SHA-256 of its text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


class SpecWatch:
    """Holds the spec's present text and what the builder has not seen of its changes."""

    def __init__(self, path: Path, shown: str, emit: Emit) -> None:
        self.path = path
        self.shown = shown
        self.text = path.read_text(encoding="utf-8")
        self._emit = emit
        self._told = self.text

    @property
    def hash(self) -> str:
        """The present version."""
        return digest(self.text)

    async def watch(self) -> None:
        """Follow the file until cancelled."""
        async for _ in awatch(self.path.parent, debounce=200, step=20, recursive=False):
            self.look()

    def look(self) -> None:
        """Read the file once and journal a change."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return  # an editor's save by rename; the new file shows up in a moment
        except (OSError, UnicodeDecodeError) as error:
            self._emit("spec.rejected", {"path": self.shown, "detail": str(error)})
            return
        if text == self.text:
            return
        before, self.text = self.text, text
        self.compare(before)

    def compare(self, before: str) -> None:
        """Journal the change from an earlier text to the present one, if there is any."""
        if before == self.text:
            return
        self._emit(
            "spec.changed",
            {
                "path": self.shown,
                "old_hash": digest(before),
                "new_hash": self.hash,
                "diff": _diff(before, self.text, self.shown),
            },
        )

    def start_of_iteration(self) -> str:
        """The text a new conversation starts from; nothing is left untold."""
        if self._told != self.text:
            self._delivered(turn=0)
        self._told = self.text
        return self.text

    @property
    def told_hash(self) -> str:
        """The version the builder has heard of."""
        return digest(self._told)

    def resume_from(self, told: str) -> None:
        """Go on with a conversation that has heard of this version."""
        self._told = told

    @property
    def told(self) -> str:
        """The text the builder has heard of."""
        return self._told

    def _delivered(self, turn: int) -> None:
        self._emit("spec.delivered", {"path": self.shown, "new_hash": self.hash, "turn": turn})

    def message(self, turn: int) -> str | None:
        """What the builder has to hear about edits since it was last told, if anything."""
        if self.text == self._told:
            return None
        diff = _diff(self._told, self.text, self.shown)
        self._told = self.text
        self._delivered(turn)
        return prompts.spec_changed(diff, path=self.shown)


def _diff(old: str, new: str, name: str) -> str:
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    )
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)
