"""Trees of files that a box may use: who owns them, whether it can reach them, what they say."""

import contextlib
import errno
import os
import stat
from pathlib import Path

from factory_tui.sandbox.model import SandboxUnavailable
from factory_tui.sandbox.profile import sandbox_user


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
    for folder, directories, files, handle in os.fwalk(path.parent, follow_symlinks=False):
        if folder == os.fspath(path.parent):
            directories[:] = [name for name in directories if name == path.name]
            files = [name for name in files if name == path.name]
        for name in (*directories, *files):
            _give(name, handle, user)


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


def _give(name: str, folder: int, user: int | None) -> None:
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if user is not None and (status.st_uid, status.st_gid) != (user, user):
        os.chown(name, user, user, dir_fd=folder, follow_symlinks=False)
    wanted = stat.S_IRUSR | stat.S_IWUSR | (stat.S_IXUSR if stat.S_ISDIR(status.st_mode) else 0)
    if not stat.S_ISLNK(status.st_mode) and status.st_mode & wanted != wanted:
        os.chmod(name, stat.S_IMODE(status.st_mode) | wanted, dir_fd=folder)


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
