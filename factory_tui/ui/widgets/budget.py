"""What the budget editor shows beside its fields: burn, where it went, and every change so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from textual.content import Content

from factory_tui.events import Event
from factory_tui.state import RunState, Spend
from factory_tui.state import format as fmt
from factory_tui.ui.widgets.lines import LineList
from factory_tui.ui.widgets.panel import Panel
from factory_tui.ui.widgets.tones import Part, bar_parts, fit

__all__ = ["BudgetHistory", "BurnPanel", "limits", "used_dollars"]

_BLOCKS = " ▁▂▃▄▅▆▇█"


def limits(data: Mapping[str, Any]) -> str:
    """A budget in words: ``400k tokens, $10.00``; ``no limit`` where there is none."""
    parts = []
    if data.get("tokens") is not None:
        parts.append(f"{fmt.tokens(int(data['tokens']))} tokens")
    if data.get("usd") is not None:
        parts.append(fmt.money(Decimal(str(data["usd"]))))
    return ", ".join(parts) or "no limit"


def used_dollars(run: RunState) -> str:
    """Dollars spent, and how far they can be believed."""
    spend = run.spend
    if spend.unknown:
        known = f"at least {fmt.money(spend.usd)}" if spend.usd else "unknown"
        return f"{known}, not every price is known"
    return fmt.money(spend.usd)


class BudgetHistory(LineList):
    """The journal's events about money, newest first."""

    def __init__(self, *, ident: str | None = None) -> None:
        super().__init__(id=ident)
        self._lines: list[list[Part]] = []
        self.border_title = Content("History")

    def show(self, run: RunState) -> None:
        """Show a run's changes and warnings."""
        lines = [self._line(event) for event in reversed(run.budget_history)]
        first = next((e for e in run.budget_history if e.kind == "budget.changed"), None)
        now = {"tokens": run.budget.tokens, "usd": run.budget.usd}
        begun = now if first is None else dict(first.data.get("old") or {})
        lines.append(self._parts(run.created_ms, "start", limits(begun), "muted"))
        if lines != self._lines:
            self._lines = lines
            self.redraw()

    def _line(self, event: Event) -> list[Part]:
        data, unit = event.data, "dollars" if event.data.get("of") == "usd" else "tokens"
        match event.kind:
            case "budget.changed":
                text = f"{limits(data.get('old') or {})} → {limits(data.get('new') or {})}"
                return self._parts(event.ts_ms, str(data.get("who") or ""), text, "text")
            case "budget.warned":
                text = f"▲ {data.get('percent')} % of the {unit} spent"
                return self._parts(event.ts_ms, "warning", text, "warn")
            case "budget.exhausted":
                text = f"▲ {unit} exhausted, the run waited"
                return self._parts(event.ts_ms, "engine", text, "bad")
            case _:
                billed, held = data.get("billed_tokens"), data.get("reserved_tokens")
                text = f"▲ the server billed {billed} tokens where {held} were reserved"
                return self._parts(event.ts_ms, "engine", text, "bad")

    @staticmethod
    def _parts(ts_ms: int, who: str, text: str, tone: str) -> list[Part]:
        return [(f"{fmt.clock(ts_ms)[:5]}  ", "faint"), (fit(who, 13) + " ", "muted"), (text, tone)]

    def row_count(self) -> int:
        """Events."""
        return len(self._lines)

    def draw_row(self, index: int, width: int) -> Sequence[Part]:
        """One event."""
        return self._lines[index]


class BurnPanel(Panel):
    """Tokens per minute as columns, and which role and iteration they went to."""

    def __init__(self, *, ident: str | None = None) -> None:
        super().__init__(id=ident)
        self._run: RunState | None = None
        self._now_ms = 0

    def show(self, run: RunState, now_ms: int) -> None:
        """Show a run's spend as of now."""
        self._run, self._now_ms = run, run.moment(now_ms)
        rate = f"{fmt.tokens(run.spend.burn(self._now_ms))}/min"
        self.border_title = Content(f"Burn  {rate}, ten minutes on average")
        self.redraw()

    def draw(self, width: int, height: int) -> Sequence[Sequence[Part]]:
        """The graph, then two tables."""
        if self._run is None:
            return []
        spend = self._run.spend
        rows = max(3, min(7, height - len(spend.roles) - len(spend.by_iteration) - 6))
        lines = self._graph(spend, width, rows)
        lines.append([])
        total = sum(role.tokens for role in spend.roles.values()) or 1
        for name, role in sorted(spend.roles.items(), key=lambda item: -item[1].tokens):
            dollars = "price unknown" if role.unknown else fmt.money(role.usd)
            lines.append(self._row(name, role.tokens, total, dollars, width))
        lines.append([])
        for n, tokens in sorted(spend.by_iteration.items())[-max(1, height - len(lines)) :]:
            lines.append(self._row(f"iteration {n}", tokens, total, "", width))
        return lines

    def _graph(self, spend: Spend, width: int, rows: int) -> list[list[Part]]:
        room = max(8, width - 7)
        seconds = 15
        per_minute = [count * 60 // seconds for count in spend.history(self._now_ms, room, seconds)]
        top = max(per_minute, default=0)
        lines: list[list[Part]] = []
        for row in range(rows):
            floor = rows - 1 - row
            cells = ""
            for value in per_minute:
                eighths = round(value / top * rows * 8) - floor * 8 if top else 0
                cells += _BLOCKS[max(0, min(8, eighths))]
            mark = fmt.tokens(top) if row == 0 and top else "0" if row == rows - 1 else ""
            lines.append([(fit(mark, 5, right=True) + " ", "faint"), (cells, "accent")])
        ago = f"{fmt.duration(room * seconds)} ago"
        lines.append([(" " * 6 + ago + "now".rjust(max(0, room - len(ago))), "faint")])
        return lines

    @staticmethod
    def _row(name: str, tokens: int, total: int, dollars: str, width: int) -> list[Part]:
        share = tokens / total
        return [
            (fit(name, 13), "muted"),
            (fit(fmt.tokens(tokens), 6, right=True) + " ", "text"),
            *bar_parts(share, max(4, min(16, width - 40)), "accent"),
            (f" {fmt.percent(share):>4}  ", "muted"),
            (dollars, "muted"),
        ]
