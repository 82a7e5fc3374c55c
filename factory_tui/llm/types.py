"""What goes to a model and what comes back.

Requests and responses can be read in two ways: as the unified specification models them
(``Message``, ``finish_reason``, …) and in the wire shape of the Messages API (``content``,
``stop_reason``). The wire shape is what the rest of the product stores: current models bind their
thinking to the exact history, so a conversation must go back as it came.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from factory_tui.llm.content import Message, Role
from factory_tui.llm.errors import ConfigurationError
from factory_tui.llm.wire import block_of, part_of

__all__ = [
    "Block",
    "FinishReason",
    "RateLimitInfo",
    "Request",
    "Response",
    "ResponseFormat",
    "Tool",
    "ToolCall",
    "ToolChoice",
    "ToolDefinition",
    "ToolResult",
    "Usage",
    "Warning",
    "WireMessage",
]

Block = dict[str, Any]
"""One content block of the Messages API: ``{"type": "text", "text": …}`` and so on."""

WireMessage = dict[str, Any]
"""One message of the Messages API: ``{"role": …, "content": str | list[Block]}``."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, as the server reported them; ``None`` where it said nothing.

    ``input_tokens`` and ``output_tokens`` are what the provider calls by these names. Whether the
    input includes cached tokens and the output the reasoning differs between providers, so
    ``cache_in_input`` and ``reasoning_in_output`` say it, and ``prompt_tokens``, ``fresh_tokens``
    and ``billed_output_tokens`` are the numbers that compare. ``cache_write_tokens`` includes
    ``cache_write_1h_tokens``. ``estimated`` marks numbers nobody measured (a playback, or a
    reservation charged because the server's usage never arrived). ``geo`` is the region the
    server says it ran in: it changes the price. ``total_tokens`` is input + output unless given.
    """

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    estimated: bool = False
    cache_write_1h_tokens: int = 0
    geo: str = ""
    total_tokens: int = -1
    raw: dict[str, Any] | None = None
    cache_in_input: bool = False
    reasoning_in_output: bool = True

    def __post_init__(self) -> None:
        if self.total_tokens < 0:
            object.__setattr__(self, "total_tokens", self.input_tokens + self.output_tokens)

    @property
    def fresh_tokens(self) -> int:
        """Prompt tokens that no cache had anything to do with."""
        if not self.cache_in_input:
            return self.input_tokens
        cached = (self.cache_read_tokens or 0) + (self.cache_write_tokens or 0)
        return max(0, self.input_tokens - cached)

    @property
    def billed_output_tokens(self) -> int:
        """Everything written, reasoning included."""
        reasoning = 0 if self.reasoning_in_output else self.reasoning_tokens or 0
        return self.output_tokens + reasoning

    @property
    def budget_tokens(self) -> int:
        """What counts against a token budget: uncached input + cache writes + output."""
        return self.fresh_tokens + (self.cache_write_tokens or 0) + self.billed_output_tokens

    @property
    def sound(self) -> bool:
        """Whether these can be counts of anything: a server may say what it likes."""
        counts = (
            self.input_tokens,
            self.output_tokens,
            self.cache_read_tokens or 0,
            self.cache_write_tokens or 0,
            self.reasoning_tokens or 0,
        )
        return all(type(count) is int and count >= 0 for count in counts)

    @property
    def prompt_tokens(self) -> int:
        """Everything the model read, cached or not."""
        return self.fresh_tokens + (self.cache_read_tokens or 0) + (self.cache_write_tokens or 0)

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            _sum(self.cache_read_tokens, other.cache_read_tokens),
            _sum(self.cache_write_tokens, other.cache_write_tokens),
            _sum(self.reasoning_tokens, other.reasoning_tokens),
            self.estimated or other.estimated,
            self.cache_write_1h_tokens + other.cache_write_1h_tokens,
            self.geo if self.geo == other.geo else "",
            self.total_tokens + other.total_tokens,
            None,
            self.cache_in_input or other.cache_in_input,
            self.reasoning_in_output and other.reasoning_in_output,
        )


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None and other is None else (one or 0) + (other or 0)


_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A tool of ours, described by a JSON Schema (never a server-side tool type).

    Raises:
        ValueError: The name is no identifier of at most 64 characters, or the schema no object.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"tool name {self.name!r}: letters, digits and _, first a letter, 64 at most"
            )
        if not isinstance(self.parameters, Mapping) or self.parameters.get("type") != "object":
            raise ValueError(f'tool {self.name}: parameters need "type": "object" at the root')

    @property
    def input_schema(self) -> Mapping[str, Any]:
        """``parameters`` under the Messages API's name."""
        return self.parameters

    def wire(self) -> dict[str, Any]:
        """The tool as the Messages API wants it."""
        return {
            "name": self.name,
            "description": self.description,
            "input_schema": dict(self.parameters),
        }


@dataclass(frozen=True, slots=True)
class Tool(ToolDefinition):
    """A tool, and what runs it (sync or async); without ``execute`` the caller runs it."""

    execute: Callable[..., Any] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool the model wants to run; ``arguments`` is a complete JSON object.

    While a call streams in, or if its JSON is broken, ``arguments`` is empty and
    ``raw_arguments`` holds the text so far.
    """

    id: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    raw_arguments: str | None = None

    @property
    def input(self) -> dict[str, Any]:
        """``arguments`` under the Messages API's name."""
        return self.arguments


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool call is answered with."""

    tool_call_id: str
    content: Any
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Whether and how tools are used: mode "auto", "none", "required", or "named"."""

    mode: str = "auto"
    tool_name: str | None = None

    def __post_init__(self) -> None:
        if self.mode not in ("auto", "none", "required", "named"):
            raise ValueError(f"no tool choice mode {self.mode!r}")
        if (self.mode == "named") != (self.tool_name is not None):
            raise ValueError("tool_name belongs to mode 'named'")

    @classmethod
    def of(cls, choice: "ToolChoice | str | None") -> "ToolChoice | None":
        """A choice given by its mode alone."""
        return cls(choice) if isinstance(choice, str) else choice


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """How the answer's text is shaped: "text", "json", or "json_schema" (with the schema)."""

    type: str = "text"
    json_schema: dict[str, Any] | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        if self.type not in ("text", "json", "json_schema"):
            raise ValueError(f"no response format {self.type!r}")
        if self.type == "json_schema" and self.json_schema is None:
            raise ValueError("json_schema needs the schema")


@dataclass(frozen=True, slots=True)
class FinishReason:
    """Why generation stopped: the unified ``reason`` and the provider's own word.

    ``reason`` is "stop", "length", "tool_calls", "content_filter", "error" or "other".
    """

    reason: str
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class Warning:  # noqa: A001 - the specification's name
    """Something that did not stop the call but should be known."""

    message: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class RateLimitInfo:
    """What is left of the account's rate limits, from response headers."""

    requests_remaining: int | None = None
    requests_limit: int | None = None
    tokens_remaining: int | None = None
    tokens_limit: int | None = None
    reset_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model.

    ``messages`` are ``Message``s or, for the Messages API, messages in its wire shape.
    ``reasoning_effort`` is "low", "medium", "high", or what else the provider knows.
    ``provider_options`` maps a provider's name to parameters only it knows.

    ``system`` stands before all system messages, ``schema`` is short for a strict
    ``response_format``. ``role`` books the call in the ledger; ``key`` names it for recording and
    playback, as ``role/iteration/scenario/trial/ordinal``.
    """

    model: str
    messages: Sequence[Message | WireMessage]
    system: str = ""
    tools: Sequence[ToolDefinition] | None = ()
    max_tokens: int | None = None
    schema: dict[str, Any] | None = None
    role: str = "builder"
    key: str = ""
    provider: str | None = None
    tool_choice: ToolChoice | str | None = None
    response_format: ResponseFormat | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: Sequence[str] | None = None
    reasoning_effort: str | None = None
    metadata: Mapping[str, str] | None = None
    provider_options: Mapping[str, Any] | None = None

    @property
    def output_schema(self) -> dict[str, Any] | None:
        """The JSON schema the answer's text must follow, however it was given."""
        if self.schema is not None:
            return self.schema
        shape = self.response_format
        return shape.json_schema if shape is not None and shape.type == "json_schema" else None

    def options_for(self, provider: str) -> dict[str, Any]:
        """The options meant for one provider."""
        return dict((self.provider_options or {}).get(provider) or {})


_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "other",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_STOPS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


@dataclass(frozen=True, slots=True, init=False)
class Response:
    """A complete answer.

    It is made either from what the Messages API sent (``content``, ``stop_reason``) or from the
    specification's ``message`` and ``finish_reason``; the other view is derived.

    ``cost`` is in US dollars, ``None`` where nobody knows it. ``incomplete_tool`` names the tool
    whose call was cut off by ``max_tokens``: such a call is not in the content, because half a
    JSON object can be neither run nor sent back.
    """

    id: str
    model: str
    content: list[Block]
    stop_reason: str
    usage: Usage
    cost: Decimal | None
    budget_tokens: int
    incomplete_tool: str
    provider: str
    message: Message
    finish_reason: FinishReason
    raw: dict[str, Any] | None
    warnings: list[Warning]
    rate_limit: RateLimitInfo | None

    def __init__(
        self,
        id: str = "",  # noqa: A002 - the specification's name
        model: str = "",
        content: list[Block] | None = None,
        stop_reason: str = "",
        usage: Usage | None = None,
        cost: Decimal | None = None,
        budget_tokens: int | None = None,
        incomplete_tool: str = "",
        *,
        provider: str = "",
        message: Message | None = None,
        finish_reason: FinishReason | None = None,
        raw: dict[str, Any] | None = None,
        warnings: Sequence[Warning] = (),
        rate_limit: RateLimitInfo | None = None,
    ) -> None:
        usage = usage or Usage(0, 0)
        if content is None:
            content = _blocks(message) if message is not None else []
        if message is None:
            message = Message(Role.ASSISTANT, [part_of(block) for block in content])
        if finish_reason is None:
            finish_reason = FinishReason(_REASONS.get(stop_reason, "other"), stop_reason or None)
        values = {
            "id": id,
            "model": model,
            "content": content,
            "stop_reason": stop_reason or _STOPS.get(finish_reason.reason, finish_reason.reason),
            "usage": usage,
            "cost": cost,
            "budget_tokens": usage.budget_tokens if budget_tokens is None else budget_tokens,
            "incomplete_tool": incomplete_tool,
            "provider": provider or "anthropic",
            "message": message,
            "finish_reason": finish_reason,
            "raw": raw,
            "warnings": list(warnings),
            "rate_limit": rate_limit,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def text(self) -> str:
        """All text parts, joined."""
        return self.message.text

    @property
    def reasoning(self) -> str | None:
        """All readable thinking, joined; ``None`` where the server keeps it to itself."""
        return self.message.reasoning

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tool calls, arguments parsed."""
        return [tool_call(c.id, c.name, c.arguments) for c in self.message.tool_calls]


def tool_call(id: str, name: str, arguments: dict[str, Any] | str) -> ToolCall:  # noqa: A002
    """A call from its arguments, parsed or as text; text that is no object leaves none."""
    if not isinstance(arguments, str):
        return ToolCall(id, name, arguments, json.dumps(arguments, ensure_ascii=False))
    try:
        parsed = json.loads(arguments) if arguments.strip() else {}
    except (ValueError, RecursionError):
        parsed = None
    return ToolCall(id, name, parsed if isinstance(parsed, dict) else {}, arguments)


def _blocks(message: Message) -> list[Block]:
    """The view of an answer in the Messages API's wire shape."""
    blocks: list[Block] = []
    for part in message.content:
        try:
            block = block_of(part)
        except (ConfigurationError, ValueError):
            continue  # a kind, or a broken call, that only its own provider understands
        if block is not None:
            blocks.append(block)
    return blocks
