"""A realistic run of the sample factory, written through the store's own API.

``fill`` writes it at once; ``python -m tests.ui.seed DIR --drip`` writes it slowly, so that the
screens can be tried live: ``python -m tests.ui.try_it DIR`` in another terminal.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

from factory_tui import process
from factory_tui.store import (
    ExchangeRow,
    IterationRow,
    RunRow,
    ScenarioRow,
    StepRow,
    Store,
    Traffic,
    TrialRow,
    VerdictRow,
)
from tests.ui.seed_data import (
    CHANCE,
    DETAIL,
    FEEDBACK,
    REASONS,
    SCENARIOS,
    START_MS,
    TARGET,
    TOOLS,
    WORDS,
    calls,
    wilson,
)


class Clock:
    """A clock that only the story moves."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms

    def step(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)


class Story:
    """One run, told beat by beat; each beat yields the seconds that a live run would take."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        run_id: str = "7f3a",
        *,
        recorded: bool = True,
        tier: str = "A",
        budget: int = 400_000,
        seed: int = 7,
        clock: Clock | None = None,
    ) -> None:
        self.store, self.folder, self.run_id = store, folder, run_id
        self.recorded, self.tier, self.budget = recorded, tier, budget
        self.random = random.Random(seed)
        self.clock = clock
        self.traffic: Traffic | None = None
        self.spent = 0
        self.usd = Decimal(0)
        self.turn = 0

    def now(self) -> int:
        return self.clock() if self.clock else time.time_ns() // 1_000_000

    def say(
        self, kind: str, data: dict[str, Any], it: int = 0, scn: str = "", tr: str = ""
    ) -> None:
        self.store.append(self.run_id, kind, data, iteration=it, scenario=scn, trial=tr)

    def spend(self, role: str, it: int, size: int, state: str = "committed") -> None:
        self.spent += size
        usd = (Decimal(size) * Decimal("0.000009")).quantize(Decimal("0.0001"))
        self.usd += usd
        self.say(
            "spend",
            {
                "role": role,
                "model": "recorded" if self.recorded else "claude-opus-5-5",
                "tokens": size,
                "usd": str(usd),
                "input": size * 7 // 10,
                "output": size * 3 // 10,
                "cache_read": size * 6,
                "cache_write": 0,
                "estimated": self.recorded,
                "state": state,
                "spent_tokens": self.spent,
                "spent_usd": str(self.usd),
                "held_tokens": 0,
                "held_usd": "0",
                "ms": 1800 + size,
            },
            it,
        )

    def begin(self) -> Iterator[float]:
        self.store.add_run(
            RunRow(
                id=self.run_id,
                name="rollcall",
                spec_path="specs/rollcall.md",
                spec_hash="c41e0f77aa",
                status="starting",
                created_ms=self.now(),
                budget_tokens=self.budget,
                budget_usd="10.00",
                recorded=self.recorded,
                tier=self.tier,
                factory_dir=str(self.folder),
            )
        )
        scenarios = [
            {"id": i, "title": t, "split": s, "weight": 1.0, "judged": j}
            for i, t, s, j in SCENARIOS
        ]
        self.store.save_scenarios(
            self.run_id,
            [
                ScenarioRow(self.run_id, i, title=t, split=s, judged=j, hash=f"h-{i}")
                for i, t, s, j in SCENARIOS
            ],
        )
        model = "recorded" if self.recorded else "claude-opus-5-5"
        self.say(
            "run.created",
            {
                "name": "rollcall",
                "spec": "specs/rollcall.md",
                "spec_hash": "c41e0f77aa",
                "target": TARGET,
                "budget": {"tokens": self.budget, "usd": "10.00", "warn": [0.75, 0.9]},
                "models": dict.fromkeys(("builder", "judge", "user", "summary"), model),
                "recorded": self.recorded,
                "twins": ["okta", "slack", "jira"],
                "scenarios": scenarios,
                "max_iterations": 8,
                "product": "./rollcall",
            },
        )
        yield 0.5
        place = self.store.path.parent / self.run_id
        place.mkdir(parents=True, exist_ok=True)
        self.traffic = Traffic.open(place / "traffic.db")
        import os

        self.store.update_run(
            self.run_id,
            status="running",
            pid=os.getpid(),
            pid_started=process.start_time(os.getpid()),
            heartbeat_ms=self.now(),
        )
        labels = {"A": "full", "C": "no cgroup", "E": "none"}
        tier = {"letter": self.tier, "label": labels.get(self.tier, ""), "detail": "bubblewrap 0.8"}
        self.say("run.started", {"pid": os.getpid(), "tier": tier, "resumed": False})
        yield 0.5

    def build(self, n: int) -> Iterator[float]:
        self.say("node.entered", {"node": "build", "handler": "codergen"}, n)
        self.say("iteration.started", {"n": n}, n)
        self.store.save_iteration(IterationRow(self.run_id, n, started_ms=self.now()))
        self.turn = 0
        for words in WORDS[n]:
            self.turn += 1
            for end in range(0, len(words), 12):
                self.store.set_live(self.run_id, "builder", words[: end + 12])
                yield 0.1
            self.store.set_live(self.run_id, "builder", "")
            self.say("agent.text", {"turn": self.turn, "text": words}, n)
            self.spend("builder", n, self.random.randrange(3_000, 9_000))
            yield 0.6
            for tool, summary, ok, ms in self.random.sample(TOOLS, 3):
                detail = DETAIL if tool == "edit_file" else f"{summary}\n\n(output)"
                self.say(
                    "agent.tool",
                    {
                        "turn": self.turn,
                        "call": f"call-{n}-{self.turn}-{tool}",
                        "tool": tool,
                        "summary": summary,
                        "ok": ok,
                        "ms": ms,
                        "detail": detail,
                    },
                    n,
                )
                yield 0.5
        self.say("agent.finished", {"turn": self.turn, "reason": "end_turn"}, n)
        files = [["rollcall"], ["rollcall", "README.md"], ["rollcall"]][n - 1]
        self.say(
            "iteration.built",
            {
                "commit": f"{n}a41fc0de",
                "tree": f"{n}bbee",
                "files": files,
                "added": [214, 88, 61][n - 1],
                "removed": [0, 31, 22][n - 1],
                "summary": ["first version", "pages, removals, tickets", "waits and retries"][
                    n - 1
                ],
            },
            n,
        )
        yield 0.5

    def trial(
        self, n: int, scenario: str, split: str, k: int, confirmation: bool
    ) -> Iterator[float]:
        ident = f"{self.run_id}-{n}{'c' if confirmation else ''}-{scenario}-{k}"
        self.say(
            "trial.started", {"n": k, "seed": f"{n}{k}5eed", "split": split}, n, scenario, ident
        )
        good = self.random.random() < CHANCE[n][scenario]
        yield 0.15
        rows = self.exchanges(n, scenario, ident, good)
        assert self.traffic is not None
        self.traffic.add(rows)
        reason = "" if good else REASONS.get(scenario, "the fact did not hold")
        outcome = "satisfied" if good else "unsatisfied"
        judged = {s[0]: s[3] for s in SCENARIOS}[scenario]
        source = "recorded" if judged else "facts"
        ms = self.random.randrange(300, 2600)
        self.store.save_trial(
            TrialRow(
                ident,
                self.run_id,
                n,
                scenario,
                k,
                f"{n}{k}5eed",
                split,
                f"{n}bbee",
                self.tier,
                outcome,
                source,
                reason,
                ms,
                self.now(),
                confirmation,
            )
        )
        self.store.save_steps(ident, list(self.steps(ident, good)))
        facts = [
            {
                "n": 1,
                "level": "must",
                "text": "the channel's members are the group's members",
                "ok": good,
                "expected": "5 members of eng-platform",
                "actual": "5 members" if good else "4 members",
                "steps": [2],
            }
        ]
        self.store.save_verdict(
            VerdictRow(
                ident,
                outcome,
                good,
                1.0 if good else 0.0,
                source,
                "",
                "",
                facts,
                (),
                reason,
                [2],
                self.tier,
            )
        )
        self.say(
            "trial.finished",
            {
                "n": k,
                "split": split,
                "outcome": outcome,
                "ms": ms,
                "facts_passed": 5 if good else 3,
                "facts_total": 5,
                "source": source,
                "reason": reason,
                "failing_step": None if good else 2,
            },
            n,
            scenario,
            ident,
        )
        if judged:
            self.spend("judge", n, self.random.randrange(1_200, 2_200))
        yield 0.05

    def steps(self, ident: str, good: bool) -> Iterator[StepRow]:
        yield StepRow(ident, 1, "note", "setup", "acme-12, clock 2026-03-02T09:00", step=0)
        yield StepRow(
            ident,
            2,
            "run",
            "user",
            "./rollcall --config rollcall.json",
            {"exit": 0 if good else 1, "stdout": "plan: 2 to invite, 1 to remove\n", "stderr": ""},
            412,
            2,
        )
        yield StepRow(ident, 3, "call", "slack", "POST /api/conversations.invite → 200", {}, 500, 2)
        yield StepRow(ident, 4, "fact", "", "the channel's members are the group's", {"ok": good})

    def exchanges(self, n: int, scenario: str, trial: str, good: bool) -> list[ExchangeRow]:
        sent = calls(n, scenario, good)
        return [
            ExchangeRow(
                ts_ms=self.now(),
                t_virtual="2026-03-02T09:00:04Z",
                run_id=self.run_id,
                iteration=n,
                scenario=scenario,
                trial=trial,
                step=2,
                n=i,
                twin=twin,
                operation=op,
                method=method,
                path=path,
                status=status,
                ms=float(self.random.randrange(1, 40)),
                fault=fault,
                gap=gap,
                request_headers={"authorization": "Bearer ••••"},
                request_body='{"channel": "C01", "users": "U07"}' if method == "POST" else "",
                response_headers={"content-type": "application/json"},
                response_body='{"ok": true}' if status == 200 else '{"ok": false}',
            )
            for i, (twin, op, method, path, status, fault, gap) in enumerate(sent, 1)
        ]

    def validate(self, n: int, confirmation: bool = False, upto: int = 99) -> Iterator[float]:
        self.say("node.entered", {"node": "validate", "handler": "validate"}, n)
        done = 0
        for k in (1, 2, 3):
            for ident, _, split, _ in SCENARIOS:
                if done >= upto:
                    return
                done += 1
                yield from self.trial(n, ident, split, k, confirmation)
        scored: dict[str, Any] = {}
        splits: dict[str, list[int]] = {"train": [0, 0], "holdout": [0, 0]}
        for ident, _, split, _ in SCENARIOS:
            trials = [
                t
                for t in self.store.trials(self.run_id, iteration=n, scenario=ident)
                if t.confirmation == confirmation
            ]
            good = sum(t.outcome == "satisfied" for t in trials)
            status = "pass" if good == len(trials) else "flaky" if good else "fail"
            scored[ident] = {
                "satisfied": good,
                "trials": len(trials),
                "void": 0,
                "facts_only": 0,
                "status": status,
            }
            splits[split][0] += good
            splits[split][1] += len(trials)
        train, holdout = wilson(*splits["train"]), wilson(*splits["holdout"])
        total = wilson(*(a + b for a, b in zip(*splits.values(), strict=True)))
        scores = {
            "train": train,
            "holdout": holdout,
            "overall": total,
            "confirmation": confirmation,
            "satisfied": min(train["rate"], holdout["rate"]) >= TARGET,
            "scenarios": scored,
        }
        self.say("iteration.scored", scores, n)
        self.store.save_iteration(
            IterationRow(
                self.run_id,
                n,
                f"{n}a41fc0de",
                f"{n}bbee",
                "c41e0f77aa",
                self.now(),
                self.now(),
                scores,
            )
        )
        yield 0.5

    def learn(self, n: int) -> Iterator[float]:
        self.say("node.entered", {"node": "learn", "handler": "learn"}, n)
        self.say(
            "feedback.sent",
            {"train_level": "L2", "holdout_level": "L0", "text": FEEDBACK[n], "lint": "clean"},
            n,
        )
        yield 0.5

    def finish(self) -> Iterator[float]:
        detail = "both splits reach 90 %, confirmed on fresh seeds"
        self.say("run.finished", {"status": "satisfied", "detail": detail, "iteration": 3}, 3)
        self.store.update_run(self.run_id, status="satisfied", finished_ms=self.now())
        yield 0

    def whole(self) -> Iterator[float]:
        """The run from beginning to end."""
        yield from self.begin()
        for n in (1, 2, 3):
            yield from self.build(n)
            yield from self.validate(n)
            if n < 3:
                yield from self.learn(n)
        yield from self.validate(3, confirmation=True)
        yield from self.finish()

    def middle(self) -> Iterator[float]:
        """Two iterations scored, trials of the third under way, a warning raised."""
        yield from self.begin()
        for n in (1, 2):
            yield from self.build(n)
            yield from self.validate(n)
            yield from self.learn(n)
        yield from self.build(3)
        self.say("gap", {"twin": "slack", "operation": "users.profile.get"}, 3)
        yield from self.validate(3, upto=7)
        self.store.update_run(self.run_id, iteration=3, heartbeat_ms=self.now())


@contextmanager
def frozen(clock: Clock) -> Iterator[None]:
    """Let the store stamp what it writes with this clock."""
    with mock.patch("factory_tui.store.journal.now_ms", clock):
        yield


def fill(
    store: Store, folder: Path, run_id: str = "7f3a", *, part: str = "middle", **options: Any
) -> Clock:
    """Write a run at once, with a clock that stands still between beats.

    Args:
        store: where to.
        folder: the factory's folder.
        run_id: the run's id.
        part: "begin", "middle" or "whole".
        options: of :class:`Story`.

    Returns:
        The clock, standing where the story ends.
    """
    clock = options.pop("clock", None) or Clock()
    story = Story(store, folder, run_id, clock=clock, **options)
    with frozen(clock):
        for pause in getattr(story, part)():
            clock.step(pause)
        store.update_run(run_id, heartbeat_ms=clock())
    if story.traffic is not None:
        story.traffic.close()
    return clock


def main() -> None:
    """Fill or drip a factory in a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--run", default="7f3a")
    parser.add_argument("--drip", action="store_true", help="at the speed of life")
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--live", action="store_true", help="a run with a real model, not recorded")
    options = parser.parse_args()
    with Store.open(options.folder / "runs" / "factory.db") as store:
        story = Story(store, options.folder, options.run, recorded=not options.live)
        for pause in story.whole() if options.drip else story.middle():
            if options.drip:
                time.sleep(pause / options.speed)
                store.update_run(options.run, heartbeat_ms=time.time_ns() // 1_000_000)


if __name__ == "__main__":
    main()
