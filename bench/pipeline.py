"""What the pipeline engine costs beside the work of its handlers: 1,000 nodes in a row."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from factory_tui.attractor import (
    CodergenHandler,
    Context,
    Graph,
    Handler,
    Node,
    Outcome,
    load_checkpoint,
    parse_dot,
    run_pipeline,
    to_dot,
    validate,
)
from factory_tui.attractor.handlers.codergen import BackendLike

NODES = 1000
ROUNDS = 3


def source(nodes: int = NODES) -> str:
    """A pipeline with a prompt and a label on every node, and a condition on every edge."""
    names = [f"stage_{number}" for number in range(nodes)]
    declared = "\n".join(
        f'    {name} [label="Stage {name}", prompt="Work on $goal, part {name}", class="code"]'
        for name in names
    )
    edges = "\n".join(
        f'    {one} -> {other} [condition="outcome=success", weight=1]'
        for one, other in zip(["start", *names], [*names, "exit"], strict=True)
    )
    return (
        'digraph bench {\n    graph [goal="the goal", model_stylesheet="* { llm_model: m }"]\n'
        f"    start [shape=Mdiamond]\n    exit [shape=Msquare]\n{declared}\n{edges}\n}}\n"
    )


class Timed:
    """A handler that counts the time another one takes."""

    def __init__(self, inner: CodergenHandler) -> None:
        self.inner, self.seconds = inner, 0.0

    async def execute(self, node: Node, context: Context, graph: Graph, run_dir: Path) -> Outcome:
        began = time.perf_counter()
        try:
            return await self.inner.execute(node, context, graph, run_dir)
        finally:
            self.seconds += time.perf_counter() - began


class Nothing:
    """A handler that does nothing: what remains is the engine."""

    def execute(self, node: Node, context: Context, graph: Graph, run_dir: Path) -> Outcome:
        return Outcome()


async def _instant(node: Node, prompt: str, context: Context) -> str:
    return "done"


async def _model(node: Node, prompt: str, context: Context) -> str:
    # A tenth of the fastest real call.
    await asyncio.sleep(0.02)
    return "done"


def _run(graph: Graph, handler: Handler) -> tuple[float, int]:
    with tempfile.TemporaryDirectory(prefix="bench-pipeline-") as folder:
        began = time.perf_counter()
        outcome = asyncio.run(
            run_pipeline(graph, handlers={"codergen": handler}, run_dir=Path(folder))
        )
        spent = time.perf_counter() - began
        assert outcome.status.ok and len(load_checkpoint(folder).completed_nodes) == NODES + 2
        size = (Path(folder) / "checkpoint.json").stat().st_size
    return spent, size


def _floor() -> float:
    """Seconds to make a thousand directories and write what a stage writes, with nothing else."""
    with tempfile.TemporaryDirectory(prefix="bench-pipeline-") as folder:
        began = time.perf_counter()
        for number in range(NODES):
            place = Path(folder) / str(number)
            place.mkdir()
            for name in ("prompt.md", "response.md", "status.tmp", "checkpoint.tmp"):
                (place / name).write_bytes(b"x" * 300)
            (place / "status.tmp").replace(place / "status.json")
            (place / "checkpoint.tmp").replace(Path(folder) / "checkpoint.json")
        return time.perf_counter() - began


def _median(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(ROUNDS))


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _beside_handlers(graph: Graph, backend: BackendLike, rounds: int) -> tuple[float, float]:
    """Seconds of a run and of its handlers, from the round with the best ratio."""
    measured = []
    for _ in range(rounds):
        handler = Timed(CodergenHandler(backend))
        measured.append((_run(graph, handler)[0], handler.seconds))
    return min(measured, key=lambda pair: pair[0] / pair[1])


def main() -> None:
    text = source()
    graph = parse_dot(text)
    parse = _median(lambda: _timed(lambda: parse_dot(text)))
    lint = _median(lambda: _timed(lambda: validate(graph)))
    write = _median(lambda: _timed(lambda: to_dot(graph)))
    print(f"{NODES} nodes, {len(graph.edges)} edges, {len(text) / 1024:.0f} KiB of DOT")
    print(
        f"  parse {parse * 1e3:7.0f} ms   lint {lint * 1e3:5.0f} ms   write {write * 1e3:5.0f} ms"
    )

    floor = _median(_floor)
    bare, size = min(_run(graph, Nothing()) for _ in range(ROUNDS))
    print(f"  run, handlers that do nothing     {bare:6.2f} s  {bare / NODES * 1e3:5.2f} ms a node")
    print(f"  (the files of a run by themselves {floor:6.2f} s; checkpoint {size / 1024:.0f} KiB)")
    for name, backend, rounds in (("at once", _instant, ROUNDS), ("after 20 ms", _model, 1)):
        spent, inside = _beside_handlers(graph, backend, rounds)
        print(
            f"  run, model answers {name:12}   {spent:6.2f} s, of it in handlers {inside:6.2f} s:"
            f" × {spent / inside:.2f}"
        )


if __name__ == "__main__":
    main()
