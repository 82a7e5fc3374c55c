"""Heads of requests: what httptools reads of one, and those that were read before.

A client sends the same few heads again and again, byte for byte: same method and target, same
headers. Reading one costs more than answering it, so a head that framed a whole request without
surprises is kept under its bytes, and the next request that starts with the same bytes needs one
look-up. What a head means depends on nothing but its bytes, so there is nothing to invalidate.
"""

from dataclasses import dataclass
from typing import Final

import httptools

from factory_tui.universe.http import Request

__all__ = ["END", "Head", "Known", "read_head"]

END: Final = b"\r\n\r\n"
_LONGEST_KEPT: Final = 4096
_MOST_KEPT: Final = 4096


@dataclass(frozen=True, slots=True)
class Head:
    """A head and how it frames its request.

    Attributes:
        request: Without a body.
        keep_alive: Whether the connection stays open afterwards.
        length: Bytes of the body.
    """

    request: Request
    keep_alive: bool
    length: int = 0


class Known(dict[bytes, Head]):
    """Heads by their bytes, the final empty line included. Forgets all of them when full."""

    def keep(self, raw: bytes, head: Head) -> None:
        """Remember a head, unless its framing needs more than the number of its bytes."""
        headers = head.request.headers
        if (
            len(raw) > _LONGEST_KEPT
            or raw.count(b"\n") != raw.count(b"\r\n")
            or "transfer-encoding" in headers
            or "upgrade" in headers
            or "expect" in headers
            or headers.get("content-length", "0") != str(head.length)
        ):
            return
        if len(self) >= _MOST_KEPT:
            self.clear()
        self[raw] = head


def read_head(method: bytes, url: bytes, pairs: list[tuple[bytes, bytes]], scheme: str) -> Request:
    """A request without its body, from what the parser found.

    Raises :class:`httptools.HttpParserInvalidURLError`, and ``UnicodeDecodeError`` for a path
    beyond ASCII.
    """
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.lower().decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    target = httptools.parse_url(url)
    return Request(
        method.decode("ascii"),
        (target.path or b"/").decode("ascii"),
        (target.query or b"").decode("latin-1"),
        headers,
        scheme=scheme,
    )
