"""What passed between a product and the twins, as rows and as entries of a trajectory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from factory_tui.trials.brief import LITTLE, Brief, brief
from factory_tui.universe import Exchange

__all__ = ["exchange_entries", "exchange_rows"]

BODY_KEPT = 20_000
"""Characters of a body that a row keeps (head and tail)."""

ROWS_KEPT: Final = 32 << 20
"""Characters that the bodies and headers of rows may have together, before only
little of each body is kept, and no headers."""


HEADERS_KEPT: Final = 100
HEADER_KEPT: Final = 2_000
"""Characters of a header's value."""


def exchange_rows(exchanges: Iterable[Exchange]) -> list[dict[str, Any]]:
    """Exchanges as JSON. Together they stay well below what fits into one message."""
    rows, size, cleaned = [], 0, Brief()
    for exchange in exchanges:
        row = _row(exchange, cleaned, little=size > ROWS_KEPT)
        size += len(row["request_body"]) + len(row["response_body"])
        heads = row["request_headers"] + row["response_headers"]
        size += sum(len(name) + len(value) for name, value in heads)
        rows.append(row)
    return rows


def _row(exchange: Exchange, cleaned: Brief, *, little: bool) -> dict[str, Any]:
    limit = LITTLE if little else BODY_KEPT
    return {
        "n": exchange.n,
        "direction": exchange.direction,
        "step": exchange.step,
        "t_virtual": str(exchange.t_virtual),
        "twin": exchange.twin,
        "operation": exchange.operation,
        "method": exchange.method,
        "path": brief(exchange.path, 2000),
        "status": exchange.status,
        "ms": exchange.ms,
        "fault": exchange.fault or "",
        "gap": exchange.gap,
        "request_headers": [] if little else _headers(exchange.request_headers, cleaned),
        "request_body": cleaned(exchange.request_body, limit),
        "response_headers": [] if little else _headers(exchange.response_headers, cleaned),
        "response_body": cleaned(exchange.response_body, limit),
    }


def _headers(headers: Sequence[tuple[str, str]], cleaned: Brief) -> list[list[str]]:
    pairs = [
        [cleaned.head(name, HEADER_KEPT), cleaned.head(value, HEADER_KEPT)]
        for name, value in headers[:HEADERS_KEPT]
    ]
    for pair in pairs:
        if pair[0].lower() == "authorization" and len(pair[1]) > 12:
            pair[1] = pair[1][:12] + "…"
    return pairs


def exchange_entries(exchanges: Iterable[Exchange], step: int) -> list[dict[str, Any]]:
    """Exchanges as entries of a trajectory: a ``call``, or an ``event`` the twin delivered."""
    cleaned = Brief()
    return [_entry(exchange, step, cleaned) for exchange in exchanges]


def _entry(exchange: Exchange, step: int, cleaned: Brief) -> dict[str, Any]:
    told = exchange.direction == "out"
    path = brief(exchange.path, 300)
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
            "request": cleaned(exchange.request_body, 4000),
            "response": cleaned(exchange.response_body, 1000),
        },
    }
