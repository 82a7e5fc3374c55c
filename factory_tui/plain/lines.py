"""One event as one line of text, or as one JSON object."""

from __future__ import annotations

import json

from factory_tui.events import Event
from factory_tui.state import RunState, describe
from factory_tui.state import format as fmt

__all__ = ["as_json", "as_line", "closing", "opening"]


def as_line(event: Event) -> str:
    """``09:00:52  3.4  tool   edit_file rollcall +18 −6  (6ms)``: never more than one line."""
    entry = describe(event)
    turn = event.data.get("turn")
    place = f"{event.iteration}.{turn}" if turn else str(event.iteration or "-")
    figure = f"  ({entry.right})" if entry.right else ""
    return f"{fmt.clock(event.ts_ms)}  {place:<5} {entry.label:<7}  {entry.text}{figure}"


def as_json(event: Event) -> str:
    """The event as the journal has it: seq, ts_ms, run, kind, iteration, scenario, trial, data."""
    return json.dumps(
        {
            "seq": event.seq,
            "ts_ms": event.ts_ms,
            "run": event.run_id,
            "kind": event.kind,
            "iteration": event.iteration,
            "scenario": event.scenario,
            "trial": event.trial,
            "data": dict(event.data),
        },
        ensure_ascii=False,
    )


def opening(run: RunState) -> list[str]:
    """What a reader must know before the first line."""
    lines = [f"run {run.run_id}: {run.name}, {run.spec_path}, target {fmt.percent(run.target)}"]
    if run.recorded:
        lines.append(
            "RECORDED: the model's words are played back (tokens estimated, dollars illustrative)"
        )
    return lines


def closing(run: RunState) -> str:
    """How it stands: scores, spend, and what fails."""
    parts = [run.status if not run.detail else f"{run.status} ({run.detail})"]
    latest = run.latest
    if latest is not None:
        for name, score in (("train", latest.train), ("holdout", latest.holdout)):
            if score.rate is not None:
                reach = fmt.interval(score.low, score.high)
                parts.append(f"{name} {fmt.percent(score.rate)} [{reach}] n={score.trials}")
    about = "≈" if run.spend.estimated else ""
    parts.append(f"{about}{fmt.tokens(run.spend.tokens)} tokens {fmt.money(run.spend.known_usd)}")
    failing = [row.scenario.id for row in run.grid.rows() if row.status in ("fail", "flaky")]
    if failing:
        parts.append(f"failing: {', '.join(failing)}")
    return f"run {run.run_id}: " + " · ".join(parts)
