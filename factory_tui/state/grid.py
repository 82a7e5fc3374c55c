"""Satisfaction by scenario and iteration: the grid of glyphs and the two scores above it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["GLYPHS", "Cell", "Column", "Grid", "GridRow", "ScenarioInfo", "Score", "Trial"]

GLYPHS: Final = {
    "pass": "■",
    "fail": "✗",
    "flaky": "~",
    "void": "◌",
    "running": "▸",
    "none": "·",
}
"""One sign per state of a cell; the shape says it, colour only repeats it."""

_ORDER: Final = {"fail": 0, "flaky": 1, "void": 2, "running": 3, "none": 4, "pass": 5}


@dataclass(frozen=True, slots=True)
class ScenarioInfo:
    """A scenario as ``run.created`` lists it."""

    id: str
    title: str
    split: str
    weight: float = 1.0
    judged: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """A satisfaction: counts, the rate and its Wilson interval exactly as the engine scored it.

    ``rate``, ``low`` and ``high`` are in 0..1 and None while there is no trial.
    """

    satisfied: int = 0
    trials: int = 0
    scenarios: int = 0
    rate: float | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any] | None) -> Score:
        """Read a Score as the journal writes it; None gives the empty score."""
        if not data:
            return cls()
        rate, low, high = (data.get(key) for key in ("rate", "low", "high"))
        return cls(
            satisfied=int(data.get("satisfied") or 0),
            trials=int(data.get("trials") or 0),
            scenarios=int(data.get("scenarios") or 0),
            rate=None if rate is None else float(rate),
            low=None if low is None else float(low),
            high=None if high is None else float(high),
        )


@dataclass(frozen=True, slots=True)
class Trial:
    """The end of one trial."""

    id: str
    n: int
    outcome: str
    reason: str = ""
    source: str = ""
    failing_step: int | None = None
    ms: int = 0


@dataclass(slots=True)
class Cell:
    """One scenario in one iteration: its trials so far, and its status once scored."""

    trials: list[Trial] = field(default_factory=list)
    started: int = 0
    scored: str = ""
    facts_only: int = 0

    @property
    def satisfied(self) -> int:
        """Trials that satisfied the user."""
        return sum(trial.outcome == "satisfied" for trial in self.trials)

    @property
    def counted(self) -> int:
        """Trials that count, which leaves out void ones."""
        return sum(trial.outcome != "void" for trial in self.trials)

    @property
    def status(self) -> str:
        """A key of :data:`GLYPHS`: the engine's verdict, or what the trials so far suggest."""
        if self.scored:
            return self.scored
        if self.started > len(self.trials):
            return "running"
        if not self.trials:
            return "none"
        if not self.counted:
            return "void"
        if self.satisfied == self.counted:
            return "pass"
        return "flaky" if self.satisfied else "fail"

    @property
    def reason(self) -> str:
        """Why the latest trial that did not satisfy did not; empty if all did."""
        for outcome in ("unsatisfied", "void"):
            for trial in reversed(self.trials):
                if trial.outcome == outcome and trial.reason:
                    return trial.reason
        return ""


@dataclass(slots=True)
class Column:
    """One round of trials: an iteration, or the confirmation round after it."""

    iteration: int
    confirmation: bool = False
    cells: dict[str, Cell] = field(default_factory=dict)
    train: Score = field(default_factory=Score)
    holdout: Score = field(default_factory=Score)
    overall: Score = field(default_factory=Score)
    scored: bool = False
    satisfied: bool = False

    @property
    def label(self) -> str:
        """The column's heading: ``3``, or ``3c`` for its confirmation round."""
        return f"{self.iteration}c" if self.confirmation else str(self.iteration)

    def cell(self, scenario: str) -> Cell:
        """The cell of a scenario, made if need be."""
        return self.cells.setdefault(scenario, Cell())

    @property
    def passing(self) -> int:
        """Scenarios that pass in this round."""
        return sum(cell.status == "pass" for cell in self.cells.values())

    def extras(self) -> tuple[int, int]:
        """Trials that don't fully count: (void, judged by facts only)."""
        cells = self.cells.values()
        void = sum(len(cell.trials) - cell.counted for cell in cells)
        return void, sum(cell.facts_only for cell in cells)

    @property
    def finished_trials(self) -> int:
        """Trials that have ended in this round."""
        return sum(len(cell.trials) for cell in self.cells.values())


@dataclass(frozen=True, slots=True)
class GridRow:
    """One scenario's line: its status per column, newest last."""

    scenario: ScenarioInfo
    states: tuple[str, ...]
    satisfied: int
    trials: int
    reason: str

    @property
    def status(self) -> str:
        """The newest state that says something about the product."""
        for state in reversed(self.states):
            if state not in ("none", "running"):
                return state
        return self.states[-1] if self.states else "none"


@dataclass(slots=True)
class Grid:
    """All rounds of a run."""

    scenarios: dict[str, ScenarioInfo] = field(default_factory=dict)
    columns: list[Column] = field(default_factory=list)

    def column(self, iteration: int) -> Column:
        """The round that trials of an iteration belong to now.

        Trials that start after the iteration's score are its confirmation round.
        """
        for column in reversed(self.columns):
            if column.iteration == iteration:
                if column.scored and not column.confirmation:
                    return self._add(Column(iteration, confirmation=True))
                return column
        return self._add(Column(iteration))

    def trial_started(self, iteration: int, scenario: str) -> None:
        """Count a trial that has begun."""
        self.column(iteration).cell(scenario).started += 1

    def trial_finished(self, iteration: int, scenario: str, trial: Trial) -> None:
        """Add a trial's outcome."""
        column = self._holding(iteration, scenario) or self.column(iteration)
        cell = column.cell(scenario)
        cell.trials.append(trial)
        cell.started = max(cell.started, len(cell.trials))

    def scored(self, iteration: int, data: Mapping[str, Any]) -> None:
        """Take over the engine's score of a round."""
        confirmation = bool(data.get("confirmation"))
        column = next(
            (
                found
                for found in self.columns
                if found.iteration == iteration and found.confirmation == confirmation
            ),
            None,
        ) or self._add(Column(iteration, confirmation))
        column.train = Score.of(data.get("train"))
        column.holdout = Score.of(data.get("holdout"))
        column.overall = Score.of(data.get("overall"))
        column.satisfied = bool(data.get("satisfied"))
        column.scored = True
        for ident, result in (data.get("scenarios") or {}).items():
            cell = column.cell(ident)
            cell.scored = str(result.get("status") or "")
            cell.facts_only = int(result.get("facts_only") or 0)
            self.scenarios.setdefault(ident, ScenarioInfo(ident, ident, "train"))
        if not confirmation:
            # Extra trials of single scenarios (a retry) had opened a round of their own.
            self.columns = [
                other
                for other in self.columns
                if other.scored or other.iteration != iteration or not other.confirmation
            ]

    @property
    def latest(self) -> Column | None:
        """The newest scored round."""
        return next((column for column in reversed(self.columns) if column.scored), None)

    @property
    def previous(self) -> Column | None:
        """The scored iteration before the newest one, for the trend; confirmations don't count."""
        latest = self.latest
        if latest is None:
            return None
        return next(
            (
                column
                for column in reversed(self.columns)
                if column.scored and column.iteration < latest.iteration
            ),
            None,
        )

    def so_far(self, split: str) -> tuple[int, int]:
        """Of a split, in the newest round: trials that satisfied the user, trials that count."""
        cells = self.columns[-1].cells if self.columns else {}
        mine = [
            cell
            for ident, cell in cells.items()
            if ident in self.scenarios and self.scenarios[ident].split == split
        ]
        return sum(cell.satisfied for cell in mine), sum(cell.counted for cell in mine)

    def rows(self, *, going: bool = True) -> list[GridRow]:
        """One line per scenario, what fails first, then by split and id.

        Where nothing is ``going`` on any more, a trial that never ended is not running: its cell
        says "none".
        """
        rows = [self._row(info, going) for info in self.scenarios.values()]
        rows.sort(key=lambda row: (_ORDER.get(row.status, 4), row.scenario.id))
        return rows

    def _row(self, info: ScenarioInfo, going: bool) -> GridRow:
        states = []
        satisfied = trials = 0
        reason = ""
        for column in self.columns:
            cell = column.cells.get(info.id)
            state = "none" if cell is None else cell.status
            states.append("none" if state == "running" and not going else state)
            if cell is not None and cell.trials:
                satisfied, trials, reason = cell.satisfied, cell.counted, cell.reason
        return GridRow(info, tuple(states), satisfied, trials, reason)

    def _holding(self, iteration: int, scenario: str) -> Column | None:
        """The round of that iteration in which this scenario has a trial under way."""
        for column in reversed(self.columns):
            cell = column.cells.get(scenario)
            if column.iteration == iteration and cell and cell.started > len(cell.trials):
                return column
        return None

    def _add(self, column: Column) -> Column:
        at = len(self.columns)
        while at and (self.columns[at - 1].iteration, self.columns[at - 1].confirmation) > (
            column.iteration,
            column.confirmation,
        ):
            at -= 1
        self.columns.insert(at, column)
        return column
