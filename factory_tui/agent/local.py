"""The machine itself as an execution environment. Section 4.2 of the specification.

This is for people who run an agent outside a factory: nothing here confines it. Inside a factory
tools run in a sandbox.
"""

import asyncio
import contextlib
import os
import platform
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from factory_tui.agent.box import files
from factory_tui.agent.environment import DirEntry, ExecResult, GrepOptions

__all__ = ["EnvPolicy", "LocalExecutionEnvironment", "filter_environment"]

EnvPolicy = Literal["filtered", "all", "core", "none"]
"""What commands inherit: all but secrets, everything, only the core, or nothing."""

GRACE_S: Final = 2.0
"""Seconds between SIGTERM and SIGKILL."""
_MOST_OUTPUT = 64 << 20
_SECRET = re.compile(r".*(_API_KEY|_SECRET|_TOKEN|_PASSWORD|_CREDENTIALS?)", re.IGNORECASE)
_CORE = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TERM", "TMPDIR"}
    | {"TZ", "GOPATH", "GOROOT", "CARGO_HOME", "RUSTUP_HOME", "NVM_DIR", "PYENV_ROOT", "JAVA_HOME"}
    | {"VIRTUAL_ENV", "SYSTEMROOT", "COMSPEC", "PATHEXT"}
)


def filter_environment(
    variables: Mapping[str, str], policy: EnvPolicy = "filtered"
) -> dict[str, str]:
    """The variables a command may have."""
    if policy == "all":
        return dict(variables)
    if policy == "none":
        return {}
    if policy == "core":
        return {name: value for name, value in variables.items() if name in _CORE}
    return {
        name: value
        for name, value in variables.items()
        if name in _CORE or not _SECRET.fullmatch(name)
    }


class LocalExecutionEnvironment:
    """Files and commands of this machine, as the user who runs it.

    Args:
        working_dir: Where relative paths start and commands run.
        env_policy: What commands inherit of this process's environment.
        env_vars: What they get besides.
    """

    def __init__(
        self,
        working_dir: str | os.PathLike[str] | None = None,
        *,
        env_policy: EnvPolicy = "filtered",
        env_vars: Mapping[str, str] | None = None,
    ) -> None:
        self._root = Path(working_dir or Path.cwd()).resolve()
        self._policy, self._extra = env_policy, dict(env_vars or {})
        self._outputs: Path | None = None
        self._groups: set[int] = set()

    # metadata

    def working_directory(self) -> str:
        """See `ExecutionEnvironment`."""
        return str(self._root)

    def platform(self) -> str:
        """See `ExecutionEnvironment`."""
        return platform.system().lower() or "linux"

    def os_version(self) -> str:
        """See `ExecutionEnvironment`."""
        return f"{platform.system()} {platform.release()}"

    # lifecycle

    async def initialize(self) -> None:
        """Make sure the working directory is there."""
        self._root.mkdir(parents=True, exist_ok=True)

    async def cleanup(self) -> None:
        """End commands still running and forget kept outputs."""
        for group in list(self._groups):
            _signal(group, signal.SIGKILL)
        if self._outputs is not None:
            shutil.rmtree(self._outputs, ignore_errors=True)
            self._outputs = None

    async def save_output(self, name: str, text: str) -> str:
        """Keep a long output in a temporary file; returns its path."""
        if self._outputs is None:
            self._outputs = Path(tempfile.mkdtemp(prefix="agent-output-"))
        path = self._outputs / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', name)[:80]}.txt"
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
        return str(path)

    # files

    def _at(self, path: str) -> Path:
        return self._root / Path(path).expanduser()

    async def read_file(
        self, path: str, offset: int | None = None, limit: int | None = None
    ) -> str:
        """See `ExecutionEnvironment`; raises OSError, or ValueError for a binary file."""
        data = await asyncio.to_thread(self._at(path).read_bytes)
        if b"\0" in data[:8192]:
            raise ValueError(f"{path} is a binary file ({len(data)} bytes)")
        text = data.decode("utf-8", "surrogateescape")
        if offset is None and limit is None:
            return text
        first = max(1, offset or 1) - 1
        lines = text.splitlines(keepends=True)
        return "".join(lines[first : None if limit is None else first + limit])

    async def write_file(self, path: str, content: str) -> None:
        """See `ExecutionEnvironment`; raises OSError."""
        full = self._at(path)
        full.parent.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(full.write_bytes, content.encode("utf-8", "surrogateescape"))

    async def file_exists(self, path: str) -> bool:
        """See `ExecutionEnvironment`."""
        return self._at(path).exists()

    async def delete_file(self, path: str) -> None:
        """Remove a file; raises OSError."""
        self._at(path).unlink()

    async def list_directory(self, path: str, depth: int = 1) -> list[DirEntry]:
        """See `ExecutionEnvironment`; raises OSError."""
        base = self._at(path)
        entries: list[DirEntry] = []

        def visit(folder: Path, levels: int) -> None:
            for child in sorted(folder.iterdir(), key=lambda one: one.name):
                is_dir = child.is_dir() and not child.is_symlink()
                size = None if is_dir else child.lstat().st_size
                entries.append(DirEntry(child.relative_to(base).as_posix(), is_dir, size))
                if is_dir and levels > 1 and child.name not in files.SKIPPED:
                    visit(child, levels - 1)

        await asyncio.to_thread(visit, base, max(1, depth))
        return entries

    # commands

    async def exec(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 120.0
    ) -> ExecResult:
        """Run one command to its end; see `CommandRunner`."""
        return await self._run(list(argv), stdin, timeout_s, self._root, {}, None)

    async def exec_command(
        self,
        command: str,
        timeout_ms: int = 10_000,
        working_dir: str | None = None,
        env_vars: Mapping[str, str] | None = None,
        *,
        on_output: Callable[[str], None] | None = None,
    ) -> ExecResult:
        """See `ExecutionEnvironment`.

        The command runs in a process group of its own. After ``timeout_ms``, or when the caller
        is cancelled, the group gets SIGTERM and two seconds later SIGKILL. ``on_output`` is
        called with pieces of what it prints.
        """
        where = self._root if working_dir is None else self._at(working_dir)
        shell = ["cmd.exe", "/c"] if os.name == "nt" else ["/bin/bash", "-c"]
        return await self._run(
            [*shell, command], b"", timeout_ms / 1000, where, env_vars or {}, on_output
        )

    async def _run(
        self,
        argv: list[str],
        stdin: bytes,
        timeout_s: float,
        where: Path,
        env_vars: Mapping[str, str],
        on_output: Callable[[str], None] | None,
    ) -> ExecResult:
        began = time.monotonic()
        variables = filter_environment(os.environ, self._policy)
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                *argv,
                cwd=where,
                env={**variables, **self._extra, **env_vars},
                stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        )
        try:
            process = await asyncio.shield(starting)
        except asyncio.CancelledError:  # it may run already, with children of its own
            await asyncio.shield(asyncio.ensure_future(_end(await starting)))
            raise
        self._groups.add(process.pid)
        out, err = bytearray(), bytearray()
        readers = [
            asyncio.ensure_future(_collect(process.stdout, out, on_output)),
            asyncio.ensure_future(_collect(process.stderr, err, on_output)),
        ]
        timed_out = False
        try:
            if process.stdin is not None:
                with contextlib.suppress(ConnectionError):
                    process.stdin.write(stdin)
                    await process.stdin.drain()
                process.stdin.close()
            try:
                async with asyncio.timeout(timeout_s):
                    await process.wait()
            except TimeoutError:
                timed_out = True
                await _end(process)
            # A child left in the background may hold the pipes open for ever.
            await asyncio.wait(readers, timeout=0.5)
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.ensure_future(_end(process)))
            raise
        finally:
            _signal(process.pid, signal.SIGKILL)  # whatever it left behind
            self._groups.discard(process.pid)
            for reader in readers:
                reader.cancel()
        return ExecResult(
            process.returncode,
            "wall" if timed_out else None,
            out.decode("utf-8", "replace"),
            err.decode("utf-8", "replace"),
            len(out) >= _MOST_OUTPUT or len(err) >= _MOST_OUTPUT,
            max(1, round((time.monotonic() - began) * 1000)),
        )

    # searches

    async def grep(self, pattern: str, path: str = ".", options: GrepOptions | None = None) -> str:
        """See `ExecutionEnvironment`; ripgrep if there is one. Raises ValueError or OSError."""
        wanted = options or GrepOptions()
        base = self._at(path)
        if not base.exists():
            raise FileNotFoundError(f"path not found: {path}")
        ripgrep = shutil.which("rg")
        if ripgrep is None:
            return await asyncio.to_thread(self._grep, pattern, base, wanted)
        modes = {"files_with_matches": ["-l"], "count": ["-c", "-H"]}
        argv = [ripgrep, "--no-config", "--sort", "path", "--no-heading", "--color", "never"]
        argv += modes.get(wanted.output_mode, ["-n", "-H"])
        argv += ["-i"] if wanted.case_insensitive else []
        argv += ["-g", wanted.glob_filter] if wanted.glob_filter else []
        target = os.path.relpath(base, self._root)
        done = await self._run([*argv, "-e", pattern, "--", target], b"", 60, self._root, {}, None)
        if done.exit_code not in (0, 1):
            raise ValueError(done.stderr.strip()[:500] or "the search failed")
        lines = [line.removeprefix("./") for line in done.stdout.splitlines()]
        return _first(lines, wanted.max_results)

    def _grep(self, pattern: str, base: Path, options: GrepOptions) -> str:
        try:
            wanted = re.compile(pattern, re.IGNORECASE if options.case_insensitive else 0)
        except re.error as error:
            raise ValueError(f"bad regular expression: {error}") from error
        hits: list[str] = []
        for full in files.candidates(str(base), options.glob_filter):
            name = os.path.relpath(full, self._root)
            matches = [
                f"{name}:{number}:{line.rstrip()[:1000]}"
                for number, line in enumerate(files.searchable(full), 1)
                if wanted.search(line)
            ]
            if options.output_mode == "content":
                hits += matches
            elif matches:
                count = f":{len(matches)}" if options.output_mode == "count" else ""
                hits.append(name + count)
        return _first(hits, options.max_results)

    async def glob(self, pattern: str, path: str = ".") -> list[str]:
        """See `ExecutionEnvironment`; raises ValueError or OSError."""
        base = self._at(path)
        if not base.is_dir():
            raise NotADirectoryError(f"not a directory: {path}")
        try:
            wanted = files.translate(pattern.removeprefix("./"))
        except files.Problem as problem:
            raise ValueError(str(problem)) from problem

        def find() -> list[str]:
            found = []
            for folder, names in files.walk(str(base)):
                for name in names:
                    full = Path(folder) / name
                    if wanted.match(os.path.relpath(full, base)):
                        with contextlib.suppress(OSError):
                            found.append(
                                (-full.lstat().st_mtime_ns, os.path.relpath(full, self._root))
                            )
            return [name for _, name in sorted(found)]

        return await asyncio.to_thread(find)


def _first(hits: list[str], most: int) -> str:
    if len(hits) > most:
        hits = [*hits[:most], f"[{len(hits) - most} more results; narrow the search]"]
    return "\n".join(hits) or "No matches found"


async def _collect(
    stream: asyncio.StreamReader | None,
    into: bytearray,
    on_output: Callable[[str], None] | None,
) -> None:
    while stream is not None and (piece := await stream.read(1 << 16)):
        into += piece[: _MOST_OUTPUT - len(into)]
        if on_output is not None:
            on_output(piece.decode("utf-8", "replace"))


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask a process group to end, then make it."""
    _signal(process.pid, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE_S):
            await process.wait()
    _signal(process.pid, signal.SIGKILL)
    await process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
