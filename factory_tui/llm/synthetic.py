"""A whole answer as the events it could have come in."""

from collections.abc import Iterator

from factory_tui.llm.content import ContentKind
from factory_tui.llm.streaming import StreamEvent, StreamEventType
from factory_tui.llm.types import Response, ToolCall, tool_call

__all__ = ["events_of"]


def events_of(response: Response, *, only_calls: bool = False) -> Iterator[StreamEvent]:
    """The events of an answer, ``FINISH`` included; ``only_calls`` leaves out text and thinking."""
    if not only_calls:
        yield StreamEvent(StreamEventType.STREAM_START, warnings=response.warnings)
    for index, part in enumerate(response.message.content):
        if part.tool_call is not None:
            data = part.tool_call
            yield StreamEvent(
                StreamEventType.TOOL_CALL_START, tool_call=ToolCall(data.id, data.name)
            )
            call = tool_call(data.id, data.name, data.arguments)
            yield StreamEvent(StreamEventType.TOOL_CALL_END, tool_call=call)
        elif only_calls:
            continue
        elif part.kind == ContentKind.TEXT:
            id_ = f"text_{index}"
            yield StreamEvent(StreamEventType.TEXT_START, text_id=id_)
            yield StreamEvent(StreamEventType.TEXT_DELTA, delta=part.text or "", text_id=id_)
            yield StreamEvent(StreamEventType.TEXT_END, text_id=id_)
        elif part.kind == ContentKind.THINKING and part.thinking is not None:
            yield StreamEvent(StreamEventType.REASONING_START)
            piece = part.thinking.text
            yield StreamEvent(StreamEventType.REASONING_DELTA, reasoning_delta=piece)
            yield StreamEvent(StreamEventType.REASONING_END)
    yield StreamEvent(
        StreamEventType.FINISH,
        finish_reason=response.finish_reason,
        usage=response.usage,
        response=response,
    )
