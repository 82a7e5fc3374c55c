"""The traffic tap: one record per request a twin answered."""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from operator import itemgetter
from typing import Any, Final, Protocol, TypeVar, overload

from factory_tui.universe.clock import iso, moment
from factory_tui.universe.http import heft

__all__ = ["EMPTY", "Exchange", "Tap"]

T = TypeVar("T")

EMPTY: Final = 600
"""Bytes of an exchange that says nothing: the objects it consists of."""


class _Request(Protocol):
    """What was asked: a request of a client, or one that a twin sent."""

    @property
    def method(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def header_pairs(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def weight(self) -> int: ...


def _field(at: int, _kind: type[T]) -> T:
    # What it is to the type checker; in truth a property.
    return property(itemgetter(at))  # type: ignore[return-value]


class Exchange(tuple[Any, ...]):
    """One request and its answer. Read-only.

    Attributes:
        n: Number in this universe, from 1.
        step: The scenario step that was being performed.
        operation: As the vendor names it (``listUsers``, ``chat.postMessage``); "" if unknown.
        request_body: As received.
        status: What was (or would have been) answered; 0 when the connection was dropped
            before the twin did anything.
        ms: Real milliseconds the twin took.
        fault: What the fault plan did, "" if nothing.
        gap: What the twin lacks, "" if nothing.
        principal: Who called, as the pack names it; "" if unknown. Of an event the subscription.
        direction: ``in``: the twin was asked; ``out``: it delivered an event, ``operation`` is
            the event's kind and ``path`` the receiver's URL.
        weight: About how many bytes of memory it holds.
    """

    # Every request makes one, and most are never looked at: what costs is worked out when asked,
    # what is kept is little (memory that left the processor's cache is what a request costs
    # most), and a tuple is made faster than anything else.
    __slots__ = ()

    n = _field(0, int)
    step = _field(1, int)
    twin = _field(3, str)
    operation = _field(4, str)
    request_body = _field(6, bytes)
    status = _field(7, int)
    ms = _field(8, float)
    fault = _field(9, str)
    gap = _field(10, str)
    principal = _field(11, str)
    direction = _field(14, str)
    weight = _field(15, int)

    @classmethod
    def of(
        cls,
        n: int,
        step: int,
        at: int,
        twin: str,
        operation: str,
        request: _Request,
        body: bytes,
        status: int,
        ms: float,
        fault: str,
        gap: str,
        principal: str,
        headers: Sequence[tuple[str, str]] | int,
        answer: bytes,
        direction: str = "in",
    ) -> "Exchange":
        """Make one.

        Args:
            at: Virtual microseconds since 1970.
            headers: Of the answer; or where the body begins in ``answer``, which then is the
                whole answer as it was sent.
            answer: The answer's body.
        """
        weight = EMPTY + len(body) + len(answer) + request.weight
        if not isinstance(headers, int):
            weight += heft(headers)
        # fmt: off
        return cls((n, step, at, twin, operation, request, body, status, ms, fault, gap, principal,
                    headers, answer, direction, weight))
        # fmt: on

    @property
    def at(self) -> datetime:
        """Virtual time."""
        return moment(self[2])

    @property
    def t_virtual(self) -> str:
        """Virtual time, ISO 8601."""
        return iso(self.at)

    @property
    def method(self) -> str:
        """The HTTP method."""
        request: _Request = self[5]
        return request.method

    @property
    def path(self) -> str:
        """With the query."""
        request: _Request = self[5]
        return request.target

    @property
    def request_headers(self) -> tuple[tuple[str, str], ...]:
        """Names in lower case."""
        request: _Request = self[5]
        return request.header_pairs

    @property
    def response_headers(self) -> tuple[tuple[str, str], ...]:
        """Names in lower case, in the order of sending, without those of the connection."""
        headers = self[12]
        if not isinstance(headers, int):
            return tuple(headers)
        lines = self[13][:headers].decode("latin-1").split("\r\n")
        pairs = (line.partition(": ") for line in lines[1:] if line)
        return tuple((name, value) for name, _, value in pairs if name != "content-length")

    @property
    def response_body(self) -> bytes:
        """As sent, or as it would have been."""
        headers = self[12]
        answer: bytes = self[13]
        return answer[headers:] if isinstance(headers, int) else answer

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


class Tap(Sequence[Exchange]):
    """The exchanges of a universe, the latest last; bounded where somebody says so.

    Attributes:
        most: How many to keep, 0 for all.
        most_bytes: About how many bytes of memory they may hold, the oldest going first; 0 for
            any number. The latest one stays, whatever it weighs.
    """

    __slots__ = ("_kept", "_weight", "most", "most_bytes")

    def __init__(self, most: int = 0, most_bytes: int = 0) -> None:
        self.most = most
        self.most_bytes = most_bytes
        self._kept: deque[Exchange] = deque()
        self._weight = 0

    def append(self, exchange: Exchange) -> None:
        """Keep one more."""
        kept = self._kept
        kept.append(exchange)
        self._weight += exchange[15]
        if len(kept) > self.most > 0:
            self._weight -= kept.popleft()[15]
        if self._weight > self.most_bytes > 0:
            self.shorten()

    def shorten(self) -> None:
        """Forget the oldest of what is too much."""
        kept = self._kept
        while len(kept) > 1 and (len(kept) > self.most > 0 or self._weight > self.most_bytes > 0):
            self._weight -= kept.popleft()[15]

    def pop(self) -> Exchange:
        """Take back the latest one. Raises ``IndexError`` when there is none."""
        exchange = self._kept.pop()
        self._weight -= exchange.weight
        return exchange

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
        self._weight = 0

    def fork(self) -> "Tap":
        """An empty one with the same bounds."""
        return Tap(self.most, self.most_bytes)

    @overload
    def __getitem__(self, at: int) -> Exchange: ...
    @overload
    def __getitem__(self, at: slice) -> list[Exchange]: ...
    def __getitem__(self, at: int | slice) -> Exchange | list[Exchange]:
        if isinstance(at, int):
            return self._kept[at]
        start, stop, step = at.indices(len(self._kept))
        if step > 0:
            return list(islice(self._kept, start, stop, step))
        return list(self._kept)[at]

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self._kept)

    def __eq__(self, other: object) -> bool:
        return list(self) == (list(other) if isinstance(other, Tap) else other)

    __hash__ = None  # type: ignore[assignment]


def _headers(pairs: tuple[tuple[str, str], ...]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]}\n{value}" if name in joined else value
    return joined
