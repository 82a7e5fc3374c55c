"""Which trial of which iteration is looked at, and what became of the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from factory_tui.state import GLYPHS, ScenarioInfo
from factory_tui.store import TrialRow
from factory_tui.ui.widgets.frame import Line
from factory_tui.ui.widgets.satisfaction import TONE_OF
from factory_tui.ui.widgets.tones import Part, width_of
from factory_tui.ui.widgets.verdict import OUTCOME

__all__ = ["HOLDOUT", "Round", "RoundsLine", "by_round", "last_satisfied"]

HOLDOUT: Final = "HOLDOUT"


class Round(NamedTuple):
    """The trials of one iteration, or of the confirmation round after it."""

    iteration: int
    confirmation: bool
    trials: list[TrialRow]
    candidate: str = ""

    @property
    def label(self) -> str:
        """``3``, ``3c`` for a confirmation, ``3 build_a`` for a candidate of that iteration."""
        place = f"{self.iteration}c" if self.confirmation else str(self.iteration)
        return f"{place} {self.candidate}" if self.candidate else place

    @property
    def status(self) -> str:
        """A key of ``GLYPHS``."""
        outcomes = [trial.outcome for trial in self.trials]
        good, bad = outcomes.count("satisfied"), outcomes.count("unsatisfied")
        if good and bad:
            return "flaky"
        if good or bad:
            return "pass" if good else "fail"
        return "running" if "" in outcomes else "void"

    @property
    def finished(self) -> bool:
        """Whether some trial has ended."""
        return any(trial.outcome for trial in self.trials)

    @property
    def first(self) -> TrialRow:
        """The trial to show first: one that failed."""
        for wanted in ("unsatisfied", "void", "satisfied"):
            for trial in self.trials:
                if trial.outcome == wanted:
                    return trial
        return self.trials[0]

    def place_of(self, trial: TrialRow) -> int | None:
        """The place of a trial, None if it belongs to another round."""
        for place, other in enumerate(self.trials):
            if other.id == trial.id:
                return place
        return None


def by_round(trials: Iterable[TrialRow]) -> list[Round]:
    """The trials of one scenario by iteration, oldest first."""
    found: dict[tuple[int, bool, str], list[TrialRow]] = {}
    for trial in trials:
        key = (trial.iteration, trial.confirmation, trial.candidate)
        found.setdefault(key, []).append(trial)
    return [
        Round(iteration, confirmation, held, candidate)
        for (iteration, confirmation, candidate), held in sorted(found.items())
    ]


def last_satisfied(rounds: Iterable[Round], trial: TrialRow) -> TrialRow | None:
    """The satisfied trial to compare with: the latest up to a trial's iteration, else the first."""
    good = [
        other
        for round_ in rounds
        for other in round_.trials
        if other.outcome == "satisfied" and other.id != trial.id
    ]
    before = [other for other in good if other.iteration <= trial.iteration]
    return before[-1] if before else good[0] if good else None


class RoundsLine(Line):
    """Split, iterations on the left, trials of the chosen iteration on the right."""

    def show_rounds(
        self, info: ScenarioInfo, rounds: Sequence[Round], trial: TrialRow | None, *, linked: bool
    ) -> None:
        """Show where we are."""
        wide = self.app.size.width >= 100
        left: list[Part] = []
        if info.split == "holdout":
            left.append((f" {HOLDOUT} ", "hit"))
            left.append((" the builder never sees it  " if wide else "  ", "muted"))
        else:
            left.append((f"{info.split}  ", "muted"))
        trials: list[Part] = []
        if trial is not None:
            left.append(("iteration", "muted"))
            for round_ in rounds:
                here = round_.place_of(trial) is not None
                glyph, tone = GLYPHS[round_.status], TONE_OF[round_.status]
                left += _choice(round_.label, glyph, tone, here)
                if here:
                    trials = self._trials(round_, trial)
        mark: list[Part] = [] if linked else [("  unlinked (L)", "warn")]
        self.show(left, [*trials, *mark])

    def _trials(self, round_: Round, chosen: TrialRow) -> list[Part]:
        """The trials of a round; those around the chosen one where not all fit."""
        room = self.app.size.width // 2 - 16
        pieces = [
            _choice(str(place), *OUTCOME.get(trial.outcome, ("?", "warn")), trial.id == chosen.id)
            for place, trial in enumerate(round_.trials, 1)
        ]
        low = round_.place_of(chosen) or 0
        high = low + 1
        while width_of(part for piece in pieces[low:high] for part in piece) < room:
            if high < len(pieces):
                high += 1
            elif low > 0:
                low -= 1
            else:
                break
        parts: list[Part] = [("trial", "muted"), (" …" if low else "", "faint")]
        parts += [part for piece in pieces[low:high] for part in piece]
        parts.append((f" … of {len(pieces)}" if high < len(pieces) else "", "faint"))
        return parts


def _choice(name: str, glyph: str, tone: str, chosen: bool) -> list[Part]:
    if chosen:
        return [(" [", "accent"), (f"{name} ", "strong"), (glyph, tone), ("]", "accent")]
    return [(f"  {name} ", "muted"), (glyph, tone)]
