"""One journal event as one readable line, and as the text that explains it in full.

The trajectory stream, the activity stream and the plain output all say the same things, so
the words are chosen here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from factory_tui.events import KINDS, Event
from factory_tui.state import format as fmt
from factory_tui.state.grid import GLYPHS, Score
from factory_tui.state.spend import decimal

__all__ = ["ERROR_KINDS", "PAUSED", "QUIET_KINDS", "STREAM_KINDS", "Entry", "describe", "is_error"]

QUIET_KINDS: Final = frozenset(
    {
        "spend",
        "pipeline.started",
        "node.entered",
        "node.retrying",
        "node.left",
        "edge.taken",
        "branch.started",
        "branch.ended",
        "trial.started",
    }
)
"""Bookkeeping that panels show better than lines do."""

STREAM_KINDS: Final = KINDS - QUIET_KINDS
"""What the trajectory stream shows."""

ERROR_KINDS: Final = frozenset(
    {
        "agent.tool",
        "trial.finished",
        "budget.exhausted",
        "budget.overbilled",
        "spec.rejected",
        "handedit.undone",
        "model.waiting",
        "gap",
        "harness.fault",
        "note",
        "run.finished",
    }
)
"""Kinds of which some events count as errors; :func:`is_error` decides."""


ENDED: Final = {
    "round_limit": "its rounds of tool calls are used up",
    "turn_limit": "its turns are used up",
    "loop": "it repeats itself",
    "max_tokens": "the answer reached the model's limit",
    "context_window": "the conversation is full",
    "refusal": "the model refused",
}
"""Why the builder's turn ended, in words, where the reason alone does not say it."""

PAUSED: Final = {
    "user": "paused by you",
    "budget": "paused: budget exhausted",
    "overbilled": "paused: the server billed more than was reserved",
    "model": "paused: no model answers",
    "harness": "paused: the harness failed",
    "question": "paused: a person has to answer",
    "raised": "paused: the budget has been changed, the engine takes it up",
}
"""What a run waits for, by the reason of its pause ("raised" is the viewer's own)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as a line.

    ``label`` is at most seven characters; ``tone`` is one of "text", "muted", "accent",
    "good", "warn", "bad"; ``right`` is a short figure for the line's end.
    """

    label: str
    text: str
    tone: str = "text"
    right: str = ""


def is_error(event: Event) -> bool:
    """Whether this event is a failure somebody may want to look at."""
    data = event.data
    match event.kind:
        case "agent.tool":
            return not data.get("ok", True)
        case "trial.finished":
            return data.get("outcome") != "satisfied"
        case "note":
            return data.get("level") in ("warning", "error")
        case "run.finished":
            return data.get("status") == "failed"
        case kind:
            return kind in ERROR_KINDS


def describe(event: Event) -> Entry:
    """Say an event in one line."""
    writer = _WRITERS.get(event.kind)
    if writer is None:
        return Entry(event.kind.partition(".")[0][:7], fmt.one_line(json.dumps(dict(event.data))))
    return writer(event, event.data)


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return "" if value is None else fmt.one_line(str(value))


def _score(data: Mapping[str, Any], split: str) -> str:
    score = Score.of(data.get(split))
    if score.rate is None:
        return f"{split} —"
    return (
        f"{split} {fmt.percent(score.rate)} "
        f"[{fmt.interval(score.low, score.high)}] n={score.trials}"
    )


def _limits(data: Any) -> str:
    if not data:
        return "none"
    parts = []
    if data.get("tokens") is not None:
        parts.append(f"{fmt.tokens(int(data['tokens']))} tokens")
    if data.get("usd") is not None:
        parts.append(fmt.money(decimal(data["usd"])))
    return ", ".join(parts) or "no limit"


def _created(_: Event, data: Mapping[str, Any]) -> Entry:
    count = len(data.get("scenarios") or ())
    spec, budget = _text(data, "spec"), _limits(data.get("budget"))
    return Entry("run", f"created: {spec}, {count} scenarios, budget {budget}", "muted")


def _started(_: Event, data: Mapping[str, Any]) -> Entry:
    tier = data.get("tier") or {}
    verb = "resumed" if data.get("resumed") else "started"
    where = f"isolation {tier.get('letter', '?')} {tier.get('label', '')}".rstrip()
    return Entry("run", f"{verb}, {where}", "muted")


def _paused(_: Event, data: Mapping[str, Any]) -> Entry:
    detail = _text(data, "detail")
    why = PAUSED.get(_text(data, "reason"), "paused")
    return Entry("run", why + (f", {detail}" if detail else ""), "warn")


def _resumed(_: Event, data: Mapping[str, Any]) -> Entry:
    return Entry("run", f"resumed by {_text(data, 'who') or '?'}", "accent")


def _finished(_: Event, data: Mapping[str, Any]) -> Entry:
    status, detail = _text(data, "status"), _text(data, "detail")
    tone = {"satisfied": "good", "failed": "bad"}.get(status, "warn")
    sign = {"satisfied": "✓ ", "unsatisfied": "✗ ", "failed": "! "}.get(status, "")
    return Entry("run", f"{sign}{status}" + (f": {detail}" if detail else ""), tone)


def _node(event: Event, data: Mapping[str, Any]) -> Entry:
    verb = "enters" if event.kind == "node.entered" else "leaves"
    return Entry("node", f"{verb} {_text(data, 'node')} {_text(data, 'status')}".rstrip(), "muted")


def _pipeline(_: Event, data: Mapping[str, Any]) -> Entry:
    count = len(data.get("nodes") or ())
    return Entry("node", f"pipeline {_text(data, 'name')}, {count} nodes", "muted")


def _retrying(_: Event, data: Mapping[str, Any]) -> Entry:
    text = f"tries {_text(data, 'node')} again: {_text(data, 'error')}"
    return Entry("node", text, "warn", f"#{data.get('attempt')}")


def _edge(_: Event, data: Mapping[str, Any]) -> Entry:
    label = _text(data, "label")
    text = f"{_text(data, 'from')} → {_text(data, 'to')}" + (f" ({label})" if label else "")
    return Entry("node", text, "muted")


def _branch(event: Event, data: Mapping[str, Any]) -> Entry:
    verb = "starts" if event.kind == "branch.started" else "ends"
    return Entry("branch", f"{_text(data, 'branch')} {verb} {_text(data, 'status')}".rstrip())


def _candidate(event: Event, data: Mapping[str, Any]) -> Entry:
    score = data.get("score")
    rate = "—" if score is None else fmt.percent(float(score))
    if event.kind == "candidate.kept":
        return Entry("keep", f"{_text(data, 'branch')} is kept, satisfaction {rate}", "accent")
    scores = f"{_score(data, 'train')} · {_score(data, 'holdout')}"
    return Entry("score", f"{_text(data, 'branch')}: {scores}", "accent")


def _asked(event: Event, data: Mapping[str, Any]) -> Entry:
    options = data.get("options") or ()
    listed = " ".join(f"[{o.get('key')}] {fmt.one_line(str(o.get('label')))}" for o in options)
    how = f"answer with: factory-tui answer {event.run_id} KEY"
    return Entry("ask", f"? {_text(data, 'text')} {listed} · {how}", "warn")


def _answered(_: Event, data: Mapping[str, Any]) -> Entry:
    said = _text(data, "label") or _text(data, "text") or _text(data, "choice") or "nothing"
    how = _text(data, "how")
    if how == "answered":
        return Entry("ask", f"{_text(data, 'who') or '?'} answered: {said}", "accent")
    return Entry("ask", f"{_text(data, 'node')}: {how}, {said}", "warn")


def _iteration(event: Event, data: Mapping[str, Any]) -> Entry:
    return Entry("iter", f"iteration {data.get('n', event.iteration)} starts", "accent")


def _built(event: Event, data: Mapping[str, Any]) -> Entry:
    files = data.get("files")
    count = len(files) if isinstance(files, list) else files or 0
    change = f"+{data.get('added', 0)} −{data.get('removed', 0)}"
    commit = _text(data, "commit")[:7]
    summary = _text(data, "summary")
    files_changed = "1 file" if count == 1 else f"{count} files"
    text = f"built {commit}: {files_changed} {change}" + (f" · {summary}" if summary else "")
    return Entry("iter", text, "accent")


def _scored(event: Event, data: Mapping[str, Any]) -> Entry:
    what = "confirmation" if data.get("confirmation") else f"iteration {event.iteration}"
    tone = "good" if data.get("satisfied") else "accent"
    return Entry("score", f"{what}: {_score(data, 'train')} · {_score(data, 'holdout')}", tone)


def _said(_: Event, data: Mapping[str, Any]) -> Entry:
    return Entry("agent", _text(data, "text"), "text")


def _tool(_: Event, data: Mapping[str, Any]) -> Entry:
    ok = bool(data.get("ok", True))
    name, summary = _text(data, "tool"), _text(data, "summary")
    if summary.startswith(name):
        name = ""
    text = " ".join(part for part in ("" if ok else "✗", name, summary) if part)
    return Entry("tool", text, "muted" if ok else "bad", fmt.millis(data.get("ms")))


def _done(_: Event, data: Mapping[str, Any]) -> Entry:
    reason = _text(data, "reason")
    return Entry("agent", f"ends its turn: {ENDED.get(reason, reason)}", "muted")


def _steered(_: Event, data: Mapping[str, Any]) -> Entry:
    return Entry("steer", _text(data, "text"), "accent")


def _trial_started(event: Event, data: Mapping[str, Any]) -> Entry:
    return Entry("trial", f"{GLYPHS['running']} {_numbered(event, data)}", "muted")


def _numbered(event: Event, data: Mapping[str, Any]) -> str:
    whose = _text(data, "candidate")
    number = fmt.trial_number(int(data.get("n") or 1))
    return f"{event.scenario} {number}" + (f" of {whose}" if whose else "")


def _trial(event: Event, data: Mapping[str, Any]) -> Entry:
    outcome = _text(data, "outcome")
    sign, tone = {
        "satisfied": (GLYPHS["pass"], "good"),
        "unsatisfied": (GLYPHS["fail"], "bad"),
    }.get(outcome, (GLYPHS["void"], "warn"))
    facts = f"{data.get('facts_passed', 0)}/{data.get('facts_total', 0)} facts"
    source = _text(data, "source")
    reason = fmt.why(_text(data, "reason")) if outcome != "satisfied" else ""
    step = data.get("failing_step")
    where = f" step {step}" if step and outcome != "satisfied" else ""
    text = f"{sign} {_numbered(event, data)}{where}"
    text += (
        f" · {reason}"
        if reason
        else f" · {facts}" + (f", {source}" if source not in ("", "facts") else "")
    )
    return Entry("trial", text, tone, fmt.millis(data.get("ms")))


def _spend(_: Event, data: Mapping[str, Any]) -> Entry:
    used = fmt.tokens(int(data.get("tokens") or 0))
    price = fmt.money(decimal(data.get("usd")))
    about = "≈" if data.get("estimated") else ""
    total = fmt.tokens(int(data.get("spent_tokens") or 0))
    text = f"{_text(data, 'role')} {about}{used} tokens {price} · total {total}"
    return Entry("spend", text, "muted", fmt.millis(data.get("ms")))


def _budget(_: Event, data: Mapping[str, Any]) -> Entry:
    text = f"{_limits(data.get('old'))} → {_limits(data.get('new'))} by {_text(data, 'who') or '?'}"
    return Entry("budget", text, "accent")


def _warned(_: Event, data: Mapping[str, Any]) -> Entry:
    return Entry("budget", f"▲ {data.get('percent')} % of the {_unit(data)} are spent", "warn")


def _exhausted(_: Event, data: Mapping[str, Any]) -> Entry:
    need = fmt.tokens(data.get("needed_tokens"))
    return Entry(
        "budget", f"▲ exhausted ({_unit(data)}): the next call may need {need} tokens", "bad"
    )


def _unit(data: Mapping[str, Any]) -> str:
    return "dollars" if data.get("of") == "usd" else "tokens"


def _overbilled(_: Event, data: Mapping[str, Any]) -> Entry:
    billed, reserved = data.get("billed_tokens"), data.get("reserved_tokens")
    return Entry("budget", f"▲ the server billed {billed} tokens, {reserved} were reserved", "bad")


def _spec(event: Event, data: Mapping[str, Any]) -> Entry:
    path = _text(data, "path")
    match event.kind:
        case "spec.changed":
            diff = str(data.get("diff") or "").splitlines()
            added = sum(line.startswith("+") and not line.startswith("+++") for line in diff)
            removed = sum(line.startswith("-") and not line.startswith("---") for line in diff)
            return Entry("spec", f"{path} changed on disk, +{added} −{removed} lines", "accent")
        case "spec.delivered":
            turn = data.get("turn")
            return Entry("spec", f"{path} reached the builder at turn {turn}", "accent")
        case _:
            return Entry("spec", f"▲ {path}: {_text(data, 'detail')}", "bad")


def _feedback(_: Event, data: Mapping[str, Any]) -> Entry:
    lint = _text(data, "lint")
    kept = "" if lint in ("", "clean") else f" (withheld: {lint})"
    levels = f"train {_text(data, 'train_level')}, holdout {_text(data, 'holdout_level')}"
    return Entry("learn", f"feedback, {levels}{kept}: {_text(data, 'text')}", "accent")


def _handedit(_: Event, data: Mapping[str, Any]) -> Entry:
    files = ", ".join(map(str, data.get("files") or ()))
    return Entry("edit", f"▲ hand edit undone, kept in {_text(data, 'patch')}: {files}", "warn")


def _control(_: Event, data: Mapping[str, Any]) -> Entry:
    who = _text(data, "who") or "?"
    return Entry("control", f"{_text(data, 'verb')} by {who}: {_text(data, 'result')}", "accent")


def _waiting(_: Event, data: Mapping[str, Any]) -> Entry:
    wait = f"{float(data.get('wait_s') or 0):.0f} s"
    text = f"{_text(data, 'role')}: {_text(data, 'error')}; attempt {data.get('attempt')} in {wait}"
    return Entry("model", text, "warn")


def _gap(_: Event, data: Mapping[str, Any]) -> Entry:
    text = f"{_text(data, 'twin')} does not implement {_text(data, 'operation')}"
    return Entry("gap", text, "warn")


def _fault(_: Event, data: Mapping[str, Any]) -> Entry:
    return Entry("harness", f"▲ {_text(data, 'where')}: {_text(data, 'detail')}", "bad")


def _note(_: Event, data: Mapping[str, Any]) -> Entry:
    tone = {"warning": "warn", "error": "bad"}.get(str(data.get("level")), "muted")
    return Entry("note", _text(data, "text"), tone)


_WRITERS: Final[dict[str, Callable[[Event, Mapping[str, Any]], Entry]]] = {
    "run.created": _created,
    "run.started": _started,
    "run.paused": _paused,
    "run.resumed": _resumed,
    "run.finished": _finished,
    "pipeline.started": _pipeline,
    "node.entered": _node,
    "node.retrying": _retrying,
    "node.left": _node,
    "edge.taken": _edge,
    "branch.started": _branch,
    "branch.ended": _branch,
    "candidate.scored": _candidate,
    "candidate.kept": _candidate,
    "question.asked": _asked,
    "question.answered": _answered,
    "iteration.started": _iteration,
    "iteration.built": _built,
    "iteration.scored": _scored,
    "agent.text": _said,
    "agent.tool": _tool,
    "agent.finished": _done,
    "agent.steered": _steered,
    "trial.started": _trial_started,
    "trial.finished": _trial,
    "spend": _spend,
    "budget.changed": _budget,
    "budget.warned": _warned,
    "budget.exhausted": _exhausted,
    "budget.overbilled": _overbilled,
    "spec.changed": _spec,
    "spec.delivered": _spec,
    "spec.rejected": _spec,
    "feedback.sent": _feedback,
    "handedit.undone": _handedit,
    "control.done": _control,
    "model.waiting": _waiting,
    "gap": _gap,
    "harness.fault": _fault,
    "note": _note,
}
