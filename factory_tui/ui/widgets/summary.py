"""The selected run in a few lines."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from factory_tui.state import FleetRow
from factory_tui.state import format as fmt
from factory_tui.ui.widgets.panel import Panel
from factory_tui.ui.widgets.satisfaction import score_parts
from factory_tui.ui.widgets.tones import Part

__all__ = ["RunSummary"]


class RunSummary(Panel):
    """What a run did last, what fails, what it was told, how its money goes."""

    def __init__(self, *, ident: str | None = None) -> None:
        super().__init__(id=ident)
        self._row: FleetRow | None = None
        self._now_ms = 0
        self.border_title = Content("2 Selected")

    def show(self, row: FleetRow | None, now_ms: int) -> None:
        """Show a run, None for no run."""
        self._row, self._now_ms = row, now_ms
        self.border_title = Content("2 Selected" if row is None else f"2 Run {row.facts.id}")
        self.border_subtitle = Content("" if row is None else "enter opens")
        self.redraw()

    def draw(self, width: int, height: int) -> Sequence[Sequence[Part]]:
        """The lines."""
        if self._row is None:
            return [[("Nothing selected.", "faint")]]
        run = self._row.run
        lines: list[list[Part]] = [[("last     ", "muted"), (run.last_line or "—", "text")]]
        if run.latest is not None:
            lines.append(score_parts("train", run.latest.train, run.target, width))
            lines.append(score_parts("holdout", run.latest.holdout, run.target, width))
        failing = [row.scenario.id for row in run.grid.rows() if row.status in ("fail", "flaky")]
        if failing:
            lines.append([("fails    ", "muted"), (", ".join(failing), "bad")])
        at = run.moment(self._now_ms)
        wait = run.exhaustion_s(at)
        rate = f"{fmt.tokens(run.spend.burn(at))}/min"
        graph = fmt.spark(run.spend.history(at, 16), 16)
        money: list[Part] = [("burn     ", "muted"), (graph, "accent"), (f"  {rate}", "text")]
        if wait is not None:
            money.append((f"  empty in {fmt.duration(wait)}", "muted"))
        lines.append(money)
        spec = f"{run.spec_path} @{run.spec_hash[:7]}"
        pending = "  changed, not delivered yet" if run.spec_pending else ""
        lines.append([("spec     ", "muted"), (spec, "text"), (pending, "warn")])
        if run.feedback is not None:
            lines.append([("told     ", "muted"), (fmt.one_line(run.feedback.text), "muted")])
        return lines
