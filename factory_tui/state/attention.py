"""What needs the engineer: the banner's items, and when each is settled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from factory_tui.events import Event
from factory_tui.state import format as fmt

__all__ = ["Attention", "Need"]

_SETTLED_BY: Final[Mapping[str, frozenset[str]]] = {
    "budget.warned": frozenset({"budget.changed", "budget.exhausted", "run.finished"}),
    "budget.exhausted": frozenset({"budget.changed", "run.resumed", "run.finished"}),
    "budget.overbilled": frozenset({"budget.changed", "run.resumed", "run.finished"}),
    "harness.fault": frozenset({"run.resumed", "run.started", "iteration.scored", "run.finished"}),
    "spec.rejected": frozenset({"spec.changed", "spec.delivered", "run.finished"}),
    "run.paused": frozenset({"run.resumed", "run.started", "run.finished"}),
    "question.asked": frozenset({"run.finished"}),
}
"""Which later event shows that somebody reacted, or that it no longer matters."""


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that waits for the engineer.

    ``short`` fits a table cell; ``text`` is the banner's sentence with the keys that help;
    ``level`` is "warning" or "error".
    """

    kind: str
    text: str
    short: str
    level: str = "warning"


class Attention:
    """The open needs of a run, newest last."""

    def __init__(self) -> None:
        self._open: dict[str, Need] = {}
        self._asked: set[str] = set()

    @property
    def needs(self) -> list[Need]:
        """The open needs, the gravest first."""
        return sorted(self._open.values(), key=lambda need: need.level != "error")

    def apply(self, event: Event) -> None:
        """Raise or settle needs."""
        for kind, settling in _SETTLED_BY.items():
            if event.kind in settling:
                self._open.pop(kind, None)
        if event.kind == "question.answered":
            self._asked.discard(str(event.data.get("id") or ""))
            if not self._asked:
                self._open.pop("question.asked", None)
        need = _need(event)
        if event.kind == "question.asked":
            self._asked.add(str(event.data.get("id") or ""))
        if need is not None:
            self._open[need.kind] = need


def _need(event: Event) -> Need | None:
    data = event.data
    detail = fmt.one_line(str(data.get("detail") or ""))
    match event.kind:
        case "budget.warned":
            percent = data.get("percent")
            unit = "dollars" if data.get("of") == "usd" else "tokens"
            return Need(
                event.kind,
                f"{percent} % of the {unit} are spent — b changes the budget, p pauses",
                f"budget {percent} %",
            )
        case "budget.exhausted":
            text = "budget exhausted, the run waits — b raises it, x stops the run"
            return Need(event.kind, text, "budget empty", "error")
        case "budget.overbilled":
            billed, reserved = data.get("billed_tokens"), data.get("reserved_tokens")
            text = f"the server billed {billed} tokens where {reserved} were reserved — p resumes"
            return Need(event.kind, text, "overbilled", "error")
        case "harness.fault":
            text = f"the harness failed in {data.get('where')}: {detail}"
            return Need(event.kind, text, "harness", "error")
        case "spec.rejected":
            return Need(
                event.kind, f"the spec cannot be read: {detail} — e edits it", "spec", "error"
            )
        case "question.asked":
            text = fmt.clip(fmt.one_line(str(data.get("text") or "")), 200)
            return Need(event.kind, f"asks you: {text} — a answers", "asks you")
        case "run.paused" if data.get("reason") == "model":
            return Need(event.kind, f"paused, no model answers: {detail} — p resumes", "no model")
        case "run.paused" if data.get("reason") == "harness":
            text = f"paused, the harness failed: {detail} — p resumes"
            return Need(event.kind, text, "harness", "error")
        case _:
            return None
