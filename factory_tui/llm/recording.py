"""A recorded model session: one JSON line for every answered request.

What identifies an answer is the call's key; for judges and simulated users also a hash of what
they were asked, so that a recorded opinion is never attached to something else.
"""

import hashlib
import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory_tui.llm.types import Block, Request, Response, WireMessage
from factory_tui.llm.wire import to_wire

__all__ = [
    "HASHED_ROLES",
    "KEY_HEADER",
    "Answer",
    "Recorder",
    "Recording",
    "RecordingError",
    "request_hash",
]

KEY_HEADER = "x-factory-key"
"""Carries a request's key (percent-encoded) to a playback server."""

HASHED_ROLES = frozenset({"judge", "user"})
"""Roles whose recorded answer counts only for exactly the recorded request."""


class RecordingError(Exception):
    """A recording cannot be read; says which line."""


def request_hash(
    system: str | list[Block], messages: Iterable[WireMessage], schema: Mapping[str, Any] | None
) -> str:
    """Hash of what was asked (hex, 32 digits): system, messages and schema, nothing else.

    Neither the model's name nor ``max_tokens`` changes what an answer means.
    """
    asked = {"system": system or "", "messages": list(messages), "schema": schema or None}
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _asked(request: Request) -> str:
    """The hash of a request as a playback server will see it."""
    said, messages = to_wire(request.messages)
    first = [{"type": "text", "text": request.system}] if request.system else []
    system = [*first, *said] if said else request.system
    return request_hash(system, messages, request.output_schema)


@dataclass(frozen=True, slots=True)
class Answer:
    """One recorded answer; ``usage`` is in wire names, ``ms`` is how long it took."""

    key: str
    role: str
    hash: str
    content: list[Block]
    stop_reason: str
    usage: dict[str, int]
    ms: int

    @property
    def prompt_tokens(self) -> int:
        """Everything the recorded model read."""
        return sum(n for name, n in self.usage.items() if name != "output_tokens")


class Recorder:
    """Appends answers to a JSONL file; a line is written whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()

    def add(self, request: Request, response: Response, ms: int) -> None:
        """Record one answered request."""
        line = json.dumps(
            {
                "key": request.key,
                "role": request.role,
                "hash": _asked(request),
                "model": response.model,
                "content": response.content,
                "stop_reason": response.stop_reason,
                "usage": {
                    "input_tokens": response.usage.input_tokens,
                    "output_tokens": response.usage.output_tokens,
                    "cache_read_input_tokens": response.usage.cache_read_tokens or 0,
                    "cache_creation_input_tokens": response.usage.cache_write_tokens or 0,
                },
                "ms": ms,
            },
            ensure_ascii=False,
        )
        with self._lock, self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


class Recording:
    """Answers by key. A key recorded twice answers with its last take, per hash."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        self.answers = list(answers)
        self._by_key: dict[str, dict[str, Answer]] = {}
        for answer in self.answers:
            takes = self._by_key.setdefault(answer.key, {})
            takes.pop(answer.hash, None)
            takes[answer.hash] = answer

    @classmethod
    def load(cls, path: Path) -> "Recording":
        """Read a recording.

        Raises:
            RecordingError: A line is not what ``Recorder`` writes, or the file is missing.
        """
        answers = []
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise RecordingError(f"{path}: {error}") from error
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                answers.append(
                    Answer(
                        key=str(row["key"]),
                        role=str(row["role"]),
                        hash=str(row["hash"]),
                        content=list(row["content"]),
                        stop_reason=str(row["stop_reason"]),
                        usage={name: int(n) for name, n in row["usage"].items()},
                        ms=int(row.get("ms", 0)),
                    )
                )
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise RecordingError(
                    f"{path}:{number}: not a recorded answer: {error!r}"
                ) from error
        return cls(answers)

    def find(self, key: str, asked: str) -> Answer | None:
        """The answer for a key and the hash of what is asked now; ``None`` is a miss."""
        takes = self._by_key.get(key)
        if not takes:
            return None
        if asked in takes:
            return takes[asked]
        last = list(takes.values())[-1]
        return None if last.role in HASHED_ROLES else last
