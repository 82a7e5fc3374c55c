"""Trees of files that a box may use: who owns them, whether it can reach them, what they say."""

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final

from factory_tui.sandbox.model import SandboxUnavailable
from factory_tui.sandbox.profile import sandbox_user

DEEPEST: Final = 200
"""Directories within directories that are looked into."""

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def prepare_tree(path: Path) -> None:
    """Make ``path`` and everything below it readable and writable for boxes.

    As root, ownership goes to the user that boxes run as. Links are not followed. Call it before
    a box uses the tree, not meanwhile.

    Raises:
        SandboxUnavailable: If a parent directory keeps that user out.
        OSError: If the tree cannot be changed.
    """
    path = path.resolve()
    barrier = _barrier(path)
    if barrier is not None:
        raise SandboxUnavailable(
            f"the sandbox's user cannot reach {path} because {barrier} is closed to it; "
            f"move the factory to a directory that others may enter, or run chmod o+x {barrier}"
        )
    user = sandbox_user()
    with _opened(path.parent) as parent, contextlib.closing(_below(path.name, parent)) as all_:
        for name, folder in all_:
            _give(name, folder, user)


def reachable(path: Path) -> bool:
    """Whether boxes can get to ``path`` through its parent directories."""
    return _barrier(path.resolve()) is None


def read_beneath(root: Path, name: str, *, limit: int = 1 << 20) -> bytes | None:
    """Up to ``limit`` bytes of a regular file in a tree that a box could write.

    Nothing outside ``root`` can be read: no component may be a link, and a pipe does not block.
    Returns None if there is no such file.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        return None
    with contextlib.ExitStack() as stack:
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            at = os.open(root, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
            stack.callback(os.close, at)
            for part in parts[:-1]:
                at = os.open(part, flags | os.O_DIRECTORY, dir_fd=at)
                stack.callback(os.close, at)
            at = os.open(parts[-1], flags, dir_fd=at)
            stack.callback(os.close, at)
        except OSError:
            return None
        if not stat.S_ISREG(os.fstat(at).st_mode):
            return None
        with open(at, "rb", closefd=False) as file:
            return file.read(limit)


def write_beneath(root: Path, name: str, data: bytes) -> None:
    """Write a regular file in a tree that a box may be changing at this very moment.

    Nothing outside ``root`` can be written: no component may be a link, whoever puts one there
    whenever. Missing directories are made; what is made belongs to the user that boxes run as.

    Raises:
        ValueError: If ``name`` is not a relative path below ``root``.
        OSError: If something bars the way.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or not parts or ".." in parts:
        raise ValueError(f"{name}: outside the folder")
    user = sandbox_user()
    flags = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    with contextlib.ExitStack() as stack:
        at = os.open(root, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
        stack.callback(os.close, at)
        for part in parts[:-1]:
            made = False
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, 0o755, dir_fd=at)
                made = True
            at = os.open(part, flags | os.O_RDONLY | os.O_DIRECTORY, dir_fd=at)
            stack.callback(os.close, at)
            if made and user is not None:
                os.fchown(at, user, user)
        at = os.open(parts[-1], flags | os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=at)
        stack.callback(os.close, at)
        status = os.fstat(at)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", name)
        if user is not None and (status.st_uid, status.st_gid) != (user, user):
            os.fchown(at, user, user)
        os.ftruncate(at, 0)
        with open(at, "wb", closefd=False) as file:
            file.write(data)


def names_beneath(root: Path) -> Iterator[str]:
    """The files of a tree that a box could write: relative paths of all that is no directory.

    Those of a directory come before those of its directories, both in the order of their names.
    No link is followed, and nothing below :data:`DEEPEST` directories is looked for.
    """
    waiting = [("", 0)]
    while waiting:
        folder, depth = waiting.pop()
        directories = []
        try:
            with os.scandir(root / folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in found:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                directories.append((name, depth + 1))
            else:
                yield name
        if depth < DEEPEST:
            waiting += reversed(directories)


def remove_tree(path: Path) -> None:
    """Remove what a box left, however deep and whatever its modes; links are not followed.

    Call it when nothing runs in the tree any more. What cannot be removed stays.
    """
    with contextlib.suppress(OSError), _opened(path.parent) as parent:
        if not stat.S_ISDIR(_stat(path.name, parent).st_mode):
            os.unlink(path.name, dir_fd=parent)
            return
        _make_ours(path.name, parent)
        top = os.open(path.name, _DIRECTORY, dir_fd=parent)
        try:
            # Directories are brought to the top before they are emptied: recursion, descriptors
            # and paths have an end, what a program nests has none.
            while sum(_remove(name, top) for name in _names(top)):
                pass
        finally:
            os.close(top)
        os.rmdir(path.name, dir_fd=parent)


def _remove(name: str, top: int) -> bool:
    """Remove an entry, its directories going up to ``top`` first; whether that was possible."""
    with contextlib.suppress(OSError):
        if not stat.S_ISDIR(_stat(name, top).st_mode):
            os.unlink(name, dir_fd=top)
            return True
        _make_ours(name, top)
        at = os.open(name, _DIRECTORY, dir_fd=top)
        try:
            for inner in _names(at):
                if stat.S_ISDIR(_stat(inner, at).st_mode):
                    _make_ours(inner, at)
                    os.rename(inner, secrets.token_hex(16), src_dir_fd=at, dst_dir_fd=top)
                else:
                    os.unlink(inner, dir_fd=at)
        finally:
            os.close(at)
        os.rmdir(name, dir_fd=top)
        return True
    return False


def _make_ours(name: str, folder: int) -> None:
    """Let its owner read, write and enter a directory."""
    _allow(name, folder, stat.S_IRWXU)


def _allow(name: str, folder: int, wanted: int) -> None:
    """Add permissions to an entry that is no link, whatever takes its place meanwhile."""
    handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISLNK(mode) and mode & wanted != wanted:
            Path(f"/proc/self/fd/{handle}").chmod(stat.S_IMODE(mode) | wanted)
    finally:
        os.close(handle)


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def _stat(name: str, folder: int) -> os.stat_result:
    return os.stat(name, dir_fd=folder, follow_symlinks=False)


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield handle
    finally:
        os.close(handle)


def _below(name: str, folder: int) -> Generator[tuple[str, int], None, None]:
    """An entry and what is below it, with the descriptors of their directories.

    A directory is entered after it was given out. Below :data:`DEEPEST` of them nothing is, for
    each level costs a descriptor.
    """
    yield name, folder
    stack: list[tuple[int, Iterator[os.DirEntry[str]]]] = []

    def enter(name: str, folder: int) -> None:
        with contextlib.suppress(OSError):  # no directory, or gone
            handle = os.open(name, _DIRECTORY, dir_fd=folder)
            stack.append((handle, os.scandir(handle)))

    try:
        enter(name, folder)
        while stack:
            handle, entries = stack[-1]
            entry = next(entries, None)
            if entry is None:
                stack.pop()
                os.close(handle)
                continue
            yield entry.name, handle
            if len(stack) <= DEEPEST and entry.is_dir(follow_symlinks=False):
                enter(entry.name, handle)
    finally:
        for handle, _ in stack:
            os.close(handle)


def _give(name: str, folder: int, user: int | None) -> None:
    status = _stat(name, folder)
    if user is not None and (status.st_uid, status.st_gid) != (user, user):
        os.chown(name, user, user, dir_fd=folder, follow_symlinks=False)
    wanted = stat.S_IRUSR | stat.S_IWUSR | (stat.S_IXUSR if stat.S_ISDIR(status.st_mode) else 0)
    if not stat.S_ISLNK(status.st_mode) and status.st_mode & wanted != wanted:
        _allow(name, folder, wanted)


def _barrier(path: Path) -> Path | None:
    """The first parent directory that the sandbox's user may not enter."""
    user = sandbox_user()
    for parent in reversed(path.parents):
        if not parent.exists():
            return None
        if user is None:
            if not os.access(parent, os.X_OK):
                return parent
            continue
        status = parent.stat()
        if status.st_uid == user:
            enter = stat.S_IXUSR
        elif status.st_gid == user:
            enter = stat.S_IXGRP
        else:
            enter = stat.S_IXOTH
        if not status.st_mode & enter:
            return parent
    return None
