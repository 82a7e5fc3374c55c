"""How a builder lets people act in its own twins while its program runs.

A box of the builder has the command ``twin`` and a door to a control of the development universe
that serves it, and nothing else: it applies packs' operations, moves the clock and shows what the
twins hold. What the twins tell a program goes into the builder's boxes, never anywhere else.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from socket import socket
from typing import Any, Final

from factory_tui.config import duration
from factory_tui.sandbox import Box, Door, Inside, Mount, Sandbox
from factory_tui.sandbox.profile import BASE_ENV
from factory_tui.scenarios.operations import OPERATIONS, operation_problem, usage
from factory_tui.scenarios.yamlmarks import YamlError, read_yaml
from factory_tui.text import clean
from factory_tui.trials.network import Network
from factory_tui.trials.operations import Operations
from factory_tui.trials.service import connect_inside, environment, own_port
from factory_tui.trials.wire import HarnessFault
from factory_tui.universe import Courier, Exchange
from factory_tui.universe.control import serve_app

__all__ = ["Acting", "Run"]

_DOOR: Final = "control "
_PORT: Final = 7000
_FOLDER: Final = "/opt/twin"
_PATH: Final = f"{BASE_ENV['PATH']}:{_FOLDER}"
_QUIET_S: Final = 0.3
_SETTLE_S: Final = 15.0
_MANY: Final = 1_000
"""Calls and deliveries after one action that look like no end."""
_LOOK_S: Final = 0.25
_SHOWN: Final = 40
_BODY: Final = 256 << 10
_ANSWER: Final = 20_000
_TOOL: Final = Path(__file__).with_name("twin_tool.py")

_HELP: Final = """\
twin SERVICE                          what can be done in a service
twin SERVICE OPERATION key=value …    do it; or give the arguments as one word of YAML
twin SERVICE view [COLLECTION]        what it holds, also what only one person can see
twin clock [5m]                       the services' time, or let time pass (s, m, h)
twin events                           what they still want to tell, and could not
twin names                            whom {{{{name.field}}}} stands for
services: {services}
People are named by email; any:everyone:1 is the first of everyone. Events and requests reach what
listens in the box from which `twin` is called, so start the program in the same command."""


class _Refused(ValueError):
    """What was asked for makes no sense; the message is for whoever asked."""


@dataclass(eq=False)
class Run:
    """One command of the builder; ``inside`` is there once it has begun."""

    inside: Inside | None = None

    def begin(self, inside: Inside) -> None:
        """The command has begun."""
        self.inside = inside


class Acting:
    """What can be done with a development universe from inside the builder's boxes.

    Args:
        network: Of the boxes; its universe is the only thing that is reached.
        sandbox: Makes the boxes.
        folder: Where the command's file is put, for boxes to read.
    """

    def __init__(self, network: Network, sandbox: Sandbox, folder: Path) -> None:
        self.network = network
        self.universe = network.universe
        self.operations = Operations(self.universe, {})
        self._courier = Courier(self.universe, connect=self._connect)
        self._runs: list[Run] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._port = own_port(sandbox)
        self._folder = folder

    async def open(self, setup: Iterable[Sequence[Any]]) -> None:
        """Do what the settings ask for: (twin, operation, arguments) each.

        Raises:
            HarnessFault: it cannot be done.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o755)
        tool = self._folder / "twin"
        tool.write_bytes(_TOOL.read_bytes())
        tool.chmod(0o755)
        self.operations.know_variables()
        for twin, op, args in setup:
            try:
                self.operations.apply(twin, op, args)
            except (ValueError, LookupError) as error:
                raise HarnessFault(f"`twins.development`: {twin} {op}: {error}") from error
        self.operations.know_variables()
        self._courier.start()

    async def close(self) -> None:
        """Tell nobody of anything any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._courier.close()

    # -- boxes ---------------------------------------------------------------------------

    def enter(self, box: Box) -> tuple[Box, Run]:
        """A box with the command and the door; end the run with :meth:`leave`."""
        run = Run()
        self._runs.insert(0, run)
        door = Door(_DOOR, _PORT, self._attach(run))

        def variables(ports: Mapping[str, int]) -> dict[str, str]:
            control = f"http://127.0.0.1:{ports[_DOOR]}/"
            own = {"TWINS_CONTROL": control, "PATH": _PATH}
            return {**self.network.environment(ports), **environment(self._port), **own}

        mounts = (*box.mounts, Mount(self._folder, _FOLDER))
        return replace(box, mounts=mounts, doors=(*box.doors, door), env=variables), run

    def leave(self, run: Run) -> None:
        """The command has ended."""
        self._runs.remove(run)

    async def _connect(
        self, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Where the twins' events go: the box that acted last, or another where one listens."""
        for run in list(self._runs):
            if run.inside is not None:
                try:
                    return await connect_inside(run.inside, host, port, self._port)
                except OSError:
                    continue
        raise ConnectionRefusedError(f"nobody listens at {host}:{port}")

    # -- the control ---------------------------------------------------------------------

    def _attach(self, run: Run) -> Callable[[socket], Awaitable[Any]]:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            body = bytearray()
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                body += message.get("body", b"")
                if len(body) > _BODY or not message.get("more_body"):
                    break
            if run in self._runs:
                self._runs.remove(run)
                self._runs.insert(0, run)
            status, text = await self.answer(bytes(body))
            data = clean(text, limit=_ANSWER).encode()
            headers = [
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", str(len(data)).encode()),
            ]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": data})

        async def attach(listener: socket) -> Any:
            return await serve_app(app, listener)

        return attach

    async def answer(self, body: bytes) -> tuple[int, str]:
        """The status and the text for a request: a JSON list of the command's words."""
        if len(body) > _BODY:
            return 413, f"that is too long; at most {_BODY >> 10} KiB"
        try:
            words = json.loads(body or b"[]")
            if not isinstance(words, list) or not all(isinstance(w, str) for w in words):
                raise _Refused("send a JSON list of words")
            return 200, await self._do(words)
        except (ValueError, LookupError) as error:
            return 400, str(error)
        except Exception as error:
            # A twin that breaks must not take the builder's host along.
            return 500, f"the service failed: {type(error).__name__}: {error}"

    async def _do(self, words: Sequence[str]) -> str:
        verb, *rest = words or ["help"]
        if verb in ("help", "--help", "-h"):
            return _HELP.format(services=", ".join(self.universe.packs))
        if verb == "names":
            named = {k: v for k, v in self.operations.entities.items() if k != "env"}
            return "\n".join(f"{k}: {_json(v)}" for k, v in named.items()) or "nobody has a name"
        if verb == "events":
            return self._events()
        if verb == "clock":
            return await self._clock(rest)
        if verb not in self.universe.packs:
            known = ", ".join(self.universe.packs)
            raise _Refused(f"there is no service {verb!r}; there are {known} (see `twin help`)")
        if not rest:
            return "\n".join(f"twin {verb} {line}" for line in self._usages(verb))
        if rest[0] == "view":
            return self._view(verb, rest[1:])
        return await self._apply(verb, rest[0], rest[1:])

    def _usages(self, twin: str) -> list[str]:
        ops = self.universe.packs[twin].ops
        return [usage(twin, op) if op in OPERATIONS.get(twin, {}) else op for op in sorted(ops)]

    def _view(self, twin: str, names: Sequence[str]) -> str:
        view = self.universe.view(twin)
        if not names:
            return "\n".join(f"{name}: {len(rows)}" for name, rows in view.items())
        rows = view.get(names[0], [])
        return "\n".join(_json(row) for row in rows) or f"no {names[0]}"

    def _events(self) -> str:
        outbox = self.universe.outbox
        lines = [
            f"pending: {d.event.kind} to {d.subscription.url}, due {d.due.isoformat()}"
            for d in outbox.pending
        ]
        lines += [
            f"given up: {d.event.kind} to {d.subscription.url}: {reply.error or reply.status}"
            for d, reply in outbox.failed
        ]
        return "\n".join(lines) or "nothing is pending, and nothing was given up"

    async def _clock(self, words: Sequence[str]) -> str:
        if not words:
            return self.universe.clock.iso()
        before = len(self.universe.tap)
        seconds = duration(words[0].lstrip("+"))
        self.universe.target(seconds)  # refuses what makes no sense
        return await self._told(before, "", self._courier.advance(seconds))

    async def _apply(self, twin: str, op: str, words: Sequence[str]) -> str:
        args = _arguments(twin, op, words)
        if problem := operation_problem(twin, op, args):
            raise _Refused(f"{problem} (see `twin {twin}`)")
        before = len(self.universe.tap)
        made = self.operations.apply(twin, op, args)
        result = "" if made is None else _json(made)
        return await self._told(before, result, self._courier.flush())

    async def _told(self, before: int, result: str, work: Coroutine[Any, Any, Any]) -> str:
        """Deliver what is due, let the program react, and say what passed.

        A program that answers itself gives no end of events; they go on in the background then.
        """
        tap = self.universe.tap
        loop = asyncio.get_running_loop()
        end, seen, over = loop.time() + _SETTLE_S, before, False
        while not over:
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            while not task.done() and loop.time() < end and len(tap) - before < _MANY:
                await asyncio.wait({task}, timeout=min(_LOOK_S, max(0.0, end - loop.time())))
            if not task.done() or (loop.time() > end and seen != len(tap)):
                break
            task.result()
            over = seen == len(tap)
            seen = len(tap)
            if not over:
                await asyncio.sleep(_QUIET_S)
                work = self._courier.flush()
        passed = tap[before:]
        lines = [result] if result else []
        lines += [_passed(exchange) for exchange in passed[:_SHOWN]]
        if len(passed) > _SHOWN:
            lines.append(f"and {len(passed) - _SHOWN} more")
        if not over:
            long = f"{loop.time() - end + _SETTLE_S:.0f} s, {len(passed):,} calls"
            lines.append(f"it still goes on after {long}: does the program hear itself?")
        return "\n".join([*lines, f"clock: {self.universe.clock.iso()}"])


def _passed(exchange: Exchange) -> str:
    came_to = exchange.status or exchange.fault or "no answer"
    if exchange.direction == "out":
        return f"told: {exchange.operation} to {exchange.path}: {came_to}"
    return f"called: {exchange.twin} {exchange.operation}: {came_to}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _arguments(twin: str, op: str, words: Sequence[str]) -> Any:
    """``key=value`` words, names, or YAML, as an operation's arguments."""
    takes = OPERATIONS.get(twin, {}).get(op)
    if words and words[0][:1] in ("{", "["):
        return _yaml(" ".join(words))
    if takes is not None and takes.many and not takes.keys and "=" not in "".join(words):
        return list(words)
    if takes is not None and not takes.many and not takes.keys:
        return list(words)
    args: dict[str, Any] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign:
            raise _Refused(f"{word!r} is not key=value; quote a text with spaces: 'text=so it is'")
        args[key] = _value(value)
    return [args] if takes is not None and takes.many else args


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    # {{name.field}} is a text, as it is in a scenario.
    yaml = text[:1] in ("{", "[") and not text.startswith("{{")
    return _yaml(text) if yaml else text


def _yaml(text: str) -> Any:
    try:
        tree = read_yaml(text)
    except YamlError as error:
        raise _Refused(f"that is not YAML: {error}") from None
    return None if tree is None else tree.value
