"""Reading and writing a directory that hostile code may have arranged.

Every name is opened relative to its parent's descriptor and never through a symbolic link, so a
link swapped in at any moment leads nowhere. Paths are bytes, because file names are.
"""
# ruff: noqa: PTH101, PTH123
# pathlib knows neither bytes nor directory descriptors.

import contextlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = [
    "IGNORED",
    "File",
    "Limits",
    "WorkspaceError",
    "WorkspaceLimit",
    "read_file",
    "remove",
    "scan",
    "write_entry",
]

IGNORED: Final = frozenset(
    {b"__pycache__", b".pytest_cache", b".mypy_cache", b".ruff_cache", b".hypothesis"}
)
"""Left-overs of running Python, which differ from run to run and belong to no product."""

_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class WorkspaceError(RuntimeError):
    """A directory cannot be read or written as a workspace."""


class WorkspaceLimit(WorkspaceError):
    """A workspace holds more than it may; the message says what and how much."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a workspace may hold: files, bytes of one file and of all, and depth of directories."""

    files: int = 20_000
    file_bytes: int = 50 << 20
    total_bytes: int = 500 << 20
    depth: int = 64


@dataclass(frozen=True, slots=True)
class File:
    """A file or symbolic link as found; ``stamp`` changes whenever its content may have."""

    path: bytes
    mode: str
    size: int
    stamp: tuple[int, ...]


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")


def scan(root: Path, limits: Limits, ignored: frozenset[bytes] = IGNORED) -> list[File]:
    """Every regular file and symbolic link below a directory, in order.

    Directories called ``.git`` and special files (pipes, sockets, devices) are passed over.

    Raises:
        WorkspaceLimit: There is more than the limits allow.
        WorkspaceError: Something cannot be read.
    """
    found: list[File] = []
    try:
        handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise WorkspaceError(f"cannot read the workspace {root}: {error.strerror}") from None
    try:
        total = 0
        for file in _scan(handle, b"", limits, ignored, 0):
            total += file.size
            if len(found) >= limits.files:
                raise WorkspaceLimit(f"the workspace holds more than {limits.files} files")
            if file.size > limits.file_bytes:
                raise WorkspaceLimit(
                    f"{_shown(file.path)} is larger than {limits.file_bytes >> 20} MiB"
                )
            if total > limits.total_bytes:
                raise WorkspaceLimit(
                    f"the workspace holds more than {limits.total_bytes >> 20} MiB"
                )
            found.append(file)
    finally:
        os.close(handle)
    return found


def _scan(
    handle: int, prefix: bytes, limits: Limits, ignored: frozenset[bytes], depth: int
) -> Iterator[File]:
    if depth > limits.depth:
        raise WorkspaceLimit(f"directories are nested more than {limits.depth} deep")
    _unlock(handle, 0o500)
    # A descriptor makes scandir give text; fsencode restores the exact bytes.
    with os.scandir(handle) as listing:
        names = sorted((os.fsencode(entry.name), entry) for entry in listing)
    for name, entry in names:
        path = prefix + name
        if name.lower() == b".git" or name in ignored:
            continue
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        if stat.S_ISDIR(status.st_mode):
            with contextlib.ExitStack() as stack:
                inner = _open(handle, name, path, os.O_DIRECTORY)
                if inner is None:
                    continue
                stack.callback(os.close, inner)
                yield from _scan(inner, path + b"/", limits, ignored, depth + 1)
        elif stat.S_ISLNK(status.st_mode):
            # Git refuses this one name as a link, for good reason.
            if name.lower() != b".gitmodules":
                yield File(path, "120000", status.st_size, _stamp(status))
        elif stat.S_ISREG(status.st_mode):
            mode = "100755" if status.st_mode & stat.S_IXUSR else "100644"
            yield File(path, mode, status.st_size, _stamp(status))


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return (
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_size,
        status.st_ino,
        status.st_dev,
        status.st_mode,
    )


def _open(parent: int, name: bytes, path: bytes, flags: int = 0) -> int | None:
    """Open an entry of a directory; None where it is gone or became something else."""
    for attempt in (1, 2):
        try:
            return os.open(name, _FLAGS | flags, dir_fd=parent)
        except PermissionError as error:
            # A builder may lock itself out of its own file; that must not stop the run.
            if attempt == 2 or not _make_readable(parent, name):
                raise WorkspaceError(f"cannot read {_shown(path)}: {error.strerror}") from None
        except OSError:
            return None
    return None


def _make_readable(parent: int, name: bytes) -> bool:
    try:
        handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    except OSError:
        return False
    try:
        mode = os.fstat(handle).st_mode
        wanted = stat.S_IMODE(mode) | (0o700 if stat.S_ISDIR(mode) else 0o600)
        # chmod has no "do not follow" on Linux; the descriptor's name in /proc is this very file.
        os.chmod(f"/proc/self/fd/{handle}", wanted)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def _unlock(directory: int, wanted: int) -> None:
    """Give the owner the permissions on an open directory that are needed to go on."""
    mode = stat.S_IMODE(os.fstat(directory).st_mode)
    if mode & wanted != wanted:
        with contextlib.suppress(OSError):
            os.fchmod(directory, mode | wanted)


@contextlib.contextmanager
def _parent(root: Path, path: bytes, make: Callable[[int, bytes], None] | None) -> Iterator[int]:
    """The descriptor of the directory a path lies in; ``make`` provides missing ones."""
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in path.split(b"/")[:-1]:
            inner = _open(handle, part, part, os.O_DIRECTORY)
            if inner is None:
                if make is None:
                    raise FileNotFoundError(os.fsdecode(path))
                _unlock(handle, 0o700)
                make(handle, part)
                inner = os.open(part, _FLAGS | os.O_DIRECTORY, dir_fd=handle)
            os.close(handle)
            handle = inner
        if make is not None:
            _unlock(handle, 0o700)
        yield handle
    finally:
        os.close(handle)


def read_file(root: Path, file: File, limits: Limits) -> bytes | None:
    """The content of a scanned file (of a link: where it points); None if it has changed kind.

    Raises:
        WorkspaceLimit: It has grown beyond the limit.
        WorkspaceError: It cannot be read.
    """
    name = file.path.rsplit(b"/", 1)[-1]
    try:
        with _parent(root, file.path, None) as parent:
            if file.mode == "120000":
                return os.readlink(name, dir_fd=parent)
            handle = _open(parent, name, file.path)
    except OSError:
        return None
    if handle is None:
        return None
    with open(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        content = stream.read(limits.file_bytes + 1)
    if len(content) > limits.file_bytes:
        raise WorkspaceLimit(f"{_shown(file.path)} is larger than {limits.file_bytes >> 20} MiB")
    return content


def remove(root: Path, path: bytes) -> None:
    """Remove a file or link, and the directories that are empty without it."""
    while path:
        parts = path.rsplit(b"/", 1)
        try:
            with _parent(root, path, None) as parent:
                _unlock(parent, 0o700)
                _remove_entry(parent, parts[-1], only_empty=True)
        except OSError:
            return
        path = parts[0] if len(parts) == 2 else b""


def _remove_entry(parent: int, name: bytes, *, only_empty: bool) -> None:
    try:
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(mode):
        os.unlink(name, dir_fd=parent)
    elif only_empty:
        os.rmdir(name, dir_fd=parent)
    else:
        # rmtree with a descriptor never follows a link either.
        shutil.rmtree(os.fsdecode(name), dir_fd=parent)


def write_entry(
    root: Path,
    path: bytes,
    mode: str,
    content: bytes,
    *,
    permissions: Mapping[str, int] | None = None,
) -> None:
    """Put a file or link at a path below a directory, in place of whatever is in the way.

    New directories and files belong to whom the directory they go into belongs to.

    Raises:
        WorkspaceError: The path is not a plain relative one, or it cannot be written.
    """
    parts = path.split(b"/")
    if any(part in (b"", b".", b"..") or part.lower() == b".git" for part in parts):
        raise WorkspaceError(f"not a path of a workspace: {_shown(path)}")
    allowed = (permissions or {"100644": 0o644, "100755": 0o755}).get(mode, 0o644)
    try:
        with _parent(root, path, _make_directory) as parent:
            _remove_entry(parent, parts[-1], only_empty=False)
            if mode == "120000":
                os.symlink(content, parts[-1], dir_fd=parent)
                _hand_over(parent, parts[-1])
                return
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with open(os.open(parts[-1], flags, 0o600, dir_fd=parent), "wb") as stream:
                stream.write(content)
                os.fchmod(stream.fileno(), allowed)
            _hand_over(parent, parts[-1])
    except OSError as error:
        raise WorkspaceError(f"cannot write {_shown(path)}: {error.strerror}") from None


def _make_directory(parent: int, name: bytes) -> None:
    _remove_entry(parent, name, only_empty=False)
    os.mkdir(name, 0o755, dir_fd=parent)
    _hand_over(parent, name)


def _hand_over(parent: int, name: bytes) -> None:
    owner = os.fstat(parent)
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.chown(name, owner.st_uid, owner.st_gid, dir_fd=parent, follow_symlinks=False)
