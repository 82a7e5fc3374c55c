"""The process of one run: ``python -m factory_tui.engine FACTORY RUN``."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from factory_tui.attractor import (
    Context,
    Graph,
    Node,
    Outcome,
    PipelineEvent,
    StageCompleted,
    StageFailed,
    StageStarted,
    parse_dot,
    run_pipeline,
)
from factory_tui.config import ConfigError, Settings, load
from factory_tui.engine.loop import Loop
from factory_tui.engine.runtime import Runtime, Stopped
from factory_tui.store import Store, StoreError
from factory_tui.trials import HarnessFault

__all__ = ["main"]

ENDED = ("satisfied", "unsatisfied", "stopped", "failed")
Execute = Callable[[Node, Context, Graph, Path], Awaitable[Outcome]]
LOCK_PATIENCE = 20.0
PIPELINES = Path(__file__).resolve().parents[1] / "pipelines"


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[bool]:
    """Whether this process is the run's only engine; the kernel drops the lock if it dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "engine.lock").open("w") as lock:
        end = time.monotonic() + LOCK_PATIENCE
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                # The one before may be about to end: what was asked of it meanwhile is ours.
                if time.monotonic() > end:
                    yield False
                    return
                time.sleep(0.2)
        yield True


def pipeline_source(settings: Settings) -> str:
    """The text of the run's pipeline: a shipped one by name, or a file of the factory."""
    own = settings.folder / settings.pipeline
    path = own if settings.pipeline.endswith(".dot") else PIPELINES / f"{settings.pipeline}.dot"
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise HarnessFault(f"the pipeline {path} cannot be read: {error}") from error


def refuse_unconfined(graph: Graph) -> None:
    """Refuse what would run on the host, or work on one workspace from two sides.

    Raises:
        HarnessFault: the pipeline is not one for a factory; the sentence names the node.
    """
    for node in graph.nodes.values():
        kind = node.type or node.handler_type
        hooked = any(str(key).startswith("tool_hooks") for key in node.attrs)
        if kind in ("tool", "stack.manager_loop") or hooked:
            raise HarnessFault(
                f"pipeline node {node.id!r} runs a command on the host; in a factory only the "
                "builder and the trials run commands, in boxes: remove the node"
            )
        if kind == "parallel":
            raise HarnessFault(
                f"pipeline node {node.id!r} works in parallel, and a run has one workspace: "
                "put its builders one after the other"
            )
    if any(str(key).startswith("tool_hooks") for key in graph.attrs):
        raise HarnessFault("the pipeline's tool_hooks run commands on the host: remove them")


async def carry_out(settings: Settings, store: Store, run_id: str) -> None:
    """Carry out a run until it ends, is stopped, or is suspended."""
    runtime = Runtime(settings, store, run_id)
    row = store.run(run_id)
    ended = row.status in ENDED and not _reopened(settings, store, run_id)
    runtime.ended = ended
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, runtime.suspend)
    try:
        async with runtime.open():
            loop = Loop(runtime)
            if ended:
                await _only_retries(runtime, loop)
                return
            runtime.emit(
                "run.started",
                {
                    "pid": store.run(run_id).pid,
                    "tier": dict(runtime.pool.tier),
                    "resumed": row.status != "starting",
                },
            )
            store.update_run(run_id, tier=str(runtime.pool.tier.get("letter", "")))
            for reason in sorted(runtime.gate.reasons):
                runtime.emit("run.paused", {"reason": reason, "detail": "as before"})
            if not runtime.gate.reasons:
                store.update_run(run_id, status="running")
            await _until_done(runtime, loop)
    except HarnessFault as fault:
        if ended:
            runtime.emit("harness.fault", {"where": "retry", "detail": str(fault)})
        elif row.status == "starting":
            _finish(runtime, "failed", str(fault))
        else:
            runtime.pause("harness", str(fault))


async def _only_retries(runtime: Runtime, loop: Loop) -> None:
    """Perform the trials asked for on a run that has ended, or stop when told to."""
    work = asyncio.create_task(loop.retries(until_idle=True))
    waiting: set[asyncio.Future[Any]] = {work, runtime.stop}
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    if not work.done():
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        return
    await work


def _reopened(settings: Settings, store: Store, run_id: str) -> bool:
    """Whether the engineer wants a run that ended without success to go on.

    Its pipeline then starts over; the store knows what is done, so nothing is done twice.
    """
    wanted = any(request.verb == "resume" for request in store.pending(run_id))
    if not wanted or store.run(run_id).status == "satisfied":
        return False
    (settings.runs / run_id / "pipeline" / "checkpoint.json").unlink(missing_ok=True)
    store.update_run(run_id, status="running", finished_ms=None)
    return True


async def _until_done(runtime: Runtime, loop: Loop) -> None:
    work = asyncio.create_task(_pipeline(runtime, loop))
    retries = asyncio.create_task(loop.retries())
    waiting: set[asyncio.Future[Any]] = {work, runtime.stop}
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    retries.cancel()
    if not work.done():
        work.cancel()
        await asyncio.gather(work, retries, return_exceptions=True)
        stopped: Stopped = runtime.stop.result()
        if stopped.resumable:
            if not runtime.gate.reasons:
                runtime.pause("user", "its process was told to end; resume starts it again")
            runtime.store.update_run(runtime.run_id, status="paused", pid=None)
        else:
            _finish(runtime, "stopped", "by the engineer")
        return
    await asyncio.gather(retries, return_exceptions=True)
    failure = work.result()
    if failure and not loop.satisfied:
        _finish(runtime, "failed", failure)
        return
    _finish(runtime, "satisfied" if loop.satisfied else "unsatisfied", "")


async def _pipeline(runtime: Runtime, loop: Loop) -> str:
    """Run the pipeline to its end; returns why it failed, or ""."""
    await runtime.gate.wait()
    _lay_out(runtime)
    run_dir = runtime.folder / "pipeline"
    graph = parse_dot(pipeline_source(runtime.settings))
    refuse_unconfined(graph)
    result = await run_pipeline(
        graph,
        handlers={
            "factory.validate": _Handler(loop.validate),
            "factory.learn": _Handler(loop.learn),
        },
        backend=loop,
        run_dir=run_dir,
        on_event=lambda event: _journal(runtime, event),
        resume=True,
    )
    return "" if result.status.ok else result.failure_reason


class _Handler:
    """A node handler from a coroutine function of the loop."""

    def __init__(self, execute: Execute) -> None:
        self._execute = execute

    async def execute(self, node: Node, context: Context, graph: Graph, run_dir: Path) -> Outcome:
        """Run the node."""
        return await self._execute(node, context, graph, run_dir)


def _journal(runtime: Runtime, event: PipelineEvent) -> None:
    """What viewers see of the pipeline: which node is live, and how it ended."""
    if isinstance(event, StageStarted):
        runtime.emit("node.entered", {"node": event.name, "handler": event.handler})
    elif isinstance(event, StageCompleted):
        left = {"node": event.name, "status": event.status, "notes": event.notes}
        runtime.emit("node.left", left)
    elif isinstance(event, StageFailed):
        left = {"node": event.name, "status": "fail", "notes": event.error}
        runtime.emit("node.left", left)


def _lay_out(runtime: Runtime) -> None:
    """Fill the workspace from an existing code base, if the run starts from one.

    As long as no iteration has begun, a copy that was cut off is made anew.
    """
    if not runtime.options.seed_from or runtime.store.iterations(runtime.run_id):
        return
    for entry in runtime.workspace.root.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    files = runtime.workspace.seed_from(Path(runtime.options.seed_from))
    text = f"the workspace starts from {files} files of {runtime.options.seed_from}"
    runtime.emit("note", {"text": text, "level": "info"})


def _finish(runtime: Runtime, status: str, detail: str) -> None:
    now = int(time.time() * 1000)
    data = {"status": status, "detail": detail, "iteration": runtime.iteration}
    with runtime.store.transaction():
        runtime.emit("run.finished", data)
        runtime.store.update_run(runtime.run_id, status=status, finished_ms=now, pid=None)


def main(arguments: list[str]) -> int:
    """Entry of the process; what goes wrong is in the journal and in ``engine.log``."""
    folder, run_id = Path(arguments[0]), arguments[1]
    try:
        settings = load(folder)
        store = Store.open(settings.store)
    except (ConfigError, StoreError) as error:
        print(error, file=sys.stderr)
        return 2
    with store, only_one(settings.runs / run_id) as mine:
        if not mine:
            return 0
        try:
            asyncio.run(carry_out(settings, store, run_id))
        except Exception as error:
            # Nothing is lost: the store holds every turn, and the run can be resumed.
            traceback.print_exc()
            detail = f"the engine failed: {type(error).__name__}: {error}"
            store.append(run_id, "harness.fault", {"where": "engine", "detail": detail})
            store.append(run_id, "run.paused", {"reason": "harness", "detail": detail})
            store.update_run(run_id, status="paused", pid=None)
            return 4
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
