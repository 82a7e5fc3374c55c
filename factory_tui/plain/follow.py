"""Print a run's journal until it ends or needs somebody, and say by exit code how it went."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TextIO

from factory_tui import process
from factory_tui.plain.lines import as_json, as_line, closing, opening
from factory_tui.state import RunState
from factory_tui.store import Store

__all__ = ["EXIT_CODES", "exit_code", "follow"]

EXIT_CODES: Final = {
    "satisfied": 0,
    "unsatisfied": 1,
    "stopped": 1,
    "failed": 4,
}
"""Exit code of each final status. Bad input is 2 (the command line finds that), 3 below."""

BUDGET_EXHAUSTED: Final = 3
HARNESS_FAILURE: Final = 4

_PAGE: Final = 500


def exit_code(run: RunState) -> int | None:
    """What a run that stands like this means to a script; None while it may still go on.

    A run paused for its budget, or because no model or harness answers, waits for a person, and
    a script has none; one that a person paused goes on when that person says so.
    """
    if run.finished:
        return EXIT_CODES[run.status]
    if run.status == "paused":
        if run.pause_reason in ("budget", "overbilled"):
            return BUDGET_EXHAUSTED
        if run.pause_reason in ("model", "harness"):
            return HARNESS_FAILURE
    return None


def follow(
    store: Store,
    run_id: str,
    *,
    json: bool = False,
    out: TextIO,
    poll_s: float = 0.2,
    sleep: Callable[[float], None] = time.sleep,
    alive: Callable[[int | None, int | None], bool] = process.alive,
) -> int:
    """Print every event of a run, the past ones first, as they come.

    Args:
        store: where the run is.
        run_id: the run.
        json: one JSON object per line instead of text.
        out: where lines go; flushed whenever nothing more waits.
        poll_s: seconds between two looks.
        sleep: waits that long.
        alive: says of (pid, start time) whether the engine's process exists.

    Returns:
        0 satisfied, 1 not satisfied (or stopped), 3 budget exhausted, 4 harness failure.

    Raises:
        UnknownRun: there is no such run.
    """
    run, cursor, opened = RunState(run_id), 0, False
    while True:
        # Asked before reading: an engine that ended since has journaled everything by now.
        row = store.run(run_id)
        running = alive(row.pid, row.pid_started)
        found = 0
        while events := store.events(after=cursor, run_id=run_id, limit=_PAGE):
            for event in events:
                run.apply(event)
                if not opened and not json:
                    opened = True
                    _write(out, opening(run))
                out.write((as_json(event) if json else as_line(event)) + "\n")
            cursor = events[-1].seq
            found += len(events)
        out.flush()
        code = exit_code(run)
        if code is None and not running and not found:
            code = HARNESS_FAILURE if run.status != "paused" else EXIT_CODES["unsatisfied"]
            if not json:
                _write(out, [f"run {run_id}: the engine is not running"])
        # A request that the engine has not seen yet may change everything.
        if code is not None and not (running and store.pending(run_id)):
            if not json:
                _write(out, [closing(run)])
            return code
        sleep(poll_s)


def _write(out: TextIO, lines: list[str]) -> None:
    out.writelines(f"{line}\n" for line in lines)
    out.flush()
