"""A spec on disk: which files may be edited, reading, atomic saving, drafts, older versions.

Nothing here knows Textual. Whatever is replaced is kept somewhere: a text that is overwritten
against a change from outside goes to the folder of kept texts, an unsaved one becomes a draft.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

__all__ = [
    "NotASpec",
    "SpecFile",
    "Unreadable",
    "digest",
    "older_version",
    "unified",
    "write_atomically",
]

_HUNK: Final = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


class NotASpec(Exception):
    """The file may not be edited here; the sentence says why."""


class Unreadable(Exception):
    """The file cannot be shown as text; the sentence says why."""


def digest(text: str) -> str:
    """A spec's version: the SHA-256 of its text in hex, as runs record it."""
    return hashlib.sha256(text.encode()).hexdigest()


def unified(old: str, new: str, name: str = "") -> list[str]:
    """The lines of a unified diff, without its two head lines; empty if equal."""
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), name, name, n=2
    )
    return [line.rstrip("\n") for line in lines][2:]


def write_atomically(path: Path, data: bytes, mode: int | None = None) -> None:
    """Replace a file at once: whoever reads it sees the old text or the new one, never a part.

    Args:
        path: a link is followed; its target is replaced.
        data: the new content.
        mode: permissions; those of the replaced file (or the umask's) without.

    Raises:
        OSError: nothing was changed.
    """
    target = path.resolve()
    old = None
    with contextlib.suppress(FileNotFoundError):
        old = target.stat()
    number, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            if mode is not None or old is not None:
                os.fchmod(
                    number, mode if mode is not None else (old.st_mode if old else 0) & 0o7777
                )
            else:
                os.fchmod(number, 0o666 & ~_umask())
            if old is not None and (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
                with contextlib.suppress(PermissionError):
                    os.fchown(number, old.st_uid, old.st_gid)
            os.fsync(number)
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


class SpecFile:
    """One spec of a factory.

    Args:
        path: the file; it need not exist yet.
        factory: the factory's folder.
        runs: where the store and the runs are; drafts and kept texts go below it.
        of_run: the spec's path as its run names it, relative to the factory; "" without a run.

    Raises:
        NotASpec: the file is neither in ``specs/`` nor the run's spec.
    """

    def __init__(self, path: Path, factory: Path, runs: Path, of_run: str = "") -> None:
        self.path = path
        self.name = path.name
        real, root = path.resolve(), factory.resolve()
        allowed = real.is_relative_to(root / "specs")
        if of_run and not real.is_relative_to(runs.resolve()):
            allowed |= real == (root / of_run).resolve() and real.is_relative_to(root)
        if not allowed or not real.suffix:
            raise NotASpec(
                f"{path} is not a spec of this factory: only files below {root / 'specs'} and "
                "the spec of a run can be edited here. Code belongs to the agents."
            )
        key = hashlib.sha256(str(real).encode()).hexdigest()[:12]
        self.draft_path = runs / "drafts" / f"{key}-{path.stem}.json"
        self.kept_folder = runs / "kept-specs"
        self._seen: tuple[int, int, int] | None = None

    # -- reading ---------------------------------------------------------------------------

    def read(self) -> str:
        """The text on disk; "" if there is no file yet.

        Raises:
            Unreadable: it is not UTF-8 text, or cannot be read.
        """
        try:
            self._seen = self._signature()
            return self.path.read_bytes().decode("utf-8")
        except FileNotFoundError:
            return ""
        except UnicodeDecodeError as error:
            raise Unreadable(f"{self.path.name} is not UTF-8 text: {error}") from error
        except OSError as error:
            raise Unreadable(f"{self.path.name} cannot be read: {error.strerror}") from error

    def may_have_changed(self) -> bool:
        """Whether the file was touched since it was last read here; cheap."""
        return self._signature() != self._seen

    def _signature(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    # -- writing ---------------------------------------------------------------------------

    def save(self, text: str) -> None:
        """Write the text. Raises ``OSError``; the old text is then still there."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path, text.encode())
        self._seen = self._signature()

    def keep(self, text: str) -> Path:
        """Put aside a text that is about to be replaced; returns where it is."""
        self.kept_folder.mkdir(parents=True, exist_ok=True)
        path = self.kept_folder / f"{self.path.stem}-{digest(text)[:8]}{self.path.suffix}"
        write_atomically(path, text.encode(), 0o600)
        return path

    # -- drafts ----------------------------------------------------------------------------

    def save_draft(self, text: str, base: str) -> None:
        """Remember an unsaved text and what it came from, in case the screen ends before a save."""
        self.draft_path.parent.mkdir(parents=True, exist_ok=True)
        data = json.dumps({"path": str(self.path), "base": base, "text": text})
        write_atomically(self.draft_path, data.encode(), 0o600)

    def draft(self) -> tuple[str, str] | None:
        """The unsaved text of last time and what it came from, None if there is none."""
        try:
            data = json.loads(self.draft_path.read_bytes())
            return str(data["text"]), str(data["base"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def forget_draft(self) -> None:
        """The text is saved or given up."""
        with contextlib.suppress(OSError):
            self.draft_path.unlink()


# -- older versions --------------------------------------------------------------------------


def older_version(current: str, wanted: str, changes: Iterable[Mapping[str, Any]]) -> str | None:
    """The text of an older version, by undoing the journal's diffs from the present text.

    Args:
        current: the present text.
        wanted: the version's digest.
        changes: data of ``spec.changed`` events, oldest first.

    Returns:
        The text, checked against its digest; None if it cannot be had.
    """
    text = current
    if digest(text) == wanted:
        return text
    for change in reversed(list(changes)):
        if change.get("new_hash") != digest(text):
            continue
        undone = _undo(text, str(change.get("diff") or "").splitlines())
        if undone is None:
            return None
        # A file without a last newline shows like one with it in the journal's diff.
        old = str(change.get("old_hash") or "")
        text = next(
            (form for form in (undone, undone.rstrip("\n"), undone + "\n") if digest(form) == old),
            "",
        )
        if digest(text) != old:
            return None
        if old == wanted:
            return text
    return None


def _undo(text: str, diff: Sequence[str]) -> str | None:
    """The text before a unified diff; None if the diff does not fit."""
    lines = text.splitlines()
    before: list[str] = []
    at = 0
    for number, line in enumerate(diff):
        found = _HUNK.match(line)
        if found:
            start, count = int(found[3]), int(found[4] or 1)
            start = start if count == 0 else start - 1
            if not at <= start <= len(lines):
                return None
            before += lines[at:start]
            at = start
        elif number < 2 and line.startswith(("---", "+++")):
            continue
        elif line.startswith("-"):
            before.append(line[1:])
        else:
            if at >= len(lines) or lines[at] != line[1:]:
                return None
            if not line.startswith("+"):
                before.append(lines[at])
            at += 1
    return "\n".join([*before, *lines[at:]]) + ("\n" if text.endswith("\n") else "")
