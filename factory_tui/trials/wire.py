"""How the engine and a trial host talk: one JSON object per line over the host's stdin and stdout.

A request is ``{"id": int, "op": str, ...}``; its answer is ``{"id": int, "ok": {...}}`` or
``{"id": int, "error": str, "fault": bool}``. ``fault`` says that the harness failed (the trial is
void), not the product. Answers come in any order. The first line a host writes is
``{"id": 0, "ok": {"tier": {...}}}``.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

__all__ = ["LINE_LIMIT", "HarnessFault", "encode", "read_message"]

LINE_LIMIT = 256 << 20
"""Longest line in bytes: a product may print megabytes, and all of it travels once."""


class HarnessFault(Exception):
    """The harness failed, not the product: the trial is void and may be tried again."""


def encode(message: dict[str, Any]) -> bytes:
    """One message as a line."""
    return orjson.dumps(message, option=orjson.OPT_NON_STR_KEYS) + b"\n"


async def read_message(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    """The next message, or ``None`` when the other side is gone."""
    try:
        line = await reader.readline()
    except (ConnectionError, ValueError):
        return None
    if not line.endswith(b"\n"):
        return None
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
