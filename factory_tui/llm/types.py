"""What goes to a model and what comes back, in the wire shape of the Messages API.

Messages and content blocks stay plain dictionaries exactly as they travel: current models bind
their thinking to the exact history, so a conversation must go back as it came.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

__all__ = ["Block", "Message", "Request", "Response", "Tool", "ToolCall", "Usage"]

Block = dict[str, Any]
"""One content block of the Messages API: ``{"type": "text", "text": …}`` and so on."""

Message = dict[str, Any]
"""One message of the Messages API: ``{"role": …, "content": str | list[Block]}``."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, as the server reported them.

    ``input_tokens`` is the uncached remainder, so the whole prompt is ``prompt_tokens``.
    ``cache_write_tokens`` includes ``cache_write_1h_tokens``; ``output_tokens`` includes
    ``reasoning_tokens``. ``estimated`` marks numbers nobody measured (a playback, or a
    reservation charged because the server's usage never arrived). ``geo`` is the region the
    server says it ran in: it changes the price.
    """

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False
    cache_write_1h_tokens: int = 0
    geo: str = ""

    @property
    def budget_tokens(self) -> int:
        """What counts against a token budget: uncached input + cache writes + output."""
        return self.input_tokens + self.cache_write_tokens + self.output_tokens

    @property
    def prompt_tokens(self) -> int:
        """Everything the model read, cached or not."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    @property
    def total_tokens(self) -> int:
        """Everything read and everything written."""
        return self.prompt_tokens + self.output_tokens

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.estimated or other.estimated,
            self.cache_write_1h_tokens + other.cache_write_1h_tokens,
            self.geo if self.geo == other.geo else "",
        )


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of ours, described by a JSON Schema (never a server-side tool type)."""

    name: str
    description: str
    input_schema: Mapping[str, Any]

    def wire(self) -> dict[str, Any]:
        """The tool as the Messages API wants it."""
        return {
            "name": self.name,
            "description": self.description,
            "input_schema": dict(self.input_schema),
        }


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool the model wants to run; ``input`` is a complete, valid JSON object."""

    id: str
    name: str
    input: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model.

    ``schema``: JSON Schema the answer's text must follow. ``key`` names the call for recording
    and playback, as ``role/iteration/scenario/trial/ordinal``.
    """

    model: str
    messages: Sequence[Message]
    system: str = ""
    tools: Sequence[Tool] = ()
    max_tokens: int = 8192
    schema: dict[str, Any] | None = None
    role: str = "builder"
    key: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer; it always has a ``stop_reason``.

    ``cost`` is in US dollars, ``None`` where the model's price is unknown. ``incomplete_tool``
    names the tool whose call was cut off by ``max_tokens``: such a call is not in ``content``,
    because half a JSON object can be neither run nor sent back.
    """

    id: str
    model: str
    content: list[Block]
    stop_reason: str
    usage: Usage
    cost: Decimal | None
    budget_tokens: int
    incomplete_tool: str = ""
    tool_calls: list[ToolCall] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        calls = [
            ToolCall(block["id"], block["name"], block["input"])
            for block in self.content
            if block["type"] == "tool_use"
        ]
        object.__setattr__(self, "tool_calls", calls)

    @property
    def text(self) -> str:
        """All text blocks, joined."""
        return "".join(block["text"] for block in self.content if block["type"] == "text")

    @property
    def reasoning(self) -> str:
        """All readable thinking, joined; empty where the server keeps it to itself."""
        return "".join(
            block.get("thinking", "") for block in self.content if block["type"] == "thinking"
        )
