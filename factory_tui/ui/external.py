"""The engineer's own editor: which one it is, and handing it the terminal for a while."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from textual.app import App, SuspendNotSupported

__all__ = ["EditorError", "edit", "editor_command"]


class EditorError(Exception):
    """Why there is no editing; ``str()`` is a sentence for the engineer."""


def editor_command() -> list[str]:
    """$VISUAL or $EDITOR as words, ``vi`` without them. Raises :class:`EditorError`."""
    wanted = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        return shlex.split(wanted) or ["vi"]
    except ValueError:
        raise EditorError(f"$VISUAL or $EDITOR cannot be read: {wanted}") from None


def edit(app: App[None], command: list[str], path: Path) -> None:
    """Let an editor have the terminal until it ends. Raises :class:`EditorError`."""
    try:
        with app.suspend(), _ctrl_c_is_the_editors():
            subprocess.run([*command, str(path)], check=False)
    except SuspendNotSupported:
        raise EditorError("This terminal cannot hand over to another editor") from None
    except OSError as error:
        raise EditorError(f"{command[0]}: {error.strerror}") from None


@contextlib.contextmanager
def _ctrl_c_is_the_editors() -> Iterator[None]:
    """Do not leave at a ctrl+c that is meant for the editor; both get the signal."""
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
