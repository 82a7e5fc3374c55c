"""File descriptors: every open connection needs one, and desktops grant 1,024 unless asked."""

import resource
from typing import Final

__all__ = ["raise_limit"]

_WANTED: Final = 1 << 16


def raise_limit() -> int:
    """Let this process open as many files as it may, within reason; returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft == unlimited:
        return _WANTED
    wanted = _WANTED if hard == unlimited else min(_WANTED, hard)
    if soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):
            return soft
        return wanted
    return soft
