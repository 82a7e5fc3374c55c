"""Remove what brokers that were killed left behind."""

import contextlib
import os
import re
import signal
import time
from pathlib import Path
from typing import Final

from factory_tui.sandbox.broker import cgroups, proc

_ARGUMENT: Final = re.compile(rb"\0" + cgroups.PREFIX.encode() + rb"(\d+)-(\d+)-\d+\0")


def cleanup_leftovers() -> int:
    """Kill boxes and delete cgroups whose broker is dead; returns how many there were.

    A broker is named by pid and start time, in the group's name and in the gate's arguments.
    Safe to call at any time, from any process; blocks for at most a second or so.
    """
    count = 0
    for pid in _orphans():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
            count += 1
    for group in cgroups.leftovers(cgroups.find()):
        group.kill()
        for _ in range(20):
            if group.remove():
                count += 1
                break
            time.sleep(0.05)
    return count


def _orphans() -> list[int]:
    found = []
    for pid in proc.pids():
        with contextlib.suppress(OSError):
            owner = _ARGUMENT.search(Path(f"/proc/{pid}/cmdline").read_bytes())
            if owner is not None and proc.started(int(owner[1])) != int(owner[2]):
                found.append(pid)
    return found
