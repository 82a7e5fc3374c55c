"""The twin traffic of one trial, by scenario step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from factory_tui.store import ExchangeRow
from factory_tui.ui.widgets.tones import Part, fit
from factory_tui.ui.widgets.traffic import TrafficStream, short_path
from factory_tui.ui.widgets.wire import status_tone

__all__ = ["TrialCalls"]


class TrialCalls(TrafficStream):
    """Exchanges of one trial; ``n`` and ``N`` go to evidence unless something is being found."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "next_or_evidence(1)", "Next evidence", show=False),
        Binding("N", "next_or_evidence(-1)", "Previous evidence", show=False),
        Binding("f", "follow", "Follow", show=False),
        Binding("ampersand", "screen.filter", "Filter", show=False),
        Binding("y,c", "screen.curl", "Copy as curl", show=False),
    ]

    def action_next_or_evidence(self, direction: int) -> None:
        """The next hit of a search, else the next piece of evidence."""
        if self.find_text:
            self.action_next_hit(direction)
        else:
            self.run_worker(self.screen.run_action(f"evidence({direction})"))

    def go_to_call(self, n: int) -> bool:
        """Put the cursor on the trial's n-th exchange; False if it is not listed."""
        return self._go(lambda row: row.n, n)

    def go_to_step(self, step: int) -> bool:
        """Put the cursor on the first exchange of a scenario step; False if it has none."""
        current = self.current
        if current is not None and current.step == step:
            return True
        return self._go(lambda row: row.step, step)

    def _go(self, key: Callable[[ExchangeRow], int], wanted: int) -> bool:
        low, high = 0, self.row_count()
        while low < high:
            middle = (low + high) // 2
            row = self.row(middle)
            if row is None:
                return False
            if key(row) < wanted:
                low = middle + 1
            else:
                high = middle
        row = self.row(low)
        if row is None or key(row) != wanted:
            return False
        self.move_to(low)
        return True

    def parts(self, row: ExchangeRow, width: int) -> list[Part]:
        """One exchange: step, twin, method, path, status, fault or gap, duration."""
        tone = status_tone(row)
        status = str(row.status) if row.status else "none"
        mark = "gap" if row.gap else "fault" if row.fault else ""
        head: list[Part] = [
            (f"{row.step or '':>3} ", "muted"),
            (fit(row.twin, 5) + " ", "accent"),
            (f"{row.method} " if row.direction == "in" else "told ", "muted"),
        ]
        tail: list[Part] = [(f" {mark} {status}" if mark else f" {status}", tone)]
        if width >= 44:
            tail.append((f"{row.ms:>4.0f}ms", "faint"))
        used = sum(len(text) for text, _ in (*head, *tail))
        return [*head, (fit(short_path(row.path, width - used), width - used), "text"), *tail]

    def empty(self, width: int) -> Sequence[Sequence[Part]]:
        """Why there is nothing."""
        if self.errors_only or self.filter_text:
            return [[("Nothing matches. ! and & change what is shown.", "muted")]]
        return [[("The product called no twin in this trial.", "muted")]]

    def name_it(self, heading: str) -> None:
        """Change the title."""
        self.heading = heading
        self._caption()

    def _caption(self) -> None:
        marks = ["failures only"] if self.errors_only else []
        if self.filter_text:
            marks.append(f"filter: {self.filter_text}")
        if self.find_text:
            marks.append(f"find: {self.find_text}")
        self.border_title = Content("  ".join([self.heading, *marks]))
        count = self.row_count()
        place = f"{self.cursor + 1:,} of {count:,}" if count else ""
        self.border_subtitle = Content(f"{place} · {self.keys}" if place else "")
