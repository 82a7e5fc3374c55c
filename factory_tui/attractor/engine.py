"""Running a pipeline from node to node. Section 3 of the Attractor specification.

A run's whole state lies between two nodes and is on disk then, as a `Checkpoint`; where to go
next follows from it alone. So going on after a crash is the same code as going on.
"""

import asyncio
import inspect
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from factory_tui.attractor import events
from factory_tui.attractor.checkpoint import Checkpoint, load_checkpoint
from factory_tui.attractor.context import Context
from factory_tui.attractor.events import PipelineEvent
from factory_tui.attractor.fidelity import (
    FidelityMode,
    preamble,
    resolve_fidelity,
    resolve_thread,
)
from factory_tui.attractor.files import read_json, write_json
from factory_tui.attractor.handlers import (
    BranchResult,
    CodergenHandler,
    ConditionalHandler,
    ExitHandler,
    FanInHandler,
    Handler,
    HandlerRegistry,
    ManagerLoopHandler,
    ParallelHandler,
    StartHandler,
    ToolHandler,
    WaitForHumanHandler,
)
from factory_tui.attractor.handlers.codergen import BackendLike
from factory_tui.attractor.interviewer import AutoApproveInterviewer, Interviewer
from factory_tui.attractor.lint import LintRule, validate_or_raise
from factory_tui.attractor.model import Edge, Graph, Node, parse_integer
from factory_tui.attractor.outcome import Outcome, StageStatus, read_status, write_status
from factory_tui.attractor.retry import BackoffConfig, build_retry_policy, delay_for_attempt
from factory_tui.attractor.routing import (
    check_goal_gates,
    failure_target,
    gate_target,
    select_edge,
    select_failure_edge,
)
from factory_tui.attractor.transforms import TransformLike, apply_transforms

__all__ = ["PipelineOutcome", "PipelineRunner", "run_pipeline"]

_MAX_RESTARTS: Final = 100
_SAME_FAILURE_LIMIT: Final = 2


@dataclass(slots=True)
class PipelineOutcome(Outcome):
    """How a pipeline ended, and by what way."""

    completed_nodes: list[str] = field(default_factory=list)
    node_outcomes: dict[str, Outcome] = field(default_factory=dict)
    context: Context = field(default_factory=Context)
    run_dir: Path = field(default_factory=Path)


@dataclass(slots=True)
class _Trace:
    """The way through the graph so far: of the run, or of one branch of it."""

    context: Context
    completed: list[str] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    last: Outcome | None = None
    """What routing goes by: the outcome of the last node, as its edges saw it."""


@dataclass(slots=True)
class _Step:
    """Where to go: a node, how it is entered; or the end."""

    node: Node | None
    edge: Edge | None = None
    by_join: bool = False
    end: Outcome | None = None


_current_trace: ContextVar[_Trace] = ContextVar("current_trace")
"""The way whose node is being run, so that a parallel node's branches can report to it."""


class PipelineRunner:
    """Runs pipelines with a set of handlers.

    Args:
        handlers: Handlers by type, in addition to the built-in ones or in their place.
        backend: What answers the prompts of model stages; without one they are simulated.
        interviewer: Whom human gates ask; without one everything is approved.
        on_event: Called with every event, in order, before the run goes on.
        transforms: Custom transforms, applied after the built-in ones.
        rules: Custom lint rules.
        backoff: Waiting times between attempts of nodes that pick no preset.
        sleep: How to wait between attempts; tests hand in one that does not.
    """

    def __init__(
        self,
        *,
        handlers: HandlerRegistry | Mapping[str, Handler] | None = None,
        backend: BackendLike | None = None,
        interviewer: Interviewer | None = None,
        on_event: Callable[[PipelineEvent], None] | None = None,
        transforms: Iterable[TransformLike] = (),
        rules: Iterable[LintRule] = (),
        backoff: BackoffConfig | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.on_event = on_event
        self._transforms, self._rules = list(transforms), list(rules)
        self._backoff, self._sleep = backoff, sleep
        self._streams: list[asyncio.Queue[PipelineEvent | None]] = []
        codergen = CodergenHandler(backend)
        self.registry = HandlerRegistry(
            {
                "start": StartHandler(),
                "exit": ExitHandler(),
                "codergen": codergen,
                "conditional": ConditionalHandler(),
                "wait.human": WaitForHumanHandler(
                    interviewer or AutoApproveInterviewer(), self._emit
                ),
                "parallel": ParallelHandler(self._run_branch, self._emit),
                "parallel.fan_in": FanInHandler(backend),
                "tool": ToolHandler(),
                "stack.manager_loop": ManagerLoopHandler(self._run_child),
            },
            codergen,
        )
        given = handlers.handlers if isinstance(handlers, HandlerRegistry) else handlers or {}
        for type_string, handler in given.items():
            self.registry.register(type_string, handler)
        if isinstance(handlers, HandlerRegistry) and handlers.default_handler is not None:
            self.registry.default_handler = handlers.default_handler

    def register_transform(self, transform: TransformLike) -> None:
        """Add a transform, to be applied after those there are."""
        self._transforms.append(transform)

    def register_handler(self, type_string: str, handler: Handler) -> None:
        """Add a handler, replacing the one the type had."""
        self.registry.register(type_string, handler)

    def register_rule(self, rule: LintRule) -> None:
        """Add a lint rule."""
        self._rules.append(rule)

    async def events(self) -> AsyncIterator[PipelineEvent]:
        """The events of the coming run, until it ends; any number of readers."""
        queue: asyncio.Queue[PipelineEvent | None] = asyncio.Queue()
        self._streams.append(queue)
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._streams.remove(queue)

    def _emit(self, event: PipelineEvent) -> None:
        if self.on_event is not None:
            self.on_event(event)
        for queue in self._streams:
            queue.put_nowait(event)

    async def run(
        self,
        graph: Graph,
        context: Context | None = None,
        *,
        run_dir: Path | None = None,
        resume: bool = False,
    ) -> PipelineOutcome:
        """Run a pipeline to its end.

        Args:
            graph: A parsed pipeline; it is transformed and validated here and not changed.
            context: Values to begin with; the run works on this very object.
            run_dir: Where checkpoint, manifest and stage files go; a fresh temporary directory
                if not given.
            resume: Go on from the checkpoint in ``run_dir``, if there is one.

        Raises:
            ValidationError: The pipeline has errors.
            CheckpointError: The checkpoint to resume from is damaged.
        """
        graph = apply_transforms(graph, self._transforms)
        validate_or_raise(graph, self._rules, known_types=self.registry.types())
        if run_dir is None:
            run_dir = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="pipeline-"))
        run = _Run(self, graph, context if context is not None else Context(), run_dir)
        try:
            return await run.execute(resume)
        finally:
            for queue in self._streams:
                queue.put_nowait(None)

    async def _run_branch(
        self, start: str, context: Context, graph: Graph, run_dir: Path
    ) -> BranchResult:
        """Run a branch until the fan-in or exit its parallel node leads to."""
        before = context.snapshot()
        parent = _current_trace.get()
        trace = _Trace(context)
        region = graph.reachable(start)
        step = _Step(graph.nodes[start])
        outcome, previous, join = Outcome(), "", ""
        while (node := step.node) is not None:
            kind = self.registry.resolve_type(node)
            if node.is_terminal or (kind == "parallel.fan_in" and not step.by_join):
                join = node.id
                break
            outcome = await self._execute_node(node, trace, graph, run_dir, step.edge, previous)
            previous = node.id
            step = self._route(node, outcome, trace, graph)
            if step.node is not None and step.node.id not in region:
                step = _Step(None, end=outcome)
        if step.end is not None:
            outcome = step.end
        parent.completed.extend(trace.completed)
        parent.outcomes.update(trace.outcomes)
        changed = {
            key: value
            for key, value in context.snapshot().items()
            if before.get(key) != value and not key.startswith(("internal.", "current_node"))
        }
        return BranchResult(start, outcome, join, changed)

    async def _run_child(
        self, graph: Graph, run_dir: Path, observe: Callable[[PipelineEvent], None]
    ) -> Outcome:
        """Run a manager's child with the same handlers, but its own observer and directory."""
        child = PipelineRunner(
            on_event=observe,
            transforms=self._transforms,
            rules=self._rules,
            backoff=self._backoff,
            sleep=self._sleep,
        )
        own = ("parallel", "stack.manager_loop")
        for type_string, handler in self.registry.handlers.items():
            if type_string not in own:
                child.register_handler(type_string, handler)
        child.registry.default_handler = self.registry.default_handler
        return await child.run(graph, run_dir=run_dir, resume=True)

    async def _execute_node(
        self,
        node: Node,
        trace: _Trace,
        graph: Graph,
        run_dir: Path,
        edge: Edge | None,
        previous: str,
        degrade: bool = False,
    ) -> Outcome:
        """Run one node to its final outcome and merge that into the trace."""
        context = trace.context
        fidelity = resolve_fidelity(node, edge, graph)
        if degrade and fidelity is FidelityMode.FULL:
            fidelity = FidelityMode.SUMMARY_HIGH
        kind = self.registry.resolve_type(node)
        carried = preamble(fidelity, graph, context, trace.completed, trace.outcomes)
        context.apply_updates(
            {
                "current_node": node.id,
                "internal.fidelity": str(fidelity),
                "internal.thread_id": resolve_thread(node, edge, graph, previous),
                "internal.preamble": carried,
            }
        )
        token = _current_trace.set(trace)
        try:
            outcome = await self._attempts(node, kind, trace, graph, run_dir)
        finally:
            _current_trace.reset(token)
            context.pop("internal.preamble")
        trace.completed.append(node.id)
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

    async def _attempts(
        self, node: Node, kind: str, trace: _Trace, graph: Graph, run_dir: Path
    ) -> Outcome:
        """Run a node as often as its retry policy allows."""
        policy = build_retry_policy(node, graph, self._backoff)
        index = len(trace.completed)
        counter = f"internal.retry_count.{node.id}"
        attempt = 1
        while True:
            self._emit(events.StageStarted(node.id, index, kind))
            began = time.monotonic()
            outcome = await self._attempt(node, trace.context, graph, run_dir)
            spent = time.monotonic() - began
            if outcome.status not in (StageStatus.RETRY, StageStatus.FAIL):
                if trace.context.get(counter):
                    trace.context.set(counter, 0)
                self._emit(
                    events.StageCompleted(node.id, index, spent, str(outcome.status), outcome.notes)
                )
                return outcome
            again = attempt < policy.max_attempts and outcome.failure_class != "terminal"
            error = outcome.failure_reason or str(outcome.status)
            self._emit(events.StageFailed(node.id, index, error, again))
            if not again:
                outcome = _exhausted(node, outcome)
                write_status(run_dir / node.id, outcome)
                return outcome
            trace.context.set(counter, attempt)
            delay = delay_for_attempt(attempt, policy.backoff) / 1000
            attempt += 1
            self._emit(events.StageRetrying(node.id, index, attempt, delay))
            await self._sleep(delay)

    async def _attempt(self, node: Node, context: Context, graph: Graph, run_dir: Path) -> Outcome:
        """Run a node's handler once; whatever it does, an outcome comes back."""
        stage_dir = run_dir / node.id
        # What an earlier visit reported must not be taken for this one's report.
        (stage_dir / "status.json").unlink(missing_ok=True)
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
            retry = build_retry_policy(node, graph, self._backoff).should_retry(error)
            outcome = Outcome.fail(str(error) or type(error).__name__, terminal=not retry)
        write_status(stage_dir, outcome)
        return outcome

    def _route(self, node: Node, outcome: Outcome, trace: _Trace, graph: Graph) -> _Step:
        """Where a finished node leads."""
        kind = self.registry.resolve_type(node)
        failed = outcome.status is StageStatus.FAIL
        if kind == "parallel" and not failed:
            join = next(iter(outcome.suggested_next_ids), "")
            return _Step(graph.nodes.get(join), by_join=True)
        if failed and kind != "conditional":
            return self._route_failure(node, outcome, trace, graph, kind)
        edge = select_edge(node, outcome, trace.context, graph)
        if edge is not None:
            return _Step(graph.nodes[edge.to_node], edge)
        if failed:
            return _Step(None, end=outcome)
        return _Step(None)

    def _route_failure(
        self, node: Node, outcome: Outcome, trace: _Trace, graph: Graph, kind: str
    ) -> _Step:
        edge = None
        if kind != "parallel":
            edge = select_failure_edge(node, outcome, trace.context, graph)
        if edge is not None:
            return _Step(graph.nodes[edge.to_node], edge)
        if target := failure_target(node, graph):
            return _Step(graph.nodes[target])
        edge = select_edge(node, outcome, trace.context, graph) if kind != "parallel" else None
        if edge is not None:
            after = graph.nodes[edge.to_node]
            if self.registry.resolve_type(after) == "conditional":
                # A diamond is there to decide on the outcome before it, failures included.
                return _Step(after, edge)
        return _Step(None, end=outcome)


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
            notes="retries exhausted, partial accepted",
        )
    reason = "max retries exceeded"
    if outcome.failure_reason:
        reason += f": {outcome.failure_reason}"
    failed = Outcome.fail(reason)
    failed.context_updates = outcome.context_updates
    return failed


class _Run:
    """One run in its directory: the loop of section 3.2."""

    def __init__(self, runner: PipelineRunner, graph: Graph, context: Context, root: Path):
        self._runner, self._graph, self._root = runner, graph, root
        self._run_dir = root
        self._context = context
        self._state = Checkpoint()
        self._trace = _Trace(context)
        self._began = time.monotonic()

    async def execute(self, resume: bool) -> PipelineOutcome:
        resumed = resume and self._load()
        if not resumed:
            self._begin_fresh()
        emit = self._runner._emit
        name = self._graph.label or self._graph.id
        emit(events.PipelineStarted(name, self._context.get_string("internal.run_id"), resumed))
        final = self._state.final
        if final is None:
            final = await self._loop(resumed)
            self._state.final = final
            self._save()
        spent = time.monotonic() - self._began
        if final.status.ok:
            artifacts = self._run_dir / "artifacts"
            count = len(list(artifacts.iterdir())) if artifacts.is_dir() else 0
            emit(events.PipelineCompleted(spent, count))
        else:
            emit(events.PipelineFailed(final.failure_reason, spent))
        return PipelineOutcome(
            status=final.status,
            notes=final.notes,
            failure_reason=final.failure_reason,
            failure_class=final.failure_class,
            completed_nodes=list(self._trace.completed),
            node_outcomes=dict(self._trace.outcomes),
            context=self._context,
            run_dir=self._run_dir,
        )

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
        self._begin(start.id, initial, run_id, restarts=0)

    def _begin(self, start: str, values: Mapping[str, Any], run_id: str, restarts: int) -> None:
        """Set up an empty run that begins at a node, in the current run directory."""
        self._context.restore(values, [])
        for key, value in self._graph.attrs.items():
            self._context.set(
                f"graph.{key}", value if isinstance(value, str | int | float) else str(value)
            )
        self._context.set("graph.goal", self._graph.goal)
        self._context.set("internal.run_id", run_id)
        self._context.set("internal.restart_count", restarts)
        self._state = Checkpoint(start_at=start, restarts=restarts)
        self._trace = _Trace(self._context)
        self._save()

    def _load(self) -> bool:
        """Take up the newest checkpoint below the root; False where there is none."""
        try:
            state = load_checkpoint(self._root)
            while state.restarted_to:
                self._run_dir = self._root / state.restarted_to
                state = load_checkpoint(self._run_dir)
        except FileNotFoundError:
            self._run_dir = self._root
            return False
        self._state = state
        self._context.restore(state.context_values, state.logs)
        self._trace = _Trace(
            self._context,
            list(state.completed_nodes),
            dict(state.node_outcomes),
            state.last_outcome,
        )
        return True

    def _save(self, node_id: str = "") -> None:
        state = self._state
        state.completed_nodes = list(self._trace.completed)
        state.node_outcomes = dict(self._trace.outcomes)
        state.last_outcome = self._trace.last
        state.context_values = self._context.snapshot()
        state.logs = self._context.logs
        prefix = "internal.retry_count."
        state.node_retries = {
            key.removeprefix(prefix): int(value)
            for key, value in state.context_values.items()
            if key.startswith(prefix)
        }
        state.save(self._run_dir)
        if node_id:
            self._runner._emit(events.CheckpointSaved(node_id))

    async def _loop(self, resumed: bool) -> Outcome:
        degrade = resumed and self._state.degrade_next
        while True:
            # A pipeline that never waits for anything must still let itself be cancelled.
            await asyncio.sleep(0)
            step = self._next_step()
            if step.edge is not None and step.edge.loop_restart:
                assert step.node is not None
                if (refused := self._restart(step.node.id)) is not None:
                    return refused
                degrade = False
                continue
            node = step.node
            if node is None:
                return step.end or Outcome(notes="Pipeline completed")
            if node.is_terminal:
                gate = check_goal_gates(self._graph, self._trace.outcomes)
                if gate is not None:
                    target = gate_target(gate, self._graph)
                    if not target:
                        return Outcome.fail(f"Goal gate unsatisfied and no retry target: {gate.id}")
                    step = _Step(self._graph.nodes[target])
                    node = self._graph.nodes[target]
            outcome = await self._runner._execute_node(
                node,
                self._trace,
                self._graph,
                self._run_dir,
                step.edge,
                self._state.current_node,
                degrade,
            )
            degrade = False
            self._state.current_node = node.id
            self._state.degrade_next = (
                self._context.get_string("internal.fidelity") == FidelityMode.FULL
            )
            repeated = self._repeated(node, outcome)
            self._save(node.id)
            if repeated is not None:
                return repeated
            if node.is_terminal:
                return Outcome(notes="Pipeline completed")

    def _next_step(self) -> _Step:
        """Where the checkpoint leads."""
        state, graph = self._state, self._graph
        if not state.current_node:
            return _Step(graph.nodes[state.start_at])
        if state.current_node not in graph.nodes:
            reason = f"the checkpoint names {state.current_node!r}, which the pipeline lacks"
            return _Step(None, end=Outcome.fail(reason, terminal=True))
        node = graph.nodes[state.current_node]
        return self._runner._route(node, self._trace.last or Outcome(), self._trace, graph)

    def _repeated(self, node: Node, outcome: Outcome) -> Outcome | None:
        """Stop a cycle that fails the same deterministic way again."""
        if outcome.status is not StageStatus.FAIL or outcome.failure_class != "terminal":
            return None
        signature = f"{node.id}|{outcome.failure_reason}"
        seen = self._state.failure_signatures.get(signature, 0) + 1
        self._state.failure_signatures[signature] = seen
        if seen < _SAME_FAILURE_LIMIT:
            return None
        return Outcome.fail(
            f"{node.id} failed the same way {seen} times: {outcome.failure_reason}", terminal=True
        )

    def _restart(self, start: str) -> Outcome | None:
        """Begin anew in a fresh directory; gives an outcome where that was done too often."""
        count = self._state.restarts + 1
        try:
            limit = parse_integer(self._graph.attrs.get("max_restarts", _MAX_RESTARTS))
        except ValueError:
            limit = _MAX_RESTARTS
        if count > limit:
            return Outcome.fail(f"restarted {limit} times without reaching the exit")
        manifest = read_json(self._root / "manifest.json")
        old, old_dir = self._state, self._run_dir
        # What the old run ended with is in its own checkpoint already.
        old.restarted_to = f"restart-{count}"
        self._run_dir = self._root / old.restarted_to
        self._begin(start, manifest["context"], manifest["run_id"], count)
        # Only now does the old run point here: a crash before leaves it to be restarted again.
        old.save(old_dir)
        self._runner._emit(events.PipelineRestarted(start, count))
        return None


async def run_pipeline(
    graph: Graph,
    context: Context | None = None,
    *,
    handlers: HandlerRegistry | Mapping[str, Handler] | None = None,
    backend: BackendLike | None = None,
    interviewer: Interviewer | None = None,
    run_dir: Path | None = None,
    on_event: Callable[[PipelineEvent], None] | None = None,
    resume: bool = False,
    transforms: Iterable[TransformLike] = (),
    rules: Iterable[LintRule] = (),
    backoff: BackoffConfig | None = None,
) -> PipelineOutcome:
    """Run a pipeline; see `PipelineRunner` and `PipelineRunner.run` for the arguments."""
    runner = PipelineRunner(
        handlers=handlers,
        backend=backend,
        interviewer=interviewer,
        on_event=on_event,
        transforms=transforms,
        rules=rules,
        backoff=backoff,
    )
    return await runner.run(graph, context, run_dir=run_dir, resume=resume)
