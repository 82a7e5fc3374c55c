"""The traffic tap: one record per request a twin answered."""

from datetime import datetime
from typing import Any, Final, Protocol

from factory_tui.universe.clock import iso

__all__ = ["Exchange"]

_EMPTY: Final = 1024
"""Bytes of an exchange that says nothing: the objects it consists of."""

_HEADER: Final = 160
"""Bytes of a header without a name and a value."""


class _Request(Protocol):
    """What was asked: a request of a client, or one that a twin sent."""

    @property
    def method(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def header_pairs(self) -> tuple[tuple[str, str], ...]: ...


class Exchange:
    """One request and its answer. Read-only.

    Attributes:
        n: Number in this universe, from 1.
        step: The scenario step that was being performed.
        operation: As the vendor names it (``listUsers``, ``chat.postMessage``); "" if unknown.
        status: What was (or would have been) answered; 0 when the connection was dropped
            before the twin did anything.
        ms: Real milliseconds the twin took.
        fault: What the fault plan did, "" if nothing.
        gap: What the twin lacks, "" if nothing.
        principal: Who called, as the pack names it; "" if unknown. Of an event the subscription.
        direction: ``in``: the twin was asked; ``out``: it delivered an event, ``operation`` is
            the event's kind and ``path`` the receiver's URL.
    """

    # Every request makes one, and most are never looked at: what costs is worked out when asked.
    __slots__ = (
        "_request",
        "_response_headers",
        "at",
        "direction",
        "fault",
        "gap",
        "ms",
        "n",
        "operation",
        "principal",
        "request_body",
        "response_body",
        "status",
        "step",
        "twin",
    )

    def __init__(
        self,
        n: int,
        step: int,
        at: datetime,
        twin: str,
        operation: str,
        request: _Request,
        request_body: bytes,
        status: int,
        ms: float,
        fault: str,
        gap: str,
        principal: str,
        response_headers: list[tuple[str, str]] | tuple[tuple[str, str], ...],
        response_body: bytes,
        direction: str = "in",
    ) -> None:
        self.n = n
        self.step = step
        self.at = at
        self.twin = twin
        self.operation = operation
        self._request = request
        self.request_body = request_body
        self.status = status
        self.ms = ms
        self.fault = fault
        self.gap = gap
        self.principal = principal
        self._response_headers = response_headers
        self.response_body = response_body
        self.direction = direction

    @property
    def t_virtual(self) -> str:
        """Virtual time, ISO 8601."""
        return iso(self.at)

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self._request.method

    @property
    def path(self) -> str:
        """With the query."""
        return self._request.target

    @property
    def request_headers(self) -> tuple[tuple[str, str], ...]:
        """Names in lower case."""
        return self._request.header_pairs

    @property
    def response_headers(self) -> tuple[tuple[str, str], ...]:
        """Names in lower case, in the order of sending."""
        return tuple(self._response_headers)

    @property
    def weight(self) -> int:
        """About how many bytes of memory it holds."""
        heads = (*self._request.header_pairs, *self._response_headers)
        text = len(self.path) + sum(_HEADER + len(name) + len(value) for name, value in heads)
        return _EMPTY + text + len(self.request_body) + len(self.response_body)

    def __repr__(self) -> str:
        return f"<{self.n} {self.twin} {self.method} {self.path} {self.status}>"

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
