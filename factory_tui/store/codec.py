"""JSON as the store writes it, and the compression of what is big."""

from __future__ import annotations

import threading
from typing import Any, Final

import orjson
import zstandard

__all__ = ["RAW", "ZSTD", "dumps", "loads", "pack", "unpack"]

RAW: Final = 0
ZSTD: Final = 1
_WORTH: Final = 128  # bytes; below, a zstd frame saves nothing


class _Local(threading.local):
    """zstd contexts must not be used by two threads at once."""

    def __init__(self) -> None:
        self.pack = zstandard.ZstdCompressor(level=1)
        self.unpack = zstandard.ZstdDecompressor()


_local = _Local()


def dumps(value: Any) -> str:
    """Compact JSON. Raises ``TypeError`` for what JSON cannot say (a Decimal, a set, ...)."""
    return orjson.dumps(value).decode()


def loads(text: str | bytes) -> Any:
    """What ``dumps`` was given, with tuples as lists."""
    return orjson.loads(text)


def pack(data: bytes) -> tuple[int, bytes]:
    """``(codec, bytes to store)``: zstd level 1 where that is smaller."""
    if len(data) >= _WORTH:
        packed = _local.pack.compress(data)
        if len(packed) < len(data):
            return ZSTD, packed
    return RAW, data


def unpack(codec: int, data: bytes) -> bytes:
    """The bytes that ``pack`` was given."""
    return _local.unpack.decompress(data) if codec == ZSTD else data
