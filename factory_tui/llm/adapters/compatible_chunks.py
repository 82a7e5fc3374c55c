"""The stream of Chat Completions: its chunks as events, and as the message they add up to."""

from collections.abc import Mapping
from typing import Any

from factory_tui.llm.streaming import StreamEvent, StreamEventType
from factory_tui.llm.types import ToolCall, tool_call

__all__ = ["Chunks"]


class Chunks:
    """Chunks to stream events, and the message they add up to."""

    def __init__(self) -> None:
        self.finish: str | None = None
        self.raw: dict[str, Any] = {}
        self._text: list[str] = []
        self._calls: dict[int, dict[str, Any]] = {}

    def translate(self, data: dict[str, Any]) -> list[StreamEvent]:
        """The events one chunk stands for."""
        events = []
        if not self.raw:
            events.append(StreamEvent(StreamEventType.STREAM_START, raw=data))
        self.raw.update({k: v for k, v in data.items() if k != "choices" and v is not None})
        for choice in data.get("choices") or []:
            delta = choice.get("delta") or {}
            if piece := delta.get("content"):
                if not self._text:
                    events.append(StreamEvent(StreamEventType.TEXT_START, text_id="text_0"))
                self._text.append(piece)
                event = StreamEvent(StreamEventType.TEXT_DELTA, delta=piece, text_id="text_0")
                events.append(event)
            for call in delta.get("tool_calls") or []:
                events += self._call(call)
            self.finish = choice.get("finish_reason") or self.finish
        return events

    def _call(self, wire: Mapping[str, Any]) -> list[StreamEvent]:
        index = int(wire.get("index", 0))
        function = wire.get("function") or {}
        events = []
        if index not in self._calls:
            self._calls[index] = {
                "id": wire.get("id") or f"call_{index}",
                "name": function.get("name") or "",
                "arguments": "",
            }
            known = self._calls[index]
            start = ToolCall(known["id"], known["name"])
            events.append(StreamEvent(StreamEventType.TOOL_CALL_START, tool_call=start))
        if piece := function.get("arguments"):
            known = self._calls[index]
            known["arguments"] += piece
            part = ToolCall(known["id"], known["name"], raw_arguments=piece)
            event = StreamEvent(StreamEventType.TOOL_CALL_DELTA, delta=piece, tool_call=part)
            events.append(event)
        return events

    def close(self) -> list[StreamEvent]:
        """End all segments."""
        ends = [StreamEvent(StreamEventType.TEXT_END, text_id="text_0")] if self._text else []
        for call in self._calls.values():
            whole = tool_call(call["id"], call["name"], call["arguments"])
            ends.append(StreamEvent(StreamEventType.TOOL_CALL_END, tool_call=whole))
        return ends

    def message(self) -> dict[str, Any]:
        """The message so far, in wire shape."""
        calls = [
            {"id": c["id"], "function": {"name": c["name"], "arguments": c["arguments"]}}
            for _, c in sorted(self._calls.items())
        ]
        return {"content": "".join(self._text), "tool_calls": calls}
