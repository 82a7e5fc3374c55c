"""The control API of twins that stand alone: JSON over HTTP on a port of its own.

::

    GET    /                                         what is served
    GET    /universes                                all of them
    POST   /universes {from?, name?}                 fork one, on ports of its own
    GET    /universes/NAME                           its twins: URL, variables, how to reach them
    DELETE /universes/NAME
    POST   /universes/NAME/reset                     back to the start, traffic forgotten
    POST   /universes/NAME/seed {org?, seeds?, seed?, clock?, vary?, strict?, limits?}
                                                     clock: a time, or "now" to follow the real one
    GET    /universes/NAME/snapshots                 their names
    POST   /universes/NAME/snapshots {name?}
    POST   /universes/NAME/snapshots/SNAPSHOT/restore
    GET    /universes/NAME/snapshots/SNAPSHOT/diff   what changed since ("start" is always there)
    GET    /universes/NAME/faults
    POST   /universes/NAME/faults                    one fault, or a list
    DELETE /universes/NAME/faults
    GET    /universes/NAME/clock
    POST   /universes/NAME/clock {advance: seconds}  delivers on the way what comes due
    GET    /universes/NAME/traffic?after=N&twin=T    JSON; with follow=1 a stream of JSON lines
    GET    /universes/NAME/events                    pending and failed deliveries
    GET    /universes/NAME/gaps                      what the twins lacked, and their crashes
    GET    /universes/NAME/view/TWIN
    POST   /universes/NAME/apply {twin, op, args}    what a scenario's set-up does

Errors are ``{"error": "one sentence"}`` with 400, 404 or 405. Requests that come from a web page
(with ``Origin``) are refused: whoever reaches this port may change everything.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from factory_tui.universe.clock import NOW
from factory_tui.universe.outbox import Delivery
from factory_tui.universe.routes import Routes
from factory_tui.universe.server import Server
from factory_tui.universe.standalone import HEADER, MAIN, Serving, World
from factory_tui.universe.tap import Exchange
from factory_tui.universe.universe import Snapshot, Universe

__all__ = ["Control", "serve_app", "serve_control"]

START = "start"
_BUFFERED = 10_000

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


class _Refusal(Exception):
    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class _Asked:
    """One request to the control API."""

    def __init__(self, params: dict[str, str], query: dict[str, str], body: bytes) -> None:
        self.params = params
        self.query = query
        self._body = body

    def data(self) -> Any:
        """The JSON body; nothing is ``{}``."""
        if not self._body:
            return {}
        try:
            return orjson.loads(self._body)
        except orjson.JSONDecodeError as error:
            raise _Refusal(400, f"the body is not JSON: {error}") from error

    def fields(self, *known: str) -> dict[str, Any]:
        """The JSON body as a mapping of no other fields than these."""
        data = self.data()
        if not isinstance(data, dict):
            raise _Refusal(400, "the body must be a JSON object")
        for name in data:
            if name not in known:
                raise _Refusal(400, f'no such field "{name}"; there are {", ".join(known)}')
        return data


class Control:
    """The ASGI application; :func:`serve_control` runs it."""

    def __init__(self, serving: Serving) -> None:
        self.serving = serving
        self._routes: Routes[Callable[[_Asked], Any]] = Routes()
        one = "/universes/{name}"
        for method, template, function in (
            ("GET", "/universes", self._all),
            ("POST", "/universes", self._fork),
            ("GET", one, self._show),
            ("DELETE", one, self._remove),
            ("POST", f"{one}/reset", self._reset),
            ("POST", f"{one}/seed", self._seed),
            ("GET", f"{one}/snapshots", self._snapshots),
            ("POST", f"{one}/snapshots", self._snapshot),
            ("POST", f"{one}/snapshots/{{snapshot}}/restore", self._restore),
            ("GET", f"{one}/snapshots/{{snapshot}}/diff", self._diff),
            ("GET", f"{one}/faults", self._faults),
            ("POST", f"{one}/faults", self._add_faults),
            ("DELETE", f"{one}/faults", self._clear_faults),
            ("GET", f"{one}/clock", self._clock),
            ("POST", f"{one}/clock", self._advance),
            ("GET", f"{one}/traffic", self._traffic),
            ("GET", f"{one}/events", self._events),
            ("GET", f"{one}/gaps", self._gaps),
            ("GET", f"{one}/view/{{twin}}", self._view),
            ("POST", f"{one}/apply", self._apply),
        ):
            self._routes.add(method, template, f"{method} {template}", function)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        try:
            answer = await self._answer(scope, bytes(body))
        except _Refusal as refusal:
            await _reply(send, {"error": str(refusal)}, refusal.status)
            return
        except KeyError as error:
            await _reply(send, {"error": f"there is no {error}"}, 404)
            return
        except (ValueError, TypeError) as error:
            await _reply(send, {"error": str(error)}, 400)
            return
        if isinstance(answer, _Stream):
            await answer.run(receive, send)
        else:
            await _reply(send, answer)

    async def _answer(self, scope: dict[str, Any], body: bytes) -> Any:
        if any(name == b"origin" for name, _ in scope["headers"]):
            raise _Refusal(403, "web pages may not control the twins")
        path = scope["raw_path"].decode("latin-1").rstrip("/")
        segments = [unquote(part) for part in path.split("/")[1:]] or ["universes"]
        found = self._routes.match(scope["method"], segments)
        if found is None:
            raise _Refusal(404, f'there is no "{path or "/"}"')
        if found.handler is None:
            raise _Refusal(405, f"use {', '.join(found.allowed)}")
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        answer = found.handler(_Asked(found.params, query, body))
        return await answer if asyncio.iscoroutine(answer) else answer

    # -- universes

    def _world(self, asked: _Asked) -> World:
        name = asked.params["name"]
        world = self.serving.worlds.get(name)
        if world is None:
            raise _Refusal(404, f'there is no universe "{name}"')
        return world

    def _all(self, _: _Asked) -> Any:
        return {"universes": [_described(world) for world in self.serving.worlds.values()]}

    def _show(self, asked: _Asked) -> Any:
        return _described(self._world(asked))

    async def _fork(self, asked: _Asked) -> Any:
        fields = asked.fields("from", "name")
        source = fields.get("from", MAIN)
        if source not in self.serving.worlds:
            raise _Refusal(404, f'there is no universe "{source}"')
        return _described(await self.serving.fork(source, str(fields.get("name") or "")))

    async def _remove(self, asked: _Asked) -> Any:
        world = self._world(asked)
        if world.name == MAIN:
            raise _Refusal(400, "the main universe stays until the server ends")
        await self.serving.remove(world.name)
        return {"removed": world.name}

    def _reset(self, asked: _Asked) -> Any:
        world = self._world(asked)
        world.reset()
        return _described(world)

    async def _seed(self, asked: _Asked) -> Any:
        world = self._world(asked)
        old = world.universe
        fields = asked.fields("org", "seeds", "seed", "clock", "vary", "strict", "limits")
        seeds = {name: state.seed_name for name, state in old.twins.items()}
        if "org" in fields:
            seeds = dict.fromkeys(seeds, str(fields["org"]))
        seeds |= {str(name): str(value) for name, value in dict(fields.get("seeds", {})).items()}
        universe = Universe(
            old.packs,
            seeds,
            int(fields.get("seed", old.seed)),
            str(fields.get("clock", NOW if old.clock.live else world.start.clock.isoformat())),
            frozenset(fields.get("vary", old.vary)),
            bool(fields.get("strict", old.strict)),
            limits=bool(fields.get("limits", old.limits)),
        )
        return _described(await self.serving.reseed(world.name, universe))

    # -- snapshots

    def _found(self, asked: _Asked) -> tuple[World, Snapshot]:
        world = self._world(asked)
        name = asked.params["snapshot"]
        snapshot = world.start if name == START else world.snapshots.get(name)
        if snapshot is None:
            raise _Refusal(404, f'there is no snapshot "{name}" of universe "{world.name}"')
        return world, snapshot

    def _snapshots(self, asked: _Asked) -> Any:
        return {"snapshots": [START, *self._world(asked).snapshots]}

    def _snapshot(self, asked: _Asked) -> Any:
        world = self._world(asked)
        name = str(asked.fields("name").get("name") or f"s{len(world.snapshots) + 1}")
        if name == START or "/" in name:
            raise _Refusal(400, f'a snapshot cannot be called "{name}"')
        world.snapshots[name] = world.universe.snapshot()
        return {"snapshot": name}

    def _restore(self, asked: _Asked) -> Any:
        world, snapshot = self._found(asked)
        world.universe.restore(snapshot)
        return _described(world)

    def _diff(self, asked: _Asked) -> Any:
        world, snapshot = self._found(asked)
        return {
            twin: {
                table: [
                    {"key": key, "before": before, "after": after}
                    for key, (before, after) in changes.items()
                ]
                for table, changes in tables.items()
            }
            for twin, tables in world.universe.diff(snapshot).items()
        }

    # -- faults and time

    def _faults(self, asked: _Asked) -> Any:
        plan = self._world(asked).universe.faults
        return {"faults": [*map(asdict, plan.faults), *map(asdict, plan.events.faults)]}

    def _add_faults(self, asked: _Asked) -> Any:
        data = asked.data()
        faults = data if isinstance(data, list) else [data]
        if not all(isinstance(fault, dict) for fault in faults):
            raise _Refusal(400, "a fault must be a JSON object")
        plan = self._world(asked).universe.faults
        trial = plan.fork()  # all of them or none
        for fault in faults:
            trial.add(fault)
        for fault in faults:
            plan.add(fault)
        return self._faults(asked)

    def _clear_faults(self, asked: _Asked) -> Any:
        self._world(asked).universe.faults.clear()
        return {"faults": []}

    def _clock(self, asked: _Asked) -> Any:
        return {"now": self._world(asked).universe.clock.iso()}

    async def _advance(self, asked: _Asked) -> Any:
        world = self._world(asked)
        seconds = asked.fields("advance").get("advance")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise _Refusal(400, "advance: give a number of virtual seconds")
        await world.courier.advance(seconds)
        return {"now": world.universe.clock.iso()}

    # -- what happened

    def _traffic(self, asked: _Asked) -> Any:
        world = self._world(asked)
        twin = asked.query.get("twin", "")
        after = int(asked.query.get("after", 0))
        if asked.query.get("follow", "0") not in ("", "0"):
            return _Stream(world, twin, after)
        rows = [row for row in world.universe.tap if _wanted(row, twin, after)]
        return {"traffic": [row.to_dict() for row in rows]}

    def _events(self, asked: _Asked) -> Any:
        outbox = self._world(asked).universe.outbox
        return {
            "pending": [_delivery(delivery) for delivery in outbox.pending],
            "failed": [
                _delivery(delivery) | {"status": reply.status, "error": reply.error}
                for delivery, reply in outbox.failed
            ],
        }

    def _gaps(self, asked: _Asked) -> Any:
        universe = self._world(asked).universe
        return {"gaps": universe.gaps, "crashes": universe.crashes}

    def _view(self, asked: _Asked) -> Any:
        universe = self._world(asked).universe
        twin = asked.params["twin"]
        if twin not in universe.twins:
            raise _Refusal(404, f'there is no twin "{twin}"')
        return universe.view(twin)

    def _apply(self, asked: _Asked) -> Any:
        world = self._world(asked)
        fields = asked.fields("twin", "op", "args")
        twin, op = str(fields.get("twin", "")), str(fields.get("op", ""))
        return {"result": world.universe.apply(twin, op, fields.get("args", {}))}


class _Stream:
    """Traffic as JSON lines: what is kept already, then whatever comes."""

    def __init__(self, world: World, twin: str, after: int) -> None:
        self._world = world
        self._twin = twin
        self._after = after
        self._rows: asyncio.Queue[Exchange] = asyncio.Queue(_BUFFERED)

    def _hear(self, exchange: Exchange) -> None:
        # A reader that stopped reading loses rows, the twins lose no time.
        with suppress(asyncio.QueueFull):
            if _wanted(exchange, self._twin, self._after):
                self._rows.put_nowait(exchange)

    async def run(self, receive: Receive, send: Send) -> None:
        """Stream until the reader goes."""
        for exchange in self._world.universe.tap:
            self._hear(exchange)
        self._world.listen(self._hear)
        writing = asyncio.ensure_future(self._write(send))
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            self._world.unlisten(self._hear)
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def _write(self, send: Send) -> None:
        headers = [(b"content-type", b"application/x-ndjson")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        while True:
            line = orjson.dumps((await self._rows.get()).to_dict()) + b"\n"
            await send({"type": "http.response.body", "body": line, "more_body": True})


def _wanted(exchange: Exchange, twin: str, after: int) -> bool:
    return exchange.n > after and twin in ("", exchange.twin)


def _described(world: World) -> dict[str, Any]:
    universe = world.universe
    return {
        "name": world.name,
        "header": {HEADER: world.name},
        "clock": universe.clock.iso(),
        "seed": universe.seed,
        "requests": universe.tap[-1].n if universe.tap else 0,
        "env": world.env,
        "twins": {
            twin.name: {
                "url": twin.url,
                "env": twin.env,
                "seed": universe.twins[twin.name].seed_name,
            }
            for twin in world.twins
        },
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "n": delivery.n,
        "twin": delivery.twin,
        "event": delivery.event.kind,
        "id": delivery.event.id,
        "to": delivery.subscription.url,
        "attempt": delivery.attempt,
        "due": delivery.due.isoformat(),
        "fault": delivery.fault,
        "payload": delivery.event.payload,
    }


async def _reply(send: Send, value: Any, status: int = 200) -> None:
    body = orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS) + b"\n"
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def serve_app(app: Any, sock: socket.socket) -> Server:
    """Serve an ASGI application on ``sock``, bound, in this loop; close what it returns."""
    loop = asyncio.get_running_loop()
    config = Config(app, ws="none", lifespan="off", log_config=None, access_log=False)
    config.load()
    state = ServerState()
    server = await loop.create_server(lambda: HttpToolsProtocol(config, state, {}, loop), sock=sock)
    return Server(server, state, sock)


async def serve_control(serving: Serving, host: str = "127.0.0.1", port: int = 0) -> Server:
    """Serve the control API of ``serving`` in this loop; close what it returns.

    Raises ``OSError`` when the port is taken.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
        except OSError as error:
            raise OSError(f"{host}:{port} cannot be used: {error.strerror}") from error
        return await serve_app(Control(serving), sock)
    except BaseException:
        sock.close()
        raise
