"""A supervisor over a child pipeline. Section 4.11 of the Attractor specification."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from factory_tui.attractor.conditions import evaluate_condition
from factory_tui.attractor.context import Context
from factory_tui.attractor.dot import parse_dot
from factory_tui.attractor.events import PipelineEvent, StageFailed, StageRetrying, StageStarted
from factory_tui.attractor.files import write_text
from factory_tui.attractor.handlers.codergen import (
    INTERVENTION_FILE,
    BackendLike,
    call_backend,
)
from factory_tui.attractor.model import Graph, Node, parse_boolean, parse_duration, parse_integer
from factory_tui.attractor.outcome import Outcome

__all__ = ["ChildTelemetry", "ManagerLoopHandler"]

_SHOWN: Final = ("active_stage", "stages_started", "retries", "last_error")


@dataclass(slots=True)
class ChildTelemetry:
    """What the manager has seen of its child."""

    active_stage: str = ""
    stages_started: int = 0
    retries: int = 0
    last_error: str = ""
    run_dir: Path = field(default_factory=Path)

    def observe(self, event: PipelineEvent) -> None:
        """Take in one event of the child."""
        if isinstance(event, StageStarted):
            self.active_stage = event.name
            self.stages_started += 1
        elif isinstance(event, StageRetrying):
            self.retries += 1
        elif isinstance(event, StageFailed):
            self.last_error = event.error


ChildRunner = Callable[[Graph, Path, Callable[[PipelineEvent], None]], Awaitable[Outcome]]
"""Runs a child pipeline in a run directory and tells an observer what happens."""

Steer = Callable[[Context, Node, ChildTelemetry], Awaitable[str] | str]
"""Says what to tell the child's active stage; "" for nothing.

``ESCALATE`` as the first word gives up on the child, with the rest as the reason.
"""

_ASK: Final = """{prompt}

The pipeline you supervise is at stage {active_stage!r}, its {stages_started}th so far. \
Retries: {retries}. Last error: {last_error}

Answer with one of:
CONTINUE - leave it alone
ESCALATE <reason> - stop it; a person has to look
or else with the instruction that the stage is to get."""


class ManagerLoopHandler:
    """Starts the pipeline in ``stack.child_dotfile``, watches it, and steers it if asked.

    ``manager.poll_interval`` (45s), ``manager.max_cycles`` (1000), ``manager.stop_condition``,
    ``manager.steer_cooldown`` (the poll interval) and ``manager.actions`` (``observe,wait``) are
    node attributes. With the action ``steer`` the supervisor writes to ``intervention.md`` of
    the child's active stage, which the stage's next prompt contains. A relative file name is
    taken from ``stack.child_workdir``, else from the working directory.

    Args:
        run_child: Runs the child.
        steer: Says what to tell it; without it the backend is asked with the node's prompt.
        backend: What answers prompts.
    """

    def __init__(
        self,
        run_child: ChildRunner,
        steer: Steer | None = None,
        backend: BackendLike | None = None,
    ) -> None:
        self._run_child, self._steer, self._backend = run_child, steer, backend

    async def execute(self, node: Node, context: Context, graph: Graph, run_dir: Path) -> Outcome:
        """Supervise until the child ends, the stop condition holds or the cycles are used up."""
        interval = parse_duration(node.attrs.get("manager.poll_interval", "45s"))
        cooldown = parse_duration(node.attrs.get("manager.steer_cooldown", interval))
        steered = time.monotonic() - cooldown
        cycles = parse_integer(node.attrs.get("manager.max_cycles", 1000))
        stop = str(node.attrs.get("manager.stop_condition", ""))
        wanted = str(node.attrs.get("manager.actions", "observe,wait"))
        actions = {action.strip() for action in wanted.split(",")}
        seen = ChildTelemetry(run_dir=run_dir / node.id / "child")
        child: asyncio.Task[Outcome] | None = None
        if parse_boolean(node.attrs.get("stack.child_autostart", True)):
            loaded = _child_graph(node, graph)
            child = asyncio.create_task(self._start(loaded, seen))
        try:
            for _ in range(cycles):
                if child is not None and "wait" in actions:
                    await asyncio.wait({child}, timeout=interval)
                else:
                    await asyncio.sleep(interval if "wait" in actions else 0)
                if "observe" in actions:
                    context.apply_updates(_telemetry(seen, child))
                if ended := _ended(child):
                    return ended
                if stop and evaluate_condition(stop, Outcome(), context):
                    return Outcome(notes="Stop condition satisfied")
                if "steer" in actions and time.monotonic() - steered >= cooldown:
                    steered = time.monotonic()
                    if reason := await self._intervene(context, node, seen):
                        return Outcome.fail(f"Escalated: {reason}", terminal=True)
            return Outcome.fail("Max cycles exceeded", terminal=True)
        finally:
            if child is not None and not child.done():
                child.cancel()
                await asyncio.gather(child, return_exceptions=True)

    async def _start(self, graph: Graph, seen: ChildTelemetry) -> Outcome:
        return await self._run_child(graph, seen.run_dir, seen.observe)

    async def _intervene(self, context: Context, node: Node, seen: ChildTelemetry) -> str:
        """Steer the child; gives the reason to give up on it, "" to go on."""
        if not seen.active_stage:
            return ""
        text = (await self._advice(context, node, seen)).strip()
        word, _, rest = text.partition(" ")
        if word.upper() == "ESCALATE":
            return rest.strip() or "the supervisor gave up"
        if text and word.upper() != "CONTINUE":
            write_text(seen.run_dir / seen.active_stage / INTERVENTION_FILE, text)
        return ""

    async def _advice(self, context: Context, node: Node, seen: ChildTelemetry) -> str:
        if self._steer is not None:
            said = self._steer(context, node, seen)
            return await said if inspect.isawaitable(said) else said
        if self._backend is None or not node.prompt:
            return ""
        about = {key: getattr(seen, key) for key in _SHOWN}
        prompt = _ASK.format(prompt=node.prompt, **about)
        answer = await call_backend(self._backend, node, prompt, context)
        return answer.notes if isinstance(answer, Outcome) else answer


def _child_graph(node: Node, graph: Graph) -> Graph:
    def attribute(key: str) -> str:
        return str(node.attrs.get(key) or graph.attrs.get(key) or "")

    name = attribute("stack.child_dotfile")
    if not name:
        raise ValueError("stack.child_dotfile is not set")
    path = Path(attribute("stack.child_workdir") or ".") / name
    return parse_dot(path.read_text(encoding="utf-8"), path=str(path))


def _ended(child: "asyncio.Task[Outcome] | None") -> Outcome | None:
    if child is None or not child.done():
        return None
    outcome = child.result()
    if outcome.status.ok:
        return Outcome(notes="Child completed")
    return Outcome.fail(f"Child failed: {outcome.failure_reason}")


def _telemetry(seen: ChildTelemetry, child: "asyncio.Task[Outcome] | None") -> dict[str, Any]:
    status, outcome = "running", ""
    if child is None:
        status = "not_started"
    elif child.done() and not child.cancelled() and child.exception() is None:
        outcome = str(child.result().status)
        status = "completed" if child.result().status.ok else "failed"
    return {
        "context.stack.child.status": status,
        "context.stack.child.outcome": outcome,
        "context.stack.child.active_stage": seen.active_stage,
        "context.stack.child.stages_started": seen.stages_started,
        "context.stack.child.retries": seen.retries,
        "context.stack.child.last_error": seen.last_error,
    }
