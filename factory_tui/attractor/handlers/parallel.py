"""Branches side by side. Section 4.8 of the Attractor specification."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from factory_tui.attractor.context import Context
from factory_tui.attractor.events import (
    ParallelBranchCompleted,
    ParallelBranchStarted,
    ParallelCompleted,
    ParallelStarted,
    PipelineEvent,
)
from factory_tui.attractor.model import Graph, Node, parse_integer
from factory_tui.attractor.outcome import Outcome, StageStatus

__all__ = ["BranchResult", "ParallelHandler"]


@dataclass(slots=True)
class BranchResult:
    """What one branch came to.

    ``join`` is the fan-in or exit node the branch reached, "" if it ended before one.
    """

    id: str
    outcome: Outcome
    join: str = ""
    context_updates: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The form in which fan-in nodes find it under ``parallel.results``."""
        score = self.context_updates.get("score", 0)
        return {
            "id": self.id,
            "outcome": str(self.outcome.status),
            "score": score if isinstance(score, int | float) else 0,
            "notes": self.outcome.notes,
            "failure_reason": self.outcome.failure_reason,
            "context_updates": self.context_updates,
        }


BranchRunner = Callable[[str, Context, Graph, Path], Awaitable[BranchResult]]
"""Runs a branch from a node, on a context of its own, to where the branches meet."""


class ParallelHandler:
    """Runs every outgoing edge as a branch, at most ``max_parallel`` (4) at a time.

    ``join_policy`` ``wait_all`` (the default) waits for all of them; ``first_success`` calls the
    others off as soon as one has succeeded.
    """

    def __init__(
        self, run_branch: BranchRunner, emit: Callable[[PipelineEvent], None] = lambda event: None
    ) -> None:
        self._run_branch, self._emit = run_branch, emit

    async def execute(self, node: Node, context: Context, graph: Graph, run_dir: Path) -> Outcome:
        """Run the branches; ``suggested_next_ids`` names the node they meet at."""
        targets = list(dict.fromkeys(edge.to_node for edge in graph.outgoing_edges(node.id)))
        policy = str(node.attrs.get("join_policy", "wait_all"))
        if policy not in ("wait_all", "first_success"):
            return Outcome.fail(f"unknown join_policy {policy!r}", terminal=True)
        if not targets:
            return Outcome.fail("no branches to run", terminal=True)
        slots = asyncio.Semaphore(max(1, parse_integer(node.attrs.get("max_parallel", 4))))
        self._emit(ParallelStarted(len(targets), node.id))
        began = time.monotonic()

        async def branch(index: int, target: str) -> BranchResult:
            async with slots:
                self._emit(ParallelBranchStarted(target, index))
                started = time.monotonic()
                result = await self._run_branch(target, context.clone(), graph, run_dir)
                spent = time.monotonic() - started
                self._emit(ParallelBranchCompleted(target, index, spent, result.outcome.status.ok))
                return result

        tasks = [asyncio.create_task(branch(i, target)) for i, target in enumerate(targets)]
        results = await _gather(tasks, targets, until_success=policy == "first_success")
        context.set("parallel.results", [result.to_json() for result in results])
        good = sum(result.outcome.status.ok for result in results)
        bad = sum(result.outcome.status is StageStatus.FAIL for result in results)
        context.set("parallel.success_count", good)
        context.set("parallel.failure_count", bad)
        self._emit(ParallelCompleted(time.monotonic() - began, good, bad))
        return _joined(policy, results, good, bad, graph)


async def _gather(
    tasks: list[asyncio.Task[BranchResult]], targets: list[str], *, until_success: bool
) -> list[BranchResult]:
    """Wait for all, or for the first success; results in the order of the edges."""
    pending = set(tasks)
    try:
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            if until_success and any(task.result().outcome.status.ok for task in done):
                break
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    called_off = Outcome(StageStatus.SKIPPED, notes="called off: another branch succeeded")
    return [
        BranchResult(target, called_off) if task.cancelled() else task.result()
        for task, target in zip(tasks, targets, strict=True)
    ]


def _joined(policy: str, results: list[BranchResult], good: int, bad: int, graph: Graph) -> Outcome:
    joins = [result.join for result in results if result.join] or [_meeting_point(results, graph)]
    # A branch that went straight to the exit must not make the others skip their fan-in.
    joins.sort(key=lambda join: join in graph.nodes and graph.nodes[join].is_terminal)
    outcome = Outcome(notes=f"{good} of {len(results)} branches succeeded")
    outcome.suggested_next_ids = list(filter(None, joins[:1]))
    if policy == "first_success" and not good:
        outcome.status = StageStatus.FAIL
        outcome.failure_reason = "no branch succeeded"
    elif policy == "wait_all" and bad:
        outcome.status = StageStatus.PARTIAL_SUCCESS
    return outcome


def _meeting_point(results: list[BranchResult], graph: Graph) -> str:
    """The fan-in all branches lead to, for when none of them got there; "" if there is none."""
    regions = [graph.reachable(result.id) for result in results]
    common = [
        node_id
        for node_id in set.intersection(*regions)
        if graph.nodes[node_id].handler_type == "parallel.fan_in"
    ]
    # Of several in a row, the first leads to all others.
    return max(common, key=lambda node_id: (len(graph.reachable(node_id)), node_id), default="")
