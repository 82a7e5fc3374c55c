"""The file tools, as they run inside the box: one JSON request on stdin, one reply on stdout.

This file is sent to the box's own Python as text, so it imports nothing but the standard library
and works with Python 3.9. The working directory is the workspace, and no path leads out of it:
the box is what protects the host, this only keeps an agent from fooling itself.

Replies are ASCII JSON: ``{"ok": true, "text": …}`` or ``{"ok": false, "error": …}``.
"""
# ruff: noqa: PTH103, PTH108, PTH109, PTH110, PTH112, PTH113, PTH116, PTH118, PTH119, PTH120, PTH123, PTH208
# Plain strings carry any byte of a file name through; and pathlib costs start-up time per call.

import fnmatch
import json
import os
import re
import stat
import sys
from collections.abc import Iterator

MAX_FILE = 20 * 1024 * 1024
MAX_TEXT = 1024 * 1024
OUTPUTS = "/tool-output"  # long outputs of earlier commands, mounted read-only where there are any
SKIPPED = {".git", "__pycache__", "node_modules", ".venv", ".mypy_cache", ".pytest_cache"}


class Problem(Exception):
    """Something to tell the model."""


def locate(name: str) -> str:
    """The real path of a name in the workspace."""
    root = os.path.realpath(os.getcwd())
    if "\0" in name:
        raise Problem("a path cannot contain a NUL character")
    full = os.path.realpath(os.path.join(root, name))
    if full == OUTPUTS or full.startswith(OUTPUTS + "/"):
        return full
    if full != root and not full.startswith(root.rstrip("/") + "/"):
        raise Problem(f"{name} is outside the workspace {root}")
    return full


def shown(full: str) -> str:
    """A path as the model should see it."""
    if full.startswith(OUTPUTS + "/"):
        return full
    return os.path.relpath(full, os.path.realpath(os.getcwd()))


def load(name: str) -> tuple[str, bytes]:
    """The real path and the bytes of a regular file."""
    full = locate(name)
    try:
        status = os.stat(full)
    except FileNotFoundError:
        raise Problem(f"file not found: {name}{suggest(full)}") from None
    if stat.S_ISDIR(status.st_mode):
        raise Problem(f"{name} is a directory; use glob to list files")
    if not stat.S_ISREG(status.st_mode):
        raise Problem(f"{name} is not a regular file")
    if status.st_size > MAX_FILE:
        raise Problem(f"{name} is too large ({status.st_size} bytes); use shell")
    with open(full, "rb") as file:
        return full, file.read()


def suggest(full: str) -> str:
    """Name files like a missing one."""
    wanted = os.path.basename(full).lower()
    near: list[str] = []
    for folder, names in walk(os.path.realpath(os.getcwd())):
        near += [shown(os.path.join(folder, name)) for name in names if name.lower() == wanted]
        if len(near) >= 3:
            break
    return f" (did you mean {', '.join(near[:3])}?)" if near else ""


def text_of(data: bytes, name: str) -> str:
    """Decode so that every byte survives being written back."""
    if b"\0" in data[:8192]:
        raise Problem(f"{name} is a binary file ({len(data)} bytes)")
    return data.decode("utf-8", "surrogateescape")


def store(full: str, data: bytes) -> None:
    """Write a file in place, so that its mode and its links stay."""
    os.makedirs(os.path.dirname(full), exist_ok=True)
    try:
        if not stat.S_ISREG(os.stat(full).st_mode):
            raise Problem(f"{shown(full)} is not a regular file")
    except FileNotFoundError:
        pass
    with open(full, "wb") as file:
        file.write(data)


def read_file(file_path: str, offset: int = 1, limit: int = 2000) -> str:
    """Numbered lines of a file."""
    _, data = load(file_path)
    lines = text_of(data, file_path).split("\n")
    if lines[-1] == "":
        lines.pop()
    if not lines:
        return "(the file is empty)"
    if offset > len(lines):
        raise Problem(f"{file_path} has only {len(lines)} lines")
    chosen = lines[offset - 1 : offset - 1 + limit]
    last = offset + len(chosen) - 1
    width = max(3, len(str(last)))
    numbered = (f"{number:{width}} | {line}" for number, line in enumerate(chosen, offset))
    text = "\n".join(line.rstrip("\r") for line in numbered)
    if offset > 1 or last < len(lines):
        text += f"\n[lines {offset}-{last} of {len(lines)}]"
    return text


def write_file(file_path: str, content: str) -> str:
    """Create or replace a file."""
    full = locate(file_path)
    if os.path.isdir(full):
        raise Problem(f"{file_path} is a directory")
    done = "Replaced" if os.path.exists(full) else "Created"
    data = content.encode("utf-8", "surrogateescape")
    store(full, data)
    return f"{done} {shown(full)} ({len(data)} bytes)"


def edit_file(file_path: str, old_string: str, new_string: str, replace_all: bool = False) -> str:
    """Replace an exact text."""
    full, data = load(file_path)
    if old_string == "":
        raise Problem("old_string is empty; use write_file to create a file")
    if old_string == new_string:
        raise Problem("old_string and new_string are the same")
    text_of(data, file_path)
    old = old_string.encode("utf-8", "surrogateescape")
    new = new_string.encode("utf-8", "surrogateescape")
    count = data.count(old)
    if count == 0 and b"\r\n" in data and b"\n" in old and b"\r\n" not in old:
        # The model sees lines without their carriage returns, so it cannot quote them.
        old, new = old.replace(b"\n", b"\r\n"), new.replace(b"\n", b"\r\n")
        count = data.count(old)
    if count == 0:
        raise Problem(
            f"old_string was not found in {file_path}; it must match exactly, including "
            "indentation. Read the file again."
        )
    if count > 1 and not replace_all:
        places, at = [], -1
        for _ in range(min(count, 8)):
            at = data.find(old, at + 1)
            places.append(str(data.count(b"\n", 0, at) + 1))
        raise Problem(
            f"old_string occurs {count} times in {file_path} (lines {', '.join(places)}); add "
            "context to make it unique, or set replace_all"
        )
    store(full, data.replace(old, new))
    return f"Replaced {count} occurrence{'' if count == 1 else 's'} in {shown(full)}"


def walk(base: str) -> Iterator[tuple[str, list[str]]]:
    """Folders and their files in order, without those nobody wants to search."""
    for folder, folders, names in os.walk(base):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        yield folder, sorted(names)


def translate(pattern: str) -> "re.Pattern[str]":
    """A glob with ``**`` and ``{a,b}`` as a regular expression over relative paths."""
    out, at, depth = "", 0, 0
    simple = {"*": "[^/]*", "?": "[^/]"}
    while at < len(pattern):
        char = pattern[at]
        if pattern.startswith("**", at):
            slash = pattern.startswith("**/", at)
            out += "(?:.*/)?" if slash else ".*"
            at += 3 if slash else 2
            continue
        if char in simple:
            out += simple[char]
        elif char == "[" and "]" in pattern[at + 2 :]:
            end = pattern.index("]", at + 2)
            body = pattern[at + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
            out += f"[^{body[1:]}]" if body[0] == "!" else f"[{body}]"
            at = end
        elif char == "{" and "}" in pattern[at:]:
            out, depth = out + "(?:", depth + 1
        elif char == "," and depth:
            out += "|"
        elif char == "}" and depth:
            out, depth = out + ")", depth - 1
        else:
            out += re.escape(char)
        at += 1
    try:
        return re.compile(out + r"\Z", re.DOTALL)
    except re.error as error:
        raise Problem(f"bad glob pattern: {error}") from None


def glob(pattern: str, path: str = ".") -> str:
    """Files by name, newest first."""
    base = locate(path)
    if not os.path.isdir(base):
        raise Problem(f"not a directory: {path}")
    root = os.path.realpath(os.getcwd())
    if pattern.startswith(root + "/"):
        pattern = os.path.relpath(pattern, base)
    wanted = translate(pattern[2:] if pattern.startswith("./") else pattern)
    found = []
    for folder, names in walk(base):
        for name in names:
            full = os.path.join(folder, name)
            if wanted.match(os.path.relpath(full, base)):
                try:
                    found.append((-os.lstat(full).st_mtime_ns, shown(full)))
                except OSError:
                    continue
    return "\n".join(name for _, name in sorted(found)) or "No files found"


def candidates(base: str, glob_filter: str) -> Iterator[str]:
    """The files a search looks into."""
    if os.path.isfile(base):
        yield base
        return
    wanted = translate(glob_filter) if glob_filter else None
    for folder, names in walk(base):
        for name in names:
            full = os.path.join(folder, name)
            if (
                wanted is None
                or wanted.match(os.path.relpath(full, base))
                or fnmatch.fnmatchcase(name, glob_filter)
            ):
                yield full


def searchable(full: str) -> list[str]:
    """The lines of a file, none where it is not text."""
    try:
        status = os.lstat(full)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_FILE:
            return []
        with open(full, "rb") as file:
            data = file.read()
    except OSError:
        return []
    return [] if b"\0" in data[:8192] else data.decode("utf-8", "replace").split("\n")


def grep(
    pattern: str,
    path: str = ".",
    glob_filter: str = "",
    case_insensitive: bool = False,
    max_results: int = 100,
    output_mode: str = "content",
) -> str:
    """Lines, files or counts that match a regular expression."""
    base = locate(path)
    if not os.path.exists(base):
        raise Problem(f"path not found: {path}")
    try:
        wanted = re.compile(pattern, re.IGNORECASE if case_insensitive else 0)
    except re.error as error:
        raise Problem(f"bad regular expression: {error}") from None
    hits: list[str] = []
    for full in candidates(base, glob_filter):
        matches = [
            f"{shown(full)}:{number}:{line.rstrip()[:1000]}"
            for number, line in enumerate(searchable(full), 1)
            if wanted.search(line)
        ]
        if output_mode == "content":
            hits += matches
        elif matches:
            hits.append(shown(full) + (f":{len(matches)}" if output_mode == "count" else ""))
    if len(hits) > max_results:
        hits[max_results:] = [f"[{len(hits) - max_results} more results; narrow the search]"]
    return "\n".join(hits) or "No matches found"


def read_text(path: str, offset: int = 1, limit: int = 0) -> str:
    """The text of a file, or of some of its lines (0: all)."""
    _, data = load(path)
    text = text_of(data, path)
    if offset <= 1 and not limit:
        return text
    lines = text.splitlines(keepends=True)[offset - 1 :]
    return "".join(lines[:limit] if limit else lines)


def exists(path: str) -> str:
    """Whether there is something of this name."""
    return "yes" if os.path.exists(locate(path)) else "no"


def delete_file(path: str) -> str:
    """Remove a file."""
    full, _ = load(path)
    os.unlink(full)
    return f"Deleted {shown(full)}"


def list_dir(path: str = ".", depth: int = 1) -> str:
    """Name, directory or not, and size of what is in a directory, as JSON."""
    base = locate(path)
    if not os.path.isdir(base):
        raise Problem(f"not a directory: {path}")
    rows: list[tuple[str, bool, int | None]] = []

    def visit(folder: str, levels: int) -> None:
        for name in sorted(os.listdir(folder)):
            full = os.path.join(folder, name)
            status = os.lstat(full)
            is_dir = stat.S_ISDIR(status.st_mode)
            size = None if is_dir else status.st_size
            rows.append((os.path.relpath(full, base), is_dir, size))
            if is_dir and levels > 1 and name not in SKIPPED:
                visit(full, levels - 1)

    visit(base, max(1, depth))
    return json.dumps(rows)


TOOLS = {
    "read_text": read_text,
    "exists": exists,
    "delete_file": delete_file,
    "list_dir": list_dir,
    "read_file": read_file,
    "write_file": write_file,
    "edit_file": edit_file,
    "glob": glob,
    "grep": grep,
}


def main() -> None:
    """Answer the one request."""
    reply: dict[str, object]
    try:
        request = json.loads(sys.stdin.buffer.read())
        text = TOOLS[request["tool"]](**request["arguments"])  # type: ignore[operator]
        reply = {"ok": True, "text": text[:MAX_TEXT], "cut": max(0, len(text) - MAX_TEXT)}
    except Problem as problem:
        reply = {"ok": False, "error": str(problem)}
    except UnicodeEncodeError:
        reply = {"ok": False, "error": "the text contains characters that cannot be written"}
    except OSError as error:
        reply = {"ok": False, "error": f"{error.strerror}: {error.filename or ''}"}
    sys.stdout.write(json.dumps(reply))


if __name__ == "__main__":
    main()
