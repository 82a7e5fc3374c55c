"""A small HTTP/1.1 client: one request per connection, over sockets that others may make.

Twins send webhooks with it and ``twins record`` talks to the real service. The parser is
httptools'; what is left out (redirects, cookies, pools, decompression) is what neither of them
may have. Whoever answers may mean ill: everything that is read is counted.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

import httptools

from factory_tui.universe.outbox import Outgoing, Reply

__all__ = ["Connect", "send"]

Connect = Callable[[str, int], Awaitable["tuple[asyncio.StreamReader, asyncio.StreamWriter]"]]
"""Opens a connection to host and port, without TLS; raises ``OSError``."""

MAX_REPLY: Final = 64 << 20
"""Bytes of a reply that are read at most, its framing included."""

MAX_HEAD: Final = 64 << 10
"""Bytes of a reply before its body: status lines, headers and interim replies."""

MAX_HEADERS: Final = 256
"""Headers of a reply, trailers included."""


class _Parsing:
    """Callbacks of httptools' parser."""

    def __init__(self) -> None:
        self.headers: list[tuple[str, str]] = []
        self.body = bytearray()
        self.headed = False
        self.complete = False

    def on_message_begin(self) -> None:
        self.headers, self.body = [], bytearray()
        self.headed = self.complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self.headers) >= MAX_HEADERS:
            raise ValueError("the reply has too many headers")
        self.headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        self.headed = True

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete = True


async def send(
    outgoing: Outgoing,
    *,
    timeout: float = 10.0,
    connect: Connect | None = None,
    tls: ssl.SSLContext | None = None,
    most: int = MAX_REPLY,
) -> Reply:
    """Send a request and read the reply. Never raises for what the other side does.

    Args:
        outgoing: With an ``http`` or ``https`` URL.
        timeout: Real seconds for all of it.
        connect: Makes the connection instead of the operating system.
        tls: For ``https``; the system's certificates if ``None``.
        most: Bytes to read; a longer reply is none.
    """
    try:
        async with asyncio.timeout(timeout):
            return await _exchange(outgoing, connect, tls, most)
    except TimeoutError:
        return Reply.nothing("timeout")
    except ssl.SSLError as error:
        return Reply.nothing(f"TLS: {error.reason or error}")
    except OSError as error:
        return Reply.nothing(_words(error))
    except httptools.HttpParserUpgrade:
        return Reply.nothing("no HTTP: it wants to speak another protocol")
    except httptools.HttpParserCallbackError as error:
        return Reply.nothing(f"no HTTP: {error.__context__}")
    except (ValueError, httptools.HttpParserError) as error:
        return Reply.nothing(f"no HTTP: {error}")


def _words(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ConnectionError):
        return "connection reset"
    if isinstance(error, socket.gaierror):
        return "unknown host"
    return "connection failed"


async def _exchange(
    outgoing: Outgoing, connect: Connect | None, tls: ssl.SSLContext | None, most: int
) -> Reply:
    url = urlsplit(outgoing.url)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError(f"{outgoing.url!r} is no http URL")
    port = url.port or (443 if url.scheme == "https" else 80)
    reader, writer = await (connect or asyncio.open_connection)(url.hostname, port)
    try:
        if url.scheme == "https":
            await writer.start_tls(
                tls or ssl.create_default_context(), server_hostname=url.hostname
            )
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        writer.write(_head(outgoing, target, url.netloc.rpartition("@")[2]) + outgoing.body)
        await writer.drain()
        return await _read(reader, outgoing.method, most)
    finally:
        # Nothing more is sent, and a receiver that does not read must not hold us up.
        writer.transport.abort()


def _head(outgoing: Outgoing, target: str, host: str) -> bytes:
    given = {name.lower() for name, _ in outgoing.headers}
    lines = [f"{outgoing.method} {target} HTTP/1.1"]
    if "host" not in given:
        lines.append(f"host: {host}")
    lines += [f"{name}: {value}" for name, value in outgoing.headers]
    if "content-length" not in given and (outgoing.body or outgoing.method != "GET"):
        lines.append(f"content-length: {len(outgoing.body)}")
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header breaks out of its line")
    lines.append("connection: close\r\n\r\n")
    return "\r\n".join(lines).encode("latin-1", "replace")


async def _read(reader: asyncio.StreamReader, method: str, most: int) -> Reply:
    parsing = _Parsing()
    parser = httptools.HttpResponseParser(parsing)
    total = head = 0
    while not parsing.complete or parser.get_status_code() < 200:
        data = await reader.read(65536)
        if not data:
            break
        parser.feed_data(data)
        total += len(data)
        if not parsing.headed or parser.get_status_code() < 200:
            head += len(data)
        if head > MAX_HEAD:
            raise ValueError("the head of the reply is too long")
        if total > most:
            raise ValueError("the reply is too long")
        if method == "HEAD" and parsing.headers and data.endswith(b"\r\n\r\n"):
            break
    status = parser.get_status_code()
    if not status:
        raise ConnectionResetError
    return Reply(status, tuple(parsing.headers), bytes(parsing.body))
