"""The loop of one run as a pipeline: what its nodes do.

``build`` nodes are the builder agent; ``factory.validate`` performs the scenarios against what is
in the workspace; ``factory.learn`` composes the feedback for the next build. Every handler asks
the store what is already done, so a run that was cut off anywhere goes on from there.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path

from factory_tui.attractor import Context, Graph, Node, Outcome, StageStatus, ToolHooks
from factory_tui.engine import learning
from factory_tui.engine.building import Builder, Stage, Work
from factory_tui.engine.places import Place, Places
from factory_tui.engine.runtime import PRODUCTS, Runtime
from factory_tui.engine.tasks import labels_of, listing, stage_task, wants_report
from factory_tui.engine.validating import Product, Validation
from factory_tui.engine.where import FRAME
from factory_tui.llm import Request
from factory_tui.scenarios import satisfaction
from factory_tui.store import IterationRow, WantedRow
from factory_tui.text import clean
from factory_tui.trials import HarnessFault

__all__ = ["Loop"]

_GAVE_UP = frozenset({"refusal", "loop", "context_window", "max_tokens"})
"""Ends of a builder's work that come again, word for word, if nothing else changes."""


class Loop:
    """What the nodes of a factory's pipeline do, and what they share."""

    def __init__(self, runtime: Runtime, places: Places) -> None:
        self.runtime, self.places = runtime, places
        self.builder = Builder(runtime)
        self._wishing = asyncio.Lock()
        self.graphs: dict[str, Graph] = {}
        """The run's pipeline ("") and the children of its managers, as they run."""

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

    def open_iteration(self) -> IterationRow:
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

    async def run(self, node: Node, prompt: str, context: Context) -> str | Outcome:
        """A node that a model answers (the pipeline's backend).

        A fan-in or a manager only asks a question; any other node gets an agent and a box.
        """
        if node.handler_type in ("parallel.fan_in", "stack.manager_loop"):
            return await self._ask(node, prompt)
        row, place = self.open_iteration(), self.places.here()
        self._catch_up(row)
        if row.commit and not place.key:
            return "this iteration is built already"
        settings = self.runtime.settings
        graph = self.graphs[FRAME.get().pipeline]
        task = stage_task(
            spec=self._spec_told(place),
            iteration=row.n,
            feedback=self._feedback(row.n - 1),
            seeded=bool(self.runtime.options.seed_from) and row.n == 1,
            files=listing(place.workspace.root),
            said=self._said(row.n - 1),
            rounds=settings.max_rounds,
            answer_tokens=settings.models.max_tokens,
            prompt=prompt,
            goal=context.get_string("graph.goal"),
        )
        reports = wants_report(node, graph)
        effort = node.reasoning_effort if "reasoning_effort" in node.attrs else ""
        stage = Stage(
            task=task,
            model=f"{node.llm_provider}/{node.llm_model}" if node.llm_provider else node.llm_model,
            effort=effort or settings.models.effort,
            labels=labels_of(node, graph),
            reports=reports,
            hooks=lambda run: ToolHooks.of(node, context, run=run),
        )
        return _outcome(node, await self.builder.work(self.runtime.where(), place, stage))

    async def _ask(self, node: Node, prompt: str) -> str:
        """One question to a model, without tools; an answer from before a restart counts."""
        runtime, where = self.runtime, self.runtime.where()
        name = f"ask/{where.key}#{where.attempt}/{hashlib.sha256(prompt.encode()).hexdigest()[:12]}"
        known = runtime.store.contexts(runtime.run_id, name)
        for row in known:
            turns = runtime.store.turns(row.id)
            if len(turns) == 2:
                return str(turns[1].payload["text"])
        role = "judge" if node.handler_type == "parallel.fan_in" else "summary"
        request = Request(
            model=node.llm_model or runtime.model(role),
            messages=[{"role": "user", "content": prompt}],
            max_tokens=2000,
            role=role,
            key=f"{role}/{where.node}/{where.visit}",
        )
        text = (await runtime.complete(request)).text
        context = runtime.store.new_context(tag=name, title=node.label, run_id=runtime.run_id)
        for payload in ({"kind": "asked", "text": prompt}, {"kind": "answered", "text": text}):
            runtime.store.append_turn(context, payload, type_id="factory.ask")
        return text

    def _spec_told(self, place: Place) -> str:
        """The spec a conversation starts from; one that goes on has heard what it had heard."""
        runtime, where = self.runtime, self.runtime.where()
        label = f"visit:{where.key}#{where.attempt}"
        if any(label in row.labels for row in runtime.store.contexts(runtime.run_id)):
            return place.listener.told
        return place.listener.begin()

    def _catch_up(self, row: IterationRow) -> None:
        """Compose the feedback on the iteration before, if the run ended before it was written."""
        rows = self.runtime.store.iterations(self.runtime.run_id)
        before = next((r for r in rows if r.n == row.n - 1), None)
        if before is not None and before.finished_ms and not self._feedback(before.n):
            self._learn_from(before)

    def _feedback(self, iteration: int) -> str:
        """What was said about an iteration; "" before the first."""
        events = self.runtime.store.events(
            run_id=self.runtime.run_id, kinds=["feedback.sent"], limit=100_000
        )
        texts = [e.data["text"] for e in events if e.iteration == iteration]
        return texts[-1] if texts else ""

    def _said(self, iteration: int) -> str:
        """What the builder of the product said at the end of an iteration; "" before the first."""
        store, run_id = self.runtime.store, self.runtime.run_id
        events = store.events(run_id=run_id, kinds=["agent.text"], limit=100_000)
        kept = {row.name for row in store.places(run_id) if row.kept}
        texts = [
            e.data["text"]
            for e in events
            if e.iteration == iteration
            and not e.data.get("agent")
            and e.data.get("branch", "") in {"", *kept}
        ]
        return texts[-1] if texts else ""

    # -- validate ------------------------------------------------------------------------

    async def validate(self, node: Node, context: Context, graph: Graph, run_dir: Path) -> Outcome:
        """Commit what the workspace holds and try it out (node type ``factory.validate``)."""
        place = self.places.here()
        if place.key:
            return await self._candidate(place)
        row = self._last()
        if row is None or (row.finished_ms and not context.get_string("satisfied")):
            row = self.open_iteration()
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

    async def final(self) -> None:
        """Try out what a pipeline without a last validation leaves, so that the run has a result.

        What was tried already is not tried again.
        """
        row = self._last()
        tree = self.places.main().tree()
        nothing = row is None and not listing(self.places.main().workspace.root)
        if nothing or (row is not None and row.finished_ms and row.tree == tree):
            return
        await self._score(self.open_iteration())

    async def _candidate(self, place: Place) -> Outcome:
        score = await self.measure(place)
        return Outcome(
            context_updates={
                "score": score,
                "commit": place.row.commit,
                "tree": place.row.product_tree,
                "iteration": str(place.row.iteration),
            },
            notes=f"candidate {place.name}: satisfaction {score:.2f}",
        )

    async def measure(self, place: Place) -> float:
        """Commit a branch's workspace and try it out; the share of its trials that satisfied.

        The candidates of a parallel node share the iteration and the ledger, and their trials are
        seeded alike, so that they meet the same worlds.
        """
        row = self.open_iteration()
        known, tree = place.row, place.tree()
        if known.iteration != row.n or known.product_tree != tree or not known.commit:
            head = place.workspace.head() or self.runtime.workspace.head()
            message = f"Iteration {row.n}, candidate {place.name}"
            commit, tree, _ = place.commit(message, onto=head)
            place.save(iteration=row.n, commit=commit, product_tree=tree, scores={})
        if not place.row.scores:
            product = self._product(place.row.commit, place.row.product_tree)
            _, scored = await self._tried(row, product, place.name)
            with self.runtime.store.transaction():
                place.save(scores=self._told_of(scored))
                self.runtime.emit(
                    "candidate.scored",
                    {
                        "branch": place.name,
                        "commit": place.row.commit,
                        "tree": place.row.product_tree,
                        "score": scored.overall.rate,
                        "ref": place.workspace.branch,
                        **place.row.scores,
                    },
                )
        return float((place.row.scores.get("overall") or {}).get("rate") or 0.0)

    async def _score(self, row: IterationRow) -> IterationRow:
        runtime = self.runtime
        row = row if row.commit else self._commit(row)
        runtime.store.adopt_trials(runtime.run_id, row.n, row.tree)
        validation, scored = await self._tried(row, self._product(row.commit, row.tree))
        target = runtime.settings.target
        scores = self._announce(row, scored, confirmation=False, satisfied=False)
        if scored.reached(target) and self._measured(scored) and self._is_current(row):
            await validation.confirm()
            confirmed = validation.score(confirmation=True)
            held = confirmed.reached(target) and self._measured(confirmed)
            scores = self._announce(row, confirmed, confirmation=True, satisfied=held)
        now = int(time.time() * 1000)
        return self._save(dataclasses.replace(row, finished_ms=now, scores=scores))

    async def _tried(
        self, row: IterationRow, product: Product, candidate: str = ""
    ) -> tuple[Validation, satisfaction.Report]:
        """Perform the trials, and again until some could be performed.

        With only void trials there is neither a score nor anything to learn, so building on
        would be guessing: the run waits until somebody has mended the harness.
        """
        while True:
            try:
                validation = Validation(self.runtime, product, row.n, candidate)
            except HarnessFault as fault:
                self.runtime.pause("harness", f"the scenarios cannot be used: {fault}")
                await self.runtime.gate.wait()
                continue
            await validation.headline()
            scored = validation.score()
            if any(scenario.status != "void" for scenario in scored.scenarios.values()):
                return validation, scored
            self.runtime.pause("harness", "no trial could be performed; see the faults above")
            await self.runtime.gate.wait()

    def _is_current(self, row: IterationRow) -> bool:
        """Whether this build heard the spec as it is now; a recorded builder cannot hear."""
        runtime = self.runtime
        runtime.spec.look()
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
        self,
        row: IterationRow,
        scored: satisfaction.Report,
        *,
        confirmation: bool,
        satisfied: bool,
    ) -> dict[str, object]:
        data = {
            **self._told_of(scored),
            "confirmation": confirmation,
            "satisfied": satisfied,
        }
        runtime = self.runtime
        told = runtime.store.events(
            run_id=runtime.run_id, kinds=["iteration.scored"], limit=1_000_000
        )
        # A process that was killed after it said so leaves it to the next to go on from here.
        if not any(e.iteration == row.n and dict(e.data) == _as_stored(data) for e in told):
            runtime.emit("iteration.scored", data, iteration=row.n)
        return data

    def _told_of(self, scored: satisfaction.Report) -> dict[str, object]:
        return {
            "train": scored.train.as_dict(),
            "holdout": scored.holdout.as_dict(),
            "overall": scored.overall.as_dict(),
            "scenarios": {name: s.as_dict() for name, s in scored.scenarios.items()},
        }

    def _commit(self, row: IterationRow) -> IterationRow:
        runtime, place = self.runtime, self.places.main()
        commit, tree, before = place.commit(f"Iteration {row.n}")
        stat = place.workspace.diff_stat(before, commit)
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
            told = place.listener.told_hash
            return self._save(dataclasses.replace(row, commit=commit, tree=tree, spec_hash=told))

    def _product(self, commit: str, tree: str) -> Product:
        folder = self.runtime.folder / PRODUCTS / commit
        self.runtime.workspace.checkout(commit, folder)
        return Product(commit, tree, folder)

    # -- learn ---------------------------------------------------------------------------

    async def learn(self, node: Node, context: Context, graph: Graph, run_dir: Path) -> Outcome:
        """Tell the builder what users noticed (node type ``factory.learn``)."""
        row = self._last()
        if row is None or not row.finished_ms or self._feedback(row.n):
            return Outcome()
        self._learn_from(row)
        return Outcome(notes=f"feedback on iteration {row.n}")

    def _learn_from(self, row: IterationRow) -> None:
        validation = Validation(self.runtime, self._product(row.commit, row.tree), row.n)
        validation.gather()
        # A round that did not hold on fresh seeds is what there is to learn from.
        confirmation = bool(row.scores.get("confirmation"))
        scored = validation.score(confirmation=confirmation)
        learning.compose(self.runtime, validation, scored, row.n)

    # -- retry ---------------------------------------------------------------------------

    async def wishes(self, *, until_idle: bool = False) -> None:
        """Perform the trials the engineer asks for, against the newest committed product.

        A wish is a row in the store until it is fulfilled, so neither a crash nor the end of the
        run loses it, and what goes wrong with one does not touch the next.
        """
        runtime = self.runtime
        while True:
            runtime.wishes.clear()
            # Whoever waits for all of them at the end of a run must not perform them twice.
            async with self._wishing:
                for wish in runtime.store.wanted(runtime.run_id):
                    try:
                        await self._fulfil(wish)
                    except Exception as fault:
                        where = f"retry of {wish.scenario}"
                        detail = clean(str(fault) or type(fault).__name__, limit=500)
                        runtime.emit("harness.fault", {"where": where, "detail": detail})
                        runtime.store.close_wanted(wish.id)
            if until_idle and not runtime.store.wanted(runtime.run_id):
                return
            await runtime.wishes.wait()

    async def _fulfil(self, wish: WantedRow) -> None:
        runtime, scenario = self.runtime, wish.scenario
        built = [r for r in runtime.store.iterations(runtime.run_id) if r.commit]
        chosen = [r for r in built if r.n == wish.iteration] or built[-1:]
        if not chosen:
            text = f"{scenario}: nothing is built yet, so there is nothing to try"
            runtime.emit("note", {"text": text, "level": "warning"})
        else:
            row = chosen[0]
            product = self._product(row.commit, row.tree)
            validation = Validation(runtime, product, row.n, fresh=True)
            first = wish.first or validation.next_retry(scenario)
            runtime.store.begin_wanted(wish.id, row.n, first)
            await validation.again(scenario, first, wish.trials)
        runtime.store.close_wanted(wish.id)


def _as_stored(data: Mapping[str, object]) -> dict[str, object]:
    """Data of an event as it comes back from the journal."""
    stored: dict[str, object] = json.loads(json.dumps(data))
    return stored


def _outcome(node: Node, work: Work) -> Outcome:
    """A builder's end as the pipeline's: what it reported, else whether it gave up."""
    updates = {"last_stage": node.id, "last_response": work.text[:200]}
    if work.report is not None:
        outcome = Outcome.from_json(work.report)
        outcome.context_updates = updates
        outcome.notes = outcome.notes or work.text
        return outcome
    if not work.changed and (work.reason in _GAVE_UP or work.reason.startswith("stopped")):
        said = {"refusal": "its model refused", "loop": "it went round in circles"}
        why = said.get(work.reason, work.reason)
        return Outcome.fail(f"the builder changed nothing: {why}", terminal=True)
    return Outcome(StageStatus.SUCCESS, context_updates=updates, notes=work.text)
