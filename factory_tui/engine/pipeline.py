"""A factory's pipeline on the attractor: its file, its handlers, its events."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from factory_tui.attractor import (
    Graph,
    Outcome,
    PipelineEvent,
    PipelineRunner,
    apply_transforms,
)
from factory_tui.engine.dotfile import PIPELINES, pipeline_path, read_pipeline
from factory_tui.engine.loop import Loop
from factory_tui.engine.nodes import BoxTool, Keep, Plain, Supervise
from factory_tui.engine.tracking import Tracker
from factory_tui.engine.where import FRAME

__all__ = ["run_factory_pipeline"]


async def run_factory_pipeline(loop: Loop) -> Outcome:
    """Run the factory's pipeline to its end, or go on with it.

    Raises:
        HarnessFault: it cannot be read.
        DotSyntaxError, ValidationError: it is not a pipeline that can be run.
    """
    runtime = loop.runtime
    path = pipeline_path(runtime.settings)
    tracker = Tracker(runtime, loop.places)
    questions = runtime.questions
    graph = read_pipeline(path)

    def runner(shown: Graph, file: str, observe: Callable[[PipelineEvent], None]) -> PipelineRunner:
        def on_event(event: PipelineEvent) -> None:
            tracker(event, shown, file)
            observe(event)

        made = PipelineRunner(backend=loop, interviewer=questions, on_event=on_event)
        made.register_handler("factory.validate", Plain(loop.validate))
        made.register_handler("factory.learn", Plain(loop.learn))
        made.register_handler("tool", BoxTool(loop))
        made.register_handler("parallel.fan_in", Keep(loop))
        made.register_handler("stack.manager_loop", Supervise(loop, run_child, PIPELINES))
        return made

    def prepare(raw: Graph, file: str, observe: Callable[[PipelineEvent], None]) -> PipelineRunner:
        shown = apply_transforms(raw)
        pipeline = FRAME.get().pipeline
        loop.graphs[pipeline] = shown
        for node in shown.nodes.values():
            if node.handler_type == "wait.human":
                ways = [(e.label or e.to_node, e.to_node) for e in shown.outgoing_edges(node.id)]
                questions.learn(pipeline, node, ways)
        return runner(shown, file, observe)

    async def run_child(
        child: Graph, run_dir: Path, observe: Callable[[PipelineEvent], None], file: str
    ) -> Outcome:
        return await prepare(child, file, observe).run(child, run_dir=run_dir, resume=True)

    made = prepare(graph, path.name, lambda event: None)
    made.prepare(graph)
    return await made.run(graph, run_dir=runtime.folder / "pipeline", resume=True)
