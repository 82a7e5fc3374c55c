"""Stages a model works on. Section 4.5 of the Attractor specification."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, Protocol

from factory_tui.attractor.context import Context
from factory_tui.attractor.files import write_text
from factory_tui.attractor.model import Graph, Node
from factory_tui.attractor.outcome import Outcome, read_status, write_status
from factory_tui.attractor.retry import should_retry
from factory_tui.attractor.transforms import expand_variables

__all__ = [
    "INTERVENTION_FILE",
    "BackendLike",
    "CodergenBackend",
    "CodergenHandler",
    "call_backend",
]

INTERVENTION_FILE: Final = "intervention.md"
"""Where a supervisor leaves instructions in a stage's directory."""

Result = str | Outcome


class CodergenBackend(Protocol):
    """Whatever answers a prompt: an agent, a model, a command.

    The context tells it how the stage wants to be run: ``internal.fidelity`` is the fidelity
    mode, and under ``full`` ``internal.thread_id`` names the session to go on with.
    ``internal.stage_dir`` is the directory of the stage's files: what it runs may leave a
    ``status.json`` there, and a supervisor may leave an ``intervention.md``. `ToolHooks.of` tells
    which commands to run around tool calls.
    """

    def run(self, node: Node, prompt: str, context: Context) -> Awaitable[Result] | Result:
        """Work on ``prompt``; gives the response's text, or an outcome of its own."""
        ...


BackendLike = CodergenBackend | Callable[[Node, str, Context], Awaitable[Result] | Result]
"""A backend, or a plain function with the signature of its ``run``."""


async def call_backend(backend: BackendLike, node: Node, prompt: str, context: Context) -> Result:
    """Run a backend of either form.

    A plain function runs in a thread, so that it holds up neither the other branches of a
    parallel node nor the node's time limit.
    """
    plain: Any = backend
    run: Callable[[Node, str, Context], Any] = getattr(plain, "run", plain)
    if inspect.iscoroutinefunction(run):
        result = run(node, prompt, context)
    else:
        result = await asyncio.to_thread(run, node, prompt, context)
    answer = await result if inspect.isawaitable(result) else result
    return answer if isinstance(answer, Outcome) else str(answer)


def _taken(path: Path) -> str:
    """What a supervisor left for this stage; it is said once."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace").strip()
        path.unlink()
    except OSError:
        return ""
    return text


class CodergenHandler:
    """Runs model stages; without a backend it only simulates them."""

    def __init__(self, backend: BackendLike | None = None) -> None:
        self.backend = backend

    async def execute(self, node: Node, context: Context, graph: Graph, run_dir: Path) -> Outcome:
        """Prompt the backend and keep prompt, response and status in the stage's directory.

        A ``status.json`` that something the backend ran has left there is the outcome.
        """
        stage_dir = run_dir / node.id
        prompt = expand_variables(node.prompt or node.label, graph, context)
        if carried := context.get_string("internal.preamble"):
            prompt = f"{carried}\n\n{prompt}"
        if steered := _taken(stage_dir / INTERVENTION_FILE):
            prompt = f"{prompt}\n\nFrom your supervisor:\n{steered}"
        write_text(stage_dir / "prompt.md", prompt)
        response = stage_dir / "response.md"
        response.unlink(missing_ok=True)
        if self.backend is None:
            result: Result = f"[Simulated] Response for stage: {node.id}"
        else:
            try:
                result = await call_backend(self.backend, node, prompt, context)
            except Exception as error:
                reason = str(error) or type(error).__name__
                return Outcome.fail(reason, terminal=not should_retry(error))
        if isinstance(result, Outcome):
            # A backend that gives an outcome may have written the response itself.
            if not response.exists():
                write_text(response, result.notes or result.failure_reason)
            write_status(stage_dir, result)
            return result
        write_text(response, result)
        updates = {"last_stage": node.id, "last_response": result[:200]}
        if (reported := read_status(stage_dir)) is not None:
            reported.context_updates = {**updates, **reported.context_updates}
            return reported
        outcome = Outcome(notes=f"Stage completed: {node.id}", context_updates=updates)
        write_status(stage_dir, outcome)
        return outcome
