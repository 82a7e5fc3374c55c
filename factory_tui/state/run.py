"""A run as its journal tells it: fold events, ask questions. No clock, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from factory_tui.events import KINDS, Event
from factory_tui.state.attention import Attention, Need
from factory_tui.state.format import duration, percent
from factory_tui.state.grid import Column, Grid, ScenarioInfo, Trial
from factory_tui.state.liveness import FINAL
from factory_tui.state.pipeline import PipelineState
from factory_tui.state.questions import Questions
from factory_tui.state.spend import Budget, Spend
from factory_tui.state.trajectory import describe

__all__ = ["FOLDED_KINDS", "Built", "Feedback", "RunState", "Tier"]

FOLDED_KINDS: Final = KINDS - {"agent.text", "agent.tool", "agent.steered", "note"}
"""What must be replayed to know a run's state. The rest only says what happened last, so that
a viewer that attaches late may skip a million lines of it."""


@dataclass(frozen=True, slots=True)
class Tier:
    """How well untrusted code is contained: "A" is full isolation, "E" none."""

    letter: str = ""
    label: str = ""
    detail: str = ""

    @property
    def unsandboxed(self) -> bool:
        """Whether nothing contains the product."""
        return self.letter == "E"


@dataclass(frozen=True, slots=True)
class Built:
    """What the builder handed in for one iteration."""

    iteration: int
    commit: str
    files: int
    added: int
    removed: int
    summary: str


@dataclass(frozen=True, slots=True)
class Feedback:
    """What the builder was last told about how it did."""

    iteration: int
    text: str
    train_level: str
    holdout_level: str
    lint: str


@dataclass(slots=True)
class RunState:
    """The fold of one run's journal.

    Feed every event of the run in order to :meth:`apply`; events of other runs are ignored.
    """

    run_id: str
    name: str = ""
    spec_path: str = ""
    spec_hash: str = ""
    target: float = 0.9
    max_iterations: int = 0
    product: str = ""
    recorded: bool = False
    judge_same_family: bool = False
    twins: tuple[str, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    spend: Spend = field(default_factory=Spend)
    grid: Grid = field(default_factory=Grid)
    attention: Attention = field(default_factory=Attention)
    questions: Questions = field(default_factory=Questions)
    pipeline: PipelineState = field(default_factory=PipelineState)
    candidates: dict[str, Grid] = field(default_factory=dict)
    """What was tried of each parallel branch; the kept one's trials move into ``grid``."""
    tier: Tier = field(default_factory=Tier)
    status: str = "starting"
    pause_reason: str = ""
    detail: str = ""
    node: str = ""
    handler: str = ""
    iteration: int = 0
    turn: int = 0
    built: Built | None = None
    feedback: Feedback | None = None
    spec_pending: bool = False
    waiting: str = ""
    gaps: set[str] = field(default_factory=set)
    faults: int = 0
    created_ms: int = 0
    paused_ms: int = 0
    gone: bool = False
    """Whether the engine's process is gone. The viewer sets it; a journal cannot know."""
    finished_ms: int = 0
    last_event: Event | None = None
    last_seq: int = 0
    budget_history: list[Event] = field(default_factory=list)

    def apply(self, event: Event) -> None:
        """Fold one event. Events seen before are skipped, so overlapping reads are harmless."""
        if event.run_id != self.run_id or event.seq <= self.last_seq:
            return
        self.last_seq = event.seq
        if event.kind != "spend":
            self.last_event = event
        self.iteration = max(self.iteration, event.iteration)
        self.attention.apply(event)
        self.questions.apply(event)
        self.pipeline.apply(event)
        if event.kind != "model.waiting" and not event.kind.startswith("control"):
            self.waiting = ""
        self._fold(event, event.data)

    @property
    def needs(self) -> list[Need]:
        """What waits for the engineer, the gravest first."""
        return self.attention.needs

    @property
    def finished(self) -> bool:
        """Whether the run has ended."""
        return self.status in FINAL

    @property
    def going(self) -> bool:
        """Whether work may be done and money spent right now: not ended, paused or dead."""
        return not self.finished and self.status != "paused" and not self.gone

    def moment(self, now_ms: int) -> int:
        """The time that figures such as the burn rate are about, Unix time in ms.

        That is the present only while money can be spent: a run that has ended or is paused
        keeps the figures it had then.
        """
        if self.going:
            return now_ms
        if self.finished:
            return self.finished_ms or now_ms
        if self.status == "paused":
            return self.paused_ms or now_ms
        return self.last_event.ts_ms if self.last_event else now_ms

    def exhaustion_s(self, now_ms: int) -> float | None:
        """Seconds until the budget is empty at the present rate; None: never, or not spending."""
        if not self.going:
            return None
        return self.spend.exhaustion_s(self.budget, now_ms)

    @property
    def latest(self) -> Column | None:
        """The newest scored round."""
        return self.grid.latest

    @property
    def under_way(self) -> Column | None:
        """The round of trials that is not scored yet, if one is."""
        columns = self.grid.columns
        return columns[-1] if columns and not columns[-1].scored else None

    @property
    def building(self) -> bool:
        """Whether the builder is at work: an iteration has begun and no trial has."""
        column = self.under_way
        trials = column is not None and any(cell.started for cell in column.cells.values())
        return (self.node == "build" or self.handler == "codergen") and not trials

    @property
    def activity(self) -> str:
        """What the run is doing, in a few words."""
        column = self.under_way
        trials = 0 if column is None else sum(cell.started for cell in column.cells.values())
        if column is not None and trials:
            what = "confirming, trials" if column.confirmation else "trials"
            return f"{what}: {column.finished_trials} done"
        trying = sum(g.columns[-1].finished_trials for g in self.candidates.values() if g.columns)
        if trying:
            return f"{len(self.candidates)} candidates, trials: {trying} done"
        if self.node == "learn":
            return "writing feedback"
        if self.iteration and self.turn:
            return f"building, turn {self.turn}"
        return "building" if self.iteration else "starting"

    @property
    def outcome(self) -> str:
        """How the run ended, in one sentence; "" while it has not."""
        if not self.finished:
            return ""
        took = f"took {duration((self.finished_ms - self.created_ms) / 1000)}"
        rounds = "1 iteration" if self.iteration == 1 else f"{self.iteration} iterations"
        scores = []
        if self.latest is not None:
            for name, score in (("train", self.latest.train), ("holdout", self.latest.holdout)):
                if score.rate is not None:
                    scores.append(f"{name} {percent(score.rate)}")
        reached = f"{', '.join(scores) or 'nothing scored'} after {rounds}"
        sure = ", confirmed on fresh trials" if self.status == "satisfied" else ""
        why = f"{self.detail} · " if self.detail else ""
        return f"{why}{reached}{sure} · {took}"

    @property
    def last_line(self) -> str:
        """The latest event in one line."""
        return "" if self.last_event is None else describe(self.last_event).text

    def _fold(self, event: Event, data: Mapping[str, Any]) -> None:
        match event.kind:
            case "run.created":
                self._created(event, data)
            case "run.started":
                tier = data.get("tier") or {}
                self.tier = Tier(
                    *(str(tier.get(key) or "") for key in ("letter", "label", "detail"))
                )
                self.status, self.pause_reason, self.detail = "running", "", ""
                self.judge_same_family = bool(data.get("judge_same_family", self.judge_same_family))
            case "run.paused":
                self.status = "paused"
                self.pause_reason = str(data.get("reason") or "")
                self.detail = str(data.get("detail") or "")
                self.paused_ms = event.ts_ms
            case "run.resumed":
                self.status, self.pause_reason, self.detail = "running", "", ""
            case "run.finished":
                self.status = str(data.get("status") or "failed")
                self.detail = str(data.get("detail") or "")
                self.finished_ms = event.ts_ms
            case "node.entered" if not data.get("branch") and not data.get("pipeline"):
                self.node = str(data.get("node") or "")
                self.handler = str(data.get("handler") or "")
            case "candidate.kept":
                self._kept(str(data.get("branch") or ""))
            case "iteration.started":
                self.iteration = int(data.get("n") or event.iteration)
                self.turn = 0
            case "iteration.built":
                self._built(event, data)
            case "iteration.scored":
                self.grid.scored(event.iteration, data)
            case "agent.text" | "agent.tool" | "agent.finished" if not data.get("agent"):
                self.turn = int(data.get("turn") or self.turn)
            case "trial.started":
                self._grid(data).trial_started(event.iteration, event.scenario)
            case "trial.finished":
                self._trial(event, data)
            case "spend":
                self.spend.apply(data, event.ts_ms, event.iteration)
            case "budget.changed":
                self.budget = Budget.of(data.get("new") or {}, self.budget.warn)
                self.budget_history.append(event)
                if self.status == "paused" and self.pause_reason in ("budget", "overbilled"):
                    self.pause_reason, self.detail = "raised", ""
            case "budget.warned" | "budget.exhausted" | "budget.overbilled":
                self.budget_history.append(event)
            case "spec.changed":
                self.spec_pending = True
            case "spec.delivered":
                self.spec_pending = False
                self.spec_hash = str(data.get("new_hash") or self.spec_hash)
            case "feedback.sent":
                self.feedback = Feedback(
                    event.iteration,
                    *(
                        str(data.get(key) or "")
                        for key in ("text", "train_level", "holdout_level", "lint")
                    ),
                )
            case "model.waiting":
                wait = float(data.get("wait_s") or 0)
                error = str(data.get("error") or "")
                self.waiting = f"{data.get('role')} waits {wait:.0f} s to try again: {error}"
            case "gap":
                self.gaps.add(f"{data.get('twin')} {data.get('operation')}")
            case "harness.fault":
                self.faults += 1
            case _:
                pass

    def _created(self, event: Event, data: Mapping[str, Any]) -> None:
        self.name = str(data.get("name") or "")
        self.spec_path = str(data.get("spec") or "")
        self.spec_hash = str(data.get("spec_hash") or "")
        self.target = float(data.get("target") or self.target)
        self.max_iterations = int(data.get("max_iterations") or 0)
        self.product = str(data.get("product") or "")
        self.recorded = bool(data.get("recorded"))
        self.judge_same_family = bool(data.get("judge_same_family"))
        self.twins = tuple(map(str, data.get("twins") or ()))
        self.models = dict(data.get("models") or {})
        self.budget = Budget.of(data.get("budget") or {})
        self.created_ms = event.ts_ms
        for item in data.get("scenarios") or ():
            info = ScenarioInfo(
                id=str(item["id"]),
                title=str(item.get("title") or item["id"]),
                split=str(item.get("split") or "train"),
                weight=float(item.get("weight") or 1.0),
                judged=bool(item.get("judged")),
            )
            self.grid.scenarios[info.id] = info

    def _built(self, event: Event, data: Mapping[str, Any]) -> None:
        files = data.get("files")
        self.built = Built(
            iteration=event.iteration,
            commit=str(data.get("commit") or ""),
            files=len(files) if isinstance(files, list) else int(files or 0),
            added=int(data.get("added") or 0),
            removed=int(data.get("removed") or 0),
            summary=str(data.get("summary") or ""),
        )

    def _trial(self, event: Event, data: Mapping[str, Any]) -> None:
        step = data.get("failing_step")
        trial = Trial(
            id=event.trial,
            n=int(data.get("n") or 1),
            outcome=str(data.get("outcome") or "void"),
            reason=str(data.get("reason") or ""),
            source=str(data.get("source") or ""),
            failing_step=None if step is None else int(step),
            ms=int(data.get("ms") or 0),
        )
        self._grid(data).trial_finished(event.iteration, event.scenario, trial)

    def _grid(self, data: Mapping[str, Any]) -> Grid:
        """Where a trial counts: in the run's grid, or for now in that of a candidate."""
        candidate = str(data.get("candidate") or "")
        return self.candidates.setdefault(candidate, Grid()) if candidate else self.grid

    def _kept(self, branch: str) -> None:
        kept = self.candidates.get(branch, Grid())
        for column in kept.columns:
            for scenario, cell in column.cells.items():
                for trial in cell.trials:
                    self.grid.trial_started(column.iteration, scenario)
                    self.grid.trial_finished(column.iteration, scenario, trial)
        self.candidates.clear()
