"""Running the tool calls of an answer: checked, all at once, and never by raising."""

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from jsonschema import Draft202012Validator

from factory_tui.llm.abort import AbortSignal
from factory_tui.llm.content import Message
from factory_tui.llm.errors import InvalidToolCallError
from factory_tui.llm.types import Tool, ToolCall, ToolDefinition, ToolResult

__all__ = ["RepairToolCall", "execute_all_tools", "is_passive"]

RepairToolCall = Callable[[ToolCall, InvalidToolCallError], Awaitable[ToolCall | None]]
"""Gets a call with bad arguments and what is wrong; returns a better one, or ``None``."""

_INJECTED = ("messages", "abort_signal", "tool_call_id")


def is_passive(tools: Sequence[ToolDefinition], calls: Sequence[ToolCall]) -> bool:
    """Whether the caller has to run (some of) these calls, because a tool has no handler."""
    handlers = {tool.name: getattr(tool, "execute", None) for tool in tools}
    active = any(handler is not None for handler in handlers.values())
    return not active or any(c.name in handlers and handlers[c.name] is None for c in calls)


async def execute_all_tools(
    tools: Sequence[ToolDefinition],
    calls: Sequence[ToolCall],
    *,
    messages: Sequence[Message] = (),
    abort_signal: AbortSignal | None = None,
    repair_tool_call: RepairToolCall | None = None,
) -> list[ToolResult]:
    """Run calls side by side; one result per call, in their order.

    A failure of any kind (unknown tool, bad arguments, an exception) is a result with
    ``is_error``. Synchronous handlers run in threads.
    """
    by_name = {tool.name: tool for tool in tools}
    context = {"messages": list(messages), "abort_signal": abort_signal}

    async def run(call: ToolCall) -> ToolResult:
        tool = by_name.get(call.name)
        if not isinstance(tool, Tool) or tool.execute is None:
            return ToolResult(call.id, f"Unknown tool: {call.name}", is_error=True)
        try:
            try:
                arguments = checked(tool, call)
            except InvalidToolCallError as error:
                better = None if repair_tool_call is None else await repair_tool_call(call, error)
                if better is None:
                    raise
                arguments = checked(tool, better)
            found = await _call(tool, arguments, {**context, "tool_call_id": call.id})
            return ToolResult(call.id, _portable(found))
        except Exception as error:
            said = str(error) or type(error).__name__
            return ToolResult(call.id, f"Tool error ({call.name}): {said}", is_error=True)

    return list(await asyncio.gather(*(run(call) for call in calls)))


def checked(tool: ToolDefinition, call: ToolCall) -> dict[str, Any]:
    """The arguments of a call.

    Raises:
        InvalidToolCallError: They are no JSON object, or do not fit the tool's schema.
    """
    arguments: Any = call.arguments
    if not arguments and call.raw_arguments and call.raw_arguments.strip():
        try:
            arguments = json.loads(call.raw_arguments)
        except (ValueError, RecursionError) as error:
            raise InvalidToolCallError(
                f"the arguments of {tool.name} are not JSON: {error}", cause=error
            ) from error
    problems = list(Draft202012Validator(dict(tool.parameters)).iter_errors(arguments))
    if problems:
        listed = "; ".join(
            f"{'.'.join(map(str, p.absolute_path)) or 'arguments'}: {p.message}"
            for p in problems[:5]
        )
        raise InvalidToolCallError(f"the arguments of {tool.name} do not fit: {listed}")
    return dict(arguments)


async def _call(tool: Tool, arguments: dict[str, Any], context: dict[str, Any]) -> Any:
    handler = tool.execute
    if handler is None:
        raise TypeError("a passive tool")
    args, kwargs = _bind(handler, tool, arguments, context)
    is_async = inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
        getattr(handler, "__call__", None)  # noqa: B004 - the method itself is wanted
    )
    if is_async:
        return await handler(*args, **kwargs)
    found = await asyncio.to_thread(handler, *args, **kwargs)
    return await found if inspect.isawaitable(found) else found


def _bind(
    handler: Callable[..., Any], tool: Tool, arguments: dict[str, Any], context: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """How a handler takes its arguments: as keywords, or all as one dictionary."""
    try:
        parameters = inspect.signature(handler).parameters
    except (TypeError, ValueError):
        return [], arguments
    properties = tool.parameters.get("properties") or {}
    injected = {
        name: context[name] for name in _INJECTED if name in parameters and name not in properties
    }
    rest = [
        p
        for name, p in parameters.items()
        if name not in injected and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    ]
    takes_any = any(p.kind == p.VAR_KEYWORD for p in parameters.values())
    whole = (
        len(rest) == 1
        and not takes_any
        and rest[0].name not in properties
        and rest[0].kind != rest[0].KEYWORD_ONLY
    )
    if whole:
        return [arguments], injected
    return [], {**arguments, **injected}


def _portable(value: Any) -> Any:
    """A result that can go to a model: text, or JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return str(value)
    return value if isinstance(value, dict | list) else json.dumps(value)
