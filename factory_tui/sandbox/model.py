"""What goes into a box, what comes out of it, and how well it is closed.

Plain values without behaviour; every other module of the package builds on them.
"""

import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Killed = Literal["wall", "memory", "output", "disk", "pids", "cancelled"]
"""Which limit ended a command, or ``"cancelled"`` where its caller did."""


class SandboxUnavailable(RuntimeError):
    """Untrusted code cannot be confined here; the message says what to do in one sentence."""


class SandboxFault(RuntimeError):
    """The box itself failed, so nothing is known about the command that should have run in it."""


class Closable(Protocol):
    """What serves a door; ``close()`` may be a plain or a coroutine function."""

    def close(self) -> Any:
        """Stop serving."""


Attach = Callable[[socket.socket], Awaitable[Closable]]
Environment = Mapping[str, str] | Callable[[Mapping[str, int]], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Mount:
    """A directory or file of the host that is visible in the box.

    ``source`` must not lie inside a tree that a box may write, or a planted link would redirect
    the mount. Its path is readable inside (``/proc/self/mountinfo``): keep it free of meaning.
    """

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Door:
    """A port on the box's own loopback that is served from outside.

    ``attach`` gets the bound (TCP: listening), non-blocking socket, owns it from then on, and
    returns what has to be closed when the command has ended.

    ``address`` may be any of 127/8. A box with a UDP door at port 53 asks there for every name
    but ``localhost``. Only TCP doors at 127.0.0.1 exist for a command without a box.
    """

    name: str
    port: int
    attach: Attach
    address: str = "127.0.0.1"
    kind: Literal["tcp", "udp"] = "tcp"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one command may use.

    Attributes:
        wall_s: Seconds of wall time, counted from the command's first instruction.
        memory_mb: MiB of memory of all processes together, temporary files included.
        pids: Processes and threads at one time.
        scratch_mb: MiB each of ``/tmp`` and ``/dev/shm``.
        disk_mb: MiB that the writable mounts may hold together, and the largest single file.
            A tree that was larger before the command started may shrink but not grow.
        files: Directory entries that the writable mounts may hold together, likewise.
        output_bytes: Bytes of stdout and stderr together.
        grace_s: Seconds between SIGTERM and SIGKILL when time is up or the caller cancels.
    """

    wall_s: float = 60.0
    memory_mb: int = 512
    pids: int = 128
    scratch_mb: int = 64
    disk_mb: int = 200
    files: int = 50_000
    output_bytes: int = 8 << 20
    grace_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Box:
    """Everything a command can see and reach.

    ``env`` may be a function of the doors' ports (``{door name: port}``). Ports are as asked for
    inside a real box; without one they are free ports of the host, so URLs must be built from it.
    ``files`` are read-only ones made of bytes, by absolute path; none without a box.
    """

    mounts: tuple[Mount, ...] = ()
    cwd: str = "/work"
    env: Environment = field(default_factory=dict)
    doors: tuple[Door, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)

    def environment(self, ports: Mapping[str, int]) -> dict[str, str]:
        """The variables of ``env`` for doors at ``ports``."""
        return dict(self.env(ports) if callable(self.env) else self.env)


class Inside(Protocol):
    """The way into the network of a box whose command runs."""

    async def mint(self) -> socket.socket:
        """A non-blocking TCP socket of that network, to be connected to a server inside.

        Raises:
            SandboxFault: If the box is gone.
        """
        ...


@dataclass(frozen=True, slots=True)
class Completed:
    """What became of a command.

    Attributes:
        exit_code: As a shell would report it (128 + signal); None if a limit ended the command.
        killed: The limit that ended it.
        stdout: Cleaned text.
        stderr: Cleaned text.
        truncated: Whether output beyond ``output_bytes`` is missing.
        ms: Milliseconds from its first instruction to its end.
    """

    exit_code: int | None
    killed: Killed | None
    stdout: str
    stderr: str
    truncated: bool
    ms: int


@dataclass(frozen=True, slots=True)
class Tier:
    """How well code is confined on this machine.

    ``letter`` is "A" (full), "B" (bubblewrap with a named gap) or "E" (not at all); ``detail``
    says in one sentence what is missing and what to do. ``quirks`` are the concessions that a
    "B" needs: "userns" (nested user namespaces are barred by the system call filter alone),
    "proc" (an empty ``/proc``).
    """

    letter: str
    label: str
    detail: str = ""
    quirks: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether code runs inside a box at all."""
        return self.letter in ("A", "B")


FULL = Tier("A", "bubblewrap", "All namespaces, system call filter, limits and doors held.")


def unsandboxed(detail: str = "Chosen with --unsandboxed.") -> Tier:
    """The tier of a machine (or a choice) without any box."""
    return Tier("E", "unsandboxed", detail)
