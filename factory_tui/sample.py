"""The sample factory that ships with the package, and the folder the demo runs in."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from pathlib import Path

__all__ = ["create", "demo_folder", "recording", "root"]

PARTS = ("factory.toml", "specs", "scenarios", "twins")
MARK = ".sample"


def root() -> Path:
    """Where the sample's files are: inside an installed package, or a checkout's top folder."""
    package = Path(__file__).resolve().parent
    packaged = package / "shipped"
    return packaged if packaged.is_dir() else package.parent


def recording() -> Path:
    """The recorded model session that the demo plays back."""
    return _demo() / "recording.jsonl"


def _demo() -> Path:
    return Path(__file__).resolve().parent / "demo"


def create(folder: Path) -> list[Path]:
    """Copy the sample factory into a folder.

    Returns:
        What was made, relative to the folder.

    Raises:
        FileExistsError: one of the parts is there already; nothing was changed.
    """
    for part in PARTS:
        if (folder / part).exists():
            raise FileExistsError(
                f"{folder / part} exists already; use an empty folder, or remove it"
            )
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _copy(folder)
    except OSError:
        # A part of a factory would only stand in the way of the next attempt.
        for part in PARTS:
            shutil.rmtree(folder / part, ignore_errors=True)
            with contextlib.suppress(OSError):
                (folder / part).unlink()
        raise
    (folder / "runs").mkdir(exist_ok=True)
    (folder / ".gitignore").write_text("/runs/\n__pycache__/\n")
    return [Path(part) for part in PARTS]


def _copy(folder: Path) -> None:
    for part in PARTS:
        source = root() / part
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.pyc", "generate.py")
            shutil.copytree(source, folder / part, ignore=ignored)
        else:
            shutil.copy2(source, folder / part)


def demo_folder(wanted: Path | None) -> Path:
    """A factory for the demo, made when there is none.

    A folder made from an older sample is left alone (it may hold edited specs and its runs) and
    a new one is made beside it.
    """
    base = wanted.resolve() if wanted else _state_home() / "factory-tui" / "demo"
    digest = _digest()
    for number in range(1, 1000):
        folder = base if number == 1 else base.with_name(f"{base.name}-{number}")
        mark = folder / MARK
        if mark.exists() and mark.read_text().strip() == digest:
            return folder
        if not folder.exists() or not any(folder.iterdir()):
            create(folder)
            shutil.copy2(_demo() / "factory.toml", folder / "factory.toml")
            mark.write_text(digest + "\n")
            return folder
    raise FileExistsError(f"{base}: too many old demo folders; remove some")


def _state_home() -> Path:
    """A place that the sandbox's unprivileged user can reach.

    Root's home is closed to other users on most systems, and so is a home of mode 0700 when the
    supervisor is root; then the machine's own place for such files is used.
    """
    if os.geteuid() == 0:
        return Path("/var/tmp")
    configured = os.environ.get("XDG_STATE_HOME")
    return Path(configured) if configured else Path.home() / ".local" / "state"


def _digest() -> str:
    """A fingerprint of the shipped sample and recording."""
    total = hashlib.sha256()
    files = sorted(path for path in _demo().iterdir() if path.is_file())
    for part in PARTS:
        source = root() / part
        found = sorted(source.rglob("*")) if source.is_dir() else [source]
        files += [p for p in found if p.is_file() and "__pycache__" not in p.parts]
    for path in files:
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()
