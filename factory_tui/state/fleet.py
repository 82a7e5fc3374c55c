"""All runs of a factory: which one needs somebody, what each costs, whether it converges."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Protocol

from factory_tui.events import Event
from factory_tui.state import liveness
from factory_tui.state.format import one_line
from factory_tui.state.liveness import Liveness
from factory_tui.state.run import RunState
from factory_tui.state.trajectory import PAUSED

__all__ = ["SORTS", "FleetRow", "FleetState", "RunFacts"]

SORTS: Final = ("attention", "newest", "spend", "name")
"""How the list of runs can be ordered."""


class RunFacts(Protocol):
    """What the fleet reads of a stored run (``store.RunRow`` has these and more)."""

    @property
    def id(self) -> str:
        """The run's id."""

    @property
    def name(self) -> str:
        """The factory's name."""

    @property
    def spec_path(self) -> str:
        """The spec it builds."""

    @property
    def spec_hash(self) -> str:
        """Content hash of that spec."""

    @property
    def status(self) -> str:
        """Its status, see ``store``."""

    @property
    def created_ms(self) -> int:
        """Unix time in ms."""

    @property
    def finished_ms(self) -> int | None:
        """Unix time in ms, or None."""

    @property
    def pid(self) -> int | None:
        """The engine's process."""

    @property
    def pid_started(self) -> int | None:
        """When that process started, see ``process``."""

    @property
    def heartbeat_ms(self) -> int | None:
        """When the engine last said that it lives."""

    @property
    def recorded(self) -> bool:
        """Whether the model's words are played back."""


@dataclass(frozen=True, slots=True)
class FleetRow:
    """One run in the list."""

    run: RunState
    facts: RunFacts
    live: Liveness
    needs: tuple[str, ...]


@dataclass(slots=True)
class FleetState:
    """The fold of the whole journal, by run, and the facts of the runs' rows."""

    runs: dict[str, RunState] = field(default_factory=dict)
    facts: dict[str, RunFacts] = field(default_factory=dict)
    last_seq: int = 0

    def apply(self, event: Event) -> None:
        """Fold one event into its run."""
        self.run(event.run_id).apply(event)
        self.last_seq = max(self.last_seq, event.seq)

    def run(self, run_id: str) -> RunState:
        """The state of a run, made if need be."""
        state = self.runs.get(run_id)
        if state is None:
            state = self.runs[run_id] = RunState(run_id)
        return state

    def set_facts(self, rows: Iterable[RunFacts]) -> None:
        """Take over the stored rows; runs that are gone disappear."""
        self.facts = {row.id: row for row in rows}
        self.runs = {key: state for key, state in self.runs.items() if key in self.facts}

    def liveness(
        self, run_id: str, now_ms: int, alive: Callable[[int | None, int | None], bool]
    ) -> Liveness:
        """What a run is doing, judged from its journal, heartbeat and process.

        Args:
            run_id: the run.
            now_ms: the present.
            alive: says of (pid, start time) whether that process exists.
        """
        state = self.run(run_id)
        facts = self.facts.get(run_id)
        last = state.last_event.ts_ms if state.last_event else state.created_ms
        status = state.status if facts is None else _later(state, facts)
        # The process is only looked at where the answer matters.
        running = status in liveness.FINAL or facts is None or alive(facts.pid, facts.pid_started)
        return liveness.judge(
            status=status,
            now_ms=now_ms,
            last_event_ms=last,
            heartbeat_ms=facts.heartbeat_ms or None if facts else None,
            process_alive=running,
            waiting=state.waiting,
            activity=state.activity,
            building=state.building,
            detail=_why(state),
            question=_asked(state, status),
        )

    def rows(
        self,
        now_ms: int,
        alive: Callable[[int | None, int | None], bool],
        *,
        sort: str = "attention",
        find: str = "",
    ) -> list[FleetRow]:
        """The list, ordered by one of :data:`SORTS` and narrowed to what contains ``find``."""
        rows = []
        for run_id, facts in self.facts.items():
            state = self.run(run_id)
            live = self.liveness(run_id, now_ms, alive)
            needs = tuple(need.short for need in state.needs)
            if live.word == "dead":
                needs = ("engine gone", *needs)
            hay = f"{run_id} {facts.name} {facts.spec_path} {live.word}".casefold()
            if find.casefold() in hay:
                rows.append(FleetRow(state, facts, live, needs))
        rows.sort(key=lambda row: -row.facts.created_ms)
        match sort:
            case "attention":
                rows.sort(key=lambda row: (not row.needs, row.live.word in liveness.FINAL))
            case "spend":
                rows.sort(key=lambda row: -row.run.spend.tokens)
            case "name":
                rows.sort(key=lambda row: (row.facts.name, row.facts.id))
        return rows

    @property
    def spent_usd(self) -> Decimal:
        """Dollars of all runs whose price is known."""
        return sum((run.spend.usd for run in self.runs.values()), Decimal(0))

    @property
    def spend_unknown(self) -> bool:
        """Whether some call's price is unknown."""
        return any(run.spend.unknown for run in self.runs.values())

    def burn(self, now_ms: int) -> float:
        """Tokens per minute of all runs that have not ended."""
        going = (run for run in self.runs.values() if run.going)
        return sum(run.spend.burn(now_ms, 60) for run in going)


def _later(state: RunState, facts: RunFacts) -> str:
    """The row is written with the event; whichever says that it is over is right."""
    return facts.status if facts.status in liveness.FINAL or not state.last_seq else state.status


def _asked(state: RunState, status: str) -> str:
    """The question that holds the whole run; one in a parallel branch holds only that."""
    question = state.questions.first
    if question is None or status != "paused" or state.pause_reason != "question":
        return ""
    return one_line(question.text)


def _why(state: RunState) -> str:
    if state.finished:
        return state.outcome
    if state.status != "paused":
        return state.detail
    reason = PAUSED.get(state.pause_reason, "paused")
    return f"{reason} ({state.detail})" if state.detail else reason
