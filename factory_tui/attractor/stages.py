"""Running one node to its final outcome: attempts, time limit, status file. Section 3.5."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from factory_tui.attractor import events
from factory_tui.attractor.context import Context
from factory_tui.attractor.events import PipelineEvent
from factory_tui.attractor.fidelity import (
    FidelityMode,
    preamble,
    resolve_fidelity,
    resolve_thread,
)
from factory_tui.attractor.handlers.registry import HandlerRegistry
from factory_tui.attractor.model import Edge, Graph, Node
from factory_tui.attractor.outcome import (
    STATUS_FILE,
    Outcome,
    StageStatus,
    read_status,
    write_status,
)
from factory_tui.attractor.retry import (
    BackoffConfig,
    RetryPolicy,
    build_retry_policy,
    delay_for_attempt,
)
from factory_tui.attractor.trace import Trace, current_trace

__all__ = ["Stages"]

_UNTOLD = frozenset({"start", "exit", "conditional", "parallel", "tool", "wait.human"})
"""Built-in types that show nothing to a model, so what happened before is not put in words."""


class Stages:
    """Runs nodes with the handlers of a registry.

    Args:
        registry: The handlers.
        emit: Told what happens.
        backoff: Waiting times between attempts of nodes that pick no preset.
        sleep: How to wait between attempts.
    """

    def __init__(
        self,
        registry: HandlerRegistry,
        emit: Callable[[PipelineEvent], None],
        backoff: BackoffConfig | None,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.registry, self.emit = registry, emit
        self._backoff, self._sleep = backoff, sleep

    async def run(
        self,
        node: Node,
        trace: Trace,
        graph: Graph,
        run_dir: Path,
        *,
        edge: Edge | None = None,
        previous: str = "",
        degrade: bool = False,
    ) -> Outcome:
        """Run a node to its final outcome and merge that into the trace.

        Args:
            node: The node.
            trace: The way it is on.
            graph: The pipeline.
            run_dir: Where its files go, in a directory of its name.
            edge: By which it is entered, if by one.
            previous: The node before.
            degrade: Whether ``full`` fidelity is impossible, the session being lost.

        Returns:
            The outcome its edges go by.
        """
        context = trace.context
        fidelity = resolve_fidelity(node, edge, graph)
        if degrade and fidelity is FidelityMode.FULL:
            fidelity = FidelityMode.SUMMARY_HIGH
        kind = self.registry.resolve_type(node)
        carried = ""
        if kind not in _UNTOLD:
            carried = preamble(fidelity, graph, context, trace.completed, trace.outcomes)
        context.apply_updates(
            {
                "current_node": node.id,
                "internal.fidelity": str(fidelity),
                "internal.thread_id": resolve_thread(node, edge, graph, previous),
                "internal.preamble": carried,
                "internal.stage_dir": str(run_dir / node.id),
            }
        )
        trace.entered = edge
        trace.at, trace.visit = node.id, f"{trace.name}/{node.id}@{len(trace.completed)}"
        token = current_trace.set(trace)
        try:
            outcome = await self._attempts(node, kind, trace, graph, run_dir)
        finally:
            current_trace.reset(token)
            context.pop("internal.preamble")
            context.pop("internal.stage_dir")
        _merge_branches(node, trace, graph)
        trace.completed.append(node.id)
        return _merge(node, kind, outcome, trace)

    async def _attempts(
        self, node: Node, kind: str, trace: Trace, graph: Graph, run_dir: Path
    ) -> Outcome:
        """Run a node as often as its retry policy allows."""
        policy = build_retry_policy(node, graph, self._backoff)
        index, visit = len(trace.completed), trace.visit
        counter = f"internal.retry_count.{node.id}"
        attempt = 1
        while True:
            self.emit(events.StageStarted(node.id, index, kind))
            began = time.monotonic()
            outcome = await self._attempt(node, trace.context, graph, run_dir, policy)
            spent = time.monotonic() - began
            if outcome.status not in (StageStatus.RETRY, StageStatus.FAIL):
                if trace.context.get(counter):
                    trace.context.set(counter, 0)
                self.emit(
                    events.StageCompleted(node.id, index, spent, str(outcome.status), outcome.notes)
                )
                return outcome
            again = attempt < policy.max_attempts and outcome.failure_class != "terminal"
            error = outcome.failure_reason or str(outcome.status)
            if not again:
                outcome = _exhausted(node, outcome)
                write_status(run_dir / node.id, outcome)
                if outcome.status is StageStatus.PARTIAL_SUCCESS:
                    status, notes = str(outcome.status), outcome.notes
                    self.emit(events.StageCompleted(node.id, index, spent, status, notes))
                else:
                    self.emit(events.StageFailed(node.id, index, error, False))
                return outcome
            self.emit(events.StageFailed(node.id, index, error, True))
            trace.context.set(counter, attempt)
            delay = delay_for_attempt(attempt, policy.backoff) / 1000
            attempt += 1
            # What the branches of the failed attempt came to must not count in the next one.
            trace.visit = f"{visit}#{attempt}"
            trace.branches.clear()
            self.emit(events.StageRetrying(node.id, index, attempt, delay))
            await self._sleep(delay)

    async def _attempt(
        self, node: Node, context: Context, graph: Graph, run_dir: Path, policy: RetryPolicy
    ) -> Outcome:
        """Run a node's handler once; whatever it does, an outcome comes back."""
        stage_dir = run_dir / node.id
        # What an earlier visit reported must not be taken for this one's report.
        (stage_dir / STATUS_FILE).unlink(missing_ok=True)
        handler = self.registry.resolve(node)
        limit = None if getattr(handler, "handles_timeout", False) else node.timeout
        timer = asyncio.timeout(limit)
        try:
            async with timer:
                result = handler.execute(node, context, graph, run_dir)
                outcome = await result if inspect.isawaitable(result) else result
            if outcome is None:
                outcome = _reported(node, stage_dir)
        except TimeoutError as error:
            reason = f"timed out after {limit:g} s" if timer.expired() else str(error)
            outcome = Outcome.fail(reason or "timed out")
        except Exception as error:
            retry = policy.should_retry(error)
            outcome = Outcome.fail(str(error) or type(error).__name__, terminal=not retry)
        write_status(stage_dir, outcome)
        return outcome


def _merge_branches(node: Node, trace: Trace, graph: Graph) -> None:
    """Take over what the branches have been through, in the order of their edges."""
    for edge in graph.outgoing_edges(node.id) if trace.branches else ():
        if (branch := trace.branches.pop(edge.to_node, None)) is not None:
            trace.completed.extend(branch.completed)
            trace.outcomes.update(branch.outcomes)
    trace.branches.clear()


def _merge(node: Node, kind: str, outcome: Outcome, trace: Trace) -> Outcome:
    context = trace.context
    context.apply_updates(outcome.context_updates)
    if outcome.status is not StageStatus.SKIPPED:
        trace.outcomes[node.id] = outcome
    if kind == "conditional" and outcome.status is StageStatus.SUCCESS and trace.last:
        # It decides by what came before it, so that is what its edges and the stages after
        # it get to see.
        trace.last = replace(trace.last, suggested_next_ids=[], context_updates={})
        return trace.last
    if outcome.status is not StageStatus.SKIPPED:
        context.set("outcome", str(outcome.status))
    if outcome.preferred_label:
        context.set("preferred_label", outcome.preferred_label)
    trace.last = outcome
    return outcome


def _reported(node: Node, stage_dir: Path) -> Outcome:
    """The outcome of a handler that returned none: its status file, else what the node says."""
    try:
        outcome = read_status(stage_dir)
    except ValueError as error:
        return Outcome.fail(str(error), terminal=True)
    if outcome is not None:
        return outcome
    if node.auto_status:
        return Outcome(notes="auto-status: handler completed without writing status")
    return Outcome.fail("the handler reported no status", terminal=True)


def _exhausted(node: Node, outcome: Outcome) -> Outcome:
    if outcome.status is not StageStatus.RETRY:
        return outcome
    if node.allow_partial:
        return Outcome(
            StageStatus.PARTIAL_SUCCESS,
            context_updates=outcome.context_updates,
            notes=": ".join(
                filter(None, ("retries exhausted, partial accepted", outcome.failure_reason))
            ),
        )
    reason = "max retries exceeded"
    if outcome.failure_reason:
        reason += f": {outcome.failure_reason}"
    failed = Outcome.fail(reason)
    failed.context_updates = outcome.context_updates
    return failed
