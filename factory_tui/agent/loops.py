"""Noticing that an agent goes in circles. Section 2.10 of the specification."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from factory_tui.agent.turns import AssistantTurn, Turn

__all__ = ["call_signature", "detect_loop", "signatures_of"]


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
