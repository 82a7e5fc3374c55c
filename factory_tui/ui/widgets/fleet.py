"""The list of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.content import Content

from factory_tui.state import FleetRow
from factory_tui.state import format as fmt
from factory_tui.ui.widgets.lines import LineList
from factory_tui.ui.widgets.spend import budget_tone
from factory_tui.ui.widgets.tones import Part, fit

__all__ = ["LIVE_TONE", "FleetTable"]

LIVE_TONE: Final = {
    "starting": "accent",
    "working": "accent",
    "waiting": "warn",
    "quiet": "warn",
    "paused": "warn",
    "dead": "bad",
    "satisfied": "good",
    "unsatisfied": "bad",
    "stopped": "muted",
    "failed": "bad",
}
"""The tone of a run's condition."""


class FleetTable(LineList):
    """One run per row, what needs somebody first."""

    def __init__(self, *, ident: str | None = None) -> None:
        super().__init__(id=ident)
        self._rows: list[FleetRow] = []
        self._now_ms = 0
        self._caption_text = ""

    def show(self, rows: list[FleetRow], now_ms: int, caption: str, keys: str) -> None:
        """Show rows; the cursor stays on its run."""
        held = self.current
        self._rows, self._now_ms = rows, now_ms
        if held is not None:
            for index, row in enumerate(rows):
                if row.facts.id == held.facts.id:
                    self.set_reactive(LineList.cursor, index)
                    break
        self.redraw()
        self.border_title = Content(caption)
        self.border_subtitle = Content(keys)

    @property
    def current(self) -> FleetRow | None:
        """The run under the cursor."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    def row(self, index: int) -> FleetRow:
        """The run at an index."""
        return self._rows[index]

    def row_count(self) -> int:
        """Runs listed."""
        return len(self._rows)

    def head(self, width: int) -> Sequence[Sequence[Part]]:
        """Headings."""
        if not self._rows:
            return ()
        text = f"  {'run':6} {'factory':12} {'it':>3}  {'satisfied':13}  {'tokens / budget':16}"
        text += f" {'spent':>8}"
        if width >= 110:
            text += f" {'age':>7}  {fit('last event', width - 106)}"
        return [[(fit(text, width - 15) + " needs you", "faint")]]

    def draw_row(self, index: int, width: int) -> Sequence[Part]:
        """One run."""
        row = self._rows[index]
        run, facts, live = row.run, row.facts, row.live
        latest = run.latest
        rate = None if latest is None else latest.overall.rate
        tone = LIVE_TONE[live.word]
        good = rate is not None and rate >= run.target
        share = run.spend.share(run.budget)
        used = fmt.tokens(run.spend.tokens)
        limit = "" if run.budget.tokens is None else f"/{fmt.tokens(run.budget.tokens)}"
        parts: list[Part] = [
            (f"{live.glyph} ", tone),
            (f"{facts.id:6} ", "strong"),
            (fit(facts.name or "—", 12), "text"),
            (f" {run.iteration or '—':>3}  ", "muted"),
            (fmt.bar(rate or 0.0, 8), "good" if good else "accent"),
            (f" {fmt.percent(rate):>4}  ", "good" if good else "text"),
            (f"{used + limit:<11}", "text"),
            (f" {fmt.percent(share):>4} ", budget_tone(share, run.budget)),
            (f"{fmt.money(run.spend.known_usd):>8}", "text"),
        ]
        if width >= 110:
            end = run.finished_ms or self._now_ms
            parts += [
                (f" {fmt.ago(facts.created_ms, end):>7}  ", "muted"),
                (fit(run.last_line, width - 106 - 1) + " ", "muted"),
            ]
        needs = row.needs[0] if row.needs else ("" if live.word == "working" else live.word)
        taken = sum(len(text) for text, _ in parts)
        tone = "bad" if row.needs else "faint"
        mark = "▲ " if row.needs else "  "
        parts.append((fit(mark + needs, max(0, width - taken)), tone))
        return parts

    def empty(self, width: int) -> Sequence[Sequence[Part]]:
        """How to start."""
        return [
            [],
            [("  No run yet.", "strong")],
            [],
            [("  r", "accent"), ("  starts a run of this factory's spec", "muted")],
            [("  e", "accent"), ("  opens the spec", "muted")],
            [("  ?", "accent"), ("  explains the screens and words", "muted")],
            [],
            [("  Without a model key: ", "muted"), ("factory-tui demo", "accent")],
        ]
