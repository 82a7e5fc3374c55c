"""A request and a response as packs see them: plain values, no sockets."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

__all__ = ["BadBodyError", "Request", "Response"]


class BadBodyError(ValueError):
    """The request body is not what its reader needs (not JSON, not a form)."""


class Request:
    """One HTTP request.

    Attributes:
        method: Upper case.
        path: As sent, still percent-encoded, without the query.
        query_string: As sent, without ``?``.
        headers: Lower-case name to value; repeated headers are joined with ``", "``.
        body: Raw bytes.
        scheme: ``https`` when it came over TLS.
    """

    scheme = "http"

    def __init__(
        self,
        method: str,
        path: str,
        query_string: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        self.method = method
        self.path = path
        self.query_string = query_string
        self.headers: Mapping[str, str] = headers or {}
        self.body = body

    @classmethod
    def build(
        cls,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]] | Mapping[str, str] = (),
        body: bytes | str | dict[str, Any] | list[Any] = b"",
    ) -> "Request":
        """A request from a target such as ``/api/v1/users?limit=2``; dicts become JSON."""
        path, _, query = target.partition("?")
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        lowered = {name.lower(): value for name, value in pairs}
        if isinstance(body, dict | list):
            body = orjson.dumps(body)
            lowered.setdefault("content-type", "application/json")
        elif isinstance(body, str):
            body = body.encode()
        lowered.setdefault("host", "twin.test")
        return cls(method.upper(), path, query, lowered, body)

    @property
    def target(self) -> str:
        """Path with query, as sent."""
        return f"{self.path}?{self.query_string}" if self.query_string else self.path

    @cached_property
    def segments(self) -> list[str]:
        """The path's parts, percent-decoded: ``/a/b%20c`` is ``["a", "b c"]``."""
        parts = self.path.split("/")[1:]
        return [unquote(part) for part in parts] if "%" in self.path else parts

    @cached_property
    def query(self) -> dict[str, str]:
        """Query parameters; of a repeated one the last value counts."""
        return dict(self.query_pairs)

    @cached_property
    def query_pairs(self) -> list[tuple[str, str]]:
        """Query parameters in order, repeated ones included."""
        if not self.query_string:
            return []
        return _pairs(self.query_string)

    @property
    def media_type(self) -> str:
        """The content type without parameters, lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:
        """The body as JSON; an empty body is ``None``. Raises :class:`BadBodyError`."""
        if not self.body:
            return None
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise BadBodyError(str(error)) from error

    def form(self) -> dict[str, str]:
        """The body as ``application/x-www-form-urlencoded``. Raises :class:`BadBodyError`."""
        try:
            text = self.body.decode()
        except UnicodeDecodeError as error:
            raise BadBodyError("the form is not UTF-8") from error
        return dict(_pairs(text))

    @property
    def base_url(self) -> str:
        """Scheme and host the client used, for links in answers: ``http://127.0.0.1:7001``."""
        return f"{self.headers.get('x-forwarded-proto', self.scheme)}://{self.host}"

    @property
    def host(self) -> str:
        """The ``Host`` header."""
        return self.headers.get("host", "localhost")


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, errors="replace")
    except ValueError:
        return []


class Response:
    """One HTTP response, and what happens to the connection that should carry it.

    Attributes:
        drop: Close the connection without a byte.
        cut: Send only so many bytes of the body, then reset the connection.
        delay: Real seconds to wait before answering.
    """

    __slots__ = ("body", "cut", "delay", "drop", "headers", "status")

    def __init__(
        self,
        status: int = 200,
        body: bytes = b"",
        headers: list[tuple[str, str]] | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.headers: list[tuple[str, str]] = headers if headers is not None else []
        self.drop = False
        self.cut: int | None = None
        self.delay = 0.0

    @classmethod
    def json(
        cls,
        value: Any,
        status: int = 200,
        headers: Iterable[tuple[str, str]] = (),
        content_type: str = "application/json",
    ) -> "Response":
        """A JSON response."""
        return cls(status, orjson.dumps(value), [("content-type", content_type), *headers])

    @classmethod
    def html(cls, text: str, status: int = 200) -> "Response":
        """An HTML page."""
        return cls(status, text.encode(), [("content-type", "text/html; charset=utf-8")])

    def header(self, name: str) -> str | None:
        """The first header of that (lower-case) name."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def data(self) -> Any:
        """The body parsed as JSON (for tests and callers in the same process)."""
        return orjson.loads(self.body) if self.body else None
