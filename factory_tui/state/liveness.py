"""Is anything happening? Working, waiting for the model, paused, quiet or dead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from factory_tui.state.format import duration

__all__ = ["FINAL", "GLYPH", "Liveness", "judge"]

FINAL: Final = frozenset({"satisfied", "unsatisfied", "stopped", "failed"})
"""Statuses after which nothing more happens by itself."""

GLYPH: Final = {
    "starting": "◔",
    "working": "●",
    "waiting": "◐",
    "quiet": "○",
    "paused": "‖",
    "asking": "?",
    "dead": "☠",
    "satisfied": "✓",
    "unsatisfied": "✗",
    "stopped": "■",
    "failed": "!",
}

_STALE_S = 30
"""An engine beats about once a second; silent for this long, it hangs or is gone."""

_WAITING_S = 20
"""Between two events the builder only waits: for the model, or for a tool that runs long."""

_QUIET_S = 180
_QUIET_BUILDING_S = 660
"""Nothing journaled for this long: nobody should call it working. A model call without any
content fails after ten minutes, so a builder that is silent for longer is stuck."""


@dataclass(frozen=True, slots=True)
class Liveness:
    """One word for the run's condition, and a sentence that says why.

    ``word`` is a key of :data:`GLYPH`.
    """

    word: str
    text: str

    @property
    def glyph(self) -> str:
        """The sign of this condition."""
        return GLYPH[self.word]


def judge(
    *,
    status: str,
    now_ms: int,
    last_event_ms: int,
    heartbeat_ms: int | None,
    process_alive: bool,
    waiting: str = "",
    activity: str = "",
    building: bool = False,
    detail: str = "",
    question: str = "",
) -> Liveness:
    """Say what a run is doing.

    Args:
        status: the run's status, as the store has it.
        now_ms: the present, Unix time in ms.
        last_event_ms: when the journal last grew for this run.
        heartbeat_ms: when the engine last said that it lives; None if it never did.
        process_alive: whether the engine's process exists.
        waiting: what the model is being waited for, "" if it is not.
        activity: what is being done, in a few words.
        building: whether the builder is at work, who waits for models and tools.
        detail: why it is paused, or how it ended.
        question: what a person has to answer before the run goes on, "" for nothing.
    """
    if status in FINAL:
        return Liveness(status, detail or status)
    beat_s = None if heartbeat_ms is None else (now_ms - heartbeat_ms) / 1000
    stale = beat_s is not None and beat_s > _STALE_S
    if question:
        return Liveness("asking", f"waits for your answer: {question}")
    if status == "paused":
        # An engine may rest while its run waits for a person; resuming starts it again.
        rest = "" if process_alive else ", engine at rest (p starts it)"
        return Liveness("paused", (detail or "paused") + rest)
    if not process_alive and (status != "starting" or stale):
        return Liveness("dead", "the engine is not running; p starts it again")
    if stale:
        return Liveness("dead", f"no sign of life from the engine for {duration(beat_s)}")
    if status == "starting":
        return Liveness("starting", "starting")
    if waiting:
        return Liveness("waiting", waiting)
    silent_s = (now_ms - last_event_ms) / 1000 if last_event_ms else 0.0
    if silent_s > (_QUIET_BUILDING_S if building else _QUIET_S):
        return Liveness("quiet", f"nothing journaled for {duration(silent_s)}")
    if building and silent_s > _WAITING_S:
        text = f"{activity or 'building'}: waiting for model or tool, {duration(silent_s)}"
        return Liveness("waiting", text)
    return Liveness("working", activity or "working")
