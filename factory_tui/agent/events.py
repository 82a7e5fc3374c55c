"""What a session tells its host. Section 2.9 of the coding agent loop specification."""

import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["EventKind", "SessionEvent"]


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
    TOOL_CALL_END = "tool_call_end"  # tool_name, call_id, output (all of it) or error, ms
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
