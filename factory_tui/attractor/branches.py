"""The branches of a parallel node: ways of their own, each with its own checkpoint.

After a crash inside a parallel node, branches that had ended are not run again, and the others
go on after the last node they completed.
"""

import asyncio
from pathlib import Path

from factory_tui.attractor.checkpoint import Checkpoint, CheckpointError, load_checkpoint
from factory_tui.attractor.context import Context
from factory_tui.attractor.handlers.parallel import BranchResult
from factory_tui.attractor.model import Graph, Node
from factory_tui.attractor.outcome import Outcome
from factory_tui.attractor.stages import Stages
from factory_tui.attractor.trace import Trace, current_trace
from factory_tui.attractor.walk import Walk

__all__ = ["Branches"]

_OWN = ("internal.", "current_node")
"""Values that describe the branch itself and are no result of it."""


class Branches:
    """Runs branches with the stages of a run."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages

    async def run(self, start: str, context: Context, graph: Graph, run_dir: Path) -> BranchResult:
        """Run a branch until the fan-in or exit its parallel node leads to.

        Args:
            start: The branch's first node.
            context: Its own copy of the context.
            graph: The pipeline.
            run_dir: The run's directory.
        """
        parent = current_trace.get()
        before = context.snapshot()
        place = run_dir / parent.at / "branches" / start
        trace = Trace(context, name=f"{parent.visit}:{start}")
        walk = Walk(self._stages, graph, run_dir, place, trace, _checkpoint(place, start, trace))
        if walk.state.current_node:
            walk.restore()
        if walk.state.final is None:
            walk.state.final, walk.state.join = await self._to_the_end(walk, start)
            walk.save()
        parent.branches[start] = trace
        changed = {
            key: value
            for key, value in context.snapshot().items()
            if before.get(key) != value and not key.startswith(_OWN)
        }
        return BranchResult(start, walk.state.final, walk.state.join, changed)

    async def _to_the_end(self, walk: Walk, start: str) -> tuple[Outcome, str]:
        """Run nodes until the branch ends; its outcome and the join it reached."""
        region = walk.graph.reachable(start)
        degrade = walk.state.degrade_next
        while True:
            await asyncio.sleep(0)
            step = walk.next_step()
            node, last = step.node, walk.trace.last or Outcome()
            if node is None or node.id not in region:
                return step.end or last, ""
            if self._is_join(node) and not step.by_join:
                return last, node.id
            repeated = await walk.take(node, step, degrade=degrade)
            degrade = False
            if repeated is not None:
                return repeated, ""

    def _is_join(self, node: Node) -> bool:
        return node.is_terminal or self._stages.registry.resolve_type(node) == "parallel.fan_in"


def _checkpoint(place: Path, start: str, trace: Trace) -> Checkpoint:
    """The checkpoint of this very visit, or a new one."""
    try:
        state = load_checkpoint(place)
    except (FileNotFoundError, CheckpointError):
        state = Checkpoint()
    if state.visit != trace.name:
        return Checkpoint(start_at=start, visit=trace.name)
    return state
