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
PIPELINES = Path(__file__).resolve().parents[1] / "pipelines"


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[bool]:
    """Whether this process is the run's only engine; the kernel drops the lock if it dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "engine.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


def pipeline_source(settings: Settings) -> str:
    """The text of the run's pipeline: a shipped one by name, or a file of the factory."""
    own = settings.folder / settings.pipeline
    path = own if settings.pipeline.endswith(".dot") else PIPELINES / f"{settings.pipeline}.dot"
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise HarnessFault(f"the pipeline {path} cannot be read: {error}") from error


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
            runtime.emit(
                "run.started",
                {
                    "pid": store.run(run_id).pid,
                    "tier": dict(runtime.pool.tier),
                    "resumed": row.status != "starting",
                },
            )
            store.update_run(run_id, tier=str(runtime.pool.tier.get("letter", "")))
            loop = Loop(runtime)
            if ended:
                await loop.retries(until_idle=True)
                return
            if not runtime.gate.reasons:
                store.update_run(run_id, status="running")
            await _until_done(runtime, loop)
    except HarnessFault as fault:
        _finish(runtime, "failed", str(fault))


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
    result = await run_pipeline(
        parse_dot(pipeline_source(runtime.settings)),
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
