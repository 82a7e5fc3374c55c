"""What passed between a product and the twins, as rows and as entries of a trajectory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from factory_tui.text import clean
from factory_tui.universe import Exchange

__all__ = ["exchange_entry", "exchange_row"]

BODY_KEPT = 20_000
"""Characters of a body that a row keeps (head and tail)."""


def exchange_row(exchange: Exchange) -> dict[str, Any]:
    """An exchange as JSON, its bodies cleaned."""
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
        "request_headers": _headers(exchange.request_headers),
        "request_body": clean(exchange.request_body or b"", limit=BODY_KEPT),
        "response_headers": _headers(exchange.response_headers),
        "response_body": clean(exchange.response_body or b"", limit=BODY_KEPT),
    }


def _headers(headers: Sequence[tuple[str, str]]) -> list[list[str]]:
    pairs = [[clean(name), clean(value)] for name, value in headers]
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
            "request": clean(exchange.request_body or b"", limit=4000),
            "response": clean(exchange.response_body or b"", limit=1000),
        },
    }
