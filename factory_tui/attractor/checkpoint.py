"""The state of a run between two nodes, on disk. Section 5.3 of the Attractor specification."""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from factory_tui.attractor.files import read_json, write_json
from factory_tui.attractor.outcome import Outcome

__all__ = ["Checkpoint", "CheckpointError", "load_checkpoint"]

FILE = "checkpoint.json"


class CheckpointError(ValueError):
    """A checkpoint that cannot be read; the message names the file."""


@dataclass(slots=True)
class Checkpoint:
    """Everything needed to go on after ``current_node``.

    Attributes:
        timestamp: When it was made, Unix time in seconds.
        current_node: The node completed last; "" before the first.
        completed_nodes: All completed nodes in order, repetitions included.
        node_retries: Retries used up by each node so far.
        context_values: The context.
        logs: The run's log.
        node_outcomes: The last outcome of each node; goal gates and the next edge need them.
        last_outcome: The outcome of ``current_node``, kept even where it was SKIPPED and so
            is not among ``node_outcomes``.
        start_at: Where the run begins; differs from the start node after a ``loop_restart``.
        restarts: How many ``loop_restart`` edges led here.
        restarted_to: The run directory that continues this one, relative to the first one.
        failure_signatures: How often each deterministic failure was seen.
        degrade_next: Whether the current node shared a session that a resumed run lacks.
        final: The pipeline's outcome once it has ended.
    """

    timestamp: float = 0.0
    current_node: str = ""
    completed_nodes: list[str] = field(default_factory=list)
    node_retries: dict[str, int] = field(default_factory=dict)
    context_values: dict[str, Any] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)
    node_outcomes: dict[str, Outcome] = field(default_factory=dict)
    last_outcome: Outcome | None = None
    start_at: str = ""
    restarts: int = 0
    restarted_to: str = ""
    failure_signatures: dict[str, int] = field(default_factory=dict)
    degrade_next: bool = False
    final: Outcome | None = None

    def save(self, run_dir: Path) -> None:
        """Write ``checkpoint.json`` into a run directory, atomically."""
        self.timestamp = time.time()
        write_json(
            run_dir / FILE,
            {
                "timestamp": self.timestamp,
                "current_node": self.current_node,
                "completed_nodes": self.completed_nodes,
                "node_retries": self.node_retries,
                "context": self.context_values,
                "logs": self.logs,
                "node_outcomes": {k: _brief(v) for k, v in self.node_outcomes.items()},
                "last_outcome": self.last_outcome.to_json() if self.last_outcome else None,
                "start_at": self.start_at,
                "restarts": self.restarts,
                "restarted_to": self.restarted_to,
                "failure_signatures": self.failure_signatures,
                "degrade_next": self.degrade_next,
                "final": self.final.to_json() if self.final else None,
            },
            indent=False,
        )


def _brief(outcome: Outcome) -> dict[str, Any]:
    """An outcome without its empty fields: a checkpoint holds one for every node."""
    return {key: value for key, value in outcome.to_json().items() if value}


def load_checkpoint(run_dir: Path) -> Checkpoint:
    """Read the checkpoint of a run directory.

    Raises:
        FileNotFoundError: There is none.
        CheckpointError: It is damaged.
    """
    path = run_dir / FILE
    try:
        data = read_json(path)
        last, final = data.get("last_outcome"), data.get("final")
        return Checkpoint(
            timestamp=float(data["timestamp"]),
            current_node=str(data["current_node"]),
            completed_nodes=[str(node) for node in data["completed_nodes"]],
            node_retries={str(k): int(v) for k, v in data["node_retries"].items()},
            context_values=dict(data["context"]),
            logs=[str(line) for line in data["logs"]],
            node_outcomes={
                str(k): Outcome.from_json(v) for k, v in data.get("node_outcomes", {}).items()
            },
            last_outcome=Outcome.from_json(last) if last else None,
            start_at=str(data.get("start_at", "")),
            restarts=int(data.get("restarts", 0)),
            restarted_to=str(data.get("restarted_to", "")),
            failure_signatures={
                str(k): int(v) for k, v in data.get("failure_signatures", {}).items()
            },
            degrade_next=bool(data.get("degrade_next", False)),
            final=Outcome.from_json(final) if final else None,
        )
    except FileNotFoundError:
        raise
    except (json.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: not a checkpoint: {error}") from None
