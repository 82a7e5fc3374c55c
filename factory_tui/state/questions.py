"""Questions that a pipeline asks a person: which are open, what they offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from factory_tui.events import Event
from factory_tui.state import format as fmt

__all__ = ["Option", "Question", "Questions"]


@dataclass(frozen=True, slots=True)
class Option:
    """One choice; ``key`` is its accelerator, ``to`` the node that it leads to, "" if unknown."""

    key: str
    label: str
    to: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A question as ``question.asked`` has it. ``expires_ms`` None: it waits for ever."""

    id: str
    node: str
    text: str
    type: str = "multiple_choice"
    options: tuple[Option, ...] = ()
    default: str = ""
    asked_ms: int = 0
    expires_ms: int | None = None
    branch: str = ""

    @classmethod
    def of(cls, event: Event) -> Question:
        """Read an event."""
        data = event.data
        expires = data.get("expires_ms")
        return cls(
            id=str(data.get("id") or ""),
            node=str(data.get("node") or ""),
            text=str(data.get("text") or ""),
            type=str(data.get("type") or "multiple_choice"),
            options=tuple(_option(item) for item in data.get("options") or ()),
            default=str(data.get("default") or ""),
            asked_ms=int(data.get("asked_ms") or event.ts_ms),
            expires_ms=None if expires is None else int(expires),
            branch=str(data.get("branch") or ""),
        )

    @property
    def free(self) -> bool:
        """Whether any text is an answer."""
        return self.type == "freeform" or not self.options

    def option(self, key: str) -> Option | None:
        """The choice of a key, in either case."""
        wanted = key.casefold()
        return next((o for o in self.options if o.key.casefold() == wanted), None)

    def waits(self, now_ms: int) -> str:
        """What happens if nobody answers, and when."""
        default = self.option(self.default)
        then = f"“{default.label}” is chosen" if default else "the node is tried again"
        if self.expires_ms is None:
            return "waits until somebody answers"
        left = (self.expires_ms - now_ms) / 1000
        return f"in {fmt.duration(left)} {then}" if left > 0 else f"time is over: {then}"


def _option(item: Mapping[str, Any]) -> Option:
    key = str(item.get("key") or "")
    return Option(key, str(item.get("label") or key), str(item.get("to") or ""))


@dataclass(slots=True)
class Questions:
    """The open questions of a run, oldest first."""

    open: dict[str, Question] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        """Take in a question or its answer; a run that has ended asks nothing any more."""
        if event.kind == "question.asked":
            question = Question.of(event)
            self.open[question.id] = question
        elif event.kind == "question.answered":
            self.open.pop(str(event.data.get("id") or ""), None)
        elif event.kind == "run.finished":
            self.open.clear()

    @property
    def first(self) -> Question | None:
        """The one that has waited longest."""
        return next(iter(self.open.values()), None)
