"""How much the writable mounts of a box hold, looked at while a command runs."""

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from factory_tui.sandbox.model import Limits

_EVERY_S: Final = 0.05
_REST: Final = 5  # spend at most a sixth of the time looking


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes on disk and directory entries below some roots."""

    size: int
    files: int


def measure(roots: Sequence[Path]) -> Usage:
    """Count without following links; what vanishes meanwhile does not count."""
    size = files = 0
    stack = [os.fspath(root) for root in roots]
    while stack:
        try:
            with os.scandir(stack.pop()) as entries:
                for entry in entries:
                    try:
                        status = entry.stat(follow_symlinks=False)
                        if entry.is_dir(follow_symlinks=False):
                            stack.append(entry.path)
                    except OSError:
                        continue
                    size += status.st_blocks * 512
                    files += 1
        except OSError:
            continue
    return Usage(size, files)


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
        usage = await asyncio.to_thread(measure, self._roots)
        return usage.size > self._size or usage.files > self._files

    async def watch(self) -> None:
        """Return when there is too much."""
        while self._roots:
            began = time.monotonic()
            if await self.exceeded():
                return
            await asyncio.sleep(max(_EVERY_S, _REST * (time.monotonic() - began)))
        await asyncio.Event().wait()
