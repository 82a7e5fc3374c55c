"""An exchange with a twin as lines: decoded, as it was on the wire, and as a curl command."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from factory_tui.store import ExchangeRow
from factory_tui.ui.widgets.tones import Part

__all__ = [
    "body_lines",
    "curl",
    "json_lines",
    "plain",
    "request_lines",
    "response_lines",
    "status_text",
    "status_tone",
]

Lines = list[list[Part]]

_KEY: Final = re.compile(r'^(\s*)("(?:[^"\\]|\\.)*")(: )(.*)$')
_AT_THE_DOOR: Final = frozenset(
    {"host", "content-length", "connection", "accept-encoding", "transfer-encoding"}
)
"""Headers that curl writes itself."""


def status_text(row: ExchangeRow) -> str:
    """``429 Too Many Requests``, or that no answer came."""
    if not row.status:
        return "no answer"
    try:
        return f"{row.status} {HTTPStatus(row.status).phrase}"
    except ValueError:
        return str(row.status)


def status_tone(row: ExchangeRow) -> str:
    """How alarming the answer is."""
    if row.gap or row.fault:
        return "warn"
    if not row.status or row.status >= 500:
        return "bad"
    return "warn" if row.status >= 400 else "good"


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value for key, value in headers.items() if key.lower() == name), "")


def _header_lines(headers: Mapping[str, str]) -> Lines:
    return [
        [(f"{name}: ", "muted"), (part, "text")]
        for name, value in headers.items()
        for part in value.split("\n")
    ]


def request_lines(row: ExchangeRow, *, wire: bool = False) -> Lines:
    """The request: line, query, body, headers; or in the order of the wire.

    Args:
        row: with headers and bodies.
        wire: as it was sent, instead of query and body decoded and what matters first.
    """
    if wire:
        lines: Lines = [[(f"{row.method} {row.path} HTTP/1.1", "strong")]]
        lines += _header_lines(row.request_headers)
        return [*lines, [], *_raw(row.request_body)]
    url = urlsplit(row.path)
    lines = [[(f"{row.method} ", "accent"), (unquote(url.path), "strong")]]
    lines += [
        [("  ? ", "faint"), (f"{name} = ", "muted"), (value, "text")]
        for name, value in parse_qsl(url.query, keep_blank_values=True)
    ]
    kind = _header(row.request_headers, "content-type")
    body = body_lines(row.request_body, kind) if row.request_body or row.method != "GET" else []
    return [*lines, *body, [], *_header_lines(row.request_headers)]


def response_lines(row: ExchangeRow, *, wire: bool = False) -> Lines:
    """The response: status, body, headers; or why there is none."""
    if not row.status and not row.response_body:
        why = row.fault or "the connection ended before an answer was sent"
        return [[("no answer", "bad")], [], [(why, "muted")]]
    head: list[Part] = [("HTTP/1.1 ", "muted")] if wire else []
    lines: Lines = [[*head, (status_text(row), status_tone(row))]]
    headers = _header_lines(row.response_headers)
    if wire:
        return [*lines, *headers, [], *_raw(row.response_body)]
    kind = _header(row.response_headers, "content-type")
    return [*lines, *body_lines(row.response_body, kind), [], *headers]


def _raw(body: str) -> Lines:
    return [[(line, "text")] for line in body.splitlines()] or [[("(no body)", "faint")]]


def body_lines(body: str, content_type: str = "") -> Lines:
    """A body readable: JSON indented, a form as its fields, anything else as it is."""
    if not body.strip():
        return [[("(no body)", "faint")]]
    if "urlencoded" in content_type:
        return _form(body)
    try:
        value = json.loads(body)
    except ValueError:
        return _raw(body)
    return json_lines(value)


def json_lines(value: object) -> Lines:
    """A value as indented JSON, its keys lit."""
    lines: Lines = []
    for line in json.dumps(value, indent=2, ensure_ascii=False).splitlines():
        found = _KEY.match(line)
        if found:
            indent, key, colon, rest = found.groups()
            lines.append([(indent, "text"), (key, "accent"), (colon, "faint"), (rest, "text")])
        else:
            lines.append([(line, "text")])
    return lines


def _form(body: str) -> Lines:
    lines: Lines = []
    for name, value in parse_qsl(body, keep_blank_values=True):
        lines.append([(name, "accent"), (" = ", "faint"), (value, "text")])
        # Slack's clients put JSON into form fields.
        if value[:1] in ("{", "["):
            try:
                nested = json_lines(json.loads(value))
            except ValueError:
                continue
            lines[-1] = [(name, "accent"), (" =", "faint")]
            lines += [[("  ", "text"), *line] for line in nested]
    return lines


def curl(row: ExchangeRow) -> str:
    """The request as a curl command for a shell.

    A token is never written out: it comes from the variables that a product gets
    (``$SLACK_TOKEN`` …), the twin's address from the request's host.
    """
    host = _header(row.request_headers, "host") or "127.0.0.1"
    parts = ["curl", "-i"]
    if row.method != "GET":
        parts += ["-X", row.method]
    parts.append(shlex.quote(f"http://{host}{row.path}"))
    for name, value in row.request_headers.items():
        if name.lower() in _AT_THE_DOOR:
            continue
        if name.lower() == "authorization":
            parts += ["-H", _secret(row.twin, name, value)]
        else:
            parts += ["-H", shlex.quote(f"{name}: {value}")]
    if row.request_body:
        parts += ["--data-raw", shlex.quote(row.request_body)]
    return " ".join(parts)


def _secret(twin: str, name: str, value: str) -> str:
    scheme = value.split(" ", 1)[0] if " " in value else "Bearer"
    prefix = re.sub(r"\W", "_", twin.upper())
    if scheme.lower() == "basic":
        pair = f"${prefix}_EMAIL:${prefix}_TOKEN"
        return f'"{name}: Basic $(printf %s "{pair}" | base64 -w0)"'
    return f'"{name}: {scheme} ${prefix}_TOKEN"'


def plain(lines: Sequence[Sequence[Part]]) -> str:
    """Lines without their tones."""
    return "\n".join("".join(text for text, _ in line) for line in lines)
