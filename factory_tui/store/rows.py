"""The rows callers see: frozen, typed, with JSON columns already decoded.

Times ending in ``_ms`` are Unix time in milliseconds, ``ms`` alone is a duration. Money is a
decimal string in US dollars, ``None`` where it is unknown or unlimited. Tokens are budget
tokens (uncached input + cache writes + output).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

__all__ = [
    "RUN_STATUSES",
    "VERBS",
    "ContextRow",
    "Control",
    "ExchangeRow",
    "IterationRow",
    "LedgerRow",
    "LogRow",
    "PlaceRow",
    "RunRow",
    "RunStatus",
    "ScenarioRow",
    "StepRow",
    "TrialRow",
    "TurnRow",
    "VerdictRow",
    "WantedRow",
]

RunStatus = Literal[
    "starting", "running", "paused", "satisfied", "unsatisfied", "stopped", "failed"
]
RUN_STATUSES: Final = frozenset(get_args(RunStatus))

VERBS: Final = frozenset({"pause", "resume", "stop", "suspend", "budget", "retry", "answer"})
"""What a viewer may ask of a run; "specs and budgets only" ends here.

``answer`` replies to a question of the pipeline's own author (a human gate)."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run. ``spent_*`` and ``cost_unknown`` follow from the ledger and are never set by hand.

    ``budget_tokens`` / ``budget_usd`` ``None`` means no limit; ``pid_started`` is the process's
    start time in clock ticks (/proc/PID/stat), which tells a reused pid apart; ``tier`` names
    the isolation that held; ``recorded`` says that a recorded model plays.
    """

    id: str
    name: str = ""
    spec_path: str = ""
    spec_hash: str = ""
    status: str = "starting"
    created_ms: int = 0
    finished_ms: int | None = None
    pid: int | None = None
    pid_started: int | None = None
    heartbeat_ms: int | None = None
    iteration: int = 0
    budget_tokens: int | None = None
    budget_usd: str | None = None
    spent_tokens: int = 0
    spent_usd: str = "0"
    recorded: bool = False
    tier: str = ""
    factory_dir: str = ""
    seed_from: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    cost_unknown: bool = False


@dataclass(frozen=True, slots=True)
class Control:
    """A viewer's request to the engine of a run, waiting to be acted on."""

    id: int
    run_id: str
    verb: str
    args: Mapping[str, Any]
    who: str
    ts_ms: int


@dataclass(frozen=True, slots=True)
class IterationRow:
    """One build → validate → learn round. ``scores`` as in the event ``iteration.scored``."""

    run_id: str
    n: int
    commit: str = ""
    tree: str = ""
    spec_hash: str = ""
    started_ms: int = 0
    finished_ms: int | None = None
    scores: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScenarioRow:
    """A scenario as this run uses it; ``judged`` says that some criterion needs the judge."""

    run_id: str
    id: str
    title: str = ""
    split: str = "train"
    weight: float = 1.0
    hash: str = ""
    judged: bool = False


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One trial. ``outcome`` is "" while it runs, then satisfied, unsatisfied or void.

    ``candidate`` names the parallel branch whose product was tried, "" for the run's own.
    """

    id: str
    run_id: str
    iteration: int
    scenario: str
    n: int
    seed: str = ""
    split: str = "train"
    product_tree: str = ""
    tier: str = ""
    outcome: str = ""
    source: str = ""
    reason: str = ""
    ms: int = 0
    started_ms: int = 0
    confirmation: bool = False
    candidate: str = ""


@dataclass(frozen=True, slots=True)
class StepRow:
    """One entry of a trajectory; ``step`` is the scenario's step number (0 = setup)."""

    trial: str
    n: int
    kind: str
    who: str = ""
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    t_ms: int = 0
    step: int = 0


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """What was decided about one trajectory. ``satisfied`` is ``None`` for a void trial."""

    trial: str
    outcome: str
    satisfied: bool | None = None
    q: float | None = None
    source: str = ""
    judge_model: str = ""
    prompt_hash: str = ""
    facts: Sequence[Mapping[str, Any]] = ()
    criteria: Sequence[Mapping[str, Any]] = ()
    reason: str = ""
    evidence_steps: Sequence[int] = ()
    tier: str = ""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One model call in the book. ``state`` is open, committed or forfeited.

    ``held_*`` is what was reserved before the call, ``tokens`` / ``usd`` what it cost; ``node``,
    ``pipeline``, ``branch`` and ``visit`` say where in the pipeline it was made (see ``events``).
    """

    id: int
    run_id: str
    opened_ms: int
    closed_ms: int | None
    role: str
    model: str
    key: str
    held_tokens: int
    held_usd: str | None
    state: str
    tokens: int
    usd: str | None
    usage: Mapping[str, Any]
    node: str = ""
    pipeline: str = ""
    branch: str = ""
    visit: int = 0


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A workspace of a run: the main line's (key "") or a parallel branch's.

    ``base`` is the tree it began as, ``tree`` the tree as agents and commands left it, "" while
    one is at work in it. ``commit`` and ``product_tree`` are what of it was tried in ``iteration``,
    ``scores`` how that went; ``kept`` says that a fan-in chose it.
    """

    run_id: str
    key: str
    name: str = ""
    parent: str = ""
    base: str = ""
    tree: str = ""
    iteration: int = 0
    commit: str = ""
    product_tree: str = ""
    scores: Mapping[str, Any] = field(default_factory=dict)
    kept: bool = False


@dataclass(frozen=True, slots=True)
class WantedRow:
    """Trials somebody asked for: numbers ``first`` … of a scenario, still to be performed.

    ``iteration`` and ``first`` are 0 until the first of them begins.
    """

    id: int
    run_id: str
    scenario: str
    iteration: int
    first: int
    trials: int


@dataclass(frozen=True, slots=True)
class ContextRow:
    """A conversation: a mutable head into the turns. ``base`` is the turn it was forked from."""

    id: int
    run_id: str
    tag: str
    title: str
    labels: tuple[str, ...]
    head: int | None
    base: int | None
    created_ms: int
    updated_ms: int


@dataclass(frozen=True, slots=True)
class TurnRow:
    """One immutable turn; the first of a conversation has depth 0. ``hash`` is BLAKE3-256."""

    id: int
    context: int
    parent: int | None
    depth: int
    type_id: str
    version: int
    hash: bytes
    created_ms: int
    payload: Any


@dataclass(frozen=True, slots=True)
class LogRow:
    """One movement of a conversation's head: kind is "create", "fork" or "append"."""

    seq: int
    kind: str
    context: int
    turn: int | None
    ts_ms: int


@dataclass(frozen=True, slots=True)
class ExchangeRow:
    """One HTTP exchange of a product with a twin. ``seq`` is given by the store (dense, from 1).

    ``n`` counts within the trial, ``t_virtual`` is the universe's clock, ``status`` 0 means that
    no answer was sent; ``fault`` names the injected fault, ``gap`` an operation that the twin
    does not implement; ``direction`` is "out" where the twin told the product of an event (then
    ``operation`` is the event and ``path`` where it went). Pages leave headers and bodies empty;
    ``Traffic.get`` fills them.
    """

    seq: int = 0
    ts_ms: int = 0
    t_virtual: str = ""
    run_id: str = ""
    iteration: int = 0
    scenario: str = ""
    trial: str = ""
    step: int = 0
    n: int = 0
    twin: str = ""
    operation: str = ""
    method: str = ""
    path: str = ""
    status: int = 0
    ms: float = 0.0
    fault: str = ""
    gap: str = ""
    direction: str = "in"
    request_headers: Mapping[str, str] = field(default_factory=dict)
    request_body: str = ""
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_body: str = ""

    @property
    def failed(self) -> bool:
        """Whether something went wrong: no answer, an error status, a fault or a gap."""
        return not self.status or self.status >= 400 or bool(self.fault) or bool(self.gap)
