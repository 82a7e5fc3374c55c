"""What one observation of a trial shows: a heading, and one or two columns of text."""

from __future__ import annotations

from typing import Final, NamedTuple

from factory_tui.state import format as fmt
from factory_tui.store import ExchangeRow, StepRow
from factory_tui.ui.evidence import EXCHANGES, PROGRAMS
from factory_tui.ui.widgets import wire
from factory_tui.ui.widgets.sheet import Column
from factory_tui.ui.widgets.steps import run_status
from factory_tui.ui.widgets.tones import Part

__all__ = ["Observed", "in_full", "of_entry", "of_exchange"]

_TELLING: Final = ("stdout", "stderr", "request", "response")


class Observed(NamedTuple):
    """A heading, two columns (the second may be empty), and the keys that work on it."""

    heading: str
    left: Column = ()
    right: Column = ()
    keys: str = ""


def of_entry(entry: StepRow) -> Observed:
    """An entry of the trajectory by itself."""
    if entry.kind in EXCHANGES:
        # the traffic is gone: what the trajectory kept of the call
        request = wire.body_lines(str(entry.data.get("request") or ""))
        response = wire.body_lines(str(entry.data.get("response") or ""))
        return Observed(f"{entry.who} {entry.text}", request, response)
    if entry.kind in PROGRAMS:
        head: Column = [[("$ ", "accent"), (entry.text, "strong")], [run_status(entry)]]
        out = _lines(str(entry.data.get("stdout") or "")) or [[("(nothing on stdout)", "faint")]]
        errors = _lines(str(entry.data.get("stderr") or ""), "warn")
        keys = "enter in full · y copies"
        return Observed(f"step {entry.step} output", [*head, *out], errors, keys)
    who = f"{entry.who}: " if entry.who else ""
    return Observed(f"step {entry.step} {entry.kind}", [[(who, "accent"), (entry.text, "text")]])


def of_exchange(row: ExchangeRow, *, wide: bool) -> Observed:
    """An exchange with headers and bodies; in two lines where there is little room."""
    notes = [f"fault: {row.fault}"] if row.fault else []
    notes += [f"gap: {row.gap}"] if row.gap else []
    heading = f"step {row.step} · {row.twin} {row.operation} → {wire.status_text(row)}"
    heading = " · ".join([heading, *notes])
    if wide:
        left, right = wire.request_lines(row), wire.response_lines(row)
        return Observed(heading, left, right, "enter opens · y curl")
    sent = wire.body_lines(row.request_body, row.request_headers.get("content-type", ""))
    came = wire.body_lines(row.response_body)
    if not row.status and not row.response_body:
        came = [[("no answer", "bad")]]
    brief: Column = [_brief("sent", sent), _brief("got", came)]
    return Observed(heading, brief, (), "enter opens · y curl")


def _brief(name: str, lines: Column) -> list[Part]:
    text = fmt.clip(fmt.one_line(wire.plain(lines)), 400)
    return [(f"{name:<6}", "muted"), (text, "text")]


def _lines(text: str, tone: str = "text") -> list[list[Part]]:
    return [[(line, tone)] for line in text.expandtabs(4).splitlines()]


def in_full(scenario: str, entry: StepRow) -> tuple[str, str]:
    """A title and everything that the trajectory keeps of an entry."""
    data = entry.data
    kept = [f"{name}:\n{data[name]}" for name in _TELLING if data.get(name)]
    title = f"{scenario} · step {entry.step} · {entry.kind}"
    if entry.kind in PROGRAMS:
        title += f" · {run_status(entry)[0]}"
    return title, "\n\n".join([entry.text, *kept])
