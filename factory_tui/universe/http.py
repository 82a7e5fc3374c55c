"""A request and a response as packs see them: plain values, no sockets."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, unquote

import orjson

from factory_tui.universe.reading import MAX_FIELDS, MAX_TEXT, BadBodyError, read_json

__all__ = ["BadBodyError", "Header", "Request", "Response", "header_line", "heft"]

T = TypeVar("T")


class Request:
    """One HTTP request. Immutable: requests with the same head may be one and the same object.

    Attributes:
        method: Upper case.
        path: As sent, still percent-encoded, without the query.
        query_string: As sent, without ``?``.
        headers: Lower-case name to value; repeated headers are joined with ``", "``.
        body: Raw bytes.
        scheme: ``https`` when it came over TLS.
        weight: About how many bytes of memory the head holds.
    """

    __slots__ = (
        "_derived",
        "body",
        "headers",
        "method",
        "path",
        "query_string",
        "scheme",
        "weight",
    )

    def __init__(
        self,
        method: str,
        path: str,
        query_string: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        scheme: str = "http",
    ) -> None:
        self.method = method
        self.path = path
        self.query_string = query_string
        self.headers: Mapping[str, str] = headers or {}
        self.body = body or b""
        self.scheme = scheme
        self._derived: dict[Any, Any] = {}
        self.weight = heft(self.headers.items()) + len(path) + len(query_string)

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

    def with_body(self, body: bytes) -> "Request":
        """The same head with another body; what was derived from the head stays known."""
        other = Request.__new__(Request)
        other.method = self.method
        other.path = self.path
        other.query_string = self.query_string
        other.headers = self.headers
        other.body = body
        other.scheme = self.scheme
        other._derived = self._derived
        other.weight = self.weight
        return other

    def derived(self, function: "Callable[[Request], T]") -> T:
        """``function(self)``, worked out once for all requests with the same head.

        The function may look at everything but the body (and at nothing that changes), and what
        it returns is not to be changed.
        """
        try:
            found: T = self._derived[function]
        except KeyError:
            found = self._derived[function] = function(self)
        return found

    @property
    def target(self) -> str:
        """Path with query, as sent."""
        return f"{self.path}?{self.query_string}" if self.query_string else self.path

    @property
    def header_pairs(self) -> tuple[tuple[str, str], ...]:
        """The headers in the order of sending."""
        return tuple(self.headers.items())

    @property
    def segments(self) -> Sequence[str]:
        """The path's parts, percent-decoded: ``/a/b%20c`` is ``["a", "b c"]``."""
        return self.derived(_segments)

    @property
    def query(self) -> Mapping[str, str]:
        """Query parameters; of a repeated one the last value counts."""
        return self.derived(_query)

    @property
    def query_pairs(self) -> Sequence[tuple[str, str]]:
        """Query parameters in order, repeated ones included."""
        return self.derived(_query_pairs)

    @property
    def media_type(self) -> str:
        """The content type without parameters, lower case."""
        return self.derived(_media_type)

    def json(self) -> Any:
        """The body as JSON; an empty body is ``None``. Raises :class:`BadBodyError`."""
        if not self.body:
            return None
        return read_json(self.body)

    def form(self) -> dict[str, str]:
        """The body as ``application/x-www-form-urlencoded``. Raises :class:`BadBodyError`."""
        return dict(self.form_pairs())

    def form_pairs(self) -> list[tuple[str, str]]:
        """The fields of a form in order, repeated ones too. Raises :class:`BadBodyError`."""
        if len(self.body) > MAX_TEXT or self.body.count(b"&") >= MAX_FIELDS:
            raise BadBodyError("the form is too large to be one")
        try:
            text = self.body.decode()
        except UnicodeDecodeError as error:
            raise BadBodyError("the form is not UTF-8") from error
        return _pairs(text)

    @property
    def base_url(self) -> str:
        """Scheme and host the client used, for links in answers: ``http://127.0.0.1:7001``."""
        return self.derived(_base_url)

    @property
    def host(self) -> str:
        """The ``Host`` header."""
        return self.headers.get("host", "localhost")


def _segments(request: Request) -> list[str]:
    parts = request.path.split("/")[1:]
    return [unquote(part) for part in parts] if "%" in request.path else parts


def _query(request: Request) -> dict[str, str]:
    return dict(request.query_pairs)


def _query_pairs(request: Request) -> list[tuple[str, str]]:
    return _pairs(request.query_string) if request.query_string else []


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _base_url(request: Request) -> str:
    return f"{request.headers.get('x-forwarded-proto', request.scheme)}://{request.host}"


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, errors="replace")
    except ValueError:
        return []


class Header(tuple[str, str]):
    """A header that is sent often: a ``(name, value)`` that knows its line.

    Attributes:
        line: As it is sent, the end of the line included; no line ends before its end.
    """

    line: bytes

    def __new__(cls, name: str, value: str) -> "Header":
        """Make one; what would break out of its line becomes a blank in what is sent."""
        header = super().__new__(cls, (name, value))
        header.line = header_line(name, value)
        return header


def heft(pairs: Iterable[tuple[str, str]]) -> int:
    """About how many bytes of memory headers hold."""
    return sum(160 + len(name) + len(value) for name, value in pairs)


_CONTROLS: Final = bytes((*range(32), 127))
_BLANKED: Final = dict.fromkeys(_CONTROLS, " ")


def header_line(name: str, value: str) -> bytes:
    """A header as it is sent; what would break out of its line becomes a blank."""
    line = f"{name}: {value}\r\n".encode("latin-1", "replace")
    if len(line.translate(None, _CONTROLS)) != len(line) - 2:
        value = value.translate(_BLANKED)
        line = f"{name}: {value}\r\n".encode("latin-1", "replace")
    return line


class Response:
    """One HTTP response, and what happens to the connection that should carry it.

    Attributes:
        headers: Those that are sent often are :class:`Header`.
        wire: Head and body as they are sent when nothing is special; ``None``: not yet known.
        drop: Close the connection without a byte.
        cut: Send only so many bytes of the body, then reset the connection.
        delay: Real seconds to wait before answering.
        struck: Whether any of these may be set.
    """

    # Most responses never set them.
    wire: bytes | None = None
    struck = False
    drop = False
    cut: int | None = None
    delay = 0.0

    def __init__(
        self,
        status: int = 200,
        body: bytes = b"",
        headers: list[tuple[str, str]] | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.headers: list[tuple[str, str]] = headers if headers is not None else []

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
