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

__all__ = ["Listener", "SpecWatch", "digest"]

Emit = Callable[[str, Mapping[str, Any]], None]


def digest(text: str) -> str:
    """A spec's version: the SHA-256 of its text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


class SpecWatch:
    """Holds the spec's present text and journals its changes."""

    def __init__(self, path: Path, shown: str, emit: Emit) -> None:
        self.path = path
        self.shown = shown
        self.text = path.read_text(encoding="utf-8")
        self._emit = emit

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

    def delivered(self, turn: int) -> None:
        """Journal that a builder has heard of the present version."""
        data = {"path": self.shown, "new_hash": self.hash, "turn": turn}
        self._emit("spec.delivered", data)


class Listener:
    """What one line of conversations has heard of the spec: the main one, or a branch's.

    Args:
        spec: the spec.
        path: where the text it has heard is kept for a process that takes over.
    """

    def __init__(self, spec: SpecWatch, path: Path) -> None:
        self.spec, self.path = spec, path
        self.told = path.read_text(encoding="utf-8") if path.exists() else spec.text

    @property
    def told_hash(self) -> str:
        """The version that has been heard of."""
        return digest(self.told)

    def begin(self) -> str:
        """The text a new conversation starts from; nothing is left untold."""
        if self.told != self.spec.text:
            self.spec.delivered(turn=0)
        self.told = self.spec.text
        self.keep()
        return self.told

    def keep(self) -> None:
        """Remember what has been heard, once the turn that says it is stored."""
        partial = self.path.with_name(self.path.name + ".partial")
        partial.write_text(self.told, encoding="utf-8")
        partial.replace(self.path)

    def take_over(self, other: Listener) -> None:
        """Go on with what another line has built on."""
        self.told = other.told
        self.keep()

    def message(self, turn: int) -> str | None:
        """What has to be said about edits since the last time, if anything."""
        if self.spec.text == self.told:
            return None
        diff = _diff(self.told, self.spec.text, self.spec.shown)
        self.told = self.spec.text
        self.spec.delivered(turn)
        return prompts.spec_changed(diff, path=self.spec.shown)


def _diff(old: str, new: str, name: str) -> str:
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    )
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)
