"""A universe: one isolated set of twin states with its own clock, ids, faults and traffic."""

import re
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson

from factory_tui.universe.clock import Clock
from factory_tui.universe.faults import Fault, FaultPlan
from factory_tui.universe.http import Request, Response
from factory_tui.universe.ids import Ids
from factory_tui.universe.limits import Windows
from factory_tui.universe.outbox import Ask, Delivery, Event, Outbox, Outgoing, Reply, Subscription
from factory_tui.universe.pack import ApplyError, Call, Pack, Refused, Seed, Twin
from factory_tui.universe.past import Past
from factory_tui.universe.people import ORGS, Org, org
from factory_tui.universe.sockets import Socket, Sockets
from factory_tui.universe.tables import Base, Change, Key, Row, Table
from factory_tui.universe.tap import Exchange

if TYPE_CHECKING:
    from factory_tui.universe.courier import Courier

__all__ = ["VARIES", "Snapshot", "Universe", "Waiting"]

VARIES: Final = frozenset({"ids", "names", "order", "pages", "clock"})
"""What ``vary`` may name."""

_PICK = re.compile(r"any:([^:{}\s]+):(\d+)")
_CACHED_SEEDS: Final = 32
_seeds: OrderedDict[tuple[Any, ...], tuple[Org, dict[str, Base]]] = OrderedDict()


@dataclass(frozen=True)
class Snapshot:
    """A universe's state at one moment: overlays, counters and the clock. O(changes)."""

    clock: datetime
    requests: int
    step: int
    faults: FaultPlan
    fault_ids: dict[str, int]
    twins: dict[str, tuple[dict[str, dict[Key, Any]], dict[str, int]]]
    outbox: Outbox
    windows: Windows


class Universe:
    """Twins, isolated from every other universe.

    Args:
        packs: By name, as :func:`load_packs` gives them.
        seeds: Twin to named seed (default ``acme-12``).
        seed: Everything that is drawn is drawn from this.
        clock: Virtual start time, ISO 8601.
        vary: What else the seed changes: ``ids``, ``names``, ``order``, ``pages``, ``clock``.
        strict: Gaps fail whoever asks :attr:`failures`.
        debug: Hand out frozen rows, so that a handler that changes one in place raises.
        limits: Enforce the rate limits that the vendors publish.

    Attributes:
        tap: Every exchange so far, or the latest :attr:`tap_limit` to twice as many.
        tap_limit: How many to keep; 0 keeps all.
        on_exchange: Called with each exchange as it happens.
        step: Stamped on exchanges; set by whoever performs a scenario.
        crashes: Tracebacks of handlers that raised: a bug of the twin, never of its caller.
        outbox: Events on their way out; :class:`Courier` delivers them.
        sockets: The WebSockets that clients hold open.
        courier: Who delivers, ``None``: nobody, events wait and asked-for replies fail.

    Raises:
        ValueError: A twin, seed or ``vary`` that does not exist.
    """

    def __init__(
        self,
        packs: Mapping[str, Pack],
        seeds: Mapping[str, str] | None = None,
        seed: int = 0,
        clock: str = "2026-03-02T09:00:00Z",
        vary: Collection[str] = frozenset(),
        strict: bool = False,
        *,
        debug: bool = False,
        limits: bool = False,
    ) -> None:
        unknown = set(vary) - VARIES
        if unknown:
            raise ValueError(f'vary: "{min(unknown)}" is not one of {", ".join(sorted(VARIES))}')
        for name in seeds or {}:
            if name not in packs:
                raise ValueError(f'seeds: there is no twin "{name}"')
        self.packs = packs
        self.seed = seed
        self.vary = frozenset(vary)
        self.strict = strict
        self.debug = debug
        self.limits = limits
        self.outbox = Outbox()
        self.sockets = Sockets()
        self.courier: Courier | None = None
        self._windows = Windows()
        self._past = Past()
        self.clock = Clock(clock)
        self.faults = FaultPlan()
        self.tap: list[Exchange] = []
        self.tap_limit = 0
        self.on_exchange: Callable[[Exchange], None] | None = None
        self.step = 0
        self.crashes: list[str] = []
        self._requests = 0
        self._gaps: dict[str, None] = {}
        self._ids = Ids(f"{seed}/universe")
        draw = Ids(f"{seed}/vary")
        self.small_page = 3 + draw.below("page", 5) if "pages" in self.vary else 0
        if "clock" in self.vary:
            self.clock.advance(86400 * draw.below("day", 28) + 60 * draw.below("minute", 60))
        self.twins: dict[str, Twin] = {}
        for name, pack in packs.items():
            seed_name = (seeds or {}).get(name, "acme-12")
            organisation, bases = _seeded(pack, seed_name, seed, self.vary, debug)
            # Without "ids" every universe mints the same ids for the same calls.
            salt = seed if "ids" in self.vary else 0
            self.twins[name] = Twin(
                pack,
                self,
                seed_name,
                organisation,
                Ids(f"{salt}/{name}"),
                {table: Table(base, debug=debug) for table, base in bases.items()},
            )

    # -- state

    def fork(self) -> "Universe":
        """An independent universe in the same state. O(changes); the traffic starts empty."""
        twin = Universe.__new__(Universe)
        twin.packs = self.packs
        twin.seed = self.seed
        twin.vary = self.vary
        twin.strict = self.strict
        twin.debug = self.debug
        twin.limits = self.limits
        twin.outbox = self.outbox.fork()
        twin.sockets = Sockets()
        twin.courier = None
        twin._windows = self._windows.fork()
        twin._past = Past()
        twin.clock = Clock(self.clock.now())
        twin.faults = self.faults.fork()
        twin.tap = []
        twin.tap_limit = self.tap_limit
        twin._gaps = {}
        twin.on_exchange = None
        twin.step = self.step
        twin.crashes = []
        twin.small_page = self.small_page
        twin._requests = self._requests
        twin._ids = self._ids.fork()
        twin.twins = {
            name: Twin(
                state.pack,
                twin,
                state.seed_name,
                state.org,
                state.ids.fork(),
                {table: rows.fork() for table, rows in state.tables.items()},
            )
            for name, state in self.twins.items()
        }
        return twin

    def snapshot(self) -> Snapshot:
        """The state now, to be given to :meth:`restore` or :meth:`diff`. O(changes)."""
        return Snapshot(
            self.clock.now(),
            self._requests,
            self.step,
            self.faults.fork(),
            self._ids.state(),
            {
                name: (
                    {table: rows.changes() for table, rows in state.tables.items()},
                    state.ids.state(),
                )
                for name, state in self.twins.items()
            },
            self.outbox.fork(),
            self._windows.fork(),
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot of this universe. The traffic stays: it did happen."""
        self.clock.set(snapshot.clock)
        self._requests = snapshot.requests
        self.step = snapshot.step
        self.faults = snapshot.faults.fork()
        self._ids.reset(snapshot.fault_ids)
        self.outbox.reset(snapshot.outbox)
        self._windows = snapshot.windows.fork()
        self._past = Past()
        for name, (tables, counts) in snapshot.twins.items():
            state = self.twins[name]
            state.ids.reset(counts)
            for table, changes in tables.items():
                state.tables[table].reset(changes)

    def forget(self) -> None:
        """Forget the traffic, gaps and crashes so far."""
        self.tap.clear()
        self._gaps.clear()
        self.crashes.clear()

    def diff(self, snapshot: Snapshot) -> dict[str, dict[str, dict[Key, Change]]]:
        """What changed since a snapshot: twin, table, key to (before, after). O(changes)."""
        found: dict[str, dict[str, dict[Key, Change]]] = {}
        for name, (tables, _) in snapshot.twins.items():
            changed = {
                table: changes
                for table, earlier in tables.items()
                if (changes := self.twins[name].tables[table].diff(earlier))
            }
            if changed:
                found[name] = changed
        return found

    # -- requests

    def handle(self, twin: str, request: Request) -> Response:
        """Answer one request and record it. Never raises for anything a caller can send.

        A handler that asks outside (:class:`Ask`) hears that nobody is there; where somebody
        may be, use :meth:`begin`.
        """
        answered = self.begin(twin, request)
        while isinstance(answered, Waiting):
            answered = answered.resume(Reply.nothing("nobody delivers here"))
        return answered

    def begin(self, twin: str, request: Request) -> "Response | Waiting":
        """Answer one request as far as that goes without a reply from outside."""
        started = time.perf_counter()
        state = self.twins[twin]
        pack = state.pack
        self.clock.tick()
        self._requests += 1
        call = Call(state, request)
        open_call = _Open(call, self._requests, self.clock.iso(), started)
        try:
            pack.match(call)
            call.principal = pack.principal(state, request)
            open_call.fault = self._fault(call, twin)
            response = self._respond(call, open_call.fault)
        except Ask as ask:
            return Waiting(self, open_call, ask)
        except Exception:  # a bug of the pack must not take the other universes down
            return self._end(open_call, self._crashed(), finish=False)
        return self._end(open_call, response)

    def _end(self, open_call: "_Open", response: Response, *, finish: bool = True) -> Response:
        """Complete the answer and record the exchange."""
        call, fault = open_call.call, open_call.fault
        if finish:
            try:
                call.twin.pack.finish(call, response)
            except Exception:
                response = self._crashed()
        if response.header("date") is None:
            response.headers.append(("date", self.clock.http_date()))
        if fault is not None:
            _strike(fault, response)
        self._record(open_call, response)
        if self.outbox.wake is not None and len(self.outbox):
            self.outbox.wake()
        return response

    def _crashed(self) -> Response:
        self.crashes.append(traceback.format_exc())
        return Response.json({"error": "the twin failed; this is a bug of the twin"}, 500)

    def _fault(self, call: Call, twin: str) -> Fault | None:
        if not self.faults.faults:
            return None
        horizon = max(fault.stale for fault in self.faults.faults)
        if horizon:
            self._past.keep(self, horizon)
        request = call.request
        return self.faults.pick(
            self._ids, twin, call.operation, request.method, request.path, call.principal
        )

    def _respond(self, call: Call, fault: Fault | None) -> Response:
        pack = call.twin.pack
        if fault is not None:
            self.clock.advance(fault.delay)
            if fault.drop == "before":
                return Response(0)
            if fault.reply is not None:
                return _reply(call, fault, fault.reply)
            if fault.revoke and call.principal and not pack.revoke(call):
                self.faults.revoked |= {(pack.name, call.principal)}
        if self.faults.revoked and (pack.name, call.principal) in self.faults.revoked:
            return pack.revoked_response(call)
        if self.limits:
            limit = pack.limit(call)
            if limit is not None:
                now = self.clock.now()
                call.allowance = self._windows.count(pack.name, call.principal, limit, now)
                if call.allowance.retry_after:
                    return pack.limited_response(call, call.allowance)
        if fault is not None and fault.stale:
            earlier = self._past.answer(call, fault.stale)
            if earlier is not None:
                return earlier
        try:
            return pack.answer(call)
        except Refused as refused:
            return refused.response

    def _record(self, open_call: "_Open", response: Response) -> None:
        call, fault = open_call.call, open_call.fault
        request = call.request
        self._tap(
            Exchange(
                open_call.n,
                self.step,
                open_call.t_virtual,
                call.twin.pack.name,
                call.operation,
                request.method,
                request.target,
                response.status,
                (time.perf_counter() - open_call.started) * 1e3,
                fault.describe() if fault is not None else "",
                "; ".join(call.gaps),
                call.principal,
                tuple(request.headers.items()),
                request.body,
                tuple(response.headers),
                response.body,
            )
        )

    def _tap(self, exchange: Exchange) -> None:
        self.tap.append(exchange)
        if self.tap_limit and len(self.tap) >= 2 * self.tap_limit:
            del self.tap[: -self.tap_limit]
        if exchange.gap:
            self._gaps[f"{exchange.twin}: {exchange.gap}"] = None
        if self.on_exchange is not None:
            self.on_exchange(exchange)

    # -- WebSockets

    def open_socket(self, twin: str, request: Request) -> str | None:
        """The channel of a WebSocket that a client asks for, ``None`` if it is refused.

        One that is let in is recorded with status 101; for a refused one :meth:`begin` gives the
        answer.
        """
        state = self.twins[twin]
        call = Call(state, request)
        started = time.perf_counter()
        try:
            state.pack.match(call)
            call.principal = state.pack.principal(state, request)
            channel = state.pack.socket_channel(call)
        except Exception:
            self._crashed()
            return None
        if channel is None:
            return None
        self.clock.tick()
        self._requests += 1
        self._record(_Open(call, self._requests, self.clock.iso(), started), Response(101))
        return channel

    def socket_event(
        self, socket: Socket, what: Literal["opened", "message", "closed"], data: str | bytes = ""
    ) -> None:
        """Tell the pack what a WebSocket did."""
        state = self.twins[socket.twin]
        try:
            if what == "opened":
                state.pack.socket_opened(state, socket)
            elif what == "closed":
                state.pack.socket_closed(state, socket)
            else:
                self.clock.tick()
                state.pack.socket_message(state, socket, data)
        except Exception:
            self._crashed()
        if self.outbox.wake is not None and len(self.outbox):
            self.outbox.wake()

    # -- events

    def emit(
        self,
        twin: Twin,
        kind: str,
        payload: Any,
        event_id: str = "",
        to: Iterable[Subscription] | None = None,
    ) -> Event:
        """Queue an event; see :meth:`Twin.emit`."""
        event = Event(event_id or twin.ids.mint("event", 10), kind, payload, self.clock.now())
        told = twin.pack.subscriptions(twin, event) if to is None else to
        for subscription in told:
            fault = None
            if self.faults.events.faults:
                plan = self.faults.events
                fault = plan.pick(self._ids, twin.pack.name, kind, subscription.id)
            self.outbox.put(twin.pack.name, event, subscription, fault)
        return event

    def prepare(self, delivery: Delivery, timestamp: int) -> Outgoing:
        """What a delivery sends, signed. A pack's bug is recorded and sends nothing: no URL."""
        state = self.twins[delivery.twin]
        secret = delivery.subscription.secret
        try:
            outgoing = state.pack.outgoing(state, delivery, timestamp)
            wrong = f"not-{secret}"
            state.pack.sign(delivery, outgoing, wrong if delivery.missign else secret, timestamp)
        except Exception:
            self._crashed()
            return Outgoing("")
        return outgoing

    def settle(self, delivery: Delivery, outgoing: Outgoing, reply: Reply, ms: float = 0.0) -> None:
        """Record what an attempt came to and queue the next, if there is to be one."""
        state = self.twins[delivery.twin]
        self._requests += 1
        self._tap(
            Exchange(
                self._requests,
                self.step,
                self.clock.iso(),
                delivery.twin,
                delivery.event.kind,
                outgoing.method,
                outgoing.url,
                reply.status,
                ms,
                "; ".join(part for part in (delivery.fault, reply.error) if part),
                "",
                delivery.subscription.id,
                tuple(outgoing.headers),
                outgoing.body,
                reply.headers,
                reply.body,
                "out",
            )
        )
        try:
            outcome = state.pack.outcome(state, delivery, reply)
        except Exception:
            self._crashed()
            outcome = "failed"
        self.outbox.settle(delivery, reply, outcome, self.clock.now())

    # -- time

    def advance(self, seconds: float) -> None:
        """Move the clock, stopping wherever a pack has something due.

        Deliveries are left to the courier (:meth:`Courier.advance` makes them on the way).
        Raises ``ValueError`` for a negative or absurd amount.
        """
        target = self.target(seconds)
        while self.stop_before(target):
            pass

    def target(self, seconds: float) -> datetime:
        """The time in so many virtual seconds. Raises ``ValueError``."""
        later = Clock(self.clock.now())
        later.advance(seconds)
        return later.now()

    def stop_before(self, target: datetime) -> bool:
        """Go to the next moment at which something is due, at most to ``target``.

        Returns ``False`` when nothing more is due before ``target`` and the clock is there.
        """
        now = self.clock.now()
        stops = [state.pack.next_due(state) for state in self.twins.values()]
        stops.append(self.outbox.next_due(after=now))
        stop = min((due for due in stops if due is not None and due > now), default=target)
        self.clock.set(max(now, min(stop, target)))
        for state in self.twins.values():
            state.pack.catch_up(state)
        return stop < target

    @property
    def gaps(self) -> list[str]:
        """What the twins lacked so far, each ``twin: what`` once."""
        return list(self._gaps)

    @property
    def failures(self) -> list[str]:
        """Why a trial in this universe says nothing about its product; empty when all is well."""
        crashed = [f"a twin crashed: {text.strip().splitlines()[-1]}" for text in self.crashes]
        return crashed + ([f"gap in {gap}" for gap in self.gaps] if self.strict else [])

    # -- scenarios

    def view(self, twin: str) -> dict[str, list[Row]]:
        """The twin's state as facts see it. Raises ``KeyError`` for an unknown twin."""
        state = self.twins[twin]
        return state.pack.view(state)

    def apply(self, twin: str, op: str, args: Any) -> Any:
        """Change a twin's state as a scenario's setup or step asks.

        ``any:GROUP:N`` in a string becomes the email of that member. Returns what the
        operation returns (for ``add_users`` the entities). Raises :class:`ApplyError`.
        """
        state = self.twins.get(twin)
        if state is None:
            raise ApplyError(f'there is no twin "{twin}"')
        try:
            return state.pack.apply(state, op, self._resolved(args))
        except (KeyError, TypeError, AttributeError) as error:
            raise ApplyError(f"{twin} {op}: {_sentence(error)}") from error

    def pick(self, group: str, n: int) -> dict[str, str]:
        """The ``n``-th member (from 1) of a group of the organisation.

        Returns ``email``, ``first``, ``last`` and ``name``. Raises :class:`ApplyError`.
        """
        problem = "there is no twin with people"
        for state in self.twins.values():
            try:
                person = state.org.member(group, n)
            except KeyError as error:
                if state.org.people:
                    problem = _sentence(error)
                continue
            return {
                "email": person.email,
                "first": person.first,
                "last": person.last,
                "name": person.name,
            }
        raise ApplyError(problem)

    def env(self, twin: str, url: str) -> dict[str, str]:
        """The environment that leads a program to the twin at ``url`` (without a path)."""
        state = self.twins[twin]
        return state.pack.env(state, url.rstrip("/"))

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, str):
            return _PICK.sub(lambda m: self.pick(m[1], int(m[2]))["email"], value)
        if isinstance(value, Mapping):
            return {key: self._resolved(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._resolved(item) for item in value]
        return value


@dataclass(slots=True)
class _Open:
    """A request that is being answered."""

    call: Call
    n: int
    t_virtual: str
    started: float
    fault: Fault | None = None


class Waiting:
    """A request whose answer needs a reply from outside.

    Attributes:
        outgoing: What to send.
        timeout: Real seconds.
    """

    __slots__ = ("_open", "_then", "_universe", "outgoing", "timeout")

    def __init__(self, universe: Universe, open_call: _Open, ask: Ask) -> None:
        self._universe = universe
        self._open = open_call
        self._then = ask.then
        self.outgoing = ask.outgoing
        self.timeout = ask.timeout

    def resume(self, reply: Reply) -> "Response | Waiting":
        """Go on with the reply; status 0 means that nothing came."""
        universe = self._universe
        try:
            response = self._then(reply)
        except Refused as refused:
            response = refused.response
        except Ask as ask:
            return Waiting(universe, self._open, ask)
        except Exception:
            return universe._end(self._open, universe._crashed(), finish=False)
        return universe._end(self._open, response)


def _seeded(
    pack: Pack, name: str, seed: int, vary: frozenset[str], debug: bool
) -> tuple[Org, dict[str, Base]]:
    """The frozen rows of a named seed; universes that vary nothing of it share one copy."""
    draw = Ids(f"{seed}/seed")
    names = 1 + draw.below("names", 1 << 30) if "names" in vary else 0
    ids = str(seed) if "ids" in vary else ""
    turn = draw.below("order", 1 << 30) if "order" in vary else 0
    key = (pack, name, names, ids, turn, debug)
    found = _seeds.get(key)
    if found is not None:
        _seeds.move_to_end(key)
        return found
    if name not in ORGS and name not in pack.seeds:
        known = ", ".join([*ORGS, *pack.seeds])
        raise ValueError(f'{pack.name} has no seed "{name}"; there are {known}')
    organisation = org(name if name in ORGS else "empty", names).rotated(turn)
    rows = pack.seed(Seed(name, organisation, Ids(f"seed/{pack.name}/{ids}")))
    bases = {
        table: Base(rows.get(table, {}), functions, debug=debug)
        for table, functions in pack.tables.items()
    }
    _seeds[key] = organisation, bases
    while len(_seeds) > _CACHED_SEEDS:
        _seeds.popitem(last=False)
    return organisation, bases


def _reply(call: Call, fault: Fault, status: int) -> Response:
    """The answer a fault asks for: the vendor's error, the scenario's body or a proxy's page."""
    if fault.html:
        text = fault.body if isinstance(fault.body, str) else _page(status)
        response = Response.html(text, status)
    elif fault.body is not None:
        is_text = isinstance(fault.body, str)
        kind = "text/plain; charset=utf-8" if is_text else "application/json"
        body = fault.body.encode() if is_text else orjson.dumps(fault.body)
        response = Response(status, body, [("content-type", kind)])
    else:
        response = call.twin.pack.fault_response(call, status, fault.headers)
    given = {name.lower() for name in fault.headers}
    response.headers = [pair for pair in response.headers if pair[0].lower() not in given]
    response.headers += [(name.lower(), value) for name, value in fault.headers.items()]
    return response


def _page(status: int) -> str:
    return (
        f"<html><head><title>{status}</title></head><body><center><h1>{status} Error</h1>"
        "</center><hr><center>proxy</center></body></html>"
    )


def _strike(fault: Fault, response: Response) -> None:
    """What the fault does to the connection."""
    response.delay = fault.delay
    response.drop = bool(fault.drop)
    if fault.reset:
        response.cut = len(response.body) // 2


def _sentence(error: Exception) -> str:
    text = str(error.args[0]) if error.args else type(error).__name__
    if isinstance(error, KeyError) and " " not in text:
        return f'"{text}" is missing or unknown'
    return text
