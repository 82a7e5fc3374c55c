"""Subagents: sessions a session starts for a part of its work. Section 7 of the specification."""

import asyncio
import contextlib
import json
import os.path
import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from factory_tui.agent.environment import DirEntry, ExecResult, GrepOptions, resolved
from factory_tui.agent.tools import RegisteredTool, ToolError
from factory_tui.llm import ToolDefinition

if TYPE_CHECKING:
    from factory_tui.agent.session import Session

__all__ = [
    "CURRENT_SESSION",
    "SUBAGENT_TOOLS",
    "ScopedEnvironment",
    "SubAgentHandle",
    "SubAgentResult",
    "SubAgentStatus",
    "subagent_tools",
]

SUBAGENT_TOOLS = ("spawn_agent", "send_input", "wait", "close_agent")

CURRENT_SESSION: ContextVar["Session | None"] = ContextVar("session", default=None)
"""The session whose tool is running."""


class SubAgentStatus(StrEnum):
    """How a subagent is doing."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SubAgentResult:
    """What came of a subagent's work."""

    output: str
    success: bool
    turns_used: int


@dataclass(slots=True)
class SubAgentHandle:
    """A subagent: its own session, how it is doing, and what came of it."""

    id: str
    session: "Session"
    status: SubAgentStatus = SubAgentStatus.RUNNING
    result: SubAgentResult | None = None
    task: "asyncio.Task[None] | None" = field(default=None, repr=False)

    def start(self, text: str) -> None:
        """Let it work on something."""
        self.status, self.result = SubAgentStatus.RUNNING, None
        self.task = asyncio.ensure_future(self._work(text))

    async def _work(self, text: str) -> None:
        from factory_tui.agent.turns import AssistantTurn

        try:
            finished = await self.session.submit(text)
            good, output = finished.reason == "done", finished.text
            if not good:
                output = f"{output}\n[stopped: {finished.reason}]".strip()
        except Exception as error:
            good, output = False, f"The subagent failed: {error or type(error).__name__}"
        turns = sum(isinstance(turn, AssistantTurn) for turn in self.session.history)
        self.status = SubAgentStatus.COMPLETED if good else SubAgentStatus.FAILED
        self.result = SubAgentResult(output, good, turns)

    async def wait(self) -> SubAgentResult:
        """Wait for the end of its work."""
        if self.task is not None:
            await asyncio.shield(self.task)
        return self.result or SubAgentResult("", False, 0)

    async def close(self) -> SubAgentStatus:
        """End it, whatever it is doing."""
        self.session.abort()
        if self.task is not None:
            with contextlib.suppress(Exception):
                await self.task
        if self.status is SubAgentStatus.RUNNING:
            self.status = SubAgentStatus.FAILED
        return self.status


class ScopedEnvironment:
    """An environment seen from one of its directories: relative paths start there."""

    def __init__(self, inner: Any, directory: str) -> None:
        self._inner, self._directory = inner, directory

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def _at(self, path: str) -> str:
        return os.path.normpath(os.path.join(self.working_directory(), path))  # noqa: PTH118

    def working_directory(self) -> str:
        """The directory."""
        whole = os.path.join(self._inner.working_directory(), self._directory)  # noqa: PTH118
        return os.path.normpath(whole)

    async def read_file(
        self, path: str, offset: int | None = None, limit: int | None = None
    ) -> str:
        """See `ExecutionEnvironment`."""
        return str(await resolved(self._inner.read_file(self._at(path), offset, limit)))

    async def write_file(self, path: str, content: str) -> None:
        """See `ExecutionEnvironment`."""
        await resolved(self._inner.write_file(self._at(path), content))

    async def delete_file(self, path: str) -> None:
        """Remove a file, if the environment can."""
        await resolved(self._inner.delete_file(self._at(path)))

    async def file_exists(self, path: str) -> bool:
        """See `ExecutionEnvironment`."""
        return bool(await resolved(self._inner.file_exists(self._at(path))))

    async def list_directory(self, path: str, depth: int = 1) -> list[DirEntry]:
        """See `ExecutionEnvironment`."""
        return list(await resolved(self._inner.list_directory(self._at(path), depth)))

    async def exec_command(
        self,
        command: str,
        timeout_ms: int = 10_000,
        working_dir: str | None = None,
        env_vars: Mapping[str, str] | None = None,
    ) -> ExecResult:
        """See `ExecutionEnvironment`."""
        where = self._at(working_dir or ".")
        done: ExecResult = await resolved(
            self._inner.exec_command(
                command, timeout_ms=timeout_ms, working_dir=where, env_vars=env_vars
            )
        )
        return done

    async def grep(self, pattern: str, path: str = ".", options: GrepOptions | None = None) -> str:
        """See `ExecutionEnvironment`."""
        wanted = options or GrepOptions()
        return str(await resolved(self._inner.grep(pattern, self._at(path), wanted)))

    async def glob(self, pattern: str, path: str = ".") -> list[str]:
        """See `ExecutionEnvironment`."""
        return list(await resolved(self._inner.glob(pattern, self._at(path))))


def _session() -> "Session":
    session = CURRENT_SESSION.get()
    if session is None:
        raise ToolError("subagents can only be used in a session")
    return session


def _handle(arguments: Mapping[str, Any]) -> SubAgentHandle:
    known = _session().subagents
    handle = known.get(arguments["agent_id"])
    if handle is None:
        listed = ", ".join(known) or "none"
        raise ToolError(f"No subagent {arguments['agent_id']!r}; there are: {listed}")
    return handle


async def _spawn(arguments: Mapping[str, Any], env: Any) -> str:
    parent = _session()
    if parent.depth >= parent.config.max_subagent_depth:
        raise ToolError(
            f"A subagent at depth {parent.depth} cannot spawn further ones "
            f"(max_subagent_depth is {parent.config.max_subagent_depth})."
        )
    scoped = env
    if arguments.get("working_dir"):
        scoped = ScopedEnvironment(env, arguments["working_dir"])
        if not await resolved(scoped.file_exists(".")):
            raise ToolError(f"no such directory: {arguments['working_dir']}")
    child = parent.child(scoped, arguments.get("model", ""), arguments.get("max_turns", 0))
    handle = SubAgentHandle(uuid.uuid4().hex[:8], child)
    parent.subagents[handle.id] = handle
    handle.start(arguments["task"])
    return json.dumps({"agent_id": handle.id, "status": handle.status})


async def _send(arguments: Mapping[str, Any], env: Any) -> str:
    handle = _handle(arguments)
    if handle.status is SubAgentStatus.RUNNING:
        handle.session.steer(arguments["message"])
        return f"Sent; {handle.id} reads it after its current tools."
    if handle.session.closed:
        raise ToolError(f"{handle.id} has been closed")
    handle.start(arguments["message"])
    return f"Sent; {handle.id} goes on with it."


async def _wait(arguments: Mapping[str, Any], env: Any) -> str:
    handle = _handle(arguments)
    return json.dumps(asdict(await handle.wait()), ensure_ascii=False)


async def _close(arguments: Mapping[str, Any], env: Any) -> str:
    handle = _handle(arguments)
    status = await handle.close()
    return json.dumps({"agent_id": handle.id, "status": status})


def subagent_tools() -> list[RegisteredTool]:
    """spawn_agent, send_input, wait and close_agent."""
    text = {"type": "string"}
    agent = {"agent_id": {**text, "description": "What spawn_agent returned."}}
    described: dict[str, tuple[str, dict[str, Any], list[str], Any]] = {
        "spawn_agent": (
            "Start a subagent on a part of the work. It has its own conversation and shares your "
            "files. Returns its id at once; several can work side by side.",
            {
                "task": {**text, "description": "What to do, with all it needs to know."},
                "working_dir": {**text, "description": "Subdirectory to work in."},
                "model": {**text, "description": "Another model than yours."},
                "max_turns": {"type": "integer", "minimum": 0, "description": "0: no limit."},
            },
            ["task"],
            _spawn,
        ),
        "send_input": (
            "Send a message to a subagent: it reads it while it works, or goes on with it.",
            {**agent, "message": {**text, "description": "The message."}},
            ["agent_id", "message"],
            _send,
        ),
        "wait": (
            "Wait for a subagent to finish; returns its output, success and turns used.",
            agent,
            ["agent_id"],
            _wait,
        ),
        "close_agent": ("End a subagent.", agent, ["agent_id"], _close),
    }
    return [
        RegisteredTool(
            ToolDefinition(
                name,
                description,
                {
                    "type": "object",
                    "properties": properties,
                    "required": required,
                    "additionalProperties": False,
                },
            ),
            executor,
        )
        for name, (description, properties, required, executor) in described.items()
    ]
