"""The loop of one run as a pipeline: what its nodes do.

``build`` nodes are the builder agent; ``factory.validate`` performs the scenarios against what is
in the workspace; ``factory.learn`` composes the feedback for the next build. Every handler asks
the store what is already done, so a run that was cut off anywhere goes on from there.
"""

from __future__ import annotations

import dataclasses
import os
import stat
import time
from pathlib import Path

from factory_tui.agent import prompts
from factory_tui.attractor import Context, Graph, Node, Outcome
from factory_tui.engine import learning
from factory_tui.engine.building import Builder
from factory_tui.engine.runtime import Runtime
from factory_tui.engine.validating import Product, Validation
from factory_tui.scenarios import satisfaction
from factory_tui.store import IterationRow
from factory_tui.text import clean

__all__ = ["Loop"]


class Loop:
    """What the nodes of a factory's pipeline do, and what they share."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.builder = Builder(runtime)
        self._visits: dict[tuple[int, str], int] = {}

    @property
    def satisfied(self) -> bool:
        """Whether the last iteration satisfied its users; the store knows, also after a crash."""
        last = self._last()
        return bool(last and last.scores.get("satisfied"))

    # -- iterations ----------------------------------------------------------------------

    def _last(self) -> IterationRow | None:
        rows = self.runtime.store.iterations(self.runtime.run_id)
        return rows[-1] if rows else None

    def _save(self, row: IterationRow) -> IterationRow:
        self.runtime.store.save_iteration(row)
        return row

    def _open_iteration(self) -> IterationRow:
        """The iteration that is under way, or a new one."""
        runtime, last = self.runtime, self._last()
        if last is None or last.finished_ms:
            number = (last.n if last else 0) + 1
            with runtime.store.transaction():
                last = self._save(
                    IterationRow(
                        run_id=runtime.run_id,
                        n=number,
                        spec_hash=runtime.spec.hash,
                        started_ms=int(time.time() * 1000),
                    )
                )
                runtime.store.update_run(runtime.run_id, iteration=number)
                runtime.iteration = number
                runtime.emit("iteration.started", {"n": number})
        runtime.iteration = last.n
        return last

    # -- build ---------------------------------------------------------------------------

    async def run(self, node: Node, prompt: str, context: Context) -> str:
        """A builder node (the pipeline's codergen backend)."""
        row = self._open_iteration()
        if row.commit:
            return "this iteration is built already"
        visit = self._visits[row.n, node.id] = self._visits.get((row.n, node.id), 0) + 1
        task = prompts.task(
            spec=self._spec_told(row.n, node.id, visit),
            iteration=row.n,
            feedback=self._feedback(row.n - 1),
            seeded=bool(self.runtime.options.seed_from) and row.n == 1,
            files=_files(self.runtime.workspace.root),
            said=self._said(row.n - 1),
            rounds=self.runtime.settings.max_rounds,
            answer_tokens=self.runtime.settings.models.max_tokens,
        )
        if prompt and prompt != context.get_string("graph.goal"):
            task = f"{task}\n\n{prompt}"
        return await self.builder.work(node.id, visit, task, node.llm_model)

    def _spec_told(self, iteration: int, node: str, visit: int) -> str:
        """The spec a conversation starts from; one that goes on has heard what it had heard."""
        runtime = self.runtime
        if runtime.store.contexts(runtime.run_id, f"builder/{iteration}/{node}/{visit}"):
            runtime.spec.resume_from(runtime.told())
            return runtime.spec.text
        text = runtime.spec.start_of_iteration()
        runtime.keep_told()
        return text

    def _feedback(self, iteration: int) -> str:
        """What was said about an iteration; "" before the first."""
        events = self.runtime.store.events(
            run_id=self.runtime.run_id, kinds=["feedback.sent"], limit=100_000
        )
        texts = [e.data["text"] for e in events if e.iteration == iteration]
        return texts[-1] if texts else ""

    def _said(self, iteration: int) -> str:
        """What the builder said at the end of an iteration; "" before the first."""
        events = self.runtime.store.events(
            run_id=self.runtime.run_id, kinds=["agent.text"], limit=100_000
        )
        texts = [e.data["text"] for e in events if e.iteration == iteration]
        return texts[-1] if texts else ""

    # -- validate ------------------------------------------------------------------------

    async def validate(self, node: Node, context: Context, graph: Graph, run_dir: Path) -> Outcome:
        """Commit what the workspace holds and try it out (node type ``factory.validate``)."""
        row = self._last()
        if row is None or (row.finished_ms and not context.get_string("satisfied")):
            row = self._open_iteration()
        if not row.finished_ms:
            row = await self._score(row)
        stop = self.satisfied or row.n >= self.runtime.settings.max_iterations
        return Outcome(
            context_updates={
                "satisfied": str(self.satisfied).lower(),
                "stop": str(stop).lower(),
                "iteration": str(row.n),
            },
            notes=f"iteration {row.n}",
        )

    async def _score(self, row: IterationRow) -> IterationRow:
        runtime = self.runtime
        row = row if row.commit else self._commit(row)
        validation, scored = await self._tried(row)
        target = runtime.settings.target
        scores = self._announce(scored, confirmation=False, satisfied=False)
        if scored.reached(target) and self._measured(scored) and self._is_current(row):
            await validation.confirm()
            confirmed = validation.score(confirmation=True)
            held = confirmed.reached(target) and self._measured(confirmed)
            scores["satisfied"] = held
            scores["confirmation"] = self._announce(confirmed, confirmation=True, satisfied=held)
        scores["vault"] = validation.vault_hash()
        return self._save(
            dataclasses.replace(row, scores=scores, finished_ms=int(time.time() * 1000))
        )

    async def _tried(self, row: IterationRow) -> tuple[Validation, satisfaction.Report]:
        """Perform the headline; where nothing at all could be measured, pause and try again.

        Going on would build on nothing and burn money.
        """
        while True:
            validation = self._validation(row)
            await validation.headline()
            scored = validation.score()
            if any(scenario.status != "void" for scenario in scored.scenarios.values()):
                return validation, scored
            self.runtime.pause("harness", "no trial could be performed; see the faults above")
            await self.runtime.gate.wait()

    def _is_current(self, row: IterationRow) -> bool:
        """Whether this build heard the spec as it is now; a recorded builder cannot hear."""
        runtime = self.runtime
        if runtime.spec.hash == row.spec_hash:
            return True
        text = "the spec has changed since this build"
        if runtime.options.recording:
            text += "; its builder's words are recorded, so the edit is not built"
        else:
            text += "; one more iteration builds the edit"
        runtime.emit("note", {"text": text, "level": "warning"})
        return bool(runtime.options.recording)

    def _measured(self, scored: satisfaction.Report) -> bool:
        """Whether every scenario counted: what was never measured cannot have satisfied anybody."""
        void = [name for name, scenario in scored.scenarios.items() if scenario.status == "void"]
        if void:
            text = f"not measured, so the run is not satisfied yet: {', '.join(void)} (all void)"
            self.runtime.emit("note", {"text": text, "level": "warning"})
        return not void

    def _announce(
        self, scored: satisfaction.Report, *, confirmation: bool, satisfied: bool
    ) -> dict[str, object]:
        data: dict[str, object] = {
            "train": scored.train.as_dict(),
            "holdout": scored.holdout.as_dict(),
            "overall": scored.overall.as_dict(),
            "confirmation": confirmation,
            "satisfied": satisfied,
            "scenarios": {name: s.as_dict() for name, s in scored.scenarios.items()},
        }
        self.runtime.emit("iteration.scored", data)
        return data

    def _commit(self, row: IterationRow) -> IterationRow:
        runtime = self.runtime
        workspace = runtime.workspace
        before = workspace.head()
        tree = workspace.snapshot()
        commit = workspace.commit(f"Iteration {row.n}")
        stat = workspace.diff_stat(before, commit)
        with runtime.store.transaction():
            runtime.emit(
                "iteration.built",
                {
                    "commit": commit,
                    "tree": tree,
                    "files": stat.files,
                    "added": stat.added,
                    "removed": stat.removed,
                    "summary": self._said(row.n).strip().partition("\n")[0][:200],
                },
            )
            told = runtime.spec.told_hash
            return self._save(dataclasses.replace(row, commit=commit, tree=tree, spec_hash=told))

    def _validation(self, row: IterationRow) -> Validation:
        folder = self.runtime.folder / "products" / row.commit
        self.runtime.workspace.checkout(row.commit, folder)
        return Validation(self.runtime, Product(row.commit, row.tree, folder), row.n)

    # -- learn ---------------------------------------------------------------------------

    async def learn(self, node: Node, context: Context, graph: Graph, run_dir: Path) -> Outcome:
        """Tell the builder what users noticed (node type ``factory.learn``)."""
        row = self._last()
        if row is None or not row.finished_ms or self._feedback(row.n):
            return Outcome()
        validation = self._validation(row)
        validation.gather()
        # A round that did not hold on fresh seeds is what there is to learn from.
        confirmation = bool(row.scores.get("confirmation"))
        learning.compose(self.runtime, validation, validation.score(confirmation=confirmation))
        return Outcome(notes=f"feedback on iteration {row.n}")

    # -- retry ---------------------------------------------------------------------------

    async def retries(self, *, until_idle: bool = False) -> None:
        """Perform the trials the engineer asks for, against the newest committed product."""
        queue = self.runtime.retries
        while not (until_idle and queue.empty()):
            scenario, count = await queue.get()
            rows = self.runtime.store.iterations(self.runtime.run_id)
            built = [r for r in rows if r.commit]
            if not built:
                text = f"{scenario}: nothing is built yet, so there is nothing to try"
                self.runtime.emit("note", {"text": text, "level": "warning"})
                continue
            await self._validation(built[-1]).again(scenario, count)


def _files(root: Path) -> list[tuple[str, int]]:
    """The workspace's regular files and their sizes in bytes; links are not followed."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in (".git", "__pycache__"))
        for name in sorted(names):
            path = Path(folder) / name
            status = path.lstat()
            if stat.S_ISREG(status.st_mode):
                found.append((clean(str(path.relative_to(root))), status.st_size))
    return found
