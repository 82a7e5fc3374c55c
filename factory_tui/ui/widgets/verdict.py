"""The verdict on one trial: outcome, who decided, and every criterion with its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from factory_tui.state import format as fmt
from factory_tui.store import TrialRow, VerdictRow
from factory_tui.ui.evidence import Ruling
from factory_tui.ui.widgets.lines import LineList
from factory_tui.ui.widgets.sheet import wrap_parts
from factory_tui.ui.widgets.tones import Part

__all__ = ["OUTCOME", "VerdictPane"]

OUTCOME: Final = {
    "satisfied": ("■", "good"),
    "unsatisfied": ("✗", "bad"),
    "void": ("◌", "warn"),
    "": ("▸", "accent"),
}
"""Sign and tone of a trial's outcome; "" while it runs."""

_SIGN: Final = {"met": ("✓", "good"), "unmet": ("✗", "bad"), "unclear": ("?", "warn")}

SOURCE: Final = {
    "facts": "facts",
    "judge": "facts and judge",
    "recorded": "facts and recorded judge",
    "facts only": "facts only: no recorded judgement fits",
}


class VerdictPane(LineList):
    """Lines that each belong to a criterion; the cursor chooses one."""

    def __init__(self, *, ident: str | None = None) -> None:
        super().__init__(id=ident)
        self._trial: TrialRow | None = None
        self._verdict: VerdictRow | None = None
        self._rulings: Sequence[Ruling] = ()
        self._lines: list[tuple[list[Part], int | None]] = []
        self._laid_out_for = -1

    def show(
        self, trial: TrialRow | None, verdict: VerdictRow | None, rulings: Sequence[Ruling]
    ) -> None:
        """Show another trial's verdict; None while there is none."""
        if (trial, verdict) == (self._trial, self._verdict):
            return
        self._trial, self._verdict, self._rulings = trial, verdict, rulings
        self._laid_out_for = -1
        self.set_reactive(LineList.cursor, 0)
        self.redraw()
        self.scroll_to(y=0, animate=False, immediate=True, force=True)

    @property
    def current(self) -> Ruling | None:
        """The criterion under the cursor."""
        number = self._lines[self.cursor][1] if self.cursor < len(self._lines) else None
        return None if number is None else self._rulings[number]

    def go_to_step(self, step: int) -> None:
        """Put the cursor on the gravest criterion that rests on a scenario step, if one does.

        A criterion that is met does not draw the eye away from those that are not.
        """
        held = self.current
        if held is not None and step in held.steps:
            return
        failed = any(ruling.verdict != "met" for ruling in self._rulings)
        for place, (_, number) in enumerate(self._lines):
            ruling = None if number is None else self._rulings[number]
            if ruling is None or step not in ruling.steps:
                continue
            if not failed or ruling.verdict != "met":
                self.move_to(place)
                return

    def go_to(self, ruling: Ruling) -> None:
        """Put the cursor on a criterion."""
        for place, (_, number) in enumerate(self._lines):
            if number is not None and self._rulings[number] is ruling:
                self.move_to(place)
                return

    def row_count(self) -> int:
        """Lines."""
        width = self._inner_width
        if width != self._laid_out_for:
            self._laid_out_for = width
            self._lines = self._lay_out(width) if width > 0 else []
        return len(self._lines)

    def draw_row(self, index: int, width: int) -> Sequence[Part]:
        """One line."""
        return self._lines[index][0]

    def empty(self, width: int) -> Sequence[Sequence[Part]]:
        """No trial yet."""
        return [[("No trial of this scenario has ended yet.", "muted")]]

    def _lay_out(self, width: int) -> list[tuple[list[Part], int | None]]:
        trial, verdict = self._trial, self._verdict
        if trial is None:
            return []
        lines: list[tuple[list[Part], int | None]] = []

        def add(line: Sequence[Part], number: int | None = None, indent: int = 0) -> None:
            lines.extend((wrapped, number) for wrapped in wrap_parts(line, width, indent))

        sign, tone = OUTCOME.get(trial.outcome, ("?", "warn"))
        word = trial.outcome or "being performed"
        head: list[Part] = [(f"{sign} {word}", tone)]
        if trial.outcome == "void":
            head.append(("  the harness failed; does not count", "muted"))
        elif verdict is not None:
            source = SOURCE.get(verdict.source, verdict.source)
            judge = f" {verdict.judge_model}" if verdict.source == "judge" else ""
            only = verdict.source in ("facts only", "recorded")
            head += [("  by ", "muted"), (source + judge, "warn" if only else "text")]
        if trial.tier:
            head.append((f"  ▣ {trial.tier}", "muted" if trial.tier == "A" else "warn"))
        add(head, indent=2)
        if verdict is not None and not self._told(verdict.reason):
            add([(verdict.reason, "text")])
        for number, ruling in enumerate(self._rulings):
            mark, tone = _SIGN.get(ruling.verdict, ("?", "warn"))
            if ruling.level == "should" and ruling.verdict == "unmet":
                tone = "warn"
            strong = "text" if ruling.verdict != "met" else "muted"
            line: list[Part] = [
                (f"{mark} {ruling.level:<6} ", tone),
                (ruling.text, strong),
            ]
            if ruling.steps:
                word = "step" if len(ruling.steps) == 1 else "steps"
                line.append((f"  {word} {', '.join(map(str, ruling.steps))}", "accent"))
            add(line, number, 9)
            for detail in self._details(ruling):
                add(detail, number, 18)
        facts = [r for r in self._rulings if r.kind == "fact"]
        held = sum(r.verdict == "met" for r in facts)
        about = [f"facts {held}/{len(facts)}"] if facts else []
        if verdict is not None and verdict.q is not None:
            about.append(f"q {verdict.q:.2f}")
        about += [f"took {fmt.millis(trial.ms)}"] if trial.ms else []
        about += [f"seed {trial.seed}"] if trial.seed else []
        if about:
            add([(" · ".join(about), "faint")])
        return lines

    def _told(self, reason: str) -> bool:
        """Whether the reason only repeats a criterion that is listed anyway."""
        if not reason or reason == "every fact holds":
            return True
        return any(r.verdict != "met" and r.text and r.text[:60] in reason for r in self._rulings)

    @staticmethod
    def _details(ruling: Ruling) -> list[list[Part]]:
        lines: list[list[Part]] = []
        if ruling.verdict != "met" and ruling.error:
            lines.append([("         cannot be told: ", "muted"), (ruling.error, "warn")])
        elif ruling.verdict != "met" and ruling.kind == "fact":
            never = ruling.level == "never"
            # Most facts end with what is expected; then the line above has said it.
            if never or not ruling.expected or not ruling.text.endswith(ruling.expected):
                wanted = ("never " if never else "") + (ruling.expected or "—")
                lines.append([("         expected ", "muted"), (wanted, "text")])
            lines.append([("         was      ", "muted"), (ruling.actual or "—", "bad")])
        if ruling.quote:
            lines.append([("         judge    ", "muted"), (f"“{ruling.quote}”", "text")])
        return lines
