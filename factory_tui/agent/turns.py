"""The entries of a session's history, and the messages they become.

A history only ever grows, and what a model said goes back to it exactly as it came: current
models bind their thinking to everything before it. Section 2.4 of the coding agent loop
specification.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from factory_tui.llm import ContentKind as Kind
from factory_tui.llm import (
    ContentPart,
    Message,
    Role,
    ThinkingData,
    ToolCall,
    ToolCallData,
    ToolResult,
)
from factory_tui.llm.wire import from_wire

__all__ = [
    "AssistantTurn",
    "SteeringTurn",
    "SystemTurn",
    "ToolResult",
    "ToolResultsTurn",
    "Turn",
    "UserTurn",
    "part_to_json",
    "to_conversation",
    "to_messages",
    "turn_from_json",
    "turn_to_json",
    "unanswered_calls",
]

Block = dict[str, Any]


def _now() -> float:
    return round(time.time(), 3)


@dataclass(frozen=True, slots=True)
class UserTurn:
    """Something the host asked for."""

    content: str
    timestamp: float = field(default_factory=_now)


@dataclass(frozen=True, slots=True)
class SteeringTurn:
    """Something the host, or the loop itself, put in between."""

    content: str
    timestamp: float = field(default_factory=_now)


@dataclass(frozen=True, slots=True)
class AssistantTurn:
    """One answer of the model: its content blocks as received, why it stopped, what it used.

    ``content`` is in the Messages API's shape. ``parts`` holds, for other providers, what goes
    back to them exactly as it came (see `part_to_json`).
    """

    content: list[Block]
    stop_reason: str = ""
    model: str = ""
    response_id: str = ""
    usage: dict[str, Any] = field(default_factory=dict)
    timestamp: float = field(default_factory=_now)
    parts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tool calls in it."""
        return [
            ToolCall(block["id"], block["name"], block["input"])
            for block in self.content
            if block.get("type") == "tool_use"
        ]

    @property
    def reasoning(self) -> str | None:
        """All readable thinking, joined; ``None`` where there is none."""
        said = [b.get("thinking", "") for b in self.content if b.get("type") == "thinking"]
        said += [p["thinking"]["text"] for p in self.parts if p.get("thinking") and not said]
        return "".join(said) or None

    @property
    def message(self) -> Message:
        """The answer as a message for its own provider."""
        if not self.parts:
            return from_wire({"role": "assistant", "content": self.content})
        return Message.assistant([_part_from_json(part) for part in self.parts])

    @property
    def text(self) -> str:
        """All text blocks, joined."""
        return "".join(b.get("text", "") for b in self.content if b.get("type") == "text")


@dataclass(frozen=True, slots=True)
class SystemTurn:
    """An instruction of the application put into the history."""

    content: str
    timestamp: float = field(default_factory=_now)


@dataclass(frozen=True, slots=True)
class ToolResultsTurn:
    """The answers to all tool calls of one assistant turn, in their order."""

    results: list[ToolResult]
    timestamp: float = field(default_factory=_now)


Turn = UserTurn | SteeringTurn | SystemTurn | AssistantTurn | ToolResultsTurn
_KINDS: dict[str, type[Turn]] = {
    "user": UserTurn,
    "steering": SteeringTurn,
    "system": SystemTurn,
    "assistant": AssistantTurn,
    "tool_results": ToolResultsTurn,
}


def turn_to_json(turn: Turn) -> dict[str, Any]:
    """A turn as JSON, for a store; `turn_from_json` reads it back."""
    kind = next(name for name, cls in _KINDS.items() if isinstance(turn, cls))
    data = {"kind": kind, **asdict(turn)}
    if data.get("parts") == []:
        del data["parts"]
    return data


def turn_from_json(data: Mapping[str, Any]) -> Turn:
    """Read a stored turn.

    Raises:
        ValueError: It is not one.
    """
    fields = dict(data)
    kind = fields.pop("kind", "")
    try:
        if kind == "tool_results":
            fields["results"] = [ToolResult(**result) for result in fields["results"]]
        return _KINDS[kind](**fields)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a stored turn ({kind!r}): {error}") from None


def part_to_json(part: ContentPart) -> dict[str, Any]:
    """A part of an answer as JSON."""
    call, thinking = part.tool_call, part.thinking
    return {
        "kind": str(part.kind),
        "text": part.text,
        "tool_call": None if call is None else asdict(call),
        "thinking": None if thinking is None else asdict(thinking),
        "native_provider": part.native_provider,
        "native": None if part.native is None else dict(part.native),
    }


def _part_from_json(data: Mapping[str, Any]) -> ContentPart:
    call, thinking = data.get("tool_call"), data.get("thinking")
    return ContentPart(
        data["kind"],
        text=data.get("text"),
        tool_call=None if call is None else ToolCallData(**call),
        thinking=None if thinking is None else ThinkingData(**thinking),
        native_provider=data.get("native_provider", ""),
        native=data.get("native"),
    )


def to_conversation(turns: Sequence[Turn]) -> list[Message]:
    """The turns as messages of the unified model, for any provider."""
    messages: list[Message] = []
    for turn in turns:
        if isinstance(turn, AssistantTurn):
            if turn.content or turn.parts:
                messages.append(turn.message)
        elif isinstance(turn, ToolResultsTurn):
            messages += [
                Message.tool_result(r.tool_call_id, _said(r.content), r.is_error)
                for r in turn.results
            ]
        elif isinstance(turn, SystemTurn):
            messages.append(Message(Role.DEVELOPER, [ContentPart(Kind.TEXT, text=turn.content)]))
        else:
            messages.append(Message.user(turn.content))
    return messages


def _said(content: Any) -> Any:
    # Some APIs refuse empty text, and an empty result tells the model nothing anyway.
    return content or "(no output)"


def unanswered_calls(turns: Sequence[Turn]) -> list[Block]:
    """The tool calls of the last assistant turn if nothing has answered them yet."""
    for turn in reversed(turns):
        if isinstance(turn, ToolResultsTurn):
            return []
        if isinstance(turn, AssistantTurn):
            return [block for block in turn.content if block.get("type") == "tool_use"]
    return []


def to_messages(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """The turns as Messages API messages.

    Everything between two answers is one user message, tool results first, as the API wants it.
    An answer without content becomes no message (the API refuses empty ones), yet what follows
    it is a new message, so that a request never changes one that was sent before.
    """
    messages: list[dict[str, Any]] = []
    pending: list[Block] = []
    for turn in turns:
        if isinstance(turn, AssistantTurn):
            _flush(messages, pending)
            if turn.content:
                messages.append({"role": "assistant", "content": turn.content})
        elif isinstance(turn, ToolResultsTurn):
            results = [_result_block(result) for result in turn.results]
            # Steering may have come in before the results of an interrupted round were known.
            pending[:0] = results
        else:
            pending.append({"type": "text", "text": turn.content})
    _flush(messages, pending)
    return messages


def _flush(messages: list[dict[str, Any]], pending: list[Block]) -> None:
    if pending:
        messages.append({"role": "user", "content": list(pending)})
        pending.clear()


def _result_block(result: ToolResult) -> Block:
    content = _said(result.content)
    block: Block = {"type": "tool_result", "tool_use_id": result.tool_call_id, "content": content}
    if result.is_error:
        block["is_error"] = True
    return block
