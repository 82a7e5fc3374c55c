"""Reads JSON and forms that a client or a receiver sent, within bounds no honest one comes near.

A megabyte of brackets makes a hundred times its size of Python objects, and what is nested deeply
can be read but not written again.
"""

import re
from base64 import b64decode
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, Final

import orjson

__all__ = ["MAX_FIELDS", "MAX_TEXT", "BadBodyError", "Part", "read_json", "read_parts"]

MAX_TEXT: Final = 2 << 20
"""Bytes of JSON, or of a form."""

MAX_FIELDS: Final = 1000
"""Fields of a form."""

MAX_DEPTH: Final = 100
"""How deeply JSON may be nested; orjson writes at most 254 levels."""

MAX_PARTS: Final = 100_000
"""Values of JSON, about: commas and opening brackets are counted, also those in strings."""

_MAX_HEAD: Final = 16 << 10
_GAP: Final = re.compile(rb"\r?\n\r?\n")


class BadBodyError(ValueError):
    """The request body is not what its reader needs (not JSON, not a form, too much of it)."""


def read_json(data: bytes | str) -> Any:
    """What the JSON says. Raises :class:`BadBodyError`."""
    if len(data) < 2 * MAX_DEPTH and isinstance(data, bytes):
        # Too short for anything that would have to be looked at.
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise BadBodyError(str(error)) from error
    if len(data) > MAX_TEXT:
        raise BadBodyError(f"more than {MAX_TEXT} bytes")
    raw = data.encode(errors="surrogatepass") if isinstance(data, str) else data
    opened = raw.count(b"{") + raw.count(b"[")
    if len(raw) > MAX_PARTS and opened + raw.count(b",") > MAX_PARTS:
        raise BadBodyError(f"more than {MAX_PARTS} values")
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadBodyError(str(error)) from error
    if opened > MAX_DEPTH and _is_deep(value):
        raise BadBodyError(f"nested more than {MAX_DEPTH} levels deep")
    return value


def _is_deep(value: Any) -> bool:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart form.

    Attributes:
        name: "" where none is given.
        filename: ``None`` where it is no file.
        data: What it holds.
    """

    name: str
    filename: str | None
    data: bytes


def read_parts(content_type: str, body: bytes) -> list[Part]:
    """The parts of a multipart form (RFC 7578), in order. Raises :class:`BadBodyError`."""
    boundary = _head(f"Content-Type: {content_type}".encode("utf-8", "replace")).get_boundary()
    if not boundary:
        raise BadBodyError("the form names no boundary")
    mark = re.escape(boundary.encode("utf-8", "replace"))
    ends = re.compile(rb"(?:\A|\r?\n)--" + mark + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    found: list[Part] = []
    start = -1
    for end in ends.finditer(body):
        if start >= 0:
            found.append(_part(body, start, end.start()))
        if len(found) > MAX_FIELDS:
            raise BadBodyError(f"more than {MAX_FIELDS} parts")
        start = end.end()
        if end[1]:
            return found
    raise BadBodyError("the form has no end")


def _part(body: bytes, start: int, end: int) -> Part:
    gap = _GAP.search(body, start, end)
    until, begin = (gap.start(), gap.end()) if gap else (end, end)
    if until - start > _MAX_HEAD:
        raise BadBodyError("the head of a part is too long")
    head = _head(body[start:until].lstrip(b"\r\n"))
    name = head.get_param("name", header="content-disposition")
    data = body[begin:end]
    if str(head.get("content-transfer-encoding", "")).strip().lower() == "base64":
        try:
            data = b64decode(data)
        except ValueError as error:
            raise BadBodyError("a part is not base64") from error
    return Part(name if isinstance(name, str) else "", head.get_filename(), data)


def _head(lines: bytes) -> EmailMessage:
    return BytesParser(EmailMessage, policy=HTTP).parsebytes(lines + b"\r\n\r\n", headersonly=True)
