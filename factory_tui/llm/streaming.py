"""What a streamed answer is made of, and putting it together again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from factory_tui.llm.content import (
    ContentKind,
    ContentPart,
    Message,
    Role,
    ThinkingData,
    ToolCallData,
)
from factory_tui.llm.errors import SDKError
from factory_tui.llm.types import FinishReason, Response, ToolCall, Usage, Warning, tool_call  # noqa: A004

__all__ = ["StreamAccumulator", "StreamEvent", "StreamEventType"]


class StreamEventType(StrEnum):
    """The kinds of events; segments follow the pattern start, delta, end."""

    STREAM_START = "stream_start"
    TEXT_START = "text_start"
    TEXT_DELTA = "text_delta"
    TEXT_END = "text_end"
    REASONING_START = "reasoning_start"
    REASONING_DELTA = "reasoning_delta"
    REASONING_END = "reasoning_end"
    TOOL_CALL_START = "tool_call_start"
    TOOL_CALL_DELTA = "tool_call_delta"
    TOOL_CALL_END = "tool_call_end"
    FINISH = "finish"
    ERROR = "error"
    PROVIDER_EVENT = "provider_event"
    STEP_FINISH = "step_finish"


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event; ``type`` says which fields are filled.

    In a ``TOOL_CALL_DELTA``, ``delta`` is the next piece of the arguments' JSON, and so is the
    ``raw_arguments`` of its ``tool_call``. ``STREAM_START`` carries ``warnings``; ``STEP_FINISH``
    (between the rounds of a tool loop) and ``FINISH`` carry the ``response``.
    """

    type: StreamEventType | str
    delta: str | None = None
    text_id: str | None = None
    reasoning_delta: str | None = None
    tool_call: ToolCall | None = None
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    response: Response | None = None
    error: SDKError | None = None
    raw: dict[str, Any] | None = None
    warnings: Sequence[Warning] = field(default=())

    @classmethod
    def finish(cls, response: Response) -> "StreamEvent":
        """The last event of an answer."""
        return cls(
            StreamEventType.FINISH,
            finish_reason=response.finish_reason,
            usage=response.usage,
            response=response,
        )


class StreamAccumulator:
    """Collects the events of one answer into the response ``complete`` would have returned.

    A ``FINISH`` event that carries the response decides; without one, it is put together from
    the pieces.
    """

    def __init__(self) -> None:
        self._order: list[tuple[str, str]] = []
        self._text: dict[tuple[str, str], list[str]] = {}
        self._calls: dict[str, ToolCall] = {}
        self._reasoning = 0
        self._finish: StreamEvent | None = None
        self._warnings: list[Warning] = []

    def process(self, event: StreamEvent) -> None:
        """Take the next event."""
        kind = event.type
        if kind == StreamEventType.STREAM_START:
            self._warnings += event.warnings
        elif kind in (StreamEventType.TEXT_START, StreamEventType.TEXT_DELTA):
            self._grow("text", event.text_id or "", event.delta or "")
        elif kind == StreamEventType.REASONING_START:
            self._reasoning += 1
        elif kind == StreamEventType.REASONING_DELTA:
            self._grow("reasoning", str(self._reasoning), event.reasoning_delta or "")
        elif kind == StreamEventType.TOOL_CALL_START and event.tool_call:
            self._grow("call", event.tool_call.id, event.tool_call.raw_arguments or "")
            self._calls[event.tool_call.id] = event.tool_call
        elif kind == StreamEventType.TOOL_CALL_DELTA and event.tool_call:
            piece = event.tool_call.raw_arguments if event.delta is None else event.delta
            self._grow("call", event.tool_call.id, piece or "")
            self._calls.setdefault(event.tool_call.id, event.tool_call)
        elif kind == StreamEventType.TOOL_CALL_END and event.tool_call:
            whole = event.tool_call
            if not (whole.arguments or whole.raw_arguments):
                text = "".join(self._text.get(("call", whole.id), []))
                whole = tool_call(whole.id, whole.name or self._calls[whole.id].name, text)
            self._grow("call", whole.id, "")
            self._calls[whole.id] = whole
        elif kind == StreamEventType.FINISH:
            self._finish = event

    def _grow(self, kind: str, id_: str, piece: str) -> None:
        key = (kind, id_)
        if key not in self._text:
            self._order.append(key)
            self._text[key] = []
        self._text[key].append(piece)

    @property
    def finished(self) -> bool:
        """Whether the answer is complete."""
        return self._finish is not None

    def response(self) -> Response:
        """The answer so far; complete once the stream has finished."""
        last = self._finish
        if last is not None and last.response is not None:
            return last.response
        parts = [self._part(kind, id_) for kind, id_ in self._order]
        calls = any(part.tool_call is not None for part in parts)
        reason = last.finish_reason if last is not None else None
        if reason is None and last is not None:
            reason = FinishReason("tool_calls" if calls else "stop")
        return Response(
            message=Message(Role.ASSISTANT, parts),
            finish_reason=reason or FinishReason("other"),
            usage=last.usage if last is not None else None,
            warnings=self._warnings,
        )

    def _part(self, kind: str, id_: str) -> ContentPart:
        text = "".join(self._text[kind, id_])
        if kind == "text":
            return ContentPart(ContentKind.TEXT, text=text)
        if kind == "reasoning":
            return ContentPart(ContentKind.THINKING, thinking=ThinkingData(text))
        call = self._calls[id_]
        whole = call if call.arguments else tool_call(call.id, call.name, text)
        data = ToolCallData(whole.id, whole.name, whole.arguments)
        return ContentPart(ContentKind.TOOL_CALL, tool_call=data)
