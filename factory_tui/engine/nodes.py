"""Nodes of a factory's pipeline that need its boxes: commands, meeting points, supervisors."""

from __future__ import annotations

import copy
import hashlib
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from factory_tui.attractor import (
    Context,
    FanInHandler,
    Graph,
    ManagerLoopHandler,
    Node,
    Outcome,
    PipelineEvent,
    ToolHandler,
    ToolResult,
)
from factory_tui.engine.environment import BenchEnvironment
from factory_tui.engine.loop import Loop
from factory_tui.engine.places import Place
from factory_tui.engine.validating import trial_seed
from factory_tui.engine.where import FRAME, Frame, Where
from factory_tui.text import clean

__all__ = ["BoxTool", "Keep", "Plain", "Supervise"]

_DAY: Final = 86_400.0

Execute = Callable[[Node, Context, Graph, Path], Awaitable[Outcome]]
RunChild = Callable[[Graph, Path, Callable[[PipelineEvent], None], str], Awaitable[Outcome]]
"""Runs a child pipeline: graph, directory, observer, and its file's name."""


class Plain:
    """A node handler from a coroutine function."""

    def __init__(self, execute: Execute) -> None:
        self._execute = execute

    async def execute(self, node: Node, context: Context, graph: Graph, run_dir: Path) -> Outcome:
        """Run the node."""
        return await self._execute(node, context, graph, run_dir)


class BoxTool:
    """``tool`` nodes: the command runs in a box on the workspace of its line, never on the host.

    It finds what the stage before it came to in ``PIPELINE_NODE``, ``PIPELINE_OUTCOME``,
    ``PIPELINE_LAST_STAGE`` and ``PIPELINE_LAST_RESPONSE``. What it changes is the pipeline's
    work, like an agent's.
    """

    def __init__(self, loop: Loop) -> None:
        self.loop = loop

    async def execute(self, node: Node, context: Context, graph: Graph, run_dir: Path) -> Outcome:
        """Run the command; a non-zero exit is a failure."""
        runtime, place = self.loop.runtime, self.loop.places.here()
        seed = trial_seed("development", node.id, runtime.iteration)
        environment = BenchEnvironment(runtime, place, seed)
        about = {
            "PIPELINE_NODE": node.id,
            "PIPELINE_OUTCOME": context.get_string("outcome"),
            "PIPELINE_LAST_STAGE": context.get_string("last_stage"),
            "PIPELINE_LAST_RESPONSE": context.get_string("last_response"),
        }

        async def run(command: str) -> ToolResult:
            limit = node.timeout or runtime.settings.sandbox.wall
            _as_it_was_before(place)
            place.begin_work()
            done = await environment.command(command, env=about, timeout_s=min(limit, _DAY))
            problem = place.end_work()
            if problem:
                return ToolResult(1, done.stdout, f"{done.stderr}\n{problem}")
            return ToolResult(done.exit_code, clean(done.stdout), clean(done.stderr))

        await runtime.gate.wait()
        try:
            return await ToolHandler(run).execute(node, context, graph, run_dir)
        finally:
            place.rest()
            await environment.close()


def _as_it_was_before(place: Place) -> None:
    """Put the workspace back to where this visit of a command found it, if it has begun before.

    A process that died may have left it half done, or done and not noted: what it appends would
    be there twice.
    """
    where = place.runtime.where()
    name = hashlib.sha256(f"{where.key}#{where.attempt}".encode()).hexdigest()[:16]
    mark = place.folder / "commands" / name
    if mark.exists():
        place.become(mark.read_text(encoding="ascii"))
        return
    mark.parent.mkdir(exist_ok=True)
    partial = mark.with_suffix(".partial")
    partial.write_text(place.tree(), encoding="ascii")
    partial.replace(mark)


class Keep:
    """Fan-in nodes: the branch whose product satisfies most is kept, the others stay as refs.

    Branches that changed the workspace and have not been tried yet are tried first, unless there
    is only one or the node's prompt has a model choose. The workspace of the best becomes that of
    the line the branches came from.
    """

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self._choose = FanInHandler(loop)

    async def execute(self, node: Node, context: Context, graph: Graph, run_dir: Path) -> Outcome:
        """Measure, choose, and go on with the best."""
        loop, runtime = self.loop, self.loop.runtime
        where = runtime.where()
        results = [dict(result) for result in context.get("parallel.results") or ()]
        places = {str(r["id"]): loop.places.latest(str(r["id"]), where.place) for r in results}
        changed = {
            ident: place
            for ident, place in places.items()
            if place is not None and place.tree() != place.row.base
        }
        alive = [r for r in results if r["outcome"] in ("success", "partial_success")]
        untried = [r for r in alive if r["id"] in changed and not changed[r["id"]].row.scores]
        if len(changed) > 1 and not node.prompt:
            for result in untried:
                result["score"] = await loop.measure(changed[result["id"]])
        for result in alive:
            place = places[result["id"]]
            if place is not None and place.row.scores:
                result["score"] = _rate(place) or 0.0
        context.set("parallel.results", results)
        outcome = await self._choose.execute(node, context, graph, run_dir)
        best = str(outcome.context_updates.get("parallel.fan_in.best_id", ""))
        kept = places.get(best)
        if outcome.status.ok and kept is not None:
            by = str(outcome.context_updates.get("parallel.fan_in.chosen_by"))
            self._adopt(where, kept, [p for p in places.values() if p and p is not kept], by)
        return outcome

    def _adopt(self, where: Where, kept: Place, others: Sequence[Place], by: str) -> None:
        loop, runtime = self.loop, self.loop.runtime
        target = loop.places.at(where.place)
        for place in others:
            if place.row.commit or place.tree() == place.row.base:
                continue
            head = place.workspace.head() or runtime.workspace.head()
            place.commit(f"Branch {place.name}, not kept", onto=head)
        target.become(kept.tree())
        target.listener.take_over(kept.listener)
        if kept.row.kept:
            return
        tree, scored = kept.tree(), _rate(kept) is not None
        with runtime.store.transaction():
            kept.save(kept=True)
            runtime.emit(
                "candidate.kept",
                {
                    "branch": kept.name,
                    "node": where.node,
                    "pipeline": where.pipeline,
                    "tree": tree,
                    "score": _rate(kept),
                    "by": "model" if by == "model" else "score" if scored else "outcome",
                    "others": [
                        {"branch": p.name, "score": _rate(p), "ref": p.workspace.branch}
                        for p in others
                    ],
                },
            )


def _rate(place: Place) -> float | None:
    overall: Mapping[str, Any] = place.row.scores.get("overall") or {}
    rate = overall.get("rate")
    return None if rate is None else float(rate)


class Supervise:
    """Manager nodes: the child pipeline works in the boxes of the line it is started from.

    ``stack.child_dotfile`` is one of the factory's own files, or a shipped pipeline by its name.
    """

    def __init__(self, loop: Loop, run_child: RunChild, shipped: Path) -> None:
        self.loop, self._run_child, self._shipped = loop, run_child, shipped

    async def execute(self, node: Node, context: Context, graph: Graph, run_dir: Path) -> Outcome:
        """Supervise until the child ends or is given up on."""
        where = self.loop.runtime.where()
        path = self._path(node, graph)
        if path is None:
            return Outcome.fail(
                "stack.child_dotfile names no pipeline of this factory", terminal=True
            )
        placed = copy.copy(node)
        placed.attrs = {**node.attrs, "stack.child_dotfile": str(path)}
        frame = Frame("/".join(filter(None, (where.pipeline, node.id))), where.branch, where.place)

        async def run(
            child: Graph, child_dir: Path, observe: Callable[[PipelineEvent], None]
        ) -> Outcome:
            _of_this_visit(child_dir, f"{where.key}#{where.attempt}")
            FRAME.set(frame)
            return await self._run_child(child, child_dir, observe, path.name)

        handler = ManagerLoopHandler(run, backend=self.loop)
        return await handler.execute(placed, context, graph, run_dir)

    def _path(self, node: Node, graph: Graph) -> Path | None:
        name = str(node.attrs.get("stack.child_dotfile") or graph.attrs.get("stack.child_dotfile"))
        folder = self.loop.runtime.settings.folder
        for path in (folder / name, self._shipped / f"{name}.dot", self._shipped / name):
            if path.is_file():
                return path
        return None


def _of_this_visit(folder: Path, visit: str) -> None:
    """Begin with an empty directory, unless this very visit has begun in it before a restart."""
    mark = folder / "visit"
    if mark.exists() and mark.read_text(encoding="utf-8") == visit:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    mark.write_text(visit, encoding="utf-8")
