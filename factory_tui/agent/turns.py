"""The entries of a session's history, and the messages they become.

A history only ever grows, and what a model said goes back to it exactly as it came: current
models bind their thinking to everything before it. Section 2.4 of the coding agent loop
specification.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = [
    "AssistantTurn",
    "SteeringTurn",
    "ToolResult",
    "ToolResultsTurn",
    "Turn",
    "UserTurn",
    "to_messages",
    "turn_from_json",
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
    """One answer of the model: its content blocks as received, why it stopped, what it used."""

    content: list[Block]
    stop_reason: str = ""
    model: str = ""
    response_id: str = ""
    usage: dict[str, Any] = field(default_factory=dict)
    timestamp: float = field(default_factory=_now)

    @property
    def text(self) -> str:
        """All text blocks, joined."""
        return "".join(b.get("text", "") for b in self.content if b.get("type") == "text")


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What one tool call is answered with."""

    tool_call_id: str
    content: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class ToolResultsTurn:
    """The answers to all tool calls of one assistant turn, in their order."""

    results: list[ToolResult]
    timestamp: float = field(default_factory=_now)


Turn = UserTurn | SteeringTurn | AssistantTurn | ToolResultsTurn
_KINDS: dict[str, type[Turn]] = {
    "user": UserTurn,
    "steering": SteeringTurn,
    "assistant": AssistantTurn,
    "tool_results": ToolResultsTurn,
}


def turn_to_json(turn: Turn) -> dict[str, Any]:
    """A turn as JSON, for a store; `turn_from_json` reads it back."""
    kind = next(name for name, cls in _KINDS.items() if isinstance(turn, cls))
    return {"kind": kind, **asdict(turn)}


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
    # The API refuses empty text, and an empty result tells the model nothing anyway.
    content = result.content or "(no output)"
    block: Block = {"type": "tool_result", "tool_use_id": result.tool_call_id, "content": content}
    if result.is_error:
        block["is_error"] = True
    return block
