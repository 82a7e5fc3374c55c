"""Is that process still the one we started? A pid alone may have been given to another."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["alive", "start_time"]


def start_time(pid: int) -> int:
    """When the kernel started a process, in clock ticks since boot; 0 if there is none.

    Linux only (``/proc/PID/stat``, field 22); elsewhere 0, and :func:`alive` trusts the pid.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    fields = stat.rpartition(")")[2].split()
    return 0 if fields[0] == "Z" else int(fields[19])


def alive(pid: int | None, started: int | None) -> bool:
    """Whether ``pid`` runs and is the process that was started then."""
    if not pid:
        return False
    if Path("/proc/self/stat").exists():
        now = start_time(pid)
        return now != 0 and (not started or now == started)
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
