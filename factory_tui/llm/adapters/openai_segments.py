"""The Responses API's stream: its events as those of every provider."""

from typing import Any

from factory_tui.llm.errors import InvalidReply
from factory_tui.llm.streaming import StreamEvent, StreamEventType
from factory_tui.llm.types import ToolCall, Warning, tool_call  # noqa: A004

__all__ = ["Segments"]

_SAID_OTHERWISE = frozenset(
    {
        "response.in_progress",
        "response.content_part.added",
        "response.content_part.done",
        "response.output_text.done",
        "response.refusal.done",
        "response.function_call_arguments.done",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_part.done",
        "response.reasoning_summary_text.done",
    }
)
"""Events that only frame or repeat what others say."""


class Segments:
    """Wire events to stream events."""

    def __init__(self, warnings: list[Warning]) -> None:
        self._warnings = warnings
        self._started = False
        self._texts: set[str] = set()
        self._calls: dict[int, tuple[str, str]] = {}
        self._thinking = False

    def translate(self, data: dict[str, Any]) -> list[StreamEvent]:
        """The events one wire event stands for."""
        kind = str(data.get("type"))
        try:
            if kind == "response.created":
                return self._begin(data)
            events = [] if self._started else self._begin(data)
            if kind == "response.output_text.delta":
                return events + self._text(data)
            if kind == "response.refusal.delta":
                return events + self._text(data)
            if kind == "response.reasoning_summary_text.delta":
                return events + self._think(data["delta"])
            if kind == "response.output_item.added":
                return events + self._added(data)
            if kind == "response.function_call_arguments.delta":
                call = ToolCall(*self._calls[data["output_index"]], raw_arguments=data["delta"])
                delta = StreamEvent(
                    StreamEventType.TOOL_CALL_DELTA, delta=data["delta"], tool_call=call
                )
                return [*events, delta]
            if kind == "response.output_item.done":
                return events + self._done(data)
            if kind in _SAID_OTHERWISE:
                return events
        except (KeyError, TypeError) as error:
            raise InvalidReply(f"openai: {kind}: {error!r}", provider="openai") from error
        return [*events, StreamEvent(StreamEventType.PROVIDER_EVENT, raw=data)]

    def _begin(self, data: dict[str, Any]) -> list[StreamEvent]:
        self._started = True
        return [StreamEvent(StreamEventType.STREAM_START, warnings=self._warnings, raw=data)]

    def _text(self, data: dict[str, Any]) -> list[StreamEvent]:
        text_id = f"text_{data.get('output_index', 0)}_{data.get('content_index', 0)}"
        events = []
        if text_id not in self._texts:
            self._texts.add(text_id)
            events.append(StreamEvent(StreamEventType.TEXT_START, text_id=text_id))
        delta = StreamEvent(StreamEventType.TEXT_DELTA, delta=data["delta"], text_id=text_id)
        return [*events, delta]

    def _think(self, piece: str) -> list[StreamEvent]:
        events = [] if self._thinking else [StreamEvent(StreamEventType.REASONING_START)]
        self._thinking = True
        return [*events, StreamEvent(StreamEventType.REASONING_DELTA, reasoning_delta=piece)]

    def _added(self, data: dict[str, Any]) -> list[StreamEvent]:
        item = data["item"]
        if item["type"] != "function_call":
            return []
        call = (item.get("call_id") or item["id"], item["name"])
        self._calls[data["output_index"]] = call
        return [StreamEvent(StreamEventType.TOOL_CALL_START, tool_call=ToolCall(*call))]

    def _done(self, data: dict[str, Any]) -> list[StreamEvent]:
        item = data["item"]
        if item["type"] == "message":
            return self.close(thinking=False)
        if item["type"] == "reasoning":
            return self._stop_thinking()
        if item["type"] == "function_call":
            events = [] if data.get("output_index") in self._calls else self._added(data)
            call = tool_call(item.get("call_id") or item["id"], item["name"], item["arguments"])
            return [*events, StreamEvent(StreamEventType.TOOL_CALL_END, tool_call=call)]
        return [StreamEvent(StreamEventType.PROVIDER_EVENT, raw=data)]

    def _stop_thinking(self) -> list[StreamEvent]:
        events = [StreamEvent(StreamEventType.REASONING_END)] if self._thinking else []
        self._thinking = False
        return events

    def close(self, *, thinking: bool = True) -> list[StreamEvent]:
        """End the segments still open."""
        ends = [StreamEvent(StreamEventType.TEXT_END, text_id=id_) for id_ in sorted(self._texts)]
        self._texts.clear()
        return [*ends, *(self._stop_thinking() if thinking else [])]
