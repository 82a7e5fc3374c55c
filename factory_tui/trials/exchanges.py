"""What passed between a product and the twins, as rows and as entries of a trajectory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from factory_tui.text import clean
from factory_tui.universe import Exchange

__all__ = ["exchange_entry", "exchange_row", "exchange_rows"]

BODY_KEPT = 20_000
"""Characters of a body that a row keeps (head and tail)."""

ROWS_KEPT: Final = 32 << 20
"""Characters that the bodies and headers of rows may have together, before ..."""

LITTLE_KEPT: Final = 200
"""... only so many of each body are kept, and no headers."""

HEADERS_KEPT: Final = 100
HEADER_KEPT: Final = 2_000
"""Characters of a header's value."""

_LONG: Final = 256 << 10


def exchange_rows(exchanges: Iterable[Exchange]) -> list[dict[str, Any]]:
    """Exchanges as JSON. Together they stay well below what fits into one message."""
    rows, size = [], 0
    for exchange in exchanges:
        row = exchange_row(exchange, little=size > ROWS_KEPT)
        size += len(row["request_body"]) + len(row["response_body"])
        heads = row["request_headers"] + row["response_headers"]
        size += sum(len(name) + len(value) for name, value in heads)
        rows.append(row)
    return rows


def exchange_row(exchange: Exchange, *, little: bool = False) -> dict[str, Any]:
    """An exchange as JSON, its bodies cleaned; ``little`` of it where there is too much."""
    limit = LITTLE_KEPT if little else BODY_KEPT
    return {
        "n": exchange.n,
        "direction": exchange.direction,
        "step": exchange.step,
        "t_virtual": str(exchange.t_virtual),
        "twin": exchange.twin,
        "operation": exchange.operation,
        "method": exchange.method,
        "path": clean(exchange.path, limit=2000),
        "status": exchange.status,
        "ms": exchange.ms,
        "fault": exchange.fault or "",
        "gap": exchange.gap,
        "request_headers": [] if little else _headers(exchange.request_headers),
        "request_body": _body(exchange.request_body, limit),
        "response_headers": [] if little else _headers(exchange.response_headers),
        "response_body": _body(exchange.response_body, limit),
    }


def _body(body: bytes | None, limit: int) -> str:
    body = body or b""
    if len(body) > _LONG:  # cleaning costs many times the memory of what is cleaned
        half = _LONG // 2
        body = b"%s\n... %d bytes cut ...\n%s" % (body[:half], len(body) - _LONG, body[-half:])
    return clean(body, limit=limit)


def _headers(headers: Sequence[tuple[str, str]]) -> list[list[str]]:
    pairs = [
        [clean(name, limit=HEADER_KEPT), clean(value, limit=HEADER_KEPT)]
        for name, value in headers[:HEADERS_KEPT]
    ]
    for pair in pairs:
        if pair[0].lower() == "authorization" and len(pair[1]) > 12:
            pair[1] = pair[1][:12] + "…"
    return pairs


def exchange_entry(exchange: Exchange, step: int) -> dict[str, Any]:
    """An exchange as an entry of a trajectory: a ``call``, or an ``event`` the twin delivered."""
    told = exchange.direction == "out"
    path = clean(exchange.path, limit=300)
    return {
        "kind": "event" if told else "call",
        "who": exchange.twin,
        "step": step,
        "text": f"{exchange.operation} to {path}" if told else f"{exchange.method} {path}",
        "data": {
            "n": exchange.n,
            "operation": exchange.operation,
            "status": exchange.status,
            "fault": exchange.fault or "",
            "gap": exchange.gap,
            "request": _body(exchange.request_body, 4000),
            "response": _body(exchange.response_body, 1000),
        },
    }
