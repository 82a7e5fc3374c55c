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
                       judge_same_family (bool: judge and builder are models of one family),
                       scenarios [{id, title, split, weight, judged: bool}]
run.started            pid, tier {letter, label, detail}, resumed (bool),
                       judge_same_family (bool)
run.paused             reason: "user" | "budget" | "overbilled" | "model" | "harness" |
                       "question" (a person has to answer; see question.asked), detail
run.resumed            who
run.finished           status: "satisfied" | "unsatisfied" | "stopped" | "failed", detail, iteration
pipeline.started       Where, name, file, goal, direction ("LR" | "TB"), start (node id), hash,
                       resumed (bool),
                       nodes [{id, label, shape, handler, layer, order, group, model, prompt,
                       attrs {name: text: goal_gate, fidelity, … where set}}]
                       (layer and order: a place in a drawing, from 0; group: label of the
                       subgraph it is in; prompt: its first 400 characters),
                       edges [{from, to, label, condition, weight, back (bool: leads to an earlier
                       layer or its own), restart (bool)}];
                       written when a pipeline begins, and again when a resumed one has changed
node.entered           Where, handler, label, attempt (from 1; above 1 after node.retrying)
node.retrying          Where, attempt (the coming one), delay_s, error
node.left              Where, status: "success" | "partial_success" | "fail" | "skipped" |
                       "cancelled" (called off: another branch won), notes, error, attempts, ms,
                       tokens, usd, calls (model calls); all of this visit, before and after
                       a restart
edge.taken             from, to, label, how: "edge" | "jump" (a retry target) | "join" (branches
                       met), pipeline, branch
branch.started         branch, node (the parallel node), pipeline, start (its first node), index,
                       base (tree its workspace begins as)
branch.ended           branch, node, pipeline, status (as node.left), score (0..1 | None), ms
candidate.scored       branch, commit, tree, score (0..1), ref, train Score, holdout Score,
                       overall Score, scenarios {..} (as iteration.scored)
candidate.kept         branch, node (the fan-in), pipeline, tree, score, by: "score" | "model" |
                       "outcome", others [{branch, score, ref}]; its trials now count as the
                       iteration's
question.asked         id, Where, text, type: "multiple_choice" | "yes_no" | "confirmation" |
                       "freeform", options [{key, label, to}], default (key, "" if none),
                       asked_ms, expires_ms (Unix time | None: waits for ever)
question.answered      id, node, choice (key), label, text, who, how: "answered" | "timeout" (the
                       default counts, or the node is tried again) | "skipped" | "withdrawn"
iteration.started      n (iteration numbers start at 1)
iteration.built        commit (hex), tree (hex), files, added, removed (lines),
                       summary (what the builder said last, one line)
iteration.scored       train Score, holdout Score, overall Score, confirmation (bool),
                       satisfied (bool), scenarios {id: {satisfied, trials, void, facts_only,
                       status: "pass" | "fail" | "flaky" | "void"}}
                       Score: {satisfied, trials, scenarios, rate, low, high}; rate None: no trial
agent.text             Where, agent, turn, text (what the builder says)
agent.tool             Where, agent, turn, call (id), tool, summary (one line), ok (bool), ms,
                       detail (≤ 4000 characters), full (id of the turn whose ``text`` is all of
                       the output where detail is cut, else 0: ``store.turn``)
agent.finished         Where, agent, turn, reason
agent.steered          Where, agent, text
trial.started          n (from 1), seed (hex), split, candidate
trial.finished         n, split, outcome: "satisfied" | "unsatisfied" | "void", ms, facts_passed,
                       facts_total, source: "facts" | "judge" | "recorded" | "facts only",
                       reason (one line), failing_step (int | None), candidate
spend                  role, model, tokens, usd, input, output, cache_read, cache_write,
                       estimated (bool), state: "committed" | "forfeited", spent_tokens,
                       spent_usd, held_tokens, held_usd, ms, Where (node "" outside of any)
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

``Where`` stands for node, pipeline, branch and visit. ``pipeline`` is "" for the run's own one and
the manager node's id for the child it supervises ("a/b" for a child's child). ``branch`` is "" on
the main line, else the name of the parallel branch: its first node's id ("a/b" for a branch in a
branch). ``visit`` counts from 1 how often the run came to the node and is the same again after a
restart. ``agent`` is "" for the builder, else the id of one of its subagents. ``candidate`` is ""
for trials of the run's product; otherwise the branch whose candidate was tried, and the trial is
none of the iteration's own unless that branch is kept (candidate.kept).

What a viewer may ask of a run (``store.VERBS``), with its arguments: pause, resume, stop, suspend;
budget {tokens, usd}; retry {scenario, trials}; answer {question (id, "" for the only one that
waits), choice (an option's key or label, or free text)}.
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
        "pipeline.started",
        "node.entered",
        "node.retrying",
        "node.left",
        "edge.taken",
        "branch.started",
        "branch.ended",
        "candidate.scored",
        "candidate.kept",
        "question.asked",
        "question.answered",
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
    {
        "budget.warned",
        "budget.exhausted",
        "budget.overbilled",
        "harness.fault",
        "question.asked",
        "spec.rejected",
    }
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
