"""Pipelines that run in this process for others to watch: what the HTTP server serves."""

import asyncio
import uuid
from collections import deque
from collections.abc import AsyncIterator, Mapping
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any, Final

from factory_tui.attractor import events
from factory_tui.attractor.context import Context
from factory_tui.attractor.dot import parse_dot
from factory_tui.attractor.engine import PipelineRunner
from factory_tui.attractor.events import PipelineEvent
from factory_tui.attractor.files import write_text
from factory_tui.attractor.handlers import Handler, HandlerRegistry
from factory_tui.attractor.handlers.codergen import BackendLike
from factory_tui.attractor.model import Graph
from factory_tui.attractor.pending import PendingInterviewer
from factory_tui.attractor.run import PipelineOutcome

__all__ = ["HostedPipeline", "HostedStatus", "PipelineHost", "StageStates"]

_KEPT_EVENTS: Final = 20_000


class HostedStatus(StrEnum):
    """Where a hosted pipeline stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StageStates:
    """What each node is doing, gathered from a run's events.

    ``states`` maps node ids to ``running``, ``retrying``, or the status of the last outcome.
    """

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.current = ""

    def observe(self, event: PipelineEvent) -> None:
        """Take in one event."""
        if isinstance(event, events.StageStarted):
            self.states[event.name], self.current = "running", event.name
        elif isinstance(event, events.StageCompleted):
            self.states[event.name] = event.status
        elif isinstance(event, events.StageFailed):
            self.states[event.name] = "retrying" if event.will_retry else "fail"


class HostedPipeline:
    """One pipeline, running or ended."""

    def __init__(self, ident: str, graph: Graph, run_dir: Path) -> None:
        self.id, self.graph, self.run_dir = ident, graph, run_dir
        self.status, self.reason = HostedStatus.RUNNING, ""
        self.context = Context()
        self.interviewer = PendingInterviewer()
        self.stages = StageStates()
        self.completed_nodes: list[str] = []
        self._events: deque[tuple[int, PipelineEvent]] = deque(maxlen=_KEPT_EVENTS)
        self._count = 0
        self._moved = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, runner: PipelineRunner) -> None:
        """Begin to run."""
        self._task = asyncio.create_task(self._run(runner))

    async def _run(self, runner: PipelineRunner) -> None:
        runner.on_event = self._observe
        try:
            outcome = await runner.run(self.graph, self.context, run_dir=self.run_dir)
        except asyncio.CancelledError:
            self._end(HostedStatus.CANCELLED, "cancelled")
            raise
        except Exception as error:
            self._end(HostedStatus.FAILED, str(error) or type(error).__name__)
            return
        self._take(outcome)

    def _take(self, outcome: PipelineOutcome) -> None:
        self.completed_nodes, self.run_dir = outcome.completed_nodes, outcome.run_dir
        ended = HostedStatus.COMPLETED if outcome.status.ok else HostedStatus.FAILED
        self._end(ended, outcome.failure_reason)

    def _end(self, status: HostedStatus, reason: str) -> None:
        self.status, self.reason = status, reason
        self._wake()

    def _observe(self, event: PipelineEvent) -> None:
        self._count += 1
        self._events.append((self._count, event))
        self.stages.observe(event)
        self._wake()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    async def follow(self, after: int = 0) -> AsyncIterator[tuple[int, PipelineEvent]]:
        """The events after number ``after``, from 1, until the pipeline has ended."""
        while True:
            moved = self._moved
            first = self._count - len(self._events)
            for number, event in list(islice(self._events, max(0, after - first), None)):
                yield number, event
                after = number
            if self.status is not HostedStatus.RUNNING and after >= self._count:
                return
            if after >= self._count:
                await moved.wait()

    async def cancel(self) -> bool:
        """Stop it; False where it had ended."""
        task = self._task
        if task is None or task.done():
            return False
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        # A task that is cancelled before its first step never gets to say so itself.
        if self.status is HostedStatus.RUNNING:
            self._end(HostedStatus.CANCELLED, "cancelled")
        return True

    def to_json(self) -> dict[str, Any]:
        """Status and progress."""
        return {
            "id": self.id,
            "name": self.graph.label or self.graph.id,
            "status": str(self.status),
            "reason": self.reason,
            "current_node": self.stages.current,
            "stages": dict(self.stages.states),
            "nodes": len(self.graph.nodes),
            "events": self._count,
            "questions": len(self.interviewer.pending()),
            "logs_root": str(self.run_dir),
        }


class PipelineHost:
    """Starts pipelines and keeps them by id, newest last.

    Args:
        root: Where run directories go.
        backend: What answers prompts; without one model stages are simulated.
        handlers: Handlers besides the built-in ones.
    """

    def __init__(
        self,
        root: Path,
        *,
        backend: BackendLike | None = None,
        handlers: HandlerRegistry | Mapping[str, Handler] | None = None,
    ) -> None:
        self._root, self._backend, self._handlers = root, backend, handlers
        self.pipelines: dict[str, HostedPipeline] = {}

    def submit(self, source: str, values: Mapping[str, Any] | None = None) -> HostedPipeline:
        """Parse, check and start a pipeline.

        Raises:
            DotSyntaxError: The source cannot be parsed.
            ValidationError: The pipeline has errors.
        """
        graph = parse_dot(source)
        ident = uuid.uuid4().hex[:12]
        hosted = HostedPipeline(ident, graph, self._root / ident)
        runner = PipelineRunner(
            backend=self._backend, handlers=self._handlers, interviewer=hosted.interviewer
        )
        runner.prepare(graph)
        hosted.context.apply_updates({**(values or {}), "internal.run_id": ident})
        write_text(hosted.run_dir / "pipeline.dot", source)
        self.pipelines[ident] = hosted
        hosted.start(runner)
        return hosted

    async def close(self) -> None:
        """Stop everything."""
        for hosted in self.pipelines.values():
            await hosted.cancel()
