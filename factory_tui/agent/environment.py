"""Where an agent's tools run.

The agent never touches a file itself: every tool is one command in an `ExecutionEnvironment`,
so whoever provides the environment decides what can be reached.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["ExecResult", "ExecutionEnvironment"]


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
    """

    exit_code: int | None
    killed: str | None = None
    stdout: str = ""
    stderr: str = ""
    truncated: bool = False
    ms: int = 0

    @property
    def ok(self) -> bool:
        """Whether it ended by itself and successfully."""
        return self.exit_code == 0 and not self.killed


class ExecutionEnvironment(Protocol):
    """Runs commands; the working directory is the workspace's root.

    When the task that waits for `exec` is cancelled, the command must be ended.
    """

    async def exec(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 120.0
    ) -> ExecResult:
        """Run one command to its end, at most for ``timeout_s`` seconds."""
        ...
