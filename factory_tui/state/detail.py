"""An event in full: the text under the stream's cursor and in the pager."""

from __future__ import annotations

import json
from typing import Final

from factory_tui.events import Event
from factory_tui.state import format as fmt
from factory_tui.state.grid import GLYPHS
from factory_tui.state.trajectory import describe

__all__ = ["explain", "heading"]

_BODY: Final = {
    "agent.text": "text",
    "agent.tool": "detail",
    "agent.steered": "text",
    "spec.changed": "diff",
    "feedback.sent": "text",
    "note": "text",
    "harness.fault": "detail",
    "spec.rejected": "detail",
}
"""The field of a kind's data that is the thing itself."""


def heading(event: Event) -> str:
    """A title for the event: time, turn or scenario, and what it is."""
    parts = [fmt.clock(event.ts_ms)]
    if event.iteration:
        parts.append(f"iteration {event.iteration}")
    if turn := event.data.get("turn"):
        parts.append(f"turn {turn}")
    if event.scenario:
        parts.append(event.scenario)
    if event.kind == "agent.tool":
        parts.append(str(event.data.get("tool") or ""))
    else:
        parts.append(event.kind)
    return " · ".join(part for part in parts if part)


def explain(event: Event) -> str:
    """Everything the event carries, readable; several lines."""
    data = event.data
    key = _BODY.get(event.kind)
    if key is not None:
        head = f"{data['summary']}\n\n" if data.get("summary") else ""
        return head + str(data.get(key) or "(empty)")
    if event.kind == "iteration.scored":
        lines = [describe(event).text, ""]
        for ident, result in sorted((data.get("scenarios") or {}).items()):
            sign = GLYPHS.get(str(result.get("status")), "?")
            counts = f"{result.get('satisfied', 0)}/{result.get('trials', 0)}"
            extra = f"  {result['void']} void" if result.get("void") else ""
            lines.append(f"{sign} {counts:>5}  {ident}{extra}")
        return "\n".join(lines)
    if event.kind == "trial.finished":
        verdict = f"{describe(event).text}\n\n{data.get('reason') or ''}"
        facts = f"facts {data.get('facts_passed')}/{data.get('facts_total')}"
        return f"{verdict}\n\n{facts} · verdict by {data.get('source')} · trial {event.trial}"
    body = json.dumps(dict(data), indent=2, ensure_ascii=False, default=str)
    return f"{describe(event).text}\n\n{body}"
