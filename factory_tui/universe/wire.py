"""Responses as bytes."""

from http import HTTPStatus
from typing import Final

from factory_tui.universe.http import Header, Response, header_line

__all__ = ["BODILESS", "refusal", "written"]

BODILESS: Final = frozenset({204, 304})


def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode()


_STATUS_LINES: Final = {status: _status_line(status) for status in range(100, 600)}


def written(
    response: Response, keep_alive: bool, *, bodiless: bool = False, cut: int | None = None
) -> bytes:
    """Head and body, to be written at once.

    Args:
        response: What to send.
        keep_alive: ``False`` tells the client that the connection closes.
        bodiless: Of a HEAD request: everything but the body.
        cut: Only so many bytes of the body; the head promises all of them.
    """
    status, pairs, body = response.status, response.headers, response.body
    if status in BODILESS:
        pairs = [pair for pair in pairs if pair[0] != "content-type"]
        framing, bodiless = b"", True
    else:
        framing = b"content-length: %d\r\n" % len(body)
    if not keep_alive:
        framing += b"connection: close\r\n"
    parts = [_STATUS_LINES[status]]
    for pair in pairs:
        parts.append(pair.line if type(pair) is Header else header_line(*pair))
    parts += framing, b"\r\n"
    if not bodiless:
        parts.append(body if cut is None else body[:cut])
    return b"".join(parts)


def refusal(status: int, text: str) -> bytes:
    """An answer to what is no request; the connection is closed after it."""
    response = Response(status, text.encode(), [("content-type", "text/plain; charset=utf-8")])
    return written(response, keep_alive=False)
