"""The spend panel: tokens, dollars, rate, and when the money ends."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from factory_tui.state import Budget, RunState, Spend
from factory_tui.state import format as fmt
from factory_tui.ui.widgets.panel import Panel
from factory_tui.ui.widgets.tones import Part, bar_parts, fit, width_of

__all__ = ["SpendPanel", "budget_tone"]

_LABEL = 9


def budget_tone(share: float | None, budget: Budget) -> str:
    """How alarming a used share of the budget is."""
    if share is None:
        return "text"
    if share >= 1:
        return "bad"
    return "warn" if share >= min(budget.warn, default=0.75) else "text"


class SpendPanel(Panel):
    """A run's spend; as one line where there is no more room."""

    def __init__(self, number: int = 1, *, ident: str | None = None) -> None:
        super().__init__(id=ident)
        self.run: RunState | None = None
        self.now_ms = 0
        self.border_title = Content(f"{number} Spend")
        self.border_subtitle = Content("b budget")

    def show(self, run: RunState, now_ms: int) -> None:
        """Show a run's spend as of now."""
        self.run, self.now_ms = run, run.moment(now_ms)
        self.redraw()

    def draw(self, width: int, height: int) -> Sequence[Sequence[Part]]:
        """All figures, or one line."""
        if self.run is None:
            return []
        return [self._line(width)] if height <= 2 else self._panel(self.run, width)

    def _line(self, width: int) -> list[Part]:
        assert self.run is not None
        run, spend, budget = self.run, self.run.spend, self.run.budget
        about = "≈" if spend.estimated else ""
        share = spend.share(budget)
        used = about + fmt.tokens(spend.tokens)
        if budget.tokens is not None:
            used += f"/{fmt.tokens(budget.tokens)}"
        dollars = fmt.money(spend.known_usd)
        if budget.usd is not None:
            dollars += f"/{fmt.money(budget.usd)}"
        tone = budget_tone(share, budget)
        wait = run.exhaustion_s(self.now_ms)
        parts: list[Part] = [("tokens ", "muted"), (used + " ", "strong")]
        if share is not None:
            parts += [*bar_parts(share, 8, tone), (f" {fmt.percent(share)}", tone)]
        tail: list[Part] = [(f"  {dollars}", "strong")]
        if not run.going:
            return [*parts, ("  " + self._at_rest(run), "muted"), *tail]
        parts.append((f"  {fmt.tokens(spend.burn(self.now_ms))}/min ", "muted"))
        if wait is not None:
            tail.insert(0, (f"  empty in {fmt.duration(wait)}", tone if share else "muted"))
        room = width - width_of(parts) - width_of(tail)
        if room > 3:
            graph = fmt.spark(spend.history(self.now_ms, room), min(room, 16))
            parts.append((graph, "accent"))
        return parts + tail

    def _panel(self, run: RunState, width: int) -> list[list[Part]]:
        spend = run.spend
        if not spend.calls:
            return [
                self._budget_line(run, "tokens", width),
                self._budget_line(run, "dollars", width),
                [],
                [("No model call yet.", "muted")],
            ]
        now = self.now_ms
        graph_room = max(4, min(32, width - _LABEL - 12))
        graph = fmt.spark(spend.history(now, graph_room), graph_room)
        lines = [
            self._budget_line(run, "tokens", width),
            self._budget_line(run, "dollars", width),
            [
                _label("burn"),
                (f"{fmt.tokens(spend.burn(now)) + '/min':<11} ", "text"),
                (graph, "accent"),
            ],
            self._empty_line(spend, run),
        ]
        if spend.held_tokens:
            held = f"{fmt.tokens(spend.held_tokens)} reserved for calls in flight"
            lines.append([_label("held"), (held, "muted")])
        lines += [
            [],
            [
                _label("in · out"),
                (f"{fmt.tokens(spend.input)} · {fmt.tokens(spend.output)}", "text"),
                ("   cache ", "muted"),
                (f"{fmt.tokens(spend.cache_read)} read", "text"),
            ],
            self._roles(spend, width),
            self._iterations(spend, width),
            self._calls(spend),
        ]
        if spend.estimated:
            lines.append([("≈ tokens estimated, dollars illustrative", "faint")])
        return lines

    def _budget_line(self, run: RunState, unit: str, width: int) -> list[Part]:
        spend, budget = run.spend, run.budget
        about = "≈" if spend.estimated else ""
        if unit == "tokens":
            used, limit = about + fmt.tokens(spend.tokens), budget.tokens
            share = None if limit is None else spend.tokens / limit if limit else 1.0
            of = "no limit" if limit is None else f"of {fmt.tokens(limit)}"
        else:
            known = spend.known_usd
            used = f"{fmt.money(spend.usd)}+?" if known is None and spend.usd else fmt.money(known)
            cap = budget.usd
            share = None if cap is None else float(spend.usd / cap) if cap else 1.0
            of = "no limit" if cap is None else f"of {fmt.money(cap)}"
        tone = budget_tone(share, budget)
        figures = f"{used} {of}"
        parts: list[Part] = [_label(unit), (fit(figures, 18), "strong")]
        room = width - _LABEL - 18 - 6
        if share is not None and room >= 4:
            parts += [*bar_parts(share, min(room, 20), tone), (f" {fmt.percent(share):>4}", tone)]
        return parts

    def _empty_line(self, spend: Spend, run: RunState) -> list[Part]:
        if run.finished:
            return [_label("took"), (_took(run, self.now_ms), "text")]
        if not run.going:
            return [_label("empty"), (self._at_rest(run), "muted")]
        wait = run.exhaustion_s(self.now_ms)
        if wait is None:
            text = "never: no limit" if spend.share(run.budget) is None else "not at this rate"
            return [_label("empty"), (text, "muted")]
        at = fmt.clock(self.now_ms + int(wait * 1000))[:5]
        tone = budget_tone(spend.share(run.budget), run.budget)
        return [_label("empty"), (f"in {fmt.duration(wait)}", tone), (f"  ({at})", "muted")]

    def _at_rest(self, run: RunState) -> str:
        """Why nothing is spent right now."""
        if run.finished:
            return f"took {_took(run, self.now_ms)}"
        why = "paused" if run.status == "paused" else "engine gone"
        return f"{why}: nothing is spent"

    def _roles(self, spend: Spend, width: int) -> list[Part]:
        total = sum(role.tokens for role in spend.roles.values()) or 1
        ranked = sorted(spend.roles.items(), key=lambda item: -item[1].tokens)
        text = " · ".join(f"{name} {fmt.percent(role.tokens / total)}" for name, role in ranked)
        return [_label("by role"), (fit(text, width - _LABEL), "text")]

    def _iterations(self, spend: Spend, width: int) -> list[Part]:
        found = sorted((n, used) for n, used in spend.by_iteration.items() if n)
        room = width - _LABEL
        text, more = "—", ""
        # The newest that fit: half a number would be a wrong one.
        for count in range(1, len(found) + 1):
            more = "… " if count < len(found) else ""
            longer = more + " · ".join(f"{n}: {fmt.tokens(used)}" for n, used in found[-count:])
            if len(longer) > room:
                break
            text = longer
        return [_label("by iter"), (fit(text, room), "text")]

    def _calls(self, spend: Spend) -> list[Part]:
        parts: list[Part] = [_label("calls"), (str(spend.calls), "text")]
        if spend.forfeited:
            lost = f"   {fmt.tokens(spend.forfeited)} booked without a usage report"
            parts.append((lost, "warn"))
        return parts


def _took(run: RunState, end_ms: int) -> str:
    return fmt.duration((end_ms - run.created_ms) / 1000)


def _label(text: str) -> Part:
    return (fit(text, _LABEL), "muted")
