"""Noticing that an agent goes in circles. Section 2.10 of the specification."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final

from factory_tui.agent.config import SessionConfig
from factory_tui.agent.turns import AssistantTurn, Turn
from factory_tui.llm import ToolCall

__all__ = ["LoopWatch", "call_signature", "detect_loop", "signatures_of"]

_LOOPING: Final = (
    "Loop detected: your last {window} tool calls repeat a pattern. Repeating them will not "
    "change the result. Look at what they returned and try a different approach."
)


def call_signature(name: str, arguments: dict[str, Any]) -> str:
    """The same text for the same tool with the same arguments, whatever their order."""
    canonical = json.dumps(arguments, sort_keys=True, default=str)
    return f"{name}:{hashlib.sha256(canonical.encode('utf-8', 'replace')).hexdigest()[:16]}"


def signatures_of(history: Sequence[Turn]) -> list[str]:
    """The signatures of all tool calls in a history."""
    return [
        call_signature(call.name, call.arguments)
        for turn in history
        if isinstance(turn, AssistantTurn)
        for call in turn.tool_calls
    ]


def detect_loop(calls: Sequence[str] | Sequence[Turn], window: int = 10) -> bool:
    """Whether the last ``window`` calls repeat a pattern of one, two or three calls.

    ``calls`` are signatures, or the turns of a history.

    The window need not be a multiple of the pattern: each call is compared with the one a
    pattern's length before it. A pattern has to be seen twice in full.
    """
    known = [call for call in calls if isinstance(call, str)]
    known = known or signatures_of([turn for turn in calls if not isinstance(turn, str)])
    recent = known[-window:]
    if window < 2 or len(recent) < window:
        return False
    return any(
        all(recent[i] == recent[i - length] for i in range(length, window))
        for length in (1, 2, 3)
        if window >= 2 * length
    )


class LoopWatch:
    """Watches the tool calls of one session."""

    def __init__(self, config: SessionConfig) -> None:
        self._config = config
        self._signatures: list[str] = []
        self._warnings = 0

    def saw(self, calls: Sequence[ToolCall]) -> str:
        """Take in the calls of one answer; what to warn the agent with, "" for nothing."""
        if not self._config.enable_loop_detection:
            return ""
        window = self._config.loop_detection_window
        self._signatures += [call_signature(call.name, call.input) for call in calls]
        if not detect_loop(self._signatures, window):
            return ""
        # Each warning needs a whole new window, so that the agent has time to act on it.
        self._signatures.clear()
        self._warnings += 1
        return _LOOPING.format(window=window)

    @property
    def in_vain(self) -> bool:
        """Whether the agent has been warned as often as it may be."""
        return self._warnings >= self._config.max_loop_warnings
