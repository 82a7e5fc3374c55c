"""The runner: a set of handlers, transforms, rules and observers that pipelines are run with."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from pathlib import Path

from factory_tui.attractor.branches import Branches
from factory_tui.attractor.context import Context
from factory_tui.attractor.events import PipelineEvent
from factory_tui.attractor.handlers import (
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
from factory_tui.attractor.model import Graph
from factory_tui.attractor.outcome import Outcome
from factory_tui.attractor.retry import BackoffConfig
from factory_tui.attractor.run import PipelineOutcome, Run
from factory_tui.attractor.stages import Stages
from factory_tui.attractor.transforms import TransformLike, apply_transforms

__all__ = ["PipelineRunner", "run_pipeline"]


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
        self._backend, self._backoff, self._sleep = backend, backoff, sleep
        self._streams: list[asyncio.Queue[PipelineEvent | None]] = []
        self.registry = HandlerRegistry()
        self._stages = Stages(self.registry, self._emit, backoff, sleep)
        self._register_built_in(interviewer or AutoApproveInterviewer())
        given = handlers.handlers if isinstance(handlers, HandlerRegistry) else handlers or {}
        for type_string, handler in given.items():
            self.registry.register(type_string, handler)
        if isinstance(handlers, HandlerRegistry) and handlers.default_handler is not None:
            self.registry.default_handler = handlers.default_handler

    def _register_built_in(self, interviewer: Interviewer) -> None:
        register, backend = self.registry.register, self._backend
        codergen = CodergenHandler(backend)
        register("start", StartHandler())
        register("exit", ExitHandler())
        register("codergen", codergen)
        register("conditional", ConditionalHandler())
        register("wait.human", WaitForHumanHandler(interviewer, self._emit))
        register("parallel", ParallelHandler(Branches(self._stages).run, self._emit))
        register("parallel.fan_in", FanInHandler(backend))
        register("tool", ToolHandler())
        register("stack.manager_loop", ManagerLoopHandler(self._run_child, backend=backend))
        self.registry.default_handler = codergen

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

    def prepare(self, graph: Graph) -> Graph:
        """The graph as it will run: transformed and found free of errors.

        Raises:
            ValidationError: The pipeline has errors.
        """
        graph = apply_transforms(graph, self._transforms)
        validate_or_raise(graph, self._rules, known_types=self.registry.types())
        return graph

    async def run(
        self,
        graph: Graph,
        context: Context | None = None,
        *,
        run_dir: Path | str | None = None,
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
        graph = self.prepare(graph)
        if run_dir is None:
            run_dir = await asyncio.to_thread(tempfile.mkdtemp, prefix="pipeline-")
        context = context if context is not None else Context()
        try:
            return await Run(self._stages, graph, context, Path(run_dir)).execute(resume)
        finally:
            for queue in self._streams:
                queue.put_nowait(None)

    async def _run_child(
        self, graph: Graph, run_dir: Path, observe: Callable[[PipelineEvent], None]
    ) -> Outcome:
        """Run a manager's child with the same handlers, but its own observer and directory."""
        child = PipelineRunner(
            backend=self._backend,
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


async def run_pipeline(
    graph: Graph,
    context: Context | None = None,
    *,
    handlers: HandlerRegistry | Mapping[str, Handler] | None = None,
    backend: BackendLike | None = None,
    llm_callback: BackendLike | None = None,
    interviewer: Interviewer | None = None,
    run_dir: Path | str | None = None,
    logs_root: Path | str | None = None,
    on_event: Callable[[PipelineEvent], None] | None = None,
    resume: bool = False,
    transforms: Iterable[TransformLike] = (),
    rules: Iterable[LintRule] = (),
    backoff: BackoffConfig | None = None,
) -> PipelineOutcome:
    """Run a pipeline; see `PipelineRunner` and `PipelineRunner.run` for the arguments.

    ``llm_callback`` and ``logs_root`` are the specification's names of ``backend`` and
    ``run_dir``.
    """
    runner = PipelineRunner(
        handlers=handlers,
        backend=backend or llm_callback,
        interviewer=interviewer,
        on_event=on_event,
        transforms=transforms,
        rules=rules,
        backoff=backoff,
    )
    return await runner.run(graph, context, run_dir=run_dir or logs_root, resume=resume)
