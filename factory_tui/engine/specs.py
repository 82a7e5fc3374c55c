"""The spec while a run goes on: edits on disk are journaled and handed to the builder.

An edit counts when the file can be read and its content differs. The builder gets it as an
appended message at its next tool round; the conversation before it is never rewritten.
"""

from __future__ import annotations

import asyncio
import difflib
import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from watchfiles import awatch

from factory_tui.agent import prompts

__all__ = ["Listener", "SpecWatch", "digest"]

Emit = Callable[[str, Mapping[str, Any]], None]

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at a file of which nothing is told."""

SETTLED: Final = 0.08
"""Seconds after its last change before a file counts as saved."""


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
        self._rejected = ""

    @property
    def hash(self) -> str:
        """The present version."""
        return digest(self.text)

    async def watch(self) -> None:
        """Follow the file until cancelled.

        Besides being told of changes it looks by itself: a folder that is put in place of the
        watched one, or one on another machine, tells nothing.
        """
        folder = self.path.parent
        while True:
            self.look()
            watched = _identity(folder)
            if watched is None:
                await asyncio.sleep(LOOK_EVERY)
                continue
            every = int(LOOK_EVERY * 1000)
            async for _ in awatch(
                folder,
                debounce=400,
                step=100,
                recursive=False,
                rust_timeout=every,
                yield_on_timeout=True,
            ):
                self.look()
                if _identity(folder) != watched:
                    break

    def look(self) -> None:
        """Read the file once and journal a change.

        One that is empty or was written this very moment is in the middle of being saved.
        """
        try:
            age = time.time() - self.path.stat().st_mtime
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return  # an editor's save by rename; the new file shows up in a moment
        except (OSError, UnicodeDecodeError) as error:
            if str(error) != self._rejected:
                self._rejected = str(error)
                self._emit("spec.rejected", {"path": self.shown, "detail": str(error)})
            return
        if text == self.text or not text.strip() or 0 <= age < SETTLED:
            return
        before, self.text = self.text, text
        try:
            self.compare(before)
        except BaseException:
            self.text = before  # not journaled, so it has yet to be seen
            raise
        self._rejected = ""

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

    def delivered(self, turn: int, version: str) -> None:
        """Journal that a builder has heard of a version."""
        data = {"path": self.shown, "new_hash": version, "turn": turn}
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
        self._saying: tuple[str, str] | None = None

    @property
    def told_hash(self) -> str:
        """The version that has been heard of."""
        return digest(self.told)

    def begin(self) -> str:
        """The text a new conversation starts from; nothing is left untold."""
        if self.told != self.spec.text:
            self.spec.delivered(0, self.spec.hash)
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

    def message(self) -> str | None:
        """What has to be said about edits since the last time, if anything; see :meth:`said`."""
        if self.spec.text == self.told:
            return None
        diff = _diff(self.told, self.spec.text, self.spec.shown)
        self._saying = (prompts.spec_changed(diff, path=self.spec.shown), self.spec.text)
        return self._saying[0]

    def said(self, message: str, turn: int) -> bool:
        """A message is in the conversation; gives whether it was the one about the spec."""
        if self._saying is None or message != self._saying[0]:
            return False
        self.told, self._saying = self._saying[1], None
        self.spec.delivered(turn, digest(self.told))
        return True


def _identity(folder: Path) -> tuple[int, int] | None:
    """Which folder stands at a path at the moment, if any."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _diff(old: str, new: str, name: str) -> str:
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    )
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)
