"""The Gemini API's stream: its chunks as the events of every provider."""

from collections.abc import Sequence
from typing import Any

from factory_tui.llm.adapters.gemini_parts import finish_of, wire_parts
from factory_tui.llm.streaming import StreamEvent, StreamEventType
from factory_tui.llm.types import ToolCall, Warning, tool_call  # noqa: A004

__all__ = ["Segments"]


class Segments:
    """Chunks to stream events; a part of another kind ends the segment before it."""

    def __init__(self, warnings: Sequence[Warning] = ()) -> None:
        self._warnings = warnings
        self._started = False
        self._open = ""
        self._count = 0
        self.finished = False

    def translate(self, chunk: dict[str, Any]) -> list[StreamEvent]:
        """The events one chunk stands for."""
        events: list[StreamEvent] = []
        if not self._started:
            self._started = True
            start = StreamEvent(StreamEventType.STREAM_START, warnings=self._warnings, raw=chunk)
            events.append(start)
        for part in wire_parts(chunk):
            if "functionCall" in part:
                call = part["functionCall"]
                whole = tool_call(call["id"], call["name"], call.get("args") or {})
                events += [
                    *self.close(),
                    StreamEvent(
                        StreamEventType.TOOL_CALL_START,
                        tool_call=ToolCall(call["id"], call["name"]),
                    ),
                    StreamEvent(StreamEventType.TOOL_CALL_END, tool_call=whole),
                ]
            elif part.get("thought"):
                events += self._switch("thinking")
                piece = part.get("text") or ""
                events.append(StreamEvent(StreamEventType.REASONING_DELTA, reasoning_delta=piece))
            elif part.get("text"):
                events += self._switch("text")
                text_id = f"text_{self._count}"
                delta = StreamEvent(StreamEventType.TEXT_DELTA, delta=part["text"], text_id=text_id)
                events.append(delta)
            elif "text" not in part:
                events.append(StreamEvent(StreamEventType.PROVIDER_EVENT, raw=part))
        if finish_of(chunk) or (chunk.get("promptFeedback") or {}).get("blockReason"):
            self.finished = True
            events += self.close()
        return events

    def _switch(self, kind: str) -> list[StreamEvent]:
        if self._open == kind:
            return []
        events = self.close()
        self._open = kind
        if kind == "thinking":
            return [*events, StreamEvent(StreamEventType.REASONING_START)]
        self._count += 1
        return [*events, StreamEvent(StreamEventType.TEXT_START, text_id=f"text_{self._count}")]

    def close(self) -> list[StreamEvent]:
        """End the segment still open."""
        was, self._open = self._open, ""
        if was == "text":
            return [StreamEvent(StreamEventType.TEXT_END, text_id=f"text_{self._count}")]
        return [StreamEvent(StreamEventType.REASONING_END)] if was == "thinking" else []
