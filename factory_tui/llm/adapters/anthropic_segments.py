"""The Messages API's stream: its events as those of every provider."""

from collections.abc import Mapping
from typing import Any

from factory_tui.llm.streaming import StreamEvent, StreamEventType
from factory_tui.llm.types import ToolCall, Warning, tool_call  # noqa: A004

__all__ = ["Segments"]


class Segments:
    """Wire events to stream events."""

    def __init__(self) -> None:
        self._kinds: dict[int, str] = {}
        self._calls: dict[int, tuple[str, str]] = {}
        self._json: dict[int, str] = {}

    def translate(self, data: dict[str, Any], warnings: list[Warning]) -> list[StreamEvent]:
        """The events one wire event stands for."""
        kind, index = data.get("type"), data.get("index", -1)
        try:
            if kind == "message_start":
                return [StreamEvent(StreamEventType.STREAM_START, warnings=warnings, raw=data)]
            if kind == "content_block_start":
                return self._start(index, data["content_block"])
            if kind == "content_block_delta":
                return self._delta(index, data["delta"])
            if kind == "content_block_stop":
                return self._stop(index)
            if kind in ("message_delta", "message_stop"):
                return []
        except (KeyError, TypeError):
            return []  # the assembly has noticed and will say so
        return [StreamEvent(StreamEventType.PROVIDER_EVENT, raw=data)]

    def _start(self, index: int, block: Mapping[str, Any]) -> list[StreamEvent]:
        kind = self._kinds[index] = block["type"]
        if kind == "text":
            events = [StreamEvent(StreamEventType.TEXT_START, text_id=f"text_{index}")]
            if block.get("text"):
                events += self._delta(index, {"type": "text_delta", "text": block["text"]})
            return events
        if kind in ("thinking", "redacted_thinking"):
            return [StreamEvent(StreamEventType.REASONING_START)]
        if kind == "tool_use":
            self._calls[index] = (block["id"], block["name"])
            self._json[index] = ""
            return [
                StreamEvent(
                    StreamEventType.TOOL_CALL_START, tool_call=ToolCall(block["id"], block["name"])
                )
            ]
        return [StreamEvent(StreamEventType.PROVIDER_EVENT, raw=dict(block))]

    def _delta(self, index: int, delta: Mapping[str, Any]) -> list[StreamEvent]:
        kind = delta["type"]
        if kind == "text_delta":
            text_id = f"text_{index}"
            return [StreamEvent(StreamEventType.TEXT_DELTA, delta=delta["text"], text_id=text_id)]
        if kind == "thinking_delta":
            return [StreamEvent(StreamEventType.REASONING_DELTA, reasoning_delta=delta["thinking"])]
        if kind == "input_json_delta" and delta["partial_json"]:
            piece = delta["partial_json"]
            self._json[index] += piece
            call = ToolCall(*self._calls[index], raw_arguments=piece)
            return [StreamEvent(StreamEventType.TOOL_CALL_DELTA, delta=piece, tool_call=call)]
        return []

    def _stop(self, index: int) -> list[StreamEvent]:
        kind = self._kinds.get(index)
        if kind == "text":
            return [StreamEvent(StreamEventType.TEXT_END, text_id=f"text_{index}")]
        if kind in ("thinking", "redacted_thinking"):
            return [StreamEvent(StreamEventType.REASONING_END)]
        if kind == "tool_use":
            call = tool_call(*self._calls[index], self._json[index])
            return [StreamEvent(StreamEventType.TOOL_CALL_END, tool_call=call)]
        return []
