"""The journal's vocabulary: every kind of event a run writes, and what each carries.

The engine appends events to the journal, viewers fold them into what a screen shows. This
module is the only thing both sides share, so it imports nothing of the package.

``data`` of each kind (all values are JSON; money is a decimal string in US dollars, ``None``
where a price is unknown; tokens are *budget tokens*: uncached input + cache writes + output):

=====================  ==========================================================================
kind                   data
=====================  ==========================================================================
run.created            name, spec (path), spec_hash, target (0..1), max_iterations, product,
                       budget {tokens, usd, warn: [..]}, models {builder, judge, user, summary},
                       recorded (bool), twins [..],
                       scenarios [{id, title, split, weight, judged: bool}]
run.started            pid, tier {letter, label, detail}, resumed (bool)
run.paused             reason: "user" | "budget" | "overbilled" | "model" | "harness", detail
run.resumed            who
run.finished           status: "satisfied" | "unsatisfied" | "stopped" | "failed", detail, iteration
node.entered           node, handler
node.left              node, status, notes
iteration.started      n (iteration numbers start at 1)
iteration.built        commit (hex), tree (hex), files, added, removed (lines),
                       summary (what the builder said last, one line)
iteration.scored       train Score, holdout Score, overall Score, confirmation (bool),
                       satisfied (bool), scenarios {id: {satisfied, trials, void, facts_only,
                       status: "pass" | "fail" | "flaky" | "void"}}
                       Score: {satisfied, trials, scenarios, rate, low, high}; rate None: no trial
agent.text             turn, text (what the builder says)
agent.tool             turn, call (id), tool, summary (one line), ok (bool), ms,
                       detail (≤ 4000 characters)
agent.finished         turn, reason
agent.steered          text
trial.started          n (from 1), seed (hex), split
trial.finished         n, split, outcome: "satisfied" | "unsatisfied" | "void", ms, facts_passed,
                       facts_total, source: "facts" | "judge" | "recorded" | "facts only",
                       reason (one line), failing_step (int | None)
spend                  role, model, tokens, usd, input, output, cache_read, cache_write,
                       estimated (bool), state: "committed" | "forfeited", spent_tokens,
                       spent_usd, held_tokens, held_usd, ms
budget.changed         old {tokens, usd}, new {tokens, usd}, who
budget.warned          percent (75 | 90), of: "tokens" | "usd"
budget.exhausted       of, needed_tokens, needed_usd
budget.overbilled      reserved_tokens, billed_tokens (the server billed above the reservation)
spec.changed           path, old_hash, new_hash, diff (unified)
spec.delivered         path, new_hash, turn
spec.rejected          path, detail (the file could not be read)
feedback.sent          train_level, holdout_level, text, lint ("clean" | what was withheld)
handedit.undone        files [..], patch (path beside the run)
control.done           verb, args, who, result
model.waiting          role, model, attempt, wait_s, error (a retry is coming)
gap                    twin, operation (a described operation the twin does not implement)
harness.fault          where, detail
note                   text, level: "info" | "warning" | "error"
=====================  ==========================================================================

``iteration``, ``scenario`` and ``trial`` are columns of every event; 0 or "" where they make
no sense.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["KINDS", "NEEDS_YOU", "Event"]

KINDS: Final = frozenset(
    {
        "run.created",
        "run.started",
        "run.paused",
        "run.resumed",
        "run.finished",
        "node.entered",
        "node.left",
        "iteration.started",
        "iteration.built",
        "iteration.scored",
        "agent.text",
        "agent.tool",
        "agent.finished",
        "agent.steered",
        "trial.started",
        "trial.finished",
        "spend",
        "budget.changed",
        "budget.warned",
        "budget.exhausted",
        "budget.overbilled",
        "spec.changed",
        "spec.delivered",
        "spec.rejected",
        "feedback.sent",
        "handedit.undone",
        "control.done",
        "model.waiting",
        "gap",
        "harness.fault",
        "note",
    }
)

NEEDS_YOU: Final = frozenset(
    {"budget.warned", "budget.exhausted", "budget.overbilled", "harness.fault", "spec.rejected"}
)
"""Kinds that raise a banner until somebody reacts."""


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the journal.

    ``seq`` grows over all runs of a factory and never repeats; ``ts_ms`` is Unix time in ms.
    """

    seq: int
    ts_ms: int
    run_id: str
    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)
    iteration: int = 0
    scenario: str = ""
    trial: str = ""
