"""What a stage reports when it is done, and the ``status.json`` file that says the same.

Sections 5.2 and appendices C and D of the Attractor specification.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from factory_tui.attractor.files import read_json, write_json

STATUS_FILE: Final = "status.json"

__all__ = ["Outcome", "StageStatus", "read_status", "write_status"]


class StageStatus(StrEnum):
    """How a stage ended; compares equal to its lower-case name."""

    SUCCESS = "success"
    PARTIAL_SUCCESS = "partial_success"
    RETRY = "retry"
    FAIL = "fail"
    SKIPPED = "skipped"

    @property
    def ok(self) -> bool:
        """Whether it satisfies a goal gate."""
        return self in (StageStatus.SUCCESS, StageStatus.PARTIAL_SUCCESS)


@dataclass(slots=True)
class Outcome:
    """The result of one execution of a handler.

    Attributes:
        status: How it ended.
        preferred_label: The edge label to follow, or "".
        suggested_next_ids: Nodes to go to if no label decides, best first.
        context_updates: What to merge into the context.
        notes: A sentence for people.
        failure_reason: Why, for FAIL and RETRY.
        failure_class: "terminal" for a failure that trying again cannot mend, so that it is
            neither retried nor allowed to repeat in a cycle; "retryable" or "" otherwise.
    """

    status: StageStatus = StageStatus.SUCCESS
    preferred_label: str = ""
    suggested_next_ids: list[str] = field(default_factory=list)
    context_updates: dict[str, Any] = field(default_factory=dict)
    notes: str = ""
    failure_reason: str = ""
    failure_class: str = ""
    _written: Path | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.status = StageStatus(self.status)

    @classmethod
    def fail(cls, reason: str, *, terminal: bool = False) -> "Outcome":
        """A failure and its reason."""
        return cls(
            StageStatus.FAIL, failure_reason=reason, failure_class="terminal" if terminal else ""
        )

    def to_json(self) -> dict[str, Any]:
        """The form of ``status.json``."""
        return {
            "outcome": str(self.status),
            "preferred_label": self.preferred_label,
            "suggested_next_ids": list(self.suggested_next_ids),
            "context_updates": dict(self.context_updates),
            "notes": self.notes,
            "failure_reason": self.failure_reason,
            "failure_class": self.failure_class,
        }

    @classmethod
    def from_json(cls, data: object) -> "Outcome":
        """Read the form of ``status.json``; only ``outcome`` is required.

        Raises:
            ValueError: It does not have that form.
        """
        if not isinstance(data, Mapping):
            raise ValueError("a status is a JSON object")
        status = data.get("outcome", data.get("status"))
        if status not in list(StageStatus):
            raise ValueError(f"outcome must be one of {', '.join(StageStatus)}, not {status!r}")
        suggested = data.get("suggested_next_ids") or []
        updates = data.get("context_updates") or {}
        if not isinstance(suggested, list) or not all(isinstance(i, str) for i in suggested):
            raise ValueError("suggested_next_ids must be a list of node ids")
        if not isinstance(updates, Mapping):
            raise ValueError("context_updates must be an object")
        return cls(
            StageStatus(str(status)),
            str(data.get("preferred_label") or ""),
            list(suggested),
            {str(key): value for key, value in updates.items()},
            str(data.get("notes") or ""),
            str(data.get("failure_reason") or ""),
            str(data.get("failure_class") or ""),
        )


def write_status(stage_dir: Path, outcome: Outcome) -> None:
    """Write ``status.json`` into a stage's directory, creating it.

    Nothing happens where this very outcome was written there before and the file still stands.
    """
    path = stage_dir / STATUS_FILE
    if outcome._written != path or not path.exists():
        write_json(path, outcome.to_json())
        outcome._written = path


def read_status(stage_dir: Path) -> Outcome | None:
    """Read the ``status.json`` of a stage; None where there is none.

    Raises:
        ValueError: The file is not a status.
    """
    path = stage_dir / STATUS_FILE
    try:
        return Outcome.from_json(read_json(path))
    except FileNotFoundError:
        return None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is not JSON: {error}") from None
