"""How much the writable mounts of a box hold, looked at while a command runs."""

import asyncio
import errno
import os
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from factory_tui.sandbox.model import Limits

_EVERY_S: Final = 0.05
_REST: Final = 5  # spend at most a sixth of the time looking
_ENDLESS: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes on disk and directory entries below some roots."""

    size: int
    files: int


def measure(roots: Sequence[Path], most: int = _ENDLESS) -> Usage:
    """Count without following links; what vanishes meanwhile does not count.

    Counting ends soon after ``most`` entries. What is nested so deeply that it has no path, or
    hidden from its owner, counts as more than anybody may have: it could be anything.
    """
    size = files = 0
    stack = [os.fspath(root) for root in roots]
    while stack and files <= most:
        folder = stack.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    try:
                        status = entry.stat(follow_symlinks=False)
                        if entry.is_dir(follow_symlinks=False):
                            stack.append(entry.path)
                    except OSError as error:
                        if error.errno == errno.ENAMETOOLONG:
                            raise
                        continue
                    size += status.st_blocks * 512
                    files += 1
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return Usage(_ENDLESS, files)
            if error.errno == errno.EACCES and not _shown(folder):
                return Usage(_ENDLESS, files)
    return Usage(size, files)


def _shown(folder: str) -> bool:
    """Whether a directory that could not be read holds nothing that is hidden from us."""
    try:
        status = Path(folder).lstat()
    except OSError:
        return True  # gone
    # Without a right to enter it nothing can be made in it, whoever looks.
    return not status.st_mode & stat.S_IXUSR


class Quota:
    """The disk limits of one command."""

    def __init__(self, roots: Sequence[Path], limits: Limits) -> None:
        self._roots = [root.resolve() for root in roots]
        self._size = limits.disk_mb << 20
        self._files = limits.files

    async def begin(self) -> None:
        """Take what is there already as allowed."""
        if self._roots:
            before = await asyncio.to_thread(measure, self._roots)
            self._size = max(self._size, before.size)
            self._files = max(self._files, before.files)

    async def exceeded(self) -> bool:
        """Whether there is too much now."""
        if not self._roots:
            return False
        usage = await asyncio.to_thread(measure, self._roots, self._files)
        return usage.size > self._size or usage.files > self._files

    async def watch(self) -> None:
        """Return when there is too much."""
        while self._roots:
            began = time.monotonic()
            if await self.exceeded():
                return
            await asyncio.sleep(max(_EVERY_S, _REST * (time.monotonic() - began)))
        await asyncio.Event().wait()
