"""Records the traffic of a real service through a proxy, as JSON lines without secrets.

A recording is a list of exchanges in the order in which they happened; replayed against a twin
(:mod:`factory_tui.universe.replay`) it is a golden test of status, error and shape.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import orjson
import yaml

from factory_tui.universe.http import Request, Response
from factory_tui.universe.outbox import Ask, Outgoing, Reply
from factory_tui.universe.pack import Call, Pack, Seed, SeedTables, Twin
from factory_tui.universe.redact import Redactor
from factory_tui.universe.tables import Row
from factory_tui.universe.tap import Exchange
from factory_tui.universe.universe import Universe

__all__ = ["Recorded", "RecordingError", "proxy", "read_recording", "recorder"]

_HOP = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "transfer-encoding",
        "upgrade",
    }
)
_TIMEOUT_S = 60.0


class RecordingError(ValueError):
    """A file that is no recording; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded exchange; bodies are text, header names lower case."""

    twin: str
    method: str
    path: str
    status: int
    request_headers: tuple[tuple[str, str], ...] = ()
    request_body: str = ""
    response_headers: tuple[tuple[str, str], ...] = ()
    response_body: str = ""


class _Proxy(Pack):
    """A pack that asks the real service; the universe's tap is the recording."""

    name: ClassVar[str] = "proxy"

    def __init__(self, upstream: str) -> None:
        super().__init__()
        self.upstream = upstream.rstrip("/")

    def seed(self, seed: Seed) -> SeedTables:
        """Nothing is kept here."""
        return {}

    def principal(self, twin: Twin, request: Request) -> str:
        """Whoever it is."""
        return ""

    def fault_response(self, call: Call, status: int, headers: Mapping[str, str]) -> Response:
        """The proxy's own failure."""
        return Response.json({"error": f"the proxy answers {status}"}, status)

    def gap_response(self, call: Call) -> Response:
        """Cannot happen: everything is passed on."""
        return self.fault_response(call, 501, {})

    def unknown_response(self, call: Call) -> Response:
        """Cannot happen: everything is passed on."""
        return self.fault_response(call, 404, {})

    def env(self, twin: Twin, url: str) -> dict[str, str]:
        """No credentials: the caller has its own."""
        return {}

    def view(self, twin: Twin) -> dict[str, list[Row]]:
        """Nothing is kept here."""
        return {}

    def match(self, call: Call) -> None:
        """Every path is the service's."""
        call.operation = "pass"
        call.handler = self._pass

    def _pass(self, call: Call) -> Response:
        request = call.request
        headers = [pair for pair in request.headers.items() if pair[0] not in _HOP]
        outgoing = Outgoing(self.upstream + request.target, request.body, headers, request.method)

        def then(reply: Reply) -> Response:
            if not reply.status:
                return self.fault_response(call, 502, {})
            # Links lead back through the proxy, or the rest of a list would not be recorded.
            here, there = request.base_url, self.upstream
            body = reply.body.replace(there.encode(), here.encode())
            pairs = [
                (name, value.replace(there, here))
                for name, value in reply.headers
                if name not in _HOP
            ]
            return Response(reply.status, body, pairs)

        raise Ask(outgoing, then, _TIMEOUT_S)


def proxy(upstream: str) -> Universe:
    """A universe whose only twin, ``proxy``, passes every request on to ``upstream``.

    Serve it with a started :class:`Courier`, and give :attr:`Universe.on_exchange` to
    :func:`recorder`. Raises ``ValueError`` for what is no URL.
    """
    parts = urlsplit(upstream)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f'"{upstream}" is no URL of a service; give https://…')
    universe = Universe({"proxy": _Proxy(upstream)}, {"proxy": "empty"})
    universe.tap.most = 100
    return universe


def recorder(
    twin: str, upstream: str, write: Callable[[bytes], object], *, people: bool = True
) -> Callable[[Exchange], None]:
    """A listener for a proxy's exchanges that writes each as one redacted JSON line."""
    host = urlsplit(upstream).netloc
    redactor = Redactor({host: f"{twin}.example"}, people=people)

    def hear(exchange: Exchange) -> None:
        if exchange.direction != "in" or not exchange.status:
            return
        here = dict(exchange.request_headers).get("host", "")

        def there(body: bytes) -> bytes:
            return body.replace(f"http://{here}".encode(), upstream.rstrip("/").encode())

        pairs = [
            (name, there(value.encode()).decode()) for name, value in exchange.response_headers
        ]
        row = Recorded(
            twin,
            exchange.method,
            redactor.path(exchange.path),
            exchange.status,
            tuple(redactor.headers([p for p in exchange.request_headers if p[0] != "host"])),
            redactor.body(exchange.request_body, _media(exchange.request_headers)),
            tuple(redactor.headers(pairs)),
            redactor.body(there(exchange.response_body), _media(pairs)),
        )
        write(orjson.dumps(asdict(row)) + b"\n")

    return hear


def _media(headers: Iterable[tuple[str, str]]) -> str:
    found = next((value for name, value in headers if name == "content-type"), "")
    return found.partition(";")[0].strip().lower()


def read_recording(path: Path, twin: str = "") -> list[Recorded]:
    """Read a recording: our JSON lines, or a cassette of VCR (``.yaml``).

    Args:
        path: The file.
        twin: Whose it is, for cassettes, which do not say.

    Raises :class:`RecordingError`.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix in (".yaml", ".yml"):
            return _cassette(text, twin)
        return [_line(orjson.loads(line)) for line in text.splitlines() if line.strip()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise RecordingError(f"{path} is no recording: {error}") from error


def _line(row: dict[str, Any]) -> Recorded:
    return Recorded(
        str(row["twin"]),
        str(row["method"]),
        str(row["path"]),
        int(row["status"]),
        _lowered(row.get("request_headers", ())),
        str(row.get("request_body", "")),
        _lowered(row.get("response_headers", ())),
        str(row.get("response_body", "")),
    )


def _lowered(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((str(name).lower(), str(value)) for name, value in pairs)


def _cassette(text: str, twin: str) -> list[Recorded]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    rows = []
    for item in yaml.load(text, loader)["interactions"]:
        request, response = item["request"], item["response"]
        url = urlsplit(request["uri"])
        rows.append(
            Recorded(
                twin,
                request["method"],
                url.path + (f"?{url.query}" if url.query else ""),
                response["status"]["code"],
                _pairs(request.get("headers")),
                _text(request.get("body")),
                _pairs(response.get("headers")),
                _text((response.get("body") or {}).get("string")),
            )
        )
    return rows


def _pairs(headers: Mapping[str, Any] | None) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.lower(), str(value))
        for name, values in (headers or {}).items()
        for value in (values if isinstance(values, list) else [values])
    )


def _text(body: Any) -> str:
    if body is None:
        return ""
    return body.decode(errors="replace") if isinstance(body, bytes) else str(body)
