"""What a session tells its host. Section 2.9 of the coding agent loop specification."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

__all__ = ["Emit", "EventEmitter", "EventKind", "SessionEvent"]


class EventKind(StrEnum):
    """The kinds; each comment names the keys of ``data``."""

    SESSION_START = "session_start"
    SESSION_END = "session_end"  # state
    USER_INPUT = "user_input"  # content
    PROCESSING_END = "processing_end"  # reason
    ASSISTANT_TEXT_START = "assistant_text_start"
    ASSISTANT_TEXT_DELTA = "assistant_text_delta"  # of ("text" | "thinking" | "tool"), text
    ASSISTANT_TEXT_END = "assistant_text_end"  # text, reasoning, stop_reason
    TOOL_CALL_START = "tool_call_start"  # tool_name, call_id, arguments
    TOOL_CALL_OUTPUT_DELTA = "tool_call_output_delta"  # tool_name, call_id, delta
    TOOL_CALL_END = "tool_call_end"  # tool_name, call_id, output (all of it), ms, error if failed
    STEERING_INJECTED = "steering_injected"  # content
    TURN_LIMIT = "turn_limit"  # round or total_turns
    LOOP_DETECTION = "loop_detection"  # message
    WARNING = "warning"  # message
    ERROR = "error"  # message


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """One thing that happened; ``timestamp`` is Unix time in seconds."""

    kind: EventKind
    session_id: str
    data: dict[str, Any] = field(default_factory=dict)
    timestamp: float = field(default_factory=time.time)


class Emit(Protocol):
    """How the parts of a session tell its host of something."""

    def __call__(self, kind: EventKind, **data: Any) -> None:
        """Tell of one thing."""
        ...


class EventEmitter:
    """Delivers events: to callbacks at once, to async iterators in order."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[SessionEvent], None]] = []
        self._queues: list[asyncio.Queue[SessionEvent]] = []

    def on(self, callback: Callable[[SessionEvent], None]) -> None:
        """Call something with every event."""
        self._callbacks.append(callback)

    def emit(self, event: SessionEvent) -> None:
        """Deliver an event."""
        for callback in self._callbacks:
            callback(event)
        for queue in self._queues:
            queue.put_nowait(event)

    def subscribe(self) -> AsyncIterator[SessionEvent]:
        """All events from now on, until the session ends."""
        queue: asyncio.Queue[SessionEvent] = asyncio.Queue()
        self._queues.append(queue)
        return self._drain(queue)

    def __aiter__(self) -> AsyncIterator[SessionEvent]:
        return self.subscribe()

    async def _drain(self, queue: "asyncio.Queue[SessionEvent]") -> AsyncIterator[SessionEvent]:
        try:
            while True:
                event = await queue.get()
                yield event
                if event.kind is EventKind.SESSION_END:
                    return
        finally:
            self._queues.remove(queue)
