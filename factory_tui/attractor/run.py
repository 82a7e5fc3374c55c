"""One run of a pipeline in its directory: the loop of section 3.2."""

import asyncio
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from factory_tui.attractor import events
from factory_tui.attractor.checkpoint import Checkpoint, load_checkpoint
from factory_tui.attractor.context import Context
from factory_tui.attractor.files import read_json, write_json
from factory_tui.attractor.model import Graph, parse_integer
from factory_tui.attractor.outcome import Outcome
from factory_tui.attractor.routing import check_goal_gates, get_retry_target
from factory_tui.attractor.stages import Stages
from factory_tui.attractor.trace import Step, Trace
from factory_tui.attractor.walk import Walk

__all__ = ["PipelineOutcome", "Run", "mirror_graph_attributes"]

_MAX_RESTARTS: Final = 100


@dataclass(slots=True)
class PipelineOutcome(Outcome):
    """How a pipeline ended, and by what way."""

    completed_nodes: list[str] = field(default_factory=list)
    node_outcomes: dict[str, Outcome] = field(default_factory=dict)
    context: Context = field(default_factory=Context)
    run_dir: Path = field(default_factory=Path)

    @property
    def logs_root(self) -> Path:
        """The specification's name of ``run_dir``."""
        return self.run_dir


def mirror_graph_attributes(graph: Graph, context: Context) -> None:
    """Set ``graph.KEY`` in the context for every attribute of the graph."""
    for key, value in graph.attrs.items():
        plain = value if isinstance(value, str | int | float) else str(value)
        context.set(f"graph.{key}", plain)
    context.set("graph.goal", graph.goal)


class Run:
    """A run: its directory, its checkpoint and its way."""

    def __init__(self, stages: Stages, graph: Graph, context: Context, root: Path) -> None:
        self._stages, self._graph, self._root = stages, graph, root
        self._context = context
        self._walk = Walk(stages, graph, root, root, Trace(context), Checkpoint())

    async def execute(self, resume: bool) -> PipelineOutcome:
        """Run to the end, or go on to it."""
        began = time.monotonic()
        resumed = resume and self._load()
        if not resumed:
            self._begin_fresh()
        name = self._graph.label or self._graph.id
        run_id = self._context.get_string("internal.run_id")
        self._stages.emit(events.PipelineStarted(name, run_id, resumed))
        final = self._walk.state.final
        if final is None:
            final = await self._loop(resumed)
            self._walk.state.final = final
            self._walk.save()
        self._tell_end(final, time.monotonic() - began)
        return PipelineOutcome(
            status=final.status,
            notes=final.notes,
            failure_reason=final.failure_reason,
            failure_class=final.failure_class,
            completed_nodes=list(self._walk.trace.completed),
            node_outcomes=dict(self._walk.trace.outcomes),
            context=self._context,
            run_dir=self._walk.run_dir,
        )

    def _tell_end(self, final: Outcome, spent: float) -> None:
        if not final.status.ok:
            self._stages.emit(events.PipelineFailed(final.failure_reason, spent))
            return
        artifacts = self._walk.run_dir / "artifacts"
        count = len(list(artifacts.iterdir())) if artifacts.is_dir() else 0
        self._stages.emit(events.PipelineCompleted(spent, count))

    # -- beginning -----------------------------------------------------------------------

    def _begin_fresh(self) -> None:
        start = self._graph.start_node()
        assert start is not None  # validation has seen to it
        initial = self._context.snapshot()
        run_id = self._context.get_string("internal.run_id") or uuid.uuid4().hex[:12]
        self._root.mkdir(parents=True, exist_ok=True)
        write_json(
            self._root / "manifest.json",
            {
                "name": self._graph.label or self._graph.id,
                "goal": self._graph.goal,
                "run_id": run_id,
                "started": time.time(),
                "context": initial,
            },
        )
        self._begin(self._root, initial, run_id, Checkpoint(start_at=start.id))

    def _begin(
        self, place: Path, values: Mapping[str, Any], run_id: str, state: Checkpoint
    ) -> None:
        """Set up an empty run in a directory."""
        self._context.restore(values, [])
        mirror_graph_attributes(self._graph, self._context)
        self._context.set("internal.run_id", run_id)
        self._context.set("internal.restart_count", state.restarts)
        # A run started anew in a used directory must not take up branches of the old one.
        trace = Trace(self._context, name=f"{run_id}.{uuid.uuid4().hex[:8]}")
        state.visit = trace.name
        self._walk = Walk(self._stages, self._graph, place, place, trace, state)
        self._walk.save()

    def _load(self) -> bool:
        """Take up the newest checkpoint below the root; False where there is none."""
        place = self._root
        try:
            state = load_checkpoint(place)
            while state.restarted_to:
                place = self._root / state.restarted_to
                state = load_checkpoint(place)
        except FileNotFoundError:
            return False
        trace = Trace(self._context, name=state.visit)
        self._walk = Walk(self._stages, self._graph, place, place, trace, state)
        self._walk.restore()
        return True

    # -- running -------------------------------------------------------------------------

    async def _loop(self, resumed: bool) -> Outcome:
        degrade = resumed and self._walk.state.degrade_next
        while True:
            # A pipeline that never waits for anything must still let itself be cancelled.
            await asyncio.sleep(0)
            step = self._walk.next_step()
            if step.edge is not None and step.edge.loop_restart:
                assert step.node is not None
                if (refused := self._restart(step.node.id)) is not None:
                    return refused
                degrade = False
                continue
            if step.node is not None and step.node.is_terminal:
                step = self._pass_gates(step)
            node = step.node
            if node is None:
                return step.end or Outcome(notes="Pipeline completed")
            repeated = await self._walk.take(node, step, degrade=degrade)
            degrade = False
            if repeated is not None:
                return repeated
            if node.is_terminal:
                return Outcome(notes="Pipeline completed")

    def _pass_gates(self, step: Step) -> Step:
        """The way out, or to where an unsatisfied goal gate sends the run instead."""
        _, gate = check_goal_gates(self._graph, self._walk.trace.outcomes)
        if gate is None:
            return step
        if target := get_retry_target(gate, self._graph):
            return Step(self._graph.nodes[target])
        reason = f"Goal gate unsatisfied and no retry target: {gate.id}"
        return Step(None, end=Outcome.fail(reason))

    def _restart(self, start: str) -> Outcome | None:
        """Begin anew in a fresh directory; gives an outcome where that was done too often."""
        old = self._walk
        count = old.state.restarts + 1
        try:
            limit = parse_integer(self._graph.attrs.get("max_restarts", _MAX_RESTARTS))
        except ValueError:
            limit = _MAX_RESTARTS
        if count > limit:
            return Outcome.fail(f"restarted {limit} times without reaching the exit")
        manifest = read_json(self._root / "manifest.json")
        # What the old run ended with is in its own checkpoint already; what kept failing in it
        # keeps counting, or a restart would be a way around that.
        state = Checkpoint(
            start_at=start,
            restarts=count,
            failure_signatures=dict(old.state.failure_signatures),
        )
        old.state.restarted_to = f"restart-{count}"
        place = self._root / old.state.restarted_to
        self._begin(place, manifest["context"], manifest["run_id"], state)
        # Only now does the old run point here: a crash before leaves it to be restarted again.
        old.state.save(old.place)
        self._stages.emit(events.PipelineRestarted(start, count))
        return None
