"""Anything that can run a command, as a whole execution environment.

File operations run as a small script in the other side's own Python, as the factory's own tools
do; paths stay in the workspace. Kept outputs live here and are read through `read_file`.
"""

import json
import re
import shlex
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from factory_tui.agent.environment import CommandRunner, DirEntry, ExecResult, GrepOptions

__all__ = ["BoxEnvironment"]

_PYTHON: Final = ("/usr/bin/python3", "-I", "-S", "-c")
_OUTPUTS: Final = "/tool-output/"


@cache
def _script() -> str:
    return (files("factory_tui.agent.box") / "files.py").read_text(encoding="utf-8")


class BoxEnvironment:
    """A `CommandRunner` (a sandbox, a container, a shell on another machine) with all the rest.

    Args:
        runner: What runs commands; its working directory is the workspace's root.
        working_directory: What the workspace is called over there.
        os_version: What to call the system.
    """

    def __init__(
        self, runner: CommandRunner, working_directory: str = "/work", os_version: str = "Linux"
    ) -> None:
        self._runner, self._root, self._version = runner, working_directory, os_version
        self._outputs: dict[str, str] = {}

    def working_directory(self) -> str:
        """See `ExecutionEnvironment`."""
        return self._root

    def platform(self) -> str:
        """See `ExecutionEnvironment`."""
        return "linux"

    def os_version(self) -> str:
        """See `ExecutionEnvironment`."""
        return self._version

    async def initialize(self) -> None:
        """Nothing to do."""

    async def cleanup(self) -> None:
        """Forget kept outputs."""
        self._outputs.clear()

    async def save_output(self, name: str, text: str) -> str:
        """Keep a long output; returns the path under which `read_file` and `grep` know it."""
        path = f"{_OUTPUTS}{re.sub(r'[^A-Za-z0-9_.-]', '_', name)[:80]}.txt"
        self._outputs[path] = text
        return path

    async def exec(
        self, argv: "list[str] | tuple[str, ...]", *, stdin: bytes = b"", timeout_s: float = 120.0
    ) -> ExecResult:
        """Run a command; see `CommandRunner`."""
        return await self._runner.exec(argv, stdin=stdin, timeout_s=timeout_s)

    async def exec_command(
        self,
        command: str,
        timeout_ms: int = 10_000,
        working_dir: str | None = None,
        env_vars: Mapping[str, str] | None = None,
    ) -> ExecResult:
        """See `ExecutionEnvironment`."""
        setup = [f"export {name}={shlex.quote(value)}" for name, value in (env_vars or {}).items()]
        if working_dir is not None:
            setup.append(f"cd {shlex.quote(working_dir)} || exit 1")
        line = "; ".join([*setup, command]) if setup else command
        return await self._runner.exec(["/bin/bash", "-c", line], timeout_s=timeout_ms / 1000)

    async def _ask(self, tool: str, **arguments: Any) -> str:
        request = json.dumps({"tool": tool, "arguments": arguments}).encode("ascii")
        done = await self._runner.exec([*_PYTHON, _script()], stdin=request, timeout_s=60.0)
        try:
            if not done.ok:
                raise ValueError(done.killed or done.stderr[-300:])
            reply = json.loads(done.stdout)
        except ValueError as error:
            raise OSError(f"{tool} did not finish: {error}") from error
        if not reply["ok"]:
            raise ValueError(reply["error"])
        return str(reply["text"])

    async def read_file(
        self, path: str, offset: int | None = None, limit: int | None = None
    ) -> str:
        """See `ExecutionEnvironment`."""
        if path in self._outputs:
            lines = self._outputs[path].splitlines(keepends=True)
            first = max(1, offset or 1) - 1
            return "".join(lines[first : None if limit is None else first + limit])
        return await self._ask("read_text", path=path, offset=offset or 1, limit=limit or 0)

    async def write_file(self, path: str, content: str) -> None:
        """See `ExecutionEnvironment`."""
        await self._ask("write_file", file_path=path, content=content)

    async def delete_file(self, path: str) -> None:
        """Remove a file."""
        await self._ask("delete_file", path=path)

    async def file_exists(self, path: str) -> bool:
        """See `ExecutionEnvironment`."""
        return path in self._outputs or await self._ask("exists", path=path) == "yes"

    async def list_directory(self, path: str, depth: int = 1) -> list[DirEntry]:
        """See `ExecutionEnvironment`."""
        rows = json.loads(await self._ask("list_dir", path=path, depth=depth))
        return [DirEntry(*row) for row in rows]

    async def grep(self, pattern: str, path: str = ".", options: GrepOptions | None = None) -> str:
        """See `ExecutionEnvironment`."""
        wanted = options or GrepOptions()
        if path in self._outputs:
            found = re.compile(pattern, re.IGNORECASE if wanted.case_insensitive else 0)
            lines = enumerate(self._outputs[path].splitlines(), 1)
            hits = [f"{path}:{n}:{line[:1000]}" for n, line in lines if found.search(line)]
            return "\n".join(hits[: wanted.max_results]) or "No matches found"
        return await self._ask(
            "grep",
            pattern=pattern,
            path=path,
            glob_filter=wanted.glob_filter,
            case_insensitive=wanted.case_insensitive,
            max_results=wanted.max_results,
            output_mode=wanted.output_mode,
        )

    async def glob(self, pattern: str, path: str = ".") -> list[str]:
        """See `ExecutionEnvironment`."""
        found = await self._ask("glob", pattern=pattern, path=path)
        return [] if found == "No files found" else found.splitlines()
