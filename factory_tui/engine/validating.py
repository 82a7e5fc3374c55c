"""Validate one product: perform every scenario often enough, decide, and score.

Trial numbers 1 … ``trials.min`` of each scenario make the headline; more are performed only
where a sequential test has not settled the scenario's status. When both splits reach the target,
a confirmation round repeats the headline on fresh seeds.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import time
from collections.abc import Coroutine, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from factory_tui import scenarios
from factory_tui.engine.judging import Judge, JudgeFailed, UserMind
from factory_tui.engine.runtime import Runtime
from factory_tui.llm import BudgetExhausted, LLMError
from factory_tui.scenarios import Scenario, satisfaction, vault, verdict
from factory_tui.store import ScenarioRow, StepRow, TrialRow, VerdictRow
from factory_tui.text import clean
from factory_tui.trials import HarnessFault, Job, Report, perform

__all__ = ["CONFIRMATION", "Product", "Result", "Validation", "trial_seed"]

CONFIRMATION = 1000
"""Trial numbers of a confirmation round begin after this."""

RETRY = 2000
"""Trial numbers that the engineer asked for begin after this."""

HARNESS_TRIES = 3


@dataclass(frozen=True, slots=True)
class Product:
    """What the builder made, at one commit: its tree's id and a read-only checkout."""

    commit: str
    tree: str
    folder: Path


@dataclass(slots=True)
class Result:
    """All that is known of one scenario's trials of one product, by trial number."""

    scenario: Scenario
    verdicts: dict[int, verdict.Verdict] = field(default_factory=dict)
    reports: dict[int, Report] = field(default_factory=dict)

    def outcomes(self, *, confirmation: bool = False) -> list[satisfaction.TrialOutcome]:
        """The outcomes of a round in the order of their numbers."""
        start, end = (CONFIRMATION, RETRY) if confirmation else (0, CONFIRMATION)
        return [
            satisfaction.TrialOutcome(
                scenario=self.scenario.id,
                split=self.scenario.split,
                weight=self.scenario.weight,
                n=n,
                outcome=found.outcome,
                facts_only=found.source == "facts only",
            )
            for n, found in sorted(self.verdicts.items())
            if start < n <= end
        ]


def trial_seed(tree: str, scenario: str, n: int) -> int:
    """The seed of a trial: the same product, scenario and number give the same universe."""
    digest = hashlib.sha256(f"{tree}/{scenario}/{n}".encode()).digest()
    return int.from_bytes(digest[:6], "big")


class Validation:
    """One product against all scenarios.

    Args:
        runtime: the run.
        product: what is tried.
        iteration: the iteration it belongs to.
        candidate: the parallel branch it comes from, "" for the run's own product.
        fresh: use the scenarios as they are now, not as they were when the iteration's first
            trial began.

    Raises:
        HarnessFault: a scenario cannot be used.
    """

    def __init__(
        self,
        runtime: Runtime,
        product: Product,
        iteration: int,
        candidate: str = "",
        *,
        fresh: bool = False,
    ) -> None:
        self.runtime = runtime
        self.product = product
        self.iteration = iteration
        self.candidate = candidate
        self.judge = Judge(runtime, iteration, candidate)
        self.scenarios = self._load(fresh)
        self.results = {s.id: Result(s) for s in self.scenarios}

    def _load(self, fresh: bool) -> list[Scenario]:
        """The vault; a scenario with mistakes stops the run, it does not shrink it.

        All trials of an iteration are about the same scenarios, whatever is edited meanwhile and
        over any restart: the texts are kept with the run, out of the builder's reach.
        """
        folder = self.runtime.settings.scenarios
        kept = self.runtime.folder / "vault" / str(self.iteration)
        bound = kept.is_dir() and not fresh
        found, problems = scenarios.load_folder(kept if bound else folder)
        errors = [p for p in problems if p.level == "error"]
        if errors or not found:
            detail = str(errors[0]) if errors else f"{folder}: no scenario"
            raise HarnessFault(detail)
        if not kept.is_dir():
            _keep(found, kept)
        rows = [
            ScenarioRow(
                run_id=self.runtime.run_id,
                id=s.id,
                title=s.title,
                split=s.split,
                weight=s.weight,
                hash=s.hash,
                judged=s.judged,
            )
            for s in found
        ]
        self.runtime.store.save_scenarios(self.runtime.run_id, rows)
        return list(found)

    # -- whole rounds --------------------------------------------------------------------

    async def headline(self) -> None:
        """Perform the trials that the score counts, then those that settle a status."""
        await self._together(
            [
                self._trial(s, n)
                for n in range(1, max(s.trials.min for s in self.scenarios) + 1)
                for s in self.scenarios
                if n <= s.trials.min
            ]
        )
        await self._together([self._settle(s) for s in self.scenarios])

    def gather(self) -> None:
        """Take in what the store knows of this iteration's trials; nothing is performed."""
        runtime = self.runtime
        for row in runtime.store.trials(runtime.run_id, iteration=self.iteration):
            result = self.results.get(row.scenario)
            found = self._known(row.id)
            if result is None or found is None or row.n > RETRY:
                continue
            steps = runtime.store.steps(row.id)
            result.verdicts[row.n] = found
            result.reports[row.n] = Report(
                trajectory=[
                    {"kind": s.kind, "who": s.who, "step": s.step, "text": s.text, "data": s.data}
                    for s in steps
                ]
            )

    async def confirm(self) -> None:
        """Perform the headline again on fresh seeds."""
        await self._together(
            [
                self._trial(s, CONFIRMATION + n)
                for s in self.scenarios
                for n in range(1, s.trials.min + 1)
            ]
        )

    def next_retry(self, scenario_id: str) -> int:
        """The first free number of a trial that the engineer asked for."""
        rows = self.runtime.store.trials(
            self.runtime.run_id, iteration=self.iteration, scenario=scenario_id
        )
        return max([RETRY, *(t.n for t in rows)]) + 1

    async def again(self, scenario_id: str, first: int, count: int) -> None:
        """Perform more trials of one scenario because the engineer asked for them."""
        scenario = next((s for s in self.scenarios if s.id == scenario_id), None)
        if scenario is None:
            raise HarnessFault(f"there is no scenario {scenario_id!r} any more")
        await self._together([self._trial(scenario, first + n) for n in range(count)])

    async def _settle(self, scenario: Scenario) -> None:
        """More trials until the sequential test decides; a void headline trial is replaced."""
        result = self.results[scenario.id]
        for n in range(scenario.trials.min + 1, scenario.trials.max + 1):
            outcomes = [o.outcome for o in result.outcomes()]
            good, bad = outcomes.count("satisfied"), outcomes.count("unsatisfied")
            enough = good + bad >= scenario.trials.min
            if enough and satisfaction.sprt(good, bad) != "continue":
                return
            await self._trial(scenario, n)

    async def _together(self, trials: Sequence[Coroutine[Any, Any, None]]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for trial in trials:
                    group.create_task(trial)
        except* Exception as failed:
            raise failed.exceptions[0] from None

    # -- scores --------------------------------------------------------------------------

    def score(self, *, confirmation: bool = False) -> satisfaction.Report:
        """Satisfaction of a round: the splits apart and together, and every scenario."""
        outcomes = [o for r in self.results.values() for o in r.outcomes(confirmation=confirmation)]
        return satisfaction.report(outcomes, {s.id: s.trials.min for s in self.scenarios})

    def vault_hash(self) -> str:
        """What the scores rest on: the Merkle root of scenarios and judge prompt."""
        return vault.seal(self.scenarios)

    # -- one trial -----------------------------------------------------------------------

    async def _trial(self, scenario: Scenario, n: int) -> None:
        runtime = self.runtime
        trial = f"{runtime.run_id}.{self.iteration}.{scenario.id}.{n}"
        if self.candidate:
            trial += f"@{self.candidate}"
        done = self._done(scenario.id, n)
        if done is not None:
            self.results[scenario.id].verdicts[n] = done
            return
        seed = trial_seed(self.product.tree, scenario.id, n)
        row = TrialRow(
            id=trial,
            run_id=runtime.run_id,
            iteration=self.iteration,
            scenario=scenario.id,
            n=n,
            seed=f"{seed:012x}",
            split=scenario.split,
            product_tree=self.product.tree,
            tier=str(runtime.pool.tier.get("letter", "")),
            confirmation=CONFIRMATION < n <= RETRY,
            candidate=self.candidate,
        )
        report, found, asked = Report(), None, ""
        for attempt in range(HARNESS_TRIES):
            await runtime.gate.wait()
            try:
                row, report, found, asked = await self._perform(scenario, n, seed, row)
                break
            except (HarnessFault, JudgeFailed, BudgetExhausted, LLMError) as fault:
                runtime.emit(
                    "harness.fault",
                    {"where": f"trial {n}, attempt {attempt + 1}", "detail": clean(str(fault))},
                    iteration=self.iteration,
                    scenario=scenario.id,
                    trial=trial,
                )
                found = verdict.decide(scenario, [], harness=clean(str(fault), limit=500))
        assert found is not None
        self._keep(row, report, found, asked)
        self.results[scenario.id].verdicts[n] = found
        self.results[scenario.id].reports[n] = report

    def _done(self, scenario: str, n: int) -> verdict.Verdict | None:
        """The verdict of this trial of this very product, by whichever name it was performed."""
        store, run_id = self.runtime.store, self.runtime.run_id
        for row in store.trials(run_id, self.iteration, scenario, candidate=None):
            if row.n == n and row.product_tree == self.product.tree:
                found = self._known(row.id)
                if found is not None:
                    return found
        return None

    def _known(self, trial: str) -> verdict.Verdict | None:
        """A verdict from before a crash; a trial counts once."""
        row = self.runtime.store.verdict(trial)
        if row is None or row.outcome == "void":
            return None
        facts = list(row.facts)
        return verdict.Verdict(
            outcome=row.outcome,  # type: ignore[arg-type]
            satisfied=row.satisfied,
            q=row.q,
            source=row.source,  # type: ignore[arg-type]
            reason=row.reason,
            failed=tuple(c["n"] for c in row.criteria if c["verdict"] != "met"),
            criteria=tuple(row.criteria),
            evidence_steps=tuple(row.evidence_steps),
            product=row.reason if row.reason in _KILLED.values() else "",
            facts_passed=sum(bool(f["ok"]) for f in facts),
            facts_total=len(facts),
        )

    async def _perform(
        self, scenario: Scenario, n: int, seed: int, row: TrialRow
    ) -> tuple[TrialRow, Report, verdict.Verdict, str]:
        runtime = self.runtime
        limits = runtime.settings.sandbox
        job = Job(
            trial=row.id,
            scenario=scenario,
            product=self.product.folder,
            command=runtime.settings.command,
            # The path shows inside the box, so it says nothing about the scenario.
            scratch=runtime.folder / "trials" / hashlib.sha256(row.id.encode()).hexdigest()[:16],
            seed=seed,
            limits={
                "wall_s": scenario.limits.wall or limits.wall,
                "memory_mb": limits.memory,
                "pids": limits.pids,
                "disk_mb": limits.disk,
                "output_bytes": limits.output << 20,
            },
        )
        async with runtime.pool.host() as host:
            await runtime.gate.wait()
            row = replace(row, started_ms=int(time.time() * 1000))
            runtime.store.save_trial(row)
            runtime.emit(
                "trial.started",
                {
                    "n": n,
                    "seed": row.seed,
                    "split": scenario.split,
                    "candidate": self.candidate,
                },
                iteration=self.iteration,
                scenario=scenario.id,
                trial=row.id,
            )
            report = await perform(
                host,
                job,
                UserMind(runtime, scenario, self.judge.name, n),
                lambda rows: runtime.note_traffic(
                    rows, iteration=self.iteration, scenario=scenario.id, trial=row.id
                ),
            )
        if report.void:
            return row, report, verdict.decide(scenario, report.facts, harness=report.void), ""
        judgement, asked = None, ""
        product, step = _product_failure(report)
        if not product and verdict.needs_judge(scenario, report.facts):
            judgement, asked = await self.judge.read(
                scenario, n, report.trajectory, report.facts, report.entities
            )
        recorded = bool(runtime.options.recording)
        decided = verdict.decide(
            scenario,
            report.facts,
            judgement,
            product=product,
            product_step=step,
            facts_only=recorded and judgement is None,
            recorded=recorded,
        )
        return row, report, decided, asked

    def _keep(self, row: TrialRow, report: Report, found: verdict.Verdict, asked: str) -> None:
        """Write the trajectory, the verdict and the trial, then tell the journal."""
        if report.state:
            self.runtime.traffic.save_state(row.id, report.state)
        store = self.runtime.store
        # The clock of the machine may have been set back meanwhile.
        ms = max(0, int(time.time() * 1000) - row.started_ms) if row.started_ms else 0
        with store.transaction():
            store.save_trial(row)
            store.save_steps(
                row.id,
                [
                    StepRow(
                        trial=row.id,
                        n=n,
                        kind=entry["kind"],
                        who=entry["who"],
                        text=entry["text"],
                        data=entry["data"],
                        step=entry["step"],
                    )
                    for n, entry in enumerate(report.trajectory, 1)
                ],
            )
            store.save_verdict(
                VerdictRow(
                    trial=row.id,
                    outcome=found.outcome,
                    satisfied=found.satisfied,
                    q=found.q,
                    source=found.source,
                    judge_model=self.runtime.model("judge") if asked else "",
                    prompt_hash=asked,
                    facts=report.facts,
                    criteria=[dict(c) for c in found.criteria],
                    reason=clean(found.reason),
                    evidence_steps=list(found.evidence_steps),
                    tier=row.tier,
                )
            )
            finished = {
                "outcome": found.outcome,
                "source": found.source,
                "reason": clean(found.reason),
                "ms": ms,
            }
            store.save_trial(TrialRow(**{**asdict(row), **finished}))
            self.runtime.emit(
                "trial.finished",
                {
                    "n": row.n,
                    "split": row.split,
                    **finished,
                    "facts_passed": found.facts_passed,
                    "facts_total": found.facts_total,
                    "failing_step": found.failing_step,
                    "candidate": row.candidate,
                },
                iteration=self.iteration,
                scenario=row.scenario,
                trial=row.id,
            )


def _keep(found: Sequence[Scenario], folder: Path) -> None:
    """Keep the scenarios' texts; the folder appears in one step."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    for number, scenario in enumerate(found):
        with (partial / f"{number:04d}.md").open("w", encoding="utf-8") as file:
            file.write(scenario.text)
            file.flush()
            os.fsync(file.fileno())  # all verdicts of the iteration rest on it
    partial.rename(folder)


_KILLED = {
    "wall": "did not end in time",
    "memory": "used more memory than it may",
    "output": "printed far more than anybody can read",
    "disk": "filled the disk",
    "pids": "started too many processes",
    "blocked": "left something in the way of a file its user writes",
    "traffic": "exchanged more with the services than a trial may keep",
    "echo": "answered its own messages without an end",
}


def _product_failure(report: Report) -> tuple[str, int | None]:
    """How the product failed the whole trial by breaking a limit of its box, and where."""
    for entry in report.trajectory:
        acts = entry["kind"] in ("run", "stop", "write")
        killed = entry["data"].get("killed") if acts else ""
        if killed in _KILLED:
            return _KILLED[killed], entry["step"]
    return "", None
