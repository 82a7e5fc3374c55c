"""The v4a patch format: parsing, finding the place, applying. Appendix A of the specification."""

import unicodedata
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

__all__ = ["FilePatch", "Hunk", "PatchError", "apply_hunks", "apply_patch", "parse_patch"]

_BEGIN, _END, _EOF = "*** Begin Patch", "*** End Patch", "*** End of File"
_ADD, _DELETE, _UPDATE = "*** Add File: ", "*** Delete File: ", "*** Update File: "
_MOVE = "*** Move to: "


class PatchError(Exception):
    """The patch is malformed, or does not fit the files; nothing was changed."""


@dataclass(slots=True)
class Hunk:
    """One change: hints where it is, its (mark, text) lines, and whether it ends the file."""

    hints: list[str] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    at_end: bool = False

    @property
    def old(self) -> list[str]:
        """The lines it expects."""
        return [text for mark, text in self.lines if mark != "+"]

    def applied_to(self, found: list[str]) -> list[str]:
        """What becomes of the lines it found; those kept stay as they are in the file."""
        rest = iter(found)
        result = []
        for mark, text in self.lines:
            if mark == "+":
                result.append(text)
            elif mark == "-":
                next(rest)
            else:
                result.append(next(rest))
        return result


@dataclass(slots=True)
class FilePatch:
    """What happens to one file: "add", "delete" or "update" (perhaps with a move)."""

    operation: str
    path: str
    content: str = ""
    move_to: str = ""
    hunks: list[Hunk] = field(default_factory=list)


def parse_patch(text: str) -> list[FilePatch]:
    """The operations of a patch, in order.

    Raises:
        PatchError: It is not a patch; says the line.
    """
    lines = text.strip("\n").split("\n")
    if lines and lines[0].strip().startswith("<<"):  # a here-document around it
        lines = lines[1:-1]
    lines = [line.rstrip("\r") for line in lines]
    if not lines or lines[0].strip() != _BEGIN:
        raise PatchError(f"the first line must be '{_BEGIN}'")
    if lines[-1].strip() != _END:
        raise PatchError(f"the last line must be '{_END}'")
    patches: list[FilePatch] = []
    at = 1
    while at < len(lines) - 1:
        line = lines[at]
        at += 1
        if not line.strip():
            continue
        if line.startswith(_ADD):
            added: list[str] = []
            while at < len(lines) - 1 and not lines[at].startswith("*** "):
                if not lines[at].startswith("+"):
                    raise PatchError(f"line {at + 1}: lines of a new file start with '+'")
                added.append(lines[at][1:])
                at += 1
            content = "".join(f"{one}\n" for one in added)
            patches.append(FilePatch("add", line.removeprefix(_ADD).strip(), content))
        elif line.startswith(_DELETE):
            patches.append(FilePatch("delete", line.removeprefix(_DELETE).strip()))
        elif line.startswith(_UPDATE):
            patch = FilePatch("update", line.removeprefix(_UPDATE).strip())
            at = _parse_update(lines, at, patch)
            patches.append(patch)
        else:
            raise PatchError(f"line {at}: not an operation: {line[:80]!r}")
    if not patches:
        raise PatchError("the patch is empty")
    if any(not patch.path for patch in patches):
        raise PatchError("an operation names no file")
    return patches


def _parse_update(lines: list[str], at: int, patch: FilePatch) -> int:
    if lines[at].startswith(_MOVE):
        patch.move_to = lines[at].removeprefix(_MOVE).strip()
        at += 1
    hunk: Hunk | None = None
    while at < len(lines) - 1:
        line = lines[at]
        if line == _EOF:
            if hunk is not None:
                hunk.at_end = True
        elif line.startswith("*** "):
            break
        elif line.startswith("@@"):
            hint = line[2:].strip().removesuffix("@@").strip()
            if hunk is None or hunk.lines:
                hunk = Hunk()
                patch.hunks.append(hunk)
            if hint:
                hunk.hints.append(hint)
        else:
            if hunk is None:
                hunk = Hunk()
                patch.hunks.append(hunk)
            mark, rest = line[:1], line[1:]
            if mark not in ("", " ", "-", "+"):
                raise PatchError(f"line {at + 1}: lines of a change start with ' ', '-' or '+'")
            hunk.lines.append((mark or " ", rest))
        at += 1
    if not patch.move_to and not any(hunk.lines for hunk in patch.hunks):
        raise PatchError(f"{patch.path}: no changes")
    return at


_PUNCTUATION = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u2018\u2019\u201a\u201b", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f", '"'),
        **dict.fromkeys("\u00a0\u2002\u2003\u2009\u202f\u3000", " "),
    }
)


def _loosely(line: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", line.translate(_PUNCTUATION)).split())


_LEVELS: tuple[Callable[[str], str], ...] = (
    lambda line: line,
    str.rstrip,
    str.strip,
    _loosely,
)
"""How alike lines must be, strictest first."""


def _find(lines: list[str], wanted: list[str], start: int, *, at_end: bool = False) -> int:
    """Where some lines are, from a line on; -1 if nowhere."""
    last = len(lines) - len(wanted)
    for same in _LEVELS:
        goal = [same(line) for line in wanted]
        places = [last] if at_end else range(start, last + 1)
        for at in places:
            if at >= 0 and [same(line) for line in lines[at : at + len(wanted)]] == goal:
                return at
    return -1


def apply_hunks(content: str, hunks: list[Hunk], path: str = "") -> str:
    """A text with changes made.

    Raises:
        PatchError: A change's place was not found.
    """
    newline = "\r\n" if "\r\n" in content else "\n"
    lines = content.replace("\r\n", "\n").split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    position = 0
    for number, hunk in enumerate(hunks, 1):
        start = position
        for hint in hunk.hints:
            found = _find(lines, [hint], start)
            if found >= 0:
                start = found
        old = hunk.old
        if not old:
            at = start + 1 if hunk.hints and not hunk.at_end and start < len(lines) else len(lines)
        else:
            at = _find(lines, old, start, at_end=hunk.at_end)
            if at < 0:
                at = _find(lines, old, position)
            if at < 0:
                quoted = "\n".join(old[:5])
                raise PatchError(
                    f"{path}: change {number} does not fit; these lines were not found:\n{quoted}"
                )
        changed = hunk.applied_to(lines[at : at + len(old)])
        lines[at : at + len(old)] = changed
        position = at + len(changed)
    return "".join(f"{line}{newline}" for line in lines)


Read = Callable[[str], Awaitable[str]]
Write = Callable[[str, str], Awaitable[None]]
Delete = Callable[[str], Awaitable[None]]
Exists = Callable[[str], Awaitable[bool]]


async def apply_patch(
    text: str, *, read: Read, write: Write, delete: Delete, exists: Exists
) -> list[str]:
    """Apply a patch to files; returns one line per file, such as ``M src/main.py``.

    Everything is worked out before anything is written, so a patch that does not fit changes
    nothing.

    Raises:
        PatchError: The patch is malformed or does not fit.
    """
    state: dict[str, str | None] = {}  # what files will hold; None: gone
    done: list[str] = []

    async def current(path: str) -> str | None:
        if path not in state:
            state[path] = await read(path) if await exists(path) else None
        return state[path]

    for patch in parse_patch(text):
        before = await current(patch.path)
        if patch.operation == "add":
            if before is not None:
                raise PatchError(f"{patch.path} exists already; update it instead")
            state[patch.path] = patch.content
            done.append(f"A {patch.path}")
            continue
        if before is None:
            raise PatchError(f"file not found: {patch.path}")
        if patch.operation == "delete":
            state[patch.path] = None
            done.append(f"D {patch.path}")
            continue
        after = apply_hunks(before, patch.hunks, patch.path) if patch.hunks else before
        if patch.move_to and patch.move_to != patch.path:
            if await current(patch.move_to) is not None:
                raise PatchError(f"{patch.move_to} exists already")
            state[patch.path], state[patch.move_to] = None, after
            done.append(f"R {patch.path} -> {patch.move_to}")
        else:
            state[patch.path] = after
            done.append(f"M {patch.path}")
    for path, content in state.items():
        if content is not None:
            await write(path, content)
    for path, content in state.items():
        if content is None and await exists(path):
            await delete(path)
    return done
