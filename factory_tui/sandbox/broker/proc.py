"""What /proc says about processes."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def pids() -> Iterator[int]:
    """Every process there is, as seen from here."""
    with os.scandir("/proc") as entries:
        yield from [int(entry.name) for entry in entries if entry.name.isdigit()]


def started(pid: int) -> int | None:
    """When ``pid`` started, in clock ticks since boot; None if there is no such process.

    Together with the pid it names a process for good, as pids are used again.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat[stat.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else int(fields[19])


def resident(processes: Iterable[int]) -> int:
    """Bytes of memory that some processes hold, shared pages counted with each."""
    total = 0
    for pid in processes:
        with contextlib.suppress(OSError, ValueError, IndexError):
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return total


def namespaces() -> dict[int, list[int]]:
    """The processes of every pid namespace that may be looked at, by the namespace's inode."""
    found: dict[int, list[int]] = {}
    for pid in pids():
        inode = namespace(pid)
        if inode is not None:
            found.setdefault(inode, []).append(pid)
    return found


def namespace(pid: int) -> int | None:
    """The inode of the pid namespace of a process."""
    try:
        return Path(f"/proc/{pid}/ns/pid").stat().st_ino
    except OSError:
        return None


def marked(cookie: str) -> list[int]:
    """Processes whose environment holds ``cookie``: what an unconfined command started."""
    found = []
    for pid in pids():
        with contextlib.suppress(OSError):
            if cookie.encode() + b"\0" in Path(f"/proc/{pid}/environ").read_bytes():
                found.append(pid)
    return found
