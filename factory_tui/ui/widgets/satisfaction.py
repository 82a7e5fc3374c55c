"""The satisfaction panel: train and holdout apart, and every scenario by iteration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.reactive import reactive

from factory_tui.state import GLYPHS, Column, GridRow, RunState, Score
from factory_tui.state import format as fmt
from factory_tui.ui.widgets.lines import LineList
from factory_tui.ui.widgets.tones import Part, fit

__all__ = ["TONE_OF", "SatisfactionPanel", "gauge", "score_parts"]

TONE_OF: Final = {
    "pass": "good",
    "fail": "bad",
    "flaky": "warn",
    "void": "warn",
    "running": "accent",
    "none": "faint",
}
"""The tone of a cell's state."""

WIDE: Final = 60
"""From this width on there is room for verdicts and gauges."""


def gauge(score: Score, target: float, width: int) -> list[Part]:
    """A score on a scale of 0 to 100 %: interval ``├──●──┤``, target ``┃``."""
    if width < 8:
        return []
    last = width - 1
    cells: list[Part] = [("┈", "faint")] * width

    def at(share: float) -> int:
        return round(share * last)

    if score.rate is not None:
        low = score.rate if score.low is None else score.low
        high = score.rate if score.high is None else score.high
        tone = "good" if score.rate >= target else "warn"
        for place in range(at(low), at(high) + 1):
            cells[place] = ("─", tone)
        cells[at(low)] = ("├", tone)
        cells[at(high)] = ("┤", tone)
        cells[at(score.rate)] = ("●", tone)
    goal = at(target)
    if cells[goal][0] != "●":
        cells[goal] = ("┃", "accent")
    return cells


def score_parts(
    name: str,
    score: Score,
    target: float,
    width: int,
    trend: int = 0,
    so_far: tuple[int, int] = (0, 0),
) -> list[Part]:
    """One split's score: rate, interval, n, and a gauge where there is room.

    ``so_far`` is what to show before the first score: trials that satisfied, trials that count.
    """
    head: Part = (fit(name, 8), "muted")
    if score.rate is None:
        satisfied, trials = so_far
        if trials:
            return [head, ("  —  ", "faint"), (f"{satisfied} of {trials} so far", "text")]
        return [head, ("  —  no trial yet", "faint")]
    tone = "good" if score.rate >= target else "warn"
    reach = f"[{fmt.interval(score.low, score.high)}]" if score.low is not None else ""
    parts: list[Part] = [head, (f"{fmt.percent(score.rate):>4}", tone)]
    if width < WIDE:
        if width >= 26:
            parts.append((f" {reach:<8}", "muted"))
        parts.append((f" n={score.trials}", "muted"))
        return parts
    parts += [
        (f"  {reach:<9}", "muted"),
        (f" n={score.trials:<4}", "muted"),
        (f"{score.satisfied:>4} of {score.trials:<4}", "muted"),
    ]
    parts += gauge(score, target, min(44, width - 60))
    arrow = "" if not trend else f"  {'▲' if trend > 0 else '▼'} {abs(trend)} pts"
    parts.append((arrow, "good" if trend > 0 else "bad"))
    if _weighted(score):
        parts.append(("  weighted", "muted"))
    return parts


def _weighted(score: Score) -> bool:
    """Whether weights make the rate another share than the count of trials does."""
    plain = score.satisfied / score.trials if score.trials else 0.0
    return score.rate is not None and abs(plain - score.rate) >= 0.005


def _trend(now: Score, before: Score | None) -> int:
    if before is None or now.rate is None or before.rate is None:
        return 0
    return round(now.rate * 100) - round(before.rate * 100)


class SatisfactionPanel(LineList):
    """Scores on top, scenarios below with one column per iteration, what fails first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("exclamation_mark", "failing", "Failing", key_display="!"),
    ]

    failing_only: reactive[bool] = reactive(False, repaint=False)

    def __init__(self, number: int = 2, *, ident: str | None = None) -> None:
        super().__init__(id=ident)
        self.number = number
        self.run: RunState | None = None
        self._rows: list[GridRow] = []
        self._look: object = None

    def show(self, run: RunState) -> None:
        """Show a run's state; the cursor stays on its scenario."""
        held = self.current if self.chosen else None
        self.run = run
        rows = run.grid.rows(going=run.status == "paused" or run.going)
        if self.failing_only:
            rows = [row for row in rows if row.status != "pass"]
        look = (rows, self.head(self._inner_width))
        if look != self._look:
            self._look, self._rows = look, rows
            self.redraw()
        if held is not None:
            for index, row in enumerate(rows):
                if row.scenario.id == held.scenario.id:
                    self.cursor = index
                    break
        self._caption()

    @property
    def current(self) -> GridRow | None:
        """The scenario under the cursor."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    def row(self, index: int) -> GridRow:
        """The scenario at an index."""
        return self._rows[index]

    def row_count(self) -> int:
        """Scenarios shown."""
        return len(self._rows)

    def head(self, width: int) -> Sequence[Sequence[Part]]:
        """Both scores, what they mean, and the columns' headings."""
        run = self.run
        if run is None:
            return ()
        latest, before = run.latest, run.grid.previous
        train = Score() if latest is None else latest.train
        holdout = Score() if latest is None else latest.holdout
        lines = [
            score_parts(
                "train",
                train,
                run.target,
                width,
                _trend(train, None if before is None else before.train),
                run.grid.so_far("train"),
            ),
            score_parts(
                "holdout",
                holdout,
                run.target,
                width,
                _trend(holdout, None if before is None else before.holdout),
                run.grid.so_far("holdout"),
            ),
            self._legend(run, latest, width),
        ]
        if width >= WIDE:
            lines.append(self._headings(width))
        return lines

    def draw_row(self, index: int, width: int) -> Sequence[Part]:
        """One scenario."""
        row = self._rows[index]
        tone = TONE_OF[row.status]
        info = row.scenario
        cells = self._cells(row, width)
        taken = sum(len(text) for text, _ in cells)
        sign: Part = (f"{GLYPHS[row.status]} ", tone)
        holdout = info.split == "holdout"
        if width < WIDE:
            name = fit(info.id, width - taken - 5) + " "
            split: Part = ("h " if holdout else "  ", "accent" if holdout else "faint")
            return [sign, split, (name, "text"), *cells]
        counts = f"{row.satisfied}/{row.trials}" if row.trials else "—"
        reason = fmt.why(row.reason) if row.status != "pass" else "satisfied"
        name_width = self._name_width(width)
        return [
            sign,
            (fit(info.id, name_width), "text"),
            (fit(info.split, 8), "accent" if holdout else "faint"),
            *cells,
            (f"  {counts:>5}  ", "muted"),
            (
                fit(reason, max(0, width - name_width - taken - 19)),
                "muted" if row.status != "pass" else "faint",
            ),
        ]

    def empty(self, width: int) -> Sequence[Sequence[Part]]:
        """What will be here."""
        if self.run is not None and self.failing_only and self.run.grid.scenarios:
            return [[("Every scenario passes. ", "good"), ("! shows them all.", "muted")]]
        return [[("The scenarios appear when the run starts.", "muted")]]

    def watch_failing_only(self) -> None:
        """List anew; another scenario may be under the cursor now."""
        if self.run is not None:
            self.show(self.run)
            self.post_message(self.Moved(self, self.cursor))

    def action_failing(self) -> None:
        """Show only what does not pass, or everything."""
        self.failing_only = not self.failing_only

    def _name_width(self, width: int) -> int:
        longest = max((len(row.scenario.id) for row in self._rows), default=12)
        return min(longest + 2, max(14, width // 3))

    def _shown(self, width: int) -> list[int]:
        """Which columns fit, the newest always."""
        run = self.run
        if run is None:
            return []
        # The history of a scenario says more than the last words of its verdict.
        spare = width - 25 if width < WIDE else (width - self._name_width(width) - 34) // 3
        room = max(1, spare)
        count = len(run.grid.columns)
        return list(range(max(0, count - min(room, 6 if width < WIDE else 16)), count))

    def _cells(self, row: GridRow, width: int) -> list[Part]:
        cells: list[Part] = []
        for index in self._shown(width):
            state = row.states[index]
            glyph = GLYPHS[state]
            cells.append((glyph if width < WIDE else f" {glyph} ", TONE_OF[state]))
        return cells

    def _headings(self, width: int) -> list[Part]:
        assert self.run is not None
        columns = self.run.grid.columns
        marks = "".join(f"{columns[index].label:^3}" for index in self._shown(width))
        name = fit("scenario", self._name_width(width) + 2)
        return [(name + fit("split", 8) + marks + "  ok/n  latest verdict", "faint")]

    def _legend(self, run: RunState, latest: Column | None, width: int) -> list[Part]:
        total = len(run.grid.scenarios)
        goal = f"target {fmt.percent(run.target)}"
        if latest is None:
            return [(f"{goal} · {total} scenarios", "faint")]
        text = f"{goal} · {latest.passing}/{total} pass"
        if width < WIDE:
            return [(fit(text, width), "faint")]
        text = f"{goal} for both · {latest.passing} of {total} scenarios pass"
        void, facts_only = latest.extras()
        if void:
            text += f" · {void} trials void"
        if facts_only:
            text += f" · {facts_only} by facts only"
        return [(text, "faint")]

    def _caption(self) -> None:
        run = self.run
        if run is None:
            return
        wide = self.size.width >= WIDE
        latest, under_way = run.latest, run.under_way
        title = f"{self.number} Satisfaction" if wide else f"{self.number} Satisfied"
        if latest is not None:
            round_ = "confirmation of" if latest.confirmation else "iteration"
            if not wide:
                round_ = "confirmed, it" if latest.confirmation else "it"
            title += f"  {round_} {latest.iteration}"
        if under_way is not None and under_way.finished_trials:
            done = under_way.finished_trials
            title += (
                f" · {under_way.label}: {done} trials so far" if wide else f" →{under_way.label}"
            )
        if self.failing_only:
            title += "  failing only"
        legend = "■ pass ✗ fail ~ flaky ◌ void ▸ running · not run"
        keys = "enter drill in · ! failing only" if wide else "enter"
        self.caption(title, f"{legend} ┄ {keys}" if self.size.width > 96 else keys)
