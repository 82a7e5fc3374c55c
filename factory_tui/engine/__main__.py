"""The process of one run: ``python -m factory_tui.engine FACTORY RUN``."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from factory_tui.attractor import (
    CheckpointError,
    DotSyntaxError,
    ValidationError,
    load_checkpoint,
)
from factory_tui.config import ConfigError, Settings, load
from factory_tui.engine.launch import run_lock
from factory_tui.engine.loop import Loop
from factory_tui.engine.models import same_family_warning
from factory_tui.engine.pipeline import run_factory_pipeline
from factory_tui.engine.places import Places
from factory_tui.engine.runtime import Runtime, Stopped
from factory_tui.store import Store, StoreError
from factory_tui.text import clean
from factory_tui.trials import HarnessFault

__all__ = ["main"]

ENDED = ("satisfied", "unsatisfied", "stopped", "failed")
LOCK_PATIENCE = 20.0


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
            loop = Loop(runtime, Places(runtime))
            if ended:
                await _only_retries(runtime, loop)
                return
            runtime.emit(
                "run.started",
                {
                    "pid": store.run(run_id).pid,
                    "tier": dict(runtime.pool.tier),
                    "resumed": row.status != "starting",
                    "judge_same_family": runtime.judge_same_family,
                },
            )
            if runtime.judge_same_family and row.status == "starting":
                text = same_family_warning(settings.models)
                runtime.emit("note", {"text": text, "level": "warning"})
            store.update_run(run_id, tier=str(runtime.pool.tier.get("letter", "")))
            runtime.pausing.tell_again()
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
    work = asyncio.create_task(loop.wishes(until_idle=True))
    waiting: set[asyncio.Future[Any]] = {work, runtime.stop}
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    if not work.done():
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        return
    await work


def _reopened(settings: Settings, store: Store, run_id: str) -> bool:
    """Whether the engineer wants a run that ended without success to go on.

    A pipeline that had come to its end then starts over; the store knows what is done, so nothing
    is done twice.
    """
    wanted = any(request.verb == "resume" for request in store.pending(run_id))
    if not wanted or store.run(run_id).status == "satisfied":
        return False
    # One that was stopped in the middle goes on from there, with the conversation it had.
    place = settings.runs / run_id / "pipeline"
    try:
        over = load_checkpoint(place).final is not None
    except (FileNotFoundError, CheckpointError):
        over = True
    if over:
        (place / "checkpoint.json").unlink(missing_ok=True)
    store.update_run(run_id, status="running", finished_ms=None)
    return True


async def _until_done(runtime: Runtime, loop: Loop) -> None:
    work = asyncio.create_task(_pipeline(runtime, loop))
    retries = asyncio.create_task(loop.wishes())
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
    _lay_out(runtime, loop)
    try:
        result = await run_factory_pipeline(loop)
    except (DotSyntaxError, ValidationError) as error:
        return f"the pipeline cannot be run: {error}"
    if not result.status.ok:
        return result.failure_reason
    await loop.final()
    await loop.wishes(until_idle=True)
    return ""


def _lay_out(runtime: Runtime, loop: Loop) -> None:
    """Fill the workspace from an existing code base, if the run starts from one.

    A copy that was cut off is made anew.
    """
    main = loop.places.main()
    if runtime.store.place(runtime.run_id, "") or runtime.store.iterations(runtime.run_id):
        return
    if not runtime.options.seed_from:
        main.save(tree=runtime.workspace.snapshot())
        return
    for entry in runtime.workspace.root.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    files = runtime.workspace.seed_from(Path(runtime.options.seed_from))
    text = f"the workspace starts from {files} files of {runtime.options.seed_from}"
    runtime.emit("note", {"text": text, "level": "info"})
    main.save(tree=runtime.workspace.snapshot())


def _finish(runtime: Runtime, status: str, detail: str) -> None:
    now = int(time.time() * 1000)
    data = {"status": status, "detail": detail, "iteration": runtime.iteration}
    with runtime.store.transaction():
        runtime.emit("run.finished", data)
        runtime.store.update_run(runtime.run_id, status=status, finished_ms=now, pid=None)


def _tell(store: Store, run_id: str, detail: str) -> None:
    """Journal why the process ends, if there is still a way to."""
    try:
        with store.transaction():
            store.append(run_id, "harness.fault", {"where": "engine", "detail": detail})
            store.append(run_id, "run.paused", {"reason": "harness", "detail": detail})
            store.update_run(run_id, status="paused", pid=None)
    except StoreError as error:  # a full disk, or somebody deleted the run
        print(f"{error} The run is kept as it is; resume goes on with it.", file=sys.stderr)


def main(arguments: list[str]) -> int:
    """Entry of the process; what goes wrong is in the journal and in ``engine.log``."""
    folder, run_id = Path(arguments[0]), arguments[1]
    try:
        settings = load(folder)
        store = Store.open(settings.store)
    except (ConfigError, StoreError) as error:
        print(error, file=sys.stderr)
        return 2
    # The one before may be about to end: what was asked of it meanwhile is ours.
    with store, run_lock(settings.runs / run_id, LOCK_PATIENCE) as mine:
        if not mine:
            return 0
        try:
            asyncio.run(carry_out(settings, store, run_id))
        except Exception as error:
            # Nothing is lost: the store holds every turn, and the run can be resumed.
            traceback.print_exc()
            said = (
                str(error) if isinstance(error, StoreError) else f"{type(error).__name__}: {error}"
            )
            _tell(store, run_id, clean(f"the engine failed: {said}"))
            return 4
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
