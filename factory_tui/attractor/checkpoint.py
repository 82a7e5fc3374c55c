"""The state of a run between two nodes, on disk. Section 5.3 of the Attractor specification."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from factory_tui.attractor.context import Context
from factory_tui.attractor.files import encode, read_json, replace_file
from factory_tui.attractor.outcome import Outcome, StageStatus

__all__ = ["Checkpoint", "CheckpointError", "load_checkpoint"]

FILE: Final = "checkpoint.json"
_RETRIES: Final = "internal.retry_count."


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
        failure_signatures: How often each failure was seen since its node last succeeded.
        degrade_next: Whether the current node shared a session that a resumed run lacks.
        final: The outcome of the whole way once it has ended.
        visit: Name of the way it belongs to, so that a later visit of a parallel node does not
            take up the branches of an earlier one.
        join: For a branch that has ended: the fan-in or exit it reached, "" if none.
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
    visit: str = ""
    join: str = ""
    _encoded: dict[str, tuple[Outcome, orjson.Fragment]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def take(self, context: Context) -> None:
        """Take over the values, the log and the retry counters of a context."""
        self.context_values, self.logs = context.snapshot(), context.logs
        self.node_retries = {
            key.removeprefix(_RETRIES): int(value)
            for key, value in self.context_values.items()
            if key.startswith(_RETRIES)
        }

    def count_failure(self, node_id: str, outcome: Outcome) -> int:
        """How often a node has now failed this way in a row; 0 where it did not fail.

        A success of the node begins the count anew.
        """
        if outcome.status.ok:
            for known in [s for s in self.failure_signatures if s.startswith(f"{node_id}|")]:
                del self.failure_signatures[known]
        if outcome.status is not StageStatus.FAIL:
            return 0
        signature = f"{node_id}|{_signature(outcome)}"
        seen = self.failure_signatures.get(signature, 0) + 1
        self.failure_signatures[signature] = seen
        return seen

    def save(self, path: Path | str) -> None:
        """Write it atomically: to a file named ``*.json``, or as ``checkpoint.json`` of a run."""
        self.timestamp = time.time()
        fragment = orjson.Fragment
        data = encode(
            {
                "timestamp": self.timestamp,
                "current_node": self.current_node,
                "completed_nodes": self.completed_nodes,
                "node_retries": self.node_retries,
                "context": fragment(encode(self.context_values)),
                "logs": fragment(encode(self.logs)),
                "node_outcomes": {k: self._fragment(k, v) for k, v in self.node_outcomes.items()},
                "last_outcome": fragment(_encode_outcome(self.last_outcome)),
                "start_at": self.start_at,
                "restarts": self.restarts,
                "restarted_to": self.restarted_to,
                "failure_signatures": fragment(encode(self.failure_signatures)),
                "degrade_next": self.degrade_next,
                "final": fragment(_encode_outcome(self.final)),
                "visit": self.visit,
                "join": self.join,
            }
        )
        replace_file(_file(Path(path)), data)

    def _fragment(self, node_id: str, outcome: Outcome) -> orjson.Fragment:
        """An outcome as JSON; each is encoded once, not again with every later checkpoint."""
        known = self._encoded.get(node_id)
        if known is None or known[0] is not outcome:
            known = outcome, orjson.Fragment(_encode_outcome(outcome))
            self._encoded[node_id] = known
        return known[1]

    @classmethod
    def load(cls, path: Path | str) -> "Checkpoint":
        """Read a checkpoint file, or the one of a run directory; see `load_checkpoint`."""
        return load_checkpoint(path)


def _file(path: Path) -> Path:
    return path if path.suffix == ".json" and not path.is_dir() else path / FILE


def _encode_outcome(outcome: Outcome | None) -> bytes:
    """An outcome without its empty fields: a checkpoint holds one for every node."""
    if outcome is None:
        return b"null"
    return encode({key: value for key, value in outcome.to_json().items() if value})


def _signature(outcome: Outcome) -> str:
    """A failure's reason without what differs each time although the failure is the same.

    Only where the failure is known to be deterministic: "3 tests failed" after "5 tests failed"
    is progress.
    """
    reason = outcome.failure_reason
    if outcome.failure_class != "terminal":
        return reason
    reason = re.sub(r"\b(0x)?(?=[0-9a-f]*\d)[0-9a-f]{6,}\b", "#", reason.lower())
    return "terminal: " + re.sub(r"\d+", "#", reason)


def load_checkpoint(run_dir: Path | str) -> Checkpoint:
    """Read the checkpoint of a run directory, or a checkpoint file named ``*.json``.

    Raises:
        FileNotFoundError: There is none.
        CheckpointError: It is damaged.
    """
    path = _file(Path(run_dir))
    try:
        return _read(read_json(path))
    except FileNotFoundError:
        raise
    except (json.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: not a checkpoint: {error}") from None


def _read(data: Mapping[str, Any]) -> Checkpoint:
    last, final = data.get("last_outcome"), data.get("final")
    signatures = data.get("failure_signatures", {})
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
        failure_signatures={str(k): int(v) for k, v in signatures.items()},
        degrade_next=bool(data.get("degrade_next", False)),
        final=Outcome.from_json(final) if final else None,
        visit=str(data.get("visit", "")),
        join=str(data.get("join", "")),
    )
