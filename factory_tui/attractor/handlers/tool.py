"""Stages that run a command. Section 4.10 of the Attractor specification."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from factory_tui.attractor.context import Context
from factory_tui.attractor.files import write_text
from factory_tui.attractor.model import Graph, Node
from factory_tui.attractor.outcome import Outcome

__all__ = ["ToolHandler", "ToolResult", "run_shell_command"]

_CONTEXT_CHARS: Final = 20_000
_OUTPUT_BYTES: Final = 8 << 20
_GRACE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class ToolResult:
    """How a command ended; ``exit_code`` is negative for a signal."""

    exit_code: int
    stdout: str
    stderr: str = ""


async def run_shell_command(
    command: str,
    *,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> ToolResult:
    """Run a command of the pipeline's author with ``/bin/sh`` in a process group of its own.

    When the caller gives up, the group gets SIGTERM and, two seconds later, SIGKILL.

    Args:
        command: The command line.
        stdin: What it reads.
        env: Variables in addition to those of this process.
        cwd: Where it runs; here if not given.
    """
    process = await asyncio.create_subprocess_shell(
        command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, **env} if env else None,
        cwd=cwd,
    )
    assert process.stdin and process.stdout and process.stderr
    try:
        _, out, err = await asyncio.gather(
            _feed(process.stdin, stdin), _read(process.stdout), _read(process.stderr)
        )
        code = await process.wait()
    except BaseException:
        await _end(process)
        raise
    return ToolResult(code, out, err)


async def _feed(stream: asyncio.StreamWriter, data: bytes) -> None:
    # A command need not read what it is given.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        if data:
            stream.write(data)
            await stream.drain()
        stream.close()
        await stream.wait_closed()


async def _read(stream: asyncio.StreamReader) -> str:
    """Read to the end; what is beyond the limit is read and dropped, so nothing blocks."""
    kept = bytearray()
    while chunk := await stream.read(65_536):
        kept += chunk[: _OUTPUT_BYTES - len(kept)]
    return kept.decode("utf-8", "replace")


async def _end(process: asyncio.subprocess.Process) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):
            return
        try:
            async with asyncio.timeout(_GRACE_S):
                await process.wait()
        except TimeoutError:
            continue
        # The leader is gone; whatever it started must not outlive the stage either.
    return


class ToolHandler:
    """Runs ``tool_command``; its standard output becomes ``tool.output``.

    Args:
        run: How commands are run; a factory hands in one that uses its sandbox.
    """

    def __init__(self, run: Callable[[str], Awaitable[ToolResult]] = run_shell_command) -> None:
        self._run = run

    async def execute(self, node: Node, context: Context, graph: Graph, run_dir: Path) -> Outcome:
        """Run the command; a non-zero exit is a failure."""
        command = str(node.attrs.get("tool_command", ""))
        if not command.strip():
            return Outcome.fail("No tool_command specified", terminal=True)
        result = await self._run(command)
        stage_dir = run_dir / node.id
        write_text(stage_dir / "stdout.txt", result.stdout)
        write_text(stage_dir / "stderr.txt", result.stderr)
        updates = {
            "tool.output": result.stdout[:_CONTEXT_CHARS],
            "tool.exit_code": result.exit_code,
        }
        if result.exit_code != 0:
            last = (result.stderr.strip() or result.stdout.strip()).splitlines()[-1:]
            reason = f"exit code {result.exit_code}" + (f": {last[0][:300]}" if last else "")
            outcome = Outcome.fail(reason)
            outcome.context_updates = dict(updates)
            return outcome
        return Outcome(context_updates=dict(updates), notes=f"Tool completed: {command}")
