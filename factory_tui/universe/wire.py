"""Responses as bytes."""

from http import HTTPStatus
from typing import Final

from factory_tui.universe.http import Response

__all__ = ["BODILESS", "refusal", "written"]

BODILESS: Final = frozenset({204, 304})

_CONTROLS: Final = bytes((*range(32), 127))
_BLANKED: Final = dict.fromkeys(_CONTROLS, " ")


def _status_line(status: int) -> str:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n"


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
    lines_of_ours = 3
    if status in BODILESS:
        pairs = [pair for pair in pairs if pair[0] != "content-type"]
        framing, bodiless = "", True
        lines_of_ours = 2
    else:
        framing = f"content-length: {len(body)}\r\n"
    if not keep_alive:
        framing += "connection: close\r\n"
        lines_of_ours += 1
    start = _STATUS_LINES[status]
    lines = "".join([f"{name}: {value}\r\n" for name, value in pairs])
    head = f"{start}{lines}{framing}\r\n".encode("latin-1", "replace")
    # A header value must not break out of its line: each line ends with two control characters.
    if len(head) - len(head.translate(None, _CONTROLS)) != 2 * (lines_of_ours + len(pairs)):
        lines = "".join([f"{name}: {value.translate(_BLANKED)}\r\n" for name, value in pairs])
        head = f"{start}{lines}{framing}\r\n".encode("latin-1", "replace")
    if bodiless:
        return head
    return head + (body if cut is None else body[:cut])


def refusal(status: int, text: str) -> bytes:
    """An answer to what is no request; the connection is closed after it."""
    response = Response(status, text.encode(), [("content-type", "text/plain; charset=utf-8")])
    return written(response, keep_alive=False)
