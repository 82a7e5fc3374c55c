"""Running the tools that one answer asks for."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from factory_tui.agent.config import SessionConfig
from factory_tui.agent.environment import resolved
from factory_tui.agent.events import Emit, EventKind
from factory_tui.agent.profile_tools import ON_OUTPUT
from factory_tui.agent.tools import ToolError, ToolRegistry, summarize_call
from factory_tui.agent.truncation import truncate_tool_output
from factory_tui.agent.turns import ToolResult
from factory_tui.agent.waiting import AbortSwitch
from factory_tui.llm import ToolCall

__all__ = ["ToolRecord", "ToolRunner", "nothing"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ToolRecord:
    """One finished tool call, with everything it printed.

    Attributes:
        call: What the model asked for.
        summary: The call as one line.
        output: The full output, or the error message.
        is_error: Whether it failed.
        ms: Wall time in milliseconds.
    """

    call: ToolCall
    summary: str
    output: str
    is_error: bool
    ms: int


async def nothing(*_: Any) -> None:
    """A hook that does nothing."""


@dataclass(frozen=True, slots=True)
class ToolRunner:
    """Runs the tool calls of one session.

    Attributes:
        registry: The tools.
        environment: Where they run.
        config: The session's limits.
        emit: Told of every start, piece of output and end.
        abort: Ends what is running.
        parallel: Whether the profile wants the calls of one answer side by side.
        entering: Called before each tool runs, in its context.
        before: Awaited before each call.
        after: Awaited after each call.
        on_tool: Called with every finished call.
    """

    registry: ToolRegistry
    environment: Any
    config: SessionConfig
    emit: Emit
    abort: AbortSwitch
    parallel: bool = False
    entering: Callable[[], object] = lambda: None
    before: Callable[[ToolCall], Awaitable[None]] = nothing
    after: Callable[[ToolRecord], Awaitable[None]] = nothing
    on_tool: Callable[[ToolRecord], None] | None = None

    async def run(self, calls: Sequence[ToolCall]) -> list[ToolResult]:
        """Run the calls of one answer; their results, in order.

        Raises:
            Aborted: The session was aborted meanwhile.
        """
        if (self.config.parallel_tools or self.parallel) and len(calls) > 1:
            records = await self.abort.unless_set(_together([self._one(c) for c in calls]))
        else:
            records = [await self.abort.unless_set(self._one(call)) for call in calls]
        return [ToolResult(r.call.id, await self._shown(r), r.is_error) for r in records]

    async def _shown(self, record: ToolRecord) -> str:
        """What the model sees of a result; the rest goes where it can read it."""
        shown = truncate_tool_output(
            record.output,
            record.call.name,
            self.config.tool_output_limits,
            self.config.tool_line_limits,
        )
        save = getattr(self.environment, "save_output", None)
        if shown == record.output or save is None or record.call.name != "shell":
            return shown
        path = await resolved(save(f"{record.call.name}-{record.call.id}", record.output))
        return f"{shown}\n[The full output is in {path}; use read_file or grep on it.]"

    async def _one(self, call: ToolCall) -> ToolRecord:
        about = {"tool_name": call.name, "call_id": call.id}
        self.emit(EventKind.TOOL_CALL_START, **about, arguments=call.input)
        await self.before(call)
        began = time.monotonic()
        failed = True
        self.entering()
        ON_OUTPUT.set(
            lambda piece: self.emit(EventKind.TOOL_CALL_OUTPUT_DELTA, **about, delta=piece)
        )
        try:
            output = await self.registry.execute(
                call.name, call.input, self.environment, self.config
            )
            failed = False
        except ToolError as error:
            output = str(error)
        except Exception as error:
            # A tool that breaks must not break the session; the model can try another way.
            output = f"Tool error ({call.name}): {str(error) or type(error).__name__}"
        ms = round((time.monotonic() - began) * 1000)
        record = ToolRecord(call, summarize_call(call.name, call.input), output, failed, ms)
        await self.after(record)
        if self.on_tool is not None:
            self.on_tool(record)
        result = {"output": output} | ({"error": output} if failed else {})
        self.emit(EventKind.TOOL_CALL_END, **about, ms=ms, **result)
        return record


async def _together(jobs: Sequence[Coroutine[Any, Any, _T]]) -> list[_T]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job) for job in jobs]
    return [task.result() for task in tasks]
