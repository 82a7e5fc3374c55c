"""Iterations, scenarios, trials, their trajectories and verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from .codec import dumps, loads
from .connection import Repository, refers_to
from .errors import UnknownRun, UnknownTrial
from .rows import IterationRow, ScenarioRow, StepRow, TrialRow, VerdictRow

__all__ = ["Trials"]

_TRIAL: Final = (
    "id, run_id, iteration, scenario, n, seed, split, product_tree, tier, outcome, source,"
    " reason, ms, started_ms, confirmation, candidate"
)
_STEP: Final = "trial, n, kind, who, text, data, t_ms, step"
_VERDICT: Final = (
    "trial, outcome, satisfied, q, source, judge_model, prompt_hash, facts, criteria, reason,"
    " evidence_steps, tier"
)


class Trials(Repository):
    """What was measured in a run. Every ``save_*`` replaces a row of the same key."""

    def save_iteration(self, row: IterationRow) -> None:
        """Write an iteration. Raises ``UnknownRun``."""
        with _run_exists(row.run_id), self._db.write() as db:
            db.execute(
                "INSERT OR REPLACE INTO iteration(run_id, n, commit_id, tree_id, spec_hash,"
                " started_ms, finished_ms, scores) VALUES(?,?,?,?,?,?,?,?)",
                (
                    row.run_id,
                    row.n,
                    row.commit,
                    row.tree,
                    row.spec_hash,
                    row.started_ms,
                    row.finished_ms,
                    dumps(row.scores),
                ),
            )

    def iterations(self, run_id: str) -> list[IterationRow]:
        """The iterations of a run, first to last."""
        rows = self._db.all(
            "SELECT run_id, n, commit_id, tree_id, spec_hash, started_ms, finished_ms, scores"
            " FROM iteration WHERE run_id = ? ORDER BY n",
            (run_id,),
        )
        return [IterationRow(*(*row[:7], loads(row[7]))) for row in rows]

    def save_scenarios(self, run_id: str, rows: Sequence[ScenarioRow]) -> None:
        """Replace the scenarios of a run, keeping the order given.

        Raises:
            ValueError: a row belongs to another run, or an id comes twice.
            UnknownRun: there is no such run.
        """
        if any(row.run_id != run_id for row in rows):
            raise ValueError("a scenario of another run")
        if len({row.id for row in rows}) != len(rows):
            raise ValueError("a scenario comes twice")
        with _run_exists(run_id), self._db.write() as db:
            db.execute("DELETE FROM scenario WHERE run_id = ?", (run_id,))
            db.executemany(
                "INSERT INTO scenario(run_id, id, position, title, split, weight, hash, judged)"
                " VALUES(?,?,?,?,?,?,?,?)",
                [
                    (run_id, r.id, at, r.title, r.split, r.weight, r.hash, int(r.judged))
                    for at, r in enumerate(rows)
                ],
            )

    def scenarios(self, run_id: str) -> list[ScenarioRow]:
        """The scenarios of a run in the order they were saved."""
        rows = self._db.all(
            "SELECT run_id, id, title, split, weight, hash, judged FROM scenario"
            " WHERE run_id = ? ORDER BY position",
            (run_id,),
        )
        return [ScenarioRow(*(*row[:6], bool(row[6]))) for row in rows]

    def save_trial(self, row: TrialRow) -> None:
        """Write a trial (when it starts and again when it ends). Raises ``UnknownRun``."""
        values = [getattr(row, name) for name in _TRIAL.replace(" ", "").split(",")]
        # not REPLACE: that would delete the trial below its steps
        changes = ", ".join(f"{n} = excluded.{n}" for n in _TRIAL.replace(" ", "").split(",")[1:])
        with _run_exists(row.run_id), self._db.write() as db:
            db.execute(
                f"INSERT INTO trial({_TRIAL}) VALUES({','.join('?' * len(values))})"
                f" ON CONFLICT(id) DO UPDATE SET {changes}",
                values,
            )

    def trials(
        self,
        run_id: str,
        iteration: int | None = None,
        scenario: str | None = None,
        candidate: str | None = "",
    ) -> list[TrialRow]:
        """Trials of a run by iteration, scenario, regular before confirmation, number.

        Only those of the run's own products, unless ``candidate`` names a branch; ``None`` gives
        all.
        """
        where, args = "run_id = ?", [run_id]  # type: tuple[str, list[Any]]
        if iteration is not None:
            where += " AND iteration = ?"
            args.append(iteration)
        if scenario is not None:
            where += " AND scenario = ?"
            args.append(scenario)
        if candidate is not None:
            where += " AND candidate = ?"
            args.append(candidate)
        rows = self._db.all(
            f"SELECT {_TRIAL} FROM trial WHERE {where}"
            " ORDER BY iteration, scenario, confirmation, n",
            args,
        )
        return [_trial(row) for row in rows]

    def trial(self, trial_id: str) -> TrialRow:
        """One trial. Raises ``UnknownTrial``."""
        row = self._db.one(f"SELECT {_TRIAL} FROM trial WHERE id = ?", (trial_id,))
        if row is None:
            raise UnknownTrial(f"There is no trial {trial_id}.")
        return _trial(row)

    def adopt_trials(self, run_id: str, iteration: int, tree: str) -> int:
        """Count the candidates' trials of a product as the iteration's own; gives how many.

        Where several candidates had the same product, one trial of each number counts.
        """
        with self._db.write() as db:
            return db.execute(
                "UPDATE trial SET candidate = '' WHERE id IN (SELECT min(id) FROM trial"
                " WHERE run_id = ?1 AND iteration = ?2 AND product_tree = ?3"
                " AND outcome NOT IN ('', 'void')"
                " GROUP BY scenario, n HAVING min(candidate) <> '')",
                (run_id, iteration, tree),
            ).rowcount

    def save_steps(self, trial_id: str, rows: Sequence[StepRow]) -> None:
        """Write a trial's trajectory; what was there of it before is replaced.

        Raises:
            ValueError: a row belongs to another trial.
            UnknownTrial: the trial was not saved before.
        """
        if any(row.trial != trial_id for row in rows):
            raise ValueError("a step of another trial")
        values = [
            (r.trial, r.n, r.kind, r.who, r.text, dumps(r.data), r.t_ms, r.step) for r in rows
        ]
        # the verdict's commit, which follows, takes these to the disk as well
        with _trial_exists(trial_id), self._db.write(durable=False) as db:
            # an attempt that is repeated must not keep the tail of a longer one before it
            db.execute("DELETE FROM step WHERE trial = ?", (trial_id,))
            db.executemany(f"INSERT OR REPLACE INTO step({_STEP}) VALUES(?,?,?,?,?,?,?,?)", values)

    def steps(self, trial_id: str) -> list[StepRow]:
        """The trajectory of a trial, in order."""
        rows = self._db.all(f"SELECT {_STEP} FROM step WHERE trial = ? ORDER BY n", (trial_id,))
        return [StepRow(*(*row[:5], loads(row[5]), *row[6:])) for row in rows]

    def save_verdict(self, row: VerdictRow) -> None:
        """Write the verdict on a trial. Raises ``UnknownTrial``."""
        with _trial_exists(row.trial), self._db.write() as db:
            db.execute(
                f"INSERT OR REPLACE INTO verdict({_VERDICT}) VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
                (
                    row.trial,
                    row.outcome,
                    None if row.satisfied is None else int(row.satisfied),
                    row.q,
                    row.source,
                    row.judge_model,
                    row.prompt_hash,
                    dumps(row.facts),
                    dumps(row.criteria),
                    row.reason,
                    dumps(row.evidence_steps),
                    row.tier,
                ),
            )

    def verdict(self, trial_id: str) -> VerdictRow | None:
        """The verdict on a trial, ``None`` while there is none."""
        row = self._db.one(f"SELECT {_VERDICT} FROM verdict WHERE trial = ?", (trial_id,))
        if row is None:
            return None
        return VerdictRow(
            trial=row[0],
            outcome=row[1],
            satisfied=None if row[2] is None else bool(row[2]),
            q=row[3],
            source=row[4],
            judge_model=row[5],
            prompt_hash=row[6],
            facts=loads(row[7]),
            criteria=loads(row[8]),
            reason=row[9],
            evidence_steps=loads(row[10]),
            tier=row[11],
        )


def _run_exists(run_id: str) -> AbstractContextManager[None]:
    return refers_to(UnknownRun(f"There is no run {run_id}."))


def _trial_exists(trial_id: str) -> AbstractContextManager[None]:
    return refers_to(UnknownTrial(f"There is no trial {trial_id}."))


def _trial(row: tuple[Any, ...]) -> TrialRow:
    return TrialRow(*(*row[:14], bool(row[14]), row[15]))
