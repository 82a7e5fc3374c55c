"""The store: SQLite files that keep everything a factory's runs do.

``Store`` is ``runs/factory.db`` (journal, runs, trials, verdicts, ledger, turns, control);
``Traffic`` is one run's exchanges with its twins, in a file that can be deleted on its own.
"""

from .errors import (
    AmbiguousRun,
    HeadMoved,
    StoreError,
    UnknownContext,
    UnknownRun,
    UnknownTrial,
    UnknownTurn,
)
from .ledger import LedgerBook
from .rows import (
    RUN_STATUSES,
    VERBS,
    ContextRow,
    Control,
    ExchangeRow,
    IterationRow,
    LedgerRow,
    LogRow,
    PlaceRow,
    RunRow,
    RunStatus,
    ScenarioRow,
    StepRow,
    TrialRow,
    TurnRow,
    VerdictRow,
    WantedRow,
)
from .store import Store
from .traffic import Traffic, TrafficFilter

__all__ = [
    "RUN_STATUSES",
    "VERBS",
    "AmbiguousRun",
    "ContextRow",
    "Control",
    "ExchangeRow",
    "HeadMoved",
    "IterationRow",
    "LedgerBook",
    "LedgerRow",
    "LogRow",
    "PlaceRow",
    "RunRow",
    "RunStatus",
    "ScenarioRow",
    "StepRow",
    "Store",
    "StoreError",
    "Traffic",
    "TrafficFilter",
    "TrialRow",
    "TurnRow",
    "UnknownContext",
    "UnknownRun",
    "UnknownTrial",
    "UnknownTurn",
    "VerdictRow",
    "WantedRow",
]
