"""A run in a process of its own that kills itself at a given moment.

``python killed.py RUN_DIR PLACE MOMENT``: ``PLACE`` is a node and the number of its visit, from 1,
such as ``gate:2``; ``MOMENT`` is ``within`` (in the middle of the node) or ``after`` (as soon as
its checkpoint is on disk). ``never`` as the place lets the run end.
"""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from factory_tui.attractor import (
    BackoffConfig,
    Context,
    Node,
    Outcome,
    PipelineEvent,
    PipelineOutcome,
    StageStatus,
    parse_dot,
    run_pipeline,
)

# Branches of different lengths, a goal gate that fails at first, a cycle and a retry.
SOURCE = """
digraph K {
    graph [goal="g", default_fidelity=full]
    start [shape=Mdiamond] exit [shape=Msquare]
    node [prompt=x]
    plan; fan [shape=component]; a; b1; b2 [max_retries=1]; c; join [shape=tripleoctagon, prompt=""]
    gate [goal_gate=true, retry_target=plan]
    check [shape=diamond]
    start -> plan -> fan
    fan -> a -> join
    fan -> b1 -> b2 -> join
    fan -> c -> join
    join -> gate
    gate -> check
    gate -> exit  [condition="outcome=fail"]
    check -> done [condition="context.visits.gate=3"]
    check -> plan
    done -> exit
}
"""

Seen = Callable[[str, int], None]


def backend(entered: Seen) -> Callable[[Node, str, Context], Any]:
    """Answers that depend on the context alone, as they must for a run to be repeatable."""

    async def answer(node: Node, prompt: str, context: Context) -> Outcome:
        visits = int(context.get(f"visits.{node.id}") or 0) + 1
        await asyncio.sleep(0.001 * len(node.id))
        entered(node.id, visits)
        updates: dict[str, Any] = {f"visits.{node.id}": visits, "score": len(node.id)}
        if node.id == "plan":
            updates |= {f"visits.{n}": visits - 1 for n in ("a", "b1", "b2", "c")}
        if node.id == "gate" and visits == 1:
            return Outcome(StageStatus.FAIL, context_updates=updates, failure_reason="not yet")
        if node.id == "b2" and context.get_string("internal.retry_count.b2") in ("", "0"):
            return Outcome(StageStatus.RETRY, failure_reason="again")
        return Outcome(context_updates=updates)

    return answer


async def run(
    run_dir: Path,
    entered: Seen = lambda node, visit: None,
    on_event: Callable[[PipelineEvent], None] | None = None,
) -> PipelineOutcome:
    return await run_pipeline(
        parse_dot(SOURCE),
        backend=backend(entered),
        run_dir=run_dir,
        on_event=on_event,
        resume=True,
        backoff=BackoffConfig(initial_delay_ms=1, jitter=False),
    )


def result(outcome: PipelineOutcome) -> tuple[Any, ...]:
    values = outcome.context.snapshot()
    values.pop("internal.run_id")
    values.pop("internal.fidelity")  # degraded for one node after a crash, as it has to be
    return outcome.status, outcome.completed_nodes, outcome.node_outcomes, values


def main() -> None:
    run_dir, place, moment = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    saved: Counter[str] = Counter()

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def entered(node: str, visit: int) -> None:
        if moment == "within" and place == f"{node}:{visit}":
            die()

    def on_event(event: PipelineEvent) -> None:
        if event.kind == "CheckpointSaved":
            saved[event.to_json()["node_id"]] += 1
            if moment == "after" and place == "{}:{}".format(*_last(saved, event)):
                die()

    asyncio.run(run(run_dir, entered, on_event))


def _last(saved: Counter[str], event: PipelineEvent) -> tuple[str, int]:
    node = event.to_json()["node_id"]
    return node, saved[node]


if __name__ == "__main__":
    main()
