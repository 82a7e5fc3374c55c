"""The list of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from factory_tui.state import FleetRow
from factory_tui.state import format as fmt
from factory_tui.ui.widgets.lines import LineList
from factory_tui.ui.widgets.spend import budget_tone
from factory_tui.ui.widgets.tones import Part, bar_parts, fit, width_of

__all__ = ["LIVE_TONE", "FleetTable"]

LIVE_TONE: Final = {
    "starting": "accent",
    "working": "accent",
    "waiting": "warn",
    "quiet": "warn",
    "paused": "warn",
    "asking": "warn",
    "dead": "bad",
    "satisfied": "good",
    "unsatisfied": "bad",
    "stopped": "muted",
    "failed": "bad",
}
"""The tone of a run's condition."""


WIDE: Final = 110
NEEDS: Final = 18


class FleetTable(LineList):
    """One run per row, what needs somebody first."""

    def __init__(self, *, ident: str | None = None) -> None:
        super().__init__(id=ident)
        self._rows: list[FleetRow] = []
        self._now_ms = 0
        self._caption_text = ""

    def show(self, rows: list[FleetRow], now_ms: int, caption: str, keys: str) -> None:
        """Show rows; the cursor stays on its run."""
        held = self.current if self.chosen else None
        self._rows, self._now_ms = rows, now_ms
        if held is not None:
            for index, row in enumerate(rows):
                if row.facts.id == held.facts.id:
                    self.set_reactive(LineList.cursor, index)
                    break
        self.redraw()
        self.caption(caption, keys)

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
        wide = width >= WIDE
        text = f"  {'run':6} {fit('factory', 12 if wide else 9)} {'it':>2}  "
        text += fit("satisfied", 14 if wide else 12) + "tokens of budget "
        text += f"{'spent':>8}  "
        if wide:
            text += f"{'age':>6}  "
            return [[(text + fit("last event", width - len(text) - NEEDS) + "needs you", "faint")]]
        return [[(text + "needs you", "faint")]]

    def draw_row(self, index: int, width: int) -> Sequence[Part]:
        """One run."""
        row = self._rows[index]
        run, facts, live = row.run, row.facts, row.live
        wide = width >= WIDE
        latest = run.latest
        rate = None if latest is None else latest.overall.rate
        good = rate is not None and rate >= run.target
        share = run.spend.share(run.budget)
        limit = "" if run.budget.tokens is None else f"/{fmt.tokens(run.budget.tokens)}"
        parts: list[Part] = [
            (f"{live.glyph} ", LIVE_TONE[live.word]),
            (f"{facts.id:6} ", "strong"),
            (fit(facts.name or "—", 12 if wide else 9), "text"),
            (f" {run.iteration or '—':>2}  ", "muted"),
            *bar_parts(rate or 0.0, 8 if wide else 6, "good" if good else "accent"),
            (f" {fmt.percent(rate):>4} ", "good" if good else "text"),
            (f"{fmt.tokens(run.spend.tokens) + limit:<12}", "text"),
            (f"{fmt.percent(share):>4} ", budget_tone(share, run.budget)),
            (f"{fmt.money(run.spend.known_usd):>8}  ", "text"),
        ]
        if wide:
            end = run.finished_ms or self._now_ms
            parts.append((f"{fmt.ago(facts.created_ms, end):>6}  ", "muted"))
            parts.append((fit(run.last_line, width - width_of(parts) - NEEDS - 2) + "  ", "muted"))
        room = max(0, width - width_of(parts))
        if row.needs:
            parts.append((fit(f"▲ {row.needs[0]}", room), "warn"))
        else:
            parts.append((fit("" if live.word == "working" else live.word, room), "faint"))
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
