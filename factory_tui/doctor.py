"""`factory-tui doctor`: what works on this machine, and what to install."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Finding", "examine", "report"]

SPACE_WANTED = 2 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``needed`` says whether runs are impossible without it."""

    name: str
    ok: bool
    detail: str
    needed: bool = True


def examine(folder: Path) -> Iterator[Finding]:
    """Look at everything a run needs, one finding at a time."""
    version = ".".join(str(n) for n in sys.version_info[:3])
    yield Finding("python", sys.version_info >= (3, 11), f"{version} at {sys.executable}")
    yield Finding(
        "python in the box",
        Path("/usr/bin/python3").exists(),
        "/usr/bin/python3" if Path("/usr/bin/python3").exists() else "apt install python3",
    )
    yield _git()
    yield _isolation()
    yield _key()
    yield from _judge(folder)
    yield _disk(folder)
    yield _terminal()


def _git() -> Finding:
    if shutil.which("git") is None:
        return Finding("git", False, "apt install git")
    done = subprocess.run(["git", "--version"], capture_output=True, text=True, check=False)
    return Finding("git", done.returncode == 0, done.stdout.strip() or done.stderr.strip())


def _isolation() -> Finding:
    from factory_tui.sandbox import probe

    tier = asyncio.run(probe())
    return Finding("isolation", tier.ok, f"tier {tier.letter}, {tier.label}: {tier.detail}")


def _key() -> Finding:
    from factory_tui.engine.models import PROVIDERS

    found = [name for names in PROVIDERS.values() for name in names if os.environ.get(name)]
    if found:
        said = ", ".join(dict.fromkeys(found))
        return Finding("model key", True, f"set: {said}", needed=False)
    detail = "none: set ANTHROPIC_API_KEY (the demo needs none)"
    return Finding("model key", False, detail, needed=False)


def _judge(folder: Path) -> Iterator[Finding]:
    """Whether the factory's judge is of another family than its builder."""
    from factory_tui.config import ConfigError, load
    from factory_tui.engine.models import same_family, same_family_warning

    try:
        models = load(folder).models
    except ConfigError:
        return
    same = same_family(models)
    detail = same_family_warning(models) if same else f"{models.judge} judges {models.builder}"
    yield Finding("judge", not same, detail, needed=False)


def _disk(folder: Path) -> Finding:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding("disk", False, f"{folder}: {(error.strerror or str(error)).lower()}")
    return Finding("disk", free > SPACE_WANTED, f"{free / (1 << 30):.1f} GiB free in {folder}")


def _terminal() -> Finding:
    if not sys.stdout.isatty():
        detail = "this is none: the screens need one, --plain and --json do not"
        return Finding("terminal", False, detail, needed=False)
    term = os.environ.get("TERM", "")
    size = shutil.get_terminal_size((0, 0))
    ok = bool(term) and term != "dumb"
    colour = os.environ.get("COLORTERM", "256 colours or fewer")
    return Finding(
        "terminal", ok, f"{term or 'none'}, {size.columns}×{size.lines}, {colour}", needed=False
    )


def report(folder: Path, out: Callable[[str], object]) -> int:
    """Print the findings; returns 0 when runs are possible here, else 2."""
    out(f"factory-tui {importlib.metadata.version('factory-tui')}")
    code = 0
    for finding in examine(folder):
        sign = "✓" if finding.ok else "✗" if finding.needed else "·"
        out(f" {sign} {finding.name:18} {finding.detail}")
        if finding.needed and not finding.ok:
            code = 2
    return code
