"""The traffic tap: one record per request a twin answered."""

from dataclasses import dataclass
from typing import Any

__all__ = ["Exchange"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer.

    Attributes:
        n: Number in this universe, from 1.
        step: The scenario step that was being performed.
        t_virtual: Virtual time, ISO 8601.
        operation: As the vendor names it (``listUsers``, ``chat.postMessage``); "" if unknown.
        path: With the query.
        status: What was (or would have been) answered; 0 when the connection was dropped
            before the twin did anything.
        ms: Real milliseconds the twin took.
        fault: What the fault plan did, "" if nothing.
        gap: What the twin lacks, "" if nothing.
        principal: Who called, as the pack names it; "" if unknown. Of an event the subscription.
        direction: ``in``: the twin was asked; ``out``: it delivered an event, ``operation`` is
            the event's kind and ``path`` the receiver's URL.
    """

    n: int
    step: int
    t_virtual: str
    twin: str
    operation: str
    method: str
    path: str
    status: int
    ms: float
    fault: str
    gap: str
    principal: str
    request_headers: tuple[tuple[str, str], ...]
    request_body: bytes
    response_headers: tuple[tuple[str, str], ...]
    response_body: bytes
    direction: str = "in"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form: headers as dicts (repeated ones joined by newlines), bodies as text."""
        return {
            "n": self.n,
            "step": self.step,
            "t_virtual": self.t_virtual,
            "twin": self.twin,
            "operation": self.operation,
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "ms": self.ms,
            "fault": self.fault,
            "gap": self.gap,
            "principal": self.principal,
            "request_headers": _headers(self.request_headers),
            "request_body": self.request_body.decode(errors="replace"),
            "response_headers": _headers(self.response_headers),
            "response_body": self.response_body.decode(errors="replace"),
            **({} if self.direction == "in" else {"direction": self.direction}),
        }


def _headers(pairs: tuple[tuple[str, str], ...]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]}\n{value}" if name in joined else value
    return joined
