"""The pipeline engine as an HTTP service. Section 9.5 of the Attractor specification.

A pipeline may run commands, so whoever may submit one may do anything this process may. Hence
the server listens on loopback unless told otherwise, refuses requests that a web page of another
origin has sent or that name a host it does not go by, and takes a token.

=====================================  ============================================================
``POST /pipelines``                    DOT source, or JSON ``{"dot": …, "context": {…}}`` → 201, id
``GET /pipelines``                     all pipelines
``GET /pipelines/{id}``                status and progress
``GET /pipelines/{id}/events``         SSE; ``Last-Event-ID`` goes on where a stream was cut off
``POST /pipelines/{id}/cancel``        stop it
``GET /pipelines/{id}/graph``          SVG, coloured by what each node is doing
``GET /pipelines/{id}/questions``      what waits for an answer
``POST …/questions/{qid}/answer``      JSON ``{"answer": "A"}``
``GET /pipelines/{id}/checkpoint``     the newest checkpoint
``GET /pipelines/{id}/context``        the context
``GET /``                              a page to watch pipelines and answer questions on
=====================================  ============================================================

``POST /run``, ``GET /status`` and ``POST /answer`` are short forms for the newest pipeline.
"""

import asyncio
import contextlib
import hmac
import json
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import uvicorn

from factory_tui.attractor.checkpoint import FILE as CHECKPOINT
from factory_tui.attractor.dot import DotSyntaxError
from factory_tui.attractor.files import encode
from factory_tui.attractor.handlers import Handler, HandlerRegistry
from factory_tui.attractor.handlers.codergen import BackendLike
from factory_tui.attractor.hosting import HostedPipeline, PipelineHost
from factory_tui.attractor.lint import ValidationError
from factory_tui.attractor.pending import UnknownQuestion
from factory_tui.attractor.svg import render_svg

__all__ = ["PipelineServer", "Serving", "serve_pipelines"]

_MAX_BODY: Final = 4 << 20
_KEEP_ALIVE_S: Final = 15.0
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class _Refused(Exception):
    """Answers a request with a status and what is wrong."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        self.status, self.body = status, {"error": message, **more}
        super().__init__(message)


@dataclass(slots=True)
class _Reply:
    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


def _json(value: Any, status: int = 200) -> _Reply:
    return _Reply(encode(value), status)


@dataclass(slots=True)
class _Call:
    method: str
    parts: list[str]
    headers: Mapping[str, str]
    query: Mapping[str, list[str]]
    receive: Receive
    send: Send

    async def body(self) -> bytes:
        data = bytearray()
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise _Refused(400, "the request was cut off")
            data += message.get("body", b"")
            if len(data) > _MAX_BODY:
                raise _Refused(413, f"a request may have {_MAX_BODY} bytes")
            if not message.get("more_body"):
                return bytes(data)

    async def object(self) -> dict[str, Any]:
        try:
            value = json.loads(await self.body())
        except ValueError:
            raise _Refused(400, "the body is not JSON") from None
        if not isinstance(value, dict):
            raise _Refused(400, "the body is not a JSON object")
        return value


class PipelineServer:
    """An ASGI application around a `PipelineHost`.

    Args:
        root: Where run directories go.
        backend: What answers prompts; without one model stages are simulated.
        handlers: Handlers besides the built-in ones.
        token: What ``Authorization: Bearer`` (or ``?token=``, for event streams of a browser)
            must say; "" asks for none.
        hosts: Names the server goes by.
    """

    def __init__(
        self,
        root: Path | str,
        *,
        backend: BackendLike | None = None,
        handlers: HandlerRegistry | Mapping[str, Handler] | None = None,
        token: str = "",
        hosts: Collection[str] = _LOOPBACK,
    ) -> None:
        self.host = PipelineHost(Path(root), backend=backend, handlers=handlers)
        self._token, self._hosts = token, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        parts = [part for part in scope["path"].split("/") if part]
        call = _Call(scope["method"], parts, headers, query, receive, send)
        try:
            self._admit(call)
            reply = await self._route(call)
        except _Refused as refused:
            reply = _json(refused.body, refused.status)
        if reply is not None:
            await _send(send, reply)

    def _admit(self, call: _Call) -> None:
        named = call.headers.get("host", "")
        if urlsplit(f"//{named}").hostname not in self._hosts:
            raise _Refused(403, f"this server does not go by the name {named!r}")
        origin = call.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != named:
            raise _Refused(403, f"requests from pages of {origin} are refused")
        if not self._token or not call.parts:
            return
        given = call.headers.get("authorization", "").removeprefix("Bearer ")
        given = given or call.query.get("token", [""])[0]
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            raise _Refused(401, "a token is needed: Authorization: Bearer TOKEN")

    async def _route(self, call: _Call) -> _Reply | None:
        match call.method, call.parts:
            case "GET", []:
                return _page()
            case "GET", ["pipelines"]:
                return _json([hosted.to_json() for hosted in self.host.pipelines.values()])
            case "POST", ["pipelines"] | ["run"]:
                return await self._submit(call)
            case "GET", ["status"]:
                return _json(self._newest(call.query.get("id", [""])[0]).to_json())
            case "POST", ["answer"]:
                return await self._answer_newest(call)
            case _, ["pipelines", ident, *rest] if ident in self.host.pipelines:
                return await self._route_one(call, self.host.pipelines[ident], rest)
            case _, ["pipelines", ident, *_]:
                raise _Refused(404, f"there is no pipeline {ident!r}")
        raise _Refused(404, f"there is no {call.method} /{'/'.join(call.parts)}")

    async def _route_one(
        self, call: _Call, hosted: HostedPipeline, rest: list[str]
    ) -> _Reply | None:
        match call.method, rest:
            case "GET", []:
                return _json(hosted.to_json())
            case "GET", ["events"]:
                await _stream(call, hosted)
                return None
            case "POST", ["cancel"]:
                cancelled = await hosted.cancel()
                return _json({"cancelled": cancelled, **hosted.to_json()})
            case "GET", ["graph"]:
                drawn = render_svg(hosted.graph, hosted.stages.states)
                return _Reply(drawn.encode("utf-8", "replace"), content_type="image/svg+xml")
            case "GET", ["questions"]:
                return _json([waiting.to_json() for waiting in hosted.interviewer.pending()])
            case "POST", ["questions", question, "answer"]:
                return _answer(hosted, question, await call.object())
            case "GET", ["checkpoint"]:
                return _checkpoint(hosted)
            case "GET", ["context"]:
                return _json(hosted.context.snapshot())
        raise _Refused(404, f"there is no {call.method} /{'/'.join(call.parts)}")

    async def _submit(self, call: _Call) -> _Reply:
        if "json" in call.headers.get("content-type", ""):
            given = await call.object()
        else:
            given = {"dot": (await call.body()).decode("utf-8", "replace")}
        source = given.get("dot", given.get("source"))
        values = given.get("context") or {}
        if not isinstance(source, str) or not isinstance(values, dict):
            raise _Refused(400, 'send DOT source, or JSON: {"dot": "digraph …", "context": {}}')
        try:
            hosted = self.host.submit(source, values)
        except DotSyntaxError as error:
            raise _Refused(
                400, str(error), line=error.line, column=error.column, hint=error.hint
            ) from None
        except ValidationError as error:
            found = [
                {"rule": d.rule, "severity": str(d.severity), "message": d.message,
                 "node_id": d.node_id, "edge": d.edge, "line": d.line, "column": d.column}
                for d in error.diagnostics
            ]  # fmt: skip
            raise _Refused(422, "the pipeline has errors", diagnostics=found) from None
        return _json(hosted.to_json(), 201)

    def _newest(self, ident: str) -> HostedPipeline:
        found = self.host.pipelines.get(ident)
        if not ident and self.host.pipelines:
            found = list(self.host.pipelines.values())[-1]
        if found is None:
            raise _Refused(404, f"there is no pipeline {ident!r}" if ident else "no pipeline yet")
        return found

    async def _answer_newest(self, call: _Call) -> _Reply:
        given = await call.object()
        hosted = self._newest(str(given.get("id", "")))
        waiting = hosted.interviewer.pending()
        if not waiting:
            raise _Refused(404, "no question is waiting for an answer")
        return _answer(hosted, str(given.get("question", waiting[0].id)), given)

    async def close(self) -> None:
        """Stop all pipelines."""
        await self.host.close()


def _answer(hosted: HostedPipeline, question: str, given: Mapping[str, Any]) -> _Reply:
    reply = given.get("answer", given.get("value"))
    if not isinstance(reply, str):
        raise _Refused(400, 'send JSON: {"answer": "…"}')
    try:
        answer = hosted.interviewer.answer(question, reply)
    except UnknownQuestion as error:
        raise _Refused(404, str(error)) from None
    except ValueError as error:
        raise _Refused(400, str(error)) from None
    option = answer.selected_option
    return _json({"answer": str(answer.value), "label": option.label if option else answer.text})


def _checkpoint(hosted: HostedPipeline) -> _Reply:
    place = hosted.run_dir
    try:
        data = (place / CHECKPOINT).read_bytes()
        while moved := json.loads(data).get("restarted_to"):
            data = (hosted.run_dir / moved / CHECKPOINT).read_bytes()
    except FileNotFoundError:
        raise _Refused(404, "there is no checkpoint yet") from None
    return _Reply(data)


async def _stream(call: _Call, hosted: HostedPipeline) -> None:
    """Send the pipeline's events until it has ended or the client is gone."""
    since = call.headers.get("last-event-id") or call.query.get("after", ["0"])[0]
    after = int(since) if since.isascii() and since.isdigit() and len(since) < 16 else 0
    await call.send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (b"content-type", b"text/event-stream"),
                (b"cache-control", b"no-store"),
            ],
        }
    )
    gone = asyncio.create_task(_disconnected(call.receive))
    sending = asyncio.create_task(_send_events(call.send, hosted, after))
    try:
        await asyncio.wait({gone, sending}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (gone, sending):
            task.cancel()
        await asyncio.gather(gone, sending, return_exceptions=True)
    with contextlib.suppress(OSError):
        await call.send({"type": "http.response.body", "body": b""})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_events(send: Send, hosted: HostedPipeline, after: int) -> None:
    events = hosted.follow(after)
    coming = asyncio.ensure_future(anext(events, None))
    try:
        while True:
            done, _ = await asyncio.wait({coming}, timeout=_KEEP_ALIVE_S)
            if not done:
                await send(
                    {"type": "http.response.body", "body": b": waiting\n\n", "more_body": True}
                )
                continue
            item = coming.result()
            if item is None:
                return
            number, event = item
            text = f"id: {number}\nevent: {event.kind}\ndata: ".encode()
            body = text + encode(event.to_json()).rstrip(b"\n") + b"\n\n"
            await send({"type": "http.response.body", "body": body, "more_body": True})
            coming = asyncio.ensure_future(anext(events, None))
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


async def _send(send: Send, reply: _Reply) -> None:
    headers = [
        (b"content-type", reply.content_type.encode()),
        (b"content-length", str(len(reply.body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
        *reply.headers,
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def _page() -> _Reply:
    page = resources.files("factory_tui.attractor").joinpath("page.html").read_bytes()
    policy = b"default-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    return _Reply(
        page,
        content_type="text/html; charset=utf-8",
        headers=[(b"content-security-policy", policy), (b"referrer-policy", b"no-referrer")],
    )


@dataclass(slots=True)
class Serving:
    """A server that listens; ``url`` has no trailing slash."""

    url: str
    server: PipelineServer
    _uvicorn: uvicorn.Server
    _task: "asyncio.Task[None]"

    async def close(self) -> None:
        """Stop listening and stop all pipelines."""
        await self.server.close()
        self._uvicorn.should_exit = True
        await asyncio.gather(self._task, return_exceptions=True)

    async def wait(self) -> None:
        """Wait until it is stopped."""
        await asyncio.shield(self._task)


class _Quiet(uvicorn.Server):
    """Leaves signals to whoever runs the event loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


async def serve_pipelines(
    server: PipelineServer, *, address: str = "127.0.0.1", port: int = 0
) -> Serving:
    """Listen and answer.

    Args:
        server: The application.
        address: Where to listen.
        port: The port; 0 takes a free one.

    Raises:
        OSError: The address is taken or not ours.
        ValueError: Others could reach it and it asks for no token.
    """
    if address not in _LOOPBACK and not server._token:
        raise ValueError(f"listening on {address} needs a token: pipelines run commands")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address, port))
    except OSError as error:
        listening.close()
        raise OSError(f"{address}:{port} cannot be used: {error.strerror}") from error
    config = uvicorn.Config(
        server, log_level="warning", lifespan="off", timeout_graceful_shutdown=2, ws="none"
    )
    running = _Quiet(config)
    task = asyncio.create_task(running.serve(sockets=[listening]))
    while not running.started and not task.done():
        await asyncio.sleep(0.005)
    if task.done():
        task.result()
    shown = f"[{address}]" if ":" in address else address
    return Serving(f"http://{shown}:{listening.getsockname()[1]}", server, running, task)
