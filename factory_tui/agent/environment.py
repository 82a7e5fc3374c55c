"""Where an agent's tools run.

The agent never touches a file itself: every tool asks an environment, so whoever provides the
environment decides what can be reached. There are two interfaces. `ExecutionEnvironment` is the
specification's (section 4): files, commands, searches. `CommandRunner` is the least that will do,
one method that runs a command; `factory_tui.agent.boxed.BoxEnvironment` makes the former of it.
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

__all__ = [
    "CommandRunner",
    "DirEntry",
    "ExecResult",
    "ExecutionEnvironment",
    "GrepOptions",
    "resolved",
]


@dataclass(frozen=True, slots=True)
class ExecResult:
    """How a command ended.

    Attributes:
        exit_code: Its exit status; None where there is none.
        killed: Which limit ended it (``wall``, ``memory``, ``output``, …), or "" / None.
        stdout: What it printed.
        stderr: What it printed there.
        truncated: Whether some of its output was dropped.
        ms: Wall time in milliseconds.
        timed_out: The same as ``killed == "wall"``, in the specification's words.
        duration_ms: ``ms`` in the specification's words.
    """

    exit_code: int | None
    killed: str | None = None
    stdout: str = ""
    stderr: str = ""
    truncated: bool = False
    ms: int = 0
    timed_out: bool = False
    duration_ms: int = 0

    def __post_init__(self) -> None:
        if self.killed == "wall" or self.timed_out:
            object.__setattr__(self, "killed", "wall")
            object.__setattr__(self, "timed_out", True)
        took = self.ms or self.duration_ms
        object.__setattr__(self, "ms", took)
        object.__setattr__(self, "duration_ms", took)

    @property
    def ok(self) -> bool:
        """Whether it ended by itself and successfully."""
        return self.exit_code == 0 and not self.killed


@dataclass(frozen=True, slots=True)
class DirEntry:
    """One entry of a directory; ``name`` is relative to it, ``size`` is in bytes."""

    name: str
    is_dir: bool
    size: int | None = None


@dataclass(frozen=True, slots=True)
class GrepOptions:
    """How to search: file names, case, how many hits, and what to tell of them.

    ``output_mode`` is "content", "files_with_matches" or "count".
    """

    glob_filter: str = ""
    case_insensitive: bool = False
    max_results: int = 100
    output_mode: str = "content"


class CommandRunner(Protocol):
    """Runs commands; the working directory is the workspace's root.

    When the task that waits for `exec` is cancelled, the command must be ended.
    """

    async def exec(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 120.0
    ) -> ExecResult:
        """Run one command to its end, at most for ``timeout_s`` seconds."""
        ...


@runtime_checkable
class ExecutionEnvironment(Protocol):
    """Files, commands and searches, wherever they are. Methods may also be synchronous.

    An environment may have more: ``delete_file(path)`` (else ``rm`` is run),
    ``save_output(name, text) -> path`` (where long outputs are kept for the agent to read), and
    a parameter ``on_output`` of ``exec_command`` that is called with pieces of output.
    """

    async def read_file(
        self, path: str, offset: int | None = None, limit: int | None = None
    ) -> str:
        """The text of a file, or ``limit`` of its lines from line ``offset`` (from 1)."""
        ...

    async def write_file(self, path: str, content: str) -> None:
        """Create or replace a file and the directories above it."""
        ...

    async def file_exists(self, path: str) -> bool:
        """Whether there is a file or directory."""
        ...

    async def list_directory(self, path: str, depth: int = 1) -> list[DirEntry]:
        """What is in a directory, so many levels deep."""
        ...

    async def exec_command(
        self,
        command: str,
        timeout_ms: int = 10_000,
        working_dir: str | None = None,
        env_vars: Mapping[str, str] | None = None,
    ) -> ExecResult:
        """Run a command line with the platform's shell."""
        ...

    async def grep(self, pattern: str, path: str, options: GrepOptions) -> str:
        """Lines that match a regular expression, as ``path:line:text``."""
        ...

    async def glob(self, pattern: str, path: str) -> list[str]:
        """Files by name, newest first."""
        ...

    async def initialize(self) -> None:
        """Get ready."""
        ...

    async def cleanup(self) -> None:
        """End what still runs and let go of everything."""
        ...

    def working_directory(self) -> str:
        """Where relative paths start."""
        ...

    def platform(self) -> str:
        """ "linux", "darwin", "windows" or "wasm"."""
        ...

    def os_version(self) -> str:
        """The operating system's version."""
        ...


async def resolved(value: Any) -> Any:
    """The result of a method that may be synchronous or not."""
    return await value if inspect.isawaitable(value) else value
