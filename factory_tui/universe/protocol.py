"""One HTTP connection to a twin: httptools reads it, an answer is one write.

Why not uvicorn's protocol: its cycle and scope per request, its task or callback per answer and
its way through ASGI cost more than a whole answer of a twin does here. A twin answers at once and
in one piece, so an answer is written from the parser's callback. Heads that were read before are
not read again (:mod:`.heads`).

What a server owes its clients is here: keep-alive, pipelining in order, chunked bodies, ``Expect:
100-continue``, back-pressure, limits of size and time, WebSocket handshakes; and what a test of a
client asks of it: answers that are late, cut in the middle or never sent.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final, cast

import httptools

from factory_tui.universe.heads import END, Head, Known, read_head
from factory_tui.universe.http import Request, Response
from factory_tui.universe.outbox import Reply
from factory_tui.universe.universe import Universe, Waiting
from factory_tui.universe.websocket import WebSocketProtocol
from factory_tui.universe.wire import refusal, written

__all__ = ["Chooser", "Connection", "Connections"]

Chooser = Callable[[Request], Universe | None]
"""Which universe a request is for; ``None``: there is no such."""

MAX_BODY: Final = 16 << 20
"""Bytes of a request body a twin reads; more closes the connection."""
MAX_HEAD: Final = 64 << 10
"""Bytes of a request's line and headers; more is answered with 431."""
MAX_HEADERS: Final = 100
"""Headers of a request; more is answered with 431."""
MAX_HELD: Final = 64 << 20
"""Bytes of bodies that have not arrived whole, of all connections of one server."""
IDLE_S: Final = 75.0
"""An unused connection is closed after so many real seconds."""
REQUEST_S: Final = 60.0
"""A request must have arrived so many real seconds after its first byte."""
_CUT_PAUSE_S: Final = 0.02
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_Waits = tuple[Request, bool]
_Handshake = tuple[Request, list[tuple[bytes, bytes]], bytes]

_known: dict[str, Known] = {"http": Known(), "https": Known()}


class Connections:
    """The open connections of one server, and who closes those that have fallen asleep.

    Attributes:
        connections: HTTP and WebSocket protocols.
        tasks: Answers that are on their way.
        held: Bytes of bodies that have not arrived whole.

    Args:
        most: Connections at a time; more are closed at once.
    """

    def __init__(self, most: int = 1 << 16) -> None:
        self.most = most
        self.held = 0
        self.connections: set[Any] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self._sweep: asyncio.TimerHandle | None = None

    def add(self, connection: "Connection") -> None:
        """Note a new connection."""
        if len(self.connections) >= self.most:
            connection.transport.abort()
            return
        self.connections.add(connection)
        if self._sweep is None:
            self._plan()

    def _plan(self) -> None:
        # One timer for all: a timer per request would cost more than the request.
        pause = min(IDLE_S, REQUEST_S) / 8
        self._sweep = asyncio.get_running_loop().call_later(pause, self._swept)

    def _swept(self) -> None:
        self._sweep = None
        now = asyncio.get_running_loop().time()
        waiting = False
        for connection in list(self.connections):
            if isinstance(connection, Connection):
                waiting = True
                connection.expire(now)
        if waiting:
            self._plan()

    def stop(self) -> None:
        """Watch no longer."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None


class Connection(asyncio.Protocol):
    """One connection to one twin of one universe (or of the universe a request names)."""

    __slots__ = (
        "_body",
        "_choose",
        "_closing",
        "_continue",
        "_ended",
        "_fed",
        "_head",
        "_headers",
        "_heads",
        "_late",
        "_loop",
        "_message",
        "_parser",
        "_paused",
        "_queue",
        "_raw",
        "_since",
        "_size",
        "_state",
        "_twin",
        "_universe",
        "_upgrade",
        "_url",
        "transport",
    )

    transport: asyncio.Transport

    def __init__(self, universe: Universe | Chooser, twin: str, state: Connections) -> None:
        self._universe = universe if isinstance(universe, Universe) else None
        self._choose: Chooser = (lambda _: universe) if isinstance(universe, Universe) else universe
        self._twin = twin
        self._state = state
        self._loop = asyncio.get_running_loop()
        self._queue: deque[_Waits | _Handshake] = deque()
        self._ended = False
        self._late = False  # an answer is on its way
        self._paused = False  # the client does not read
        self._closing = False
        self._message = False  # the parser is inside a message
        self._parser: Any = None
        self._raw = b""
        self._continue = False
        self._since = 0.0
        self._fed = -1

    # -- the transport's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by class
        secure = transport.get_extra_info("sslcontext") is not None
        self._heads = _known["https" if secure else "http"]
        self._since = self._loop.time()
        self._state.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._closing = True
        self._queue.clear()
        if self._message:
            self._state.held -= self._size
            self._message = False
        self._parser = None
        self._state.connections.discard(self)

    def pause_writing(self) -> None:
        """The client reads more slowly than it asks."""
        self._paused = True
        self._hold()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._paused = False
        self._go_on()

    def data_received(self, data: bytes) -> None:
        """Bytes from the client: a part of a request, or several of them."""
        at = 0
        raw = b""
        if not self._message:
            self._since = self._loop.time()
            heads, size = self._heads, len(data)
            while not self._closing:
                end = data.find(END, at) + 4
                if end < 4:
                    break
                raw = data[at:end]
                head = heads.get(raw)
                if head is None:
                    break
                stop = end + head.length
                if stop > size:
                    raw = b""
                    break
                request = head.request
                if stop > end:
                    request = request.with_body(data[end:stop])
                if self._late or self._paused or self._queue:
                    self._ready(request, head.keep_alive)
                else:
                    self._answer(request, head.keep_alive)
                if stop == size:
                    return
                at = stop
                raw = b""
        if not self._closing:
            self._feed(data[at:] if at else data, raw)

    def expire(self, now: float) -> None:
        """Close a connection that nobody uses, or whose request does not arrive."""
        if self._late or self._queue or self._paused or self._closing:
            return
        spent = now - self._since
        if self._message and spent > REQUEST_S:
            self._refuse(408, "The request did not arrive in time.")
        elif not self._message and spent > IDLE_S:
            self._close()

    # -- reading what is not known yet

    def _feed(self, data: bytes, raw: bytes) -> None:
        """Let the parser read; ``raw``: what looks like the head of a request to be kept."""
        if self._parser is None:
            self._parser = httptools.HttpRequestParser(self)
        if raw:
            self._raw = raw
        # The head alone first, to see that it is just these bytes.
        pieces = [raw, data[len(raw) :]] if raw else [data]
        for number, piece in enumerate(pieces):
            if not piece or self._closing:
                continue
            try:
                self._parser.feed_data(piece)
            except httptools.HttpParserUpgrade as upgrade:
                rest = piece[upgrade.args[0] :] + b"".join(pieces[number + 1 :])
                self._upgraded(rest)
                return
            except httptools.HttpParserError:
                if not self._closing:
                    self._refuse(400, "Invalid HTTP request received.")
                return
            if raw and number == 0 and not (self._message and self._head is not None):
                self._raw = b""
        if self._message and self._head is None:
            # What came before a head in the same piece is not a part of it.
            self._fed = 0 if self._fed < 0 else self._fed + len(data)
            if self._fed > MAX_HEAD:
                self._refuse(431, "The head of the request is too long.")

    def on_message_begin(self) -> None:
        """The parser sees the start of a request."""
        self._message = True
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._head: Head | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._fed = -1
        self._upgrade = False

    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        if len(self._headers) >= MAX_HEADERS:
            self._refuse(431, "The request has too many headers.")
            raise ValueError
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        parser = self._parser
        secure = self._heads is _known["https"]
        request = read_head(
            parser.get_method(), self._url, self._headers, "https" if secure else "http"
        )
        modern = parser.get_http_version() != "1.0"
        self._head = Head(request, modern and parser.should_keep_alive())
        headers = request.headers
        if sum(len(name) + len(value) for name, value in self._headers) > MAX_HEAD:
            self._refuse(431, "The head of the request is too long.")
        elif headers.get("upgrade", "").lower() == "websocket" and parser.should_upgrade():
            self._upgrade = True
        elif modern and headers.get("expect", "").lower() == "100-continue":
            self._continue = True
            self._invite()

    def _invite(self) -> None:
        """Ask for the body, once all earlier requests are answered."""
        if self._continue and not (self._late or self._queue or self._paused or self._closing):
            self._continue = False
            self.transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._body.append(body)
        self._size += len(body)
        self._state.held += len(body)
        if self._size > MAX_BODY or self._state.held > MAX_HELD:
            self._abort()

    def on_message_complete(self) -> None:
        """The request is whole."""
        head, raw = self._head, self._raw
        if self._upgrade or head is None:
            return
        self._message = self._continue = False
        self._state.held -= self._size
        self._raw = b""
        request = head.request
        if raw:
            self._heads.keep(raw, Head(request, head.keep_alive, self._size))
        if self._size:
            request = request.with_body(b"".join(self._body))
        self._ready(request, head.keep_alive)

    def _upgraded(self, rest: bytes) -> None:
        """The parser says that what follows is another protocol."""
        self._parser = None
        self._raw = b""
        if self._closing:
            return
        if not self._upgrade:
            # It is one that nobody speaks here (h2c); the request was answered as it is.
            if rest:
                self.data_received(rest)
            return
        self._message = self._upgrade = False
        self._state.held -= self._size
        assert self._head is not None
        handshake = self._head.request, self._headers, rest
        if self._late or self._queue or self._paused:
            self._queue.append(handshake)
            self._hold()
        else:
            self._shake_hands(*handshake)

    # -- answering

    def _ready(self, request: Request, keep_alive: bool) -> None:
        if self._closing:
            return
        if self._late or self._paused or self._queue:
            self._queue.append((request, keep_alive))
            self._hold()
        else:
            self._answer(request, keep_alive)

    def _answer(self, request: Request, keep_alive: bool) -> None:
        universe = self._universe or self._choose(request)
        if universe is None:
            self._write(request, _nowhere(), keep_alive)
            return
        answered = universe.begin(self._twin, request)
        if answered.wire is not None and keep_alive and request.method != "HEAD":
            self.transport.write(answered.wire)
        elif isinstance(answered, Waiting):
            self._later(self._ask(request, keep_alive, universe, answered))
        elif answered.struck:
            self._later(self._strike(request, answered, keep_alive))
        else:
            self._write(request, answered, keep_alive)

    def _write(self, request: Request, response: Response, keep_alive: bool) -> None:
        self.transport.write(written(response, keep_alive, bodiless=request.method == "HEAD"))
        if not keep_alive:
            self._close()

    # -- answers that take their time

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        self._late = True
        task = self._loop.create_task(work)
        self._state.tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._state.tasks.discard(task)
        self._late = False
        self._go_on()

    def _hold(self) -> None:
        """Read no more until what is here is answered."""
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def _go_on(self) -> None:
        """Answer what has waited."""
        while self._queue and not (self._late or self._paused or self._closing):
            item = self._queue.popleft()
            if len(item) == 2:
                self._answer(*item)
            else:
                self._shake_hands(*item)
                return
        if self._late or self._paused or self._closing:
            return
        self._since = self._loop.time()
        self._invite()
        if self._ended:
            self._close()
        elif not self.transport.is_closing():
            self.transport.resume_reading()

    async def _ask(
        self, request: Request, keep_alive: bool, universe: Universe, waiting: Waiting
    ) -> None:
        """Fetch what a handler asks for, and go on."""
        answered: Response | Waiting = waiting
        while isinstance(answered, Waiting):
            courier = universe.courier
            reply = (
                Reply.nothing("nobody delivers here")
                if courier is None
                else await courier.ask(answered.outgoing, answered.timeout)
            )
            answered = answered.resume(reply)
        await self._strike(request, answered, keep_alive)

    async def _strike(self, request: Request, response: Response, keep_alive: bool) -> None:
        """Give an answer that a fault has struck."""
        if response.delay:
            await asyncio.sleep(response.delay)
        if self._closing:
            return
        if response.drop:
            self._abort()
        elif response.cut is not None and request.method != "HEAD":
            self.transport.write(written(response, keep_alive, cut=response.cut))
            # Let the first part leave before the reset.
            await asyncio.sleep(_CUT_PAUSE_S)
            self._abort()
        else:
            self._write(request, response, keep_alive)

    # -- the end

    def eof_received(self) -> bool:
        """The client sends no more; what it still waits for is answered first."""
        self._ended = True
        secure = self._heads is _known["https"]
        return (self._late or bool(self._queue)) and not secure

    def _refuse(self, status: int, text: str) -> None:
        self.transport.write(refusal(status, text))
        self._close()

    def _close(self) -> None:
        self._closing = True
        self.transport.close()

    def _abort(self) -> None:
        self._closing = True
        self.transport.abort()

    # -- WebSockets

    def _shake_hands(
        self, request: Request, headers: list[tuple[bytes, bytes]], rest: bytes
    ) -> None:
        universe = self._universe or self._choose(request)
        channel = universe.open_socket(self._twin, request) if universe is not None else None
        if universe is None or channel is None:
            response = _nowhere()
            if universe is not None:
                answered = universe.handle(self._twin, request)
                response = answered if not answered.drop else response
            self._write(request, response, False)
            return
        self._closing = True
        self._state.connections.discard(self)
        lines = [f"{request.method} {request.target} HTTP/1.1".encode("latin-1")]
        lines += [name + b": " + value for name, value in headers]
        protocol = WebSocketProtocol(universe, self._twin, self.transport, self._state.connections)
        self.transport.set_protocol(protocol)
        protocol.start(request, channel, b"\r\n".join([*lines, b"", b""]))
        if rest:
            protocol.data_received(rest)
        if not self.transport.is_closing():
            self.transport.resume_reading()


def _nowhere() -> Response:
    text = b"There is no such universe here.\n"
    return Response(404, text, [("content-type", "text/plain; charset=utf-8")])
