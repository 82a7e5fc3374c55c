"""A box as bubblewrap's options, or as the plain command it is where there is no bubblewrap."""

import os
import re
import resource
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from factory_tui.sandbox import seccomp
from factory_tui.sandbox.model import Box, Mount, SandboxUnavailable, Tier

SANDBOX_UID: Final = 64001
"""The uid and gid that boxes run with when the supervisor is root."""

_INSIDE_UID: Final = "1000"
_MB: Final = 1 << 20

# The command waits for one line on its stdin and exits on an end of file instead; `read` takes no
# byte beyond the line, so the rest of stdin is the command's.
# The first argument is dropped: it only names the broker to a janitor.
GATE: Final = ("/bin/sh", "-c", 'read -r go || exit 125; shift; exec "$@"', "sh")
GO: Final = b"go\n"

BASE_ENV: Final = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"}

_ETC: Final = {
    "/etc/hosts": "127.0.0.1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "/etc/passwd": "box:x:1000:1000:box:/tmp:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
    "/etc/group": "box:x:1000:\nnogroup:x:65534:\n",
}
_ETC_WITH_NAMES: Final = _ETC | {
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "/etc/resolv.conf": "nameserver 127.0.0.1\noptions timeout:2 attempts:2\n",
}
_ETC_OF_HOST: Final = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/ssl/certs")
_TOP_LEVEL: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_RESERVED: Final = ("/", "/usr", "/etc", "/proc", "/dev", "/tmp", "/bin", "/sbin", "/lib", "/lib64")


@dataclass(frozen=True, slots=True)
class Launch:
    """A box made concrete.

    ``data`` is what goes into memory files for ``options``, where a number stands for its index.
    ``hide`` turns host paths in a plain command's output back into those of the box.
    """

    program: str | None
    argv: list[str]
    limits: list[tuple[int, int]]
    options: list[str | int] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    cwd: str = "/"
    hide: Callable[[str], str] = str


def sandbox_user() -> int | None:
    """Whom boxes run as: an unprivileged user when we are root, ourselves (None) otherwise."""
    return SANDBOX_UID if os.geteuid() == 0 else None


def check(argv: Sequence[str], box: Box) -> None:
    """Refuse what cannot be a box.

    Raises:
        ValueError: With what is wrong.
        FileNotFoundError: If a mount's source does not exist.
    """
    texts = [*argv, box.cwd, *(mount.target for mount in box.mounts)]
    if not argv or any("\0" in text for text in texts):
        raise ValueError("a command needs at least one word, and none may hold a NUL")
    for mount in box.mounts:
        if (
            not mount.target.startswith("/")
            or ".." in PurePosixPath(mount.target).parts
            or str(PurePosixPath(mount.target)) in _RESERVED
        ):
            raise ValueError(f"{mount.target!r} cannot be mounted over")
        if not mount.source.exists():
            raise FileNotFoundError(f"nothing to mount at {mount.source}")


def bubblewrap(
    argv: Sequence[str], box: Box, env: Mapping[str, str], tier: Tier, *, counted: bool
) -> Launch:
    """The real thing: nothing of the host but /usr and the mounts.

    Args:
        argv: The command.
        box: What it sees.
        env: Its variables, beyond :data:`BASE_ENV`.
        tier: Whose quirks to respect.
        counted: Whether a cgroup will count its memory.

    Raises:
        SandboxUnavailable: If bubblewrap is not installed.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise SandboxUnavailable("bubblewrap is not installed; install it: apt install bubblewrap")
    limits = box.limits
    data: list[bytes] = []
    options: list[str | int] = ["--unshare-all", "--unshare-user"]
    options += ["--uid", _INSIDE_UID, "--gid", _INSIDE_UID, "--hostname", "box"]
    options += ["--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    if "userns" not in tier.quirks:
        options.append("--disable-userns")
    options += ["--ro-bind", "/usr", "/usr", *_top_level()]
    options += ["--perms", "0755", "--dir", "/etc"]
    for path in _ETC_OF_HOST:
        options += ["--ro-bind-try", path, path]
    named = any((door.kind, door.port) == ("udp", 53) for door in box.doors)
    etc = {path: text.encode() for path, text in (_ETC_WITH_NAMES if named else _ETC).items()}
    for path, content in {**etc, **box.files}.items():
        options += ["--perms", "0444", "--ro-bind-data", len(data), path]
        data.append(content)
    options += ["--tmpfs", "/proc"] if "proc" in tier.quirks else ["--proc", "/proc"]
    scratch = ["--size", str(limits.scratch_mb * _MB), "--perms", "1777", "--tmpfs"]
    # A read-only /dev and / leave nothing but the sized file systems to fill.
    options += ["--dev", "/dev", *scratch, "/dev/shm", "--remount-ro", "/dev", *scratch, "/tmp"]
    for mount in sorted(box.mounts, key=lambda mount: len(PurePosixPath(mount.target).parts)):
        kind = "--bind" if mount.writable else "--ro-bind"
        options += [kind, str(mount.source.resolve()), mount.target]
    options += ["--remount-ro", "/", "--chdir", box.cwd, "--clearenv"]
    for name, value in (BASE_ENV | dict(env)).items():
        options += ["--setenv", name, value]
    options += ["--seccomp", len(data)]
    data.append(seccomp.build(counted=counted))
    rlimits = _rlimits(box)
    rlimits.append((resource.RLIMIT_NPROC, limits.pids))  # per user namespace, so per box
    if not counted:
        rlimits.append((resource.RLIMIT_DATA, limits.memory_mb * _MB))
    return Launch(program, list(argv), rlimits, options, data)


def plain(argv: Sequence[str], box: Box, env: Mapping[str, str], home: Path) -> Launch:
    """No box at all: the command on the host, with the box's paths turned into the host's.

    Paths are turned where they stand as words in the command, the environment and ``cwd``; what
    files say is not touched. ``home`` stands in for the box's /tmp.
    """
    outside, inside = _translators((*box.mounts, Mount(home, "/tmp", writable=True)))
    variables = {name: outside(value) for name, value in (BASE_ENV | dict(env)).items()}
    return Launch(
        None,
        [outside(word) for word in argv],
        _rlimits(box),
        env=variables | {"TMPDIR": str(home)},
        cwd=outside(box.cwd),
        hide=inside,
    )


def _rlimits(box: Box) -> list[tuple[int, int]]:
    cores = os.cpu_count() or 1
    return [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, box.limits.disk_mb * _MB),
        (resource.RLIMIT_NOFILE, 1024),
        (resource.RLIMIT_CPU, int(box.limits.wall_s * cores) + 5),
        (resource.RLIMIT_MEMLOCK, 1 << 16),
    ]


def _top_level() -> list[str | int]:
    """/bin, /lib and the like as this host has them: links into /usr, or directories."""
    options: list[str | int] = []
    for name in _TOP_LEVEL:
        path = Path("/") / name
        if path.is_symlink():
            options += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            options += ["--ro-bind", str(path), str(path)]
    return options


def _translators(mounts: Sequence[Mount]) -> tuple[Callable[[str], str], Callable[[str], str]]:
    """Functions that turn the box's paths in a text into the host's, and back."""
    sources = {mount.target.rstrip("/"): str(mount.source.resolve()) for mount in mounts}
    targets = {source: target for target, source in sources.items()}

    def replacing(table: Mapping[str, str]) -> Callable[[str], str]:
        longest_first = sorted(map(re.escape, table), key=len, reverse=True)
        path = re.compile(rf"(?<![\w./-])(?:{'|'.join(longest_first)})(?![\w.-])")
        return lambda text: path.sub(lambda match: table[match[0]], text)

    return replacing(sources), replacing(targets)
