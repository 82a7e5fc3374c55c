"""Folding a run's journal."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from factory_tui.events import KINDS, Event
from factory_tui.state import STREAM_KINDS, RunState, describe, explain, heading, is_error
from factory_tui.state.trajectory import QUIET_KINDS

CREATED = {
    "name": "rollcall",
    "spec": "specs/rollcall.md",
    "spec_hash": "c41e",
    "target": 0.9,
    "max_iterations": 5,
    "budget": {"tokens": 100_000, "usd": "5.00", "warn": [0.75, 0.9]},
    "recorded": True,
    "scenarios": [
        {"id": "alpha", "title": "A", "split": "train", "weight": 1.0, "judged": False},
        {"id": "beta", "title": "B", "split": "holdout", "weight": 1.0, "judged": True},
    ],
}


class Journal:
    """Feeds events with growing seq and time into a state."""

    def __init__(self, created: dict[str, Any] | None = None) -> None:
        self.run = RunState("7f3a")
        self.seqs = count(1)
        self.now = 1_000_000
        if created is not None:
            self.add("run.created", created)

    def event(self, kind: str, data: dict[str, Any], **where: Any) -> Event:
        self.now += 1000
        return Event(next(self.seqs), self.now, "7f3a", kind, data, **where)

    def add(self, kind: str, data: dict[str, Any] | None = None, **where: Any) -> Event:
        event = self.event(kind, data or {}, **where)
        self.run.apply(event)
        return event

    def spend(self, tokens: int, usd: str | None, total: int, **more: Any) -> None:
        data = {
            "role": "builder",
            "tokens": tokens,
            "usd": usd,
            "state": "committed",
            "spent_tokens": total,
            "spent_usd": None if usd is None else str(Decimal(total) / 100_000),
        }
        self.add("spend", data | more, iteration=1)

    def trial(self, scenario: str, outcome: str, n: int = 1, it: int = 1, **more: Any) -> None:
        where = {"iteration": it, "scenario": scenario, "trial": f"{it}-{scenario}-{n}"}
        self.add("trial.started", {"n": n, "seed": "5e", "split": "train"}, **where)
        self.add("trial.finished", {"n": n, "outcome": outcome, **more}, **where)


@pytest.fixture
def journal() -> Journal:
    return Journal(CREATED)


def test_created_says_what_the_run_is(journal: Journal) -> None:
    run = journal.run
    assert (run.name, run.spec_path, run.target, run.recorded) == (
        "rollcall",
        "specs/rollcall.md",
        0.9,
        True,
    )
    assert run.budget.tokens == 100_000 and run.budget.usd == Decimal("5.00")
    assert [s.split for s in run.grid.scenarios.values()] == ["train", "holdout"]


def test_events_are_folded_once_and_only_of_this_run(journal: Journal) -> None:
    event = journal.add("trial.finished", {"outcome": "satisfied"}, iteration=1, scenario="alpha")
    journal.run.apply(event)
    journal.run.apply(Event(99, 1, "beef", "trial.finished", {}, 1, "alpha"))
    assert len(journal.run.grid.columns[0].cells["alpha"].trials) == 1


def test_pause_resume_finish(journal: Journal) -> None:
    run = journal.run
    journal.add("run.started", {"pid": 1, "tier": {"letter": "E", "label": "none"}})
    assert run.status == "running" and run.tier.unsandboxed
    journal.add("run.paused", {"reason": "budget", "detail": "needs 9000 tokens"})
    assert (run.status, run.pause_reason, run.detail) == ("paused", "budget", "needs 9000 tokens")
    journal.add("run.resumed", {"who": "you"})
    assert run.status == "running" and run.pause_reason == ""
    journal.add("run.finished", {"status": "unsatisfied", "detail": "iterations used up"})
    assert run.finished and run.detail == "iterations used up"


def test_spend_adds_up_and_an_unknown_price_is_never_zero(journal: Journal) -> None:
    journal.spend(1000, "0.01", 1000)
    assert journal.run.spend.known_usd == Decimal("0.01")
    journal.spend(500, None, 1500, role="judge", state="forfeited", held_tokens=700)
    spend = journal.run.spend
    assert (spend.tokens, spend.known_usd, spend.unknown) == (1500, None, True)
    assert spend.usd == Decimal("0.01"), "the known part is kept"
    assert spend.roles["judge"].tokens == 500 and spend.forfeited == 500
    assert spend.held_tokens == 700


def test_burn_rate_and_time_to_exhaustion(journal: Journal) -> None:
    for step in range(1, 7):
        journal.now += 9_000  # with the second that every event takes: one call in 10 s
        journal.spend(1000, "0.01", 1000 * step)
    spend, budget, now = journal.run.spend, journal.run.budget, journal.now
    assert spend.burn(now) == pytest.approx(6000 / 50 * 60)
    wait = spend.exhaustion_s(budget, now)
    assert wait == pytest.approx((100_000 - 6000) / (6000 / 50))
    assert spend.burn(now + 3_600_000) == 0, "an idle run burns nothing"
    assert spend.exhaustion_s(budget, now + 3_600_000) is None
    assert sum(spend.history(now, 20)) == 6000


def test_the_first_limit_reached_decides(journal: Journal) -> None:
    journal.spend(10_000, "4.00", 10_000, spent_usd="4.00")
    journal.now += 60_000
    spend, run = journal.run.spend, journal.run
    assert spend.share(run.budget) == pytest.approx(0.8), "dollars are nearer to their limit"
    wait = spend.exhaustion_s(run.budget, journal.now)
    assert wait is not None and wait < 30, "a dollar is left, four were spent in a minute"


def test_needs_are_raised_and_settled(journal: Journal) -> None:
    run = journal.run
    journal.add("budget.warned", {"percent": 75, "of": "tokens"})
    assert [need.short for need in run.needs] == ["budget 75 %"]
    journal.add("budget.exhausted", {"of": "tokens", "needed_tokens": 9000})
    assert [need.short for need in run.needs] == ["budget empty"], "the warning is superseded"
    journal.add(
        "budget.changed", {"old": {}, "new": {"tokens": 200_000, "usd": None}, "who": "you"}
    )
    assert run.needs == []
    assert run.budget.tokens == 200_000 and run.budget.usd is None
    assert run.budget.warn == (0.75, 0.9)


def test_errors_come_before_warnings(journal: Journal) -> None:
    journal.add("budget.warned", {"percent": 90, "of": "usd"})
    journal.add("spec.rejected", {"path": "specs/rollcall.md", "detail": "not UTF-8"})
    assert [need.level for need in journal.run.needs] == ["error", "warning"]
    journal.add("spec.changed", {"path": "specs/rollcall.md", "diff": "", "new_hash": "d"})
    assert [need.kind for need in journal.run.needs] == ["budget.warned"]


def test_a_user_pause_needs_nobody(journal: Journal) -> None:
    journal.add("run.paused", {"reason": "user", "detail": ""})
    assert journal.run.needs == []
    journal.add("run.paused", {"reason": "model", "detail": "529 for ten minutes"})
    assert [need.short for need in journal.run.needs] == ["no model"]


def test_feedback_and_spec(journal: Journal) -> None:
    run = journal.run
    journal.add(
        "feedback.sent",
        {"train_level": "L2", "holdout_level": "L0", "text": "About 25 %", "lint": "clean"},
        iteration=1,
    )
    assert run.feedback is not None and run.feedback.text == "About 25 %"
    journal.add("spec.changed", {"path": "s.md", "new_hash": "new", "diff": "+a\n"})
    assert run.spec_pending
    journal.add("spec.delivered", {"path": "s.md", "new_hash": "new", "turn": 4})
    assert not run.spec_pending and run.spec_hash == "new"


def test_activity_says_what_is_going_on(journal: Journal) -> None:
    run = journal.run
    journal.add("iteration.started", {"n": 1}, iteration=1)
    journal.add("agent.text", {"turn": 3, "text": "hm"}, iteration=1)
    assert run.activity == "building, turn 3"
    journal.trial("alpha", "satisfied")
    assert run.activity == "trials: 1 done"
    journal.add("model.waiting", {"role": "judge", "wait_s": 8, "error": "529"}, iteration=1)
    assert "judge waits 8 s" in run.waiting
    journal.add("trial.started", {"n": 2}, iteration=1, scenario="alpha")
    assert run.waiting == ""


SAMPLES: dict[str, dict[str, Any]] = {
    "run.created": CREATED,
    "run.started": {"pid": 1, "tier": {"letter": "A", "label": "full"}, "resumed": True},
    "agent.text": {"turn": 1, "text": "two\nlines [bold]of[/bold] text"},
    "agent.tool": {"turn": 1, "tool": "shell", "summary": "shell ls", "ok": False, "ms": 3},
    "trial.finished": {"n": 1, "outcome": "void", "reason": "host\ndied", "failing_step": 2},
    "spec.changed": {"path": "s.md", "diff": "--- a\n+++ b\n+new\n-old\n"},
    "handedit.undone": {"files": ["a", "b"], "patch": "patches/1.patch"},
    "feedback.sent": {"text": "line\nline", "lint": "2 phrases"},
    "budget.changed": {"old": {"tokens": 5}, "new": {"usd": "1.00"}, "who": "you"},
    "budget.exhausted": {"of": "usd", "needed_tokens": 1, "needed_usd": "0.10"},
    "model.waiting": {"role": "judge", "wait_s": 3.2, "error": "overloaded", "attempt": 2},
}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_is_one_line_and_can_be_explained(kind: str) -> None:
    for data in ({}, SAMPLES.get(kind, {"detail": "x", "text": "y"})):
        event = Event(1, 1_000_000, "7f3a", kind, data, 1, "alpha", "t1")
        entry = describe(event)
        assert "\n" not in entry.text and 0 < len(entry.label) <= 7
        assert entry.tone in ("text", "muted", "accent", "good", "warn", "bad")
        assert explain(event) and heading(event)
        is_error(event)
        run = RunState("7f3a")
        run.apply(event)
        assert run.last_seq == 1


def test_stream_kinds_leave_bookkeeping_out() -> None:
    assert STREAM_KINDS | QUIET_KINDS == KINDS
    assert "spend" not in STREAM_KINDS


def test_failures_are_told_apart() -> None:
    def event(kind: str, **data: Any) -> Event:
        return Event(1, 1, "7f3a", kind, data)

    assert is_error(event("agent.tool", ok=False))
    assert not is_error(event("agent.tool", ok=True))
    assert is_error(event("trial.finished", outcome="unsatisfied"))
    assert not is_error(event("trial.finished", outcome="satisfied"))
    assert is_error(event("gap", twin="slack"))
    assert not is_error(event("run.finished", status="satisfied"))
    assert not is_error(event("agent.text", text="error"))


def test_figures_stand_still_where_nothing_is_spent(journal: Journal) -> None:
    run = journal.run
    journal.add("iteration.started", {"n": 1}, iteration=1)
    later = journal.now + 3_600_000
    assert run.going and run.moment(later) == later
    paused = journal.add("run.paused", {"reason": "budget", "detail": ""}).ts_ms
    assert not run.going and run.moment(later) == paused and run.exhaustion_s(later) is None
    journal.add("budget.changed", {"old": {}, "new": {"tokens": 9}, "who": "you"})
    assert run.pause_reason == "raised", "the old reason no longer holds"
    journal.add("run.resumed", {"who": "you"})
    assert run.moment(later) == later
    run.gone = True
    assert run.moment(later) == journal.now
    run.gone = False
    journal.add("trial.started", {"n": 1}, iteration=1, scenario="alpha")
    ended = journal.add("run.finished", {"status": "stopped", "detail": "by the engineer"}).ts_ms
    assert run.moment(later) == ended
    assert run.outcome.startswith("by the engineer · nothing scored after 1 iteration · took")
    states = [row.states for row in run.grid.rows(going=False)]
    assert ("running",) not in states and ("running",) in [row.states for row in run.grid.rows()]
