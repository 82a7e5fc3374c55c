"""What a twin pack is.

A pack is a folder ``twins/<name>/`` whose ``__init__.py`` sets ``PACK``; it imports
``factory_tui.universe`` and nothing else of the package. A complete pack::

    from typing import Any
    from factory_tui.universe import (
        Call, Pack, Refused, Request, Response, Row, Seed, SeedTables, Twin, op, route)

    class Notes(Pack):
        name = "notes"
        tables = {"notes": {"owner": lambda key, row: row["owner"]}}   # table: its indexes

        def seed(self, seed: Seed) -> SeedTables:            # frozen rows, shared by universes
            return {"notes": {f"n{i}": {"id": f"n{i}", "owner": person.email, "text": "hi"}
                              for i, person in enumerate(seed.org.people)}}

        def principal(self, twin: Twin, request: Request) -> str:      # who calls, "" = nobody
            return "bot" if request.headers.get("authorization") == "Bearer t0p" else ""

        @route("GET", "/notes/{id}", "getNote")              # operation: the vendor's name
        def get_note(self, call: Call) -> Response:
            row = call.twin["notes"].get(call.params["id"])  # rows are read-only
            if row is None:
                raise Refused(self.error(404, "no_such_note"))
            return Response.json(row)

        @route("POST", "/notes", "createNote")
        def create_note(self, call: Call) -> Response:
            key = call.twin.ids.mint("note", 8, prefix="n")
            row = {"id": key, "owner": call.principal, "text": call.request.json()["text"],
                   "created": call.twin.clock.iso()}
            call.twin["notes"].put(key, row)                 # to change one: draft(), then put()
            return Response.json(row, 201)

        def before(self, call: Call) -> Response | None:     # authentication; None = go on
            return None if call.principal else self.error(401, "not_authed")

        def finish(self, call: Call, response: Response) -> None:      # headers always there
            response.headers.append(("x-rate-limit-remaining", "99"))

        def fault_response(self, call, status, headers):     # a fault in the vendor's dialect
            return self.error(status, "rate_limited" if status == 429 else "server_error")

        def gap_response(self, call: Call) -> Response:      # described, not implemented
            return self.error(501, "not_implemented")

        def unknown_response(self, call: Call) -> Response:  # no such path or method
            return self.error(404, "not_found")

        def env(self, twin: Twin, url: str) -> dict[str, str]:
            return {"NOTES_URL": url, "NOTES_TOKEN": "t0p"}

        def view(self, twin: Twin) -> dict[str, list[Row]]:  # what facts are checked on
            return {"notes": [dict(row) for row in twin["notes"].rows()]}

        @op("add_note")                                      # scenario setup: universe.apply
        def add_note(self, twin: Twin, args: dict[str, Any]) -> Any: ...

        def error(self, status: int, code: str) -> Response:
            return Response.json({"error": code}, status)

    PACK = Notes()

Operations that the vendor describes and the pack does not implement are announced with
``self.routes.add(method, template, operation)`` in ``__init__``: calling one gives
``gap_response`` and a gap in the traffic. A part of an implemented operation that is missing
is told with ``call.gap("what")``. A pack whose operations are not method and path (Slack
takes each by GET and POST) overrides :meth:`Pack.match`. A pack keeps no state of its own:
what is not in a table, the ids or the clock is lost on fork and restore.

Further hooks: events that leave the twin (:meth:`Twin.emit` and
:mod:`factory_tui.universe.outbox`), WebSockets (:mod:`factory_tui.universe.sockets`), what the
clock brings about (:meth:`Pack.next_due`, :meth:`Pack.catch_up`), published rate limits
(:meth:`Pack.limit`) and credentials that a fault revokes (:meth:`Pack.revoke`).
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from factory_tui.universe.clock import Clock
from factory_tui.universe.http import Request, Response
from factory_tui.universe.ids import Ids
from factory_tui.universe.limits import Allowance, Limit
from factory_tui.universe.outbox import (
    Delivery,
    Event,
    Outcome,
    Outgoing,
    Reply,
    Subscription,
)
from factory_tui.universe.people import Org
from factory_tui.universe.routes import Match, Routes
from factory_tui.universe.tables import IndexFn, Key, Row, Table, Tables

if TYPE_CHECKING:
    from factory_tui.universe.sockets import Socket
    from factory_tui.universe.universe import Universe

__all__ = [
    "ApplyError",
    "Call",
    "Handler",
    "Pack",
    "Refused",
    "Seed",
    "SeedTables",
    "Twin",
    "op",
    "route",
]

SeedTables = dict[str, dict[Key, Row]]
Handler = Callable[["Call"], Response]
Operation = Callable[["Twin", dict[str, Any]], Any]
_F = TypeVar("_F", bound=Callable[..., Any])


class Refused(Exception):
    """Raised by a handler to answer at once with ``response``."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


class ApplyError(ValueError):
    """A scenario's operation cannot be applied; the message is one sentence for its author."""


class Seed:
    """What a pack builds its frozen rows from.

    Attributes:
        name: The seed's name, ``acme-300``; a pack may know further names.
        org: The organisation of that name (the empty one for a name that is not an
            organisation), already varied in names and order.
        ids: Minters for the seed's ids.
        epoch: A fixed ISO time in the past of every scenario, for creation dates.
    """

    epoch = "2025-06-02T08:00:00.000Z"

    def __init__(self, name: str, organisation: Org, ids: Ids) -> None:
        self.name = name
        self.org = organisation
        self.ids = ids


class Twin:
    """One pack's state in one universe; ``twin["users"]`` is a :class:`Table`.

    Attributes:
        pack: The pack that gives it behaviour.
        seed_name: The named seed it stands on.
        tables: By name, each made when it is first asked for.
        ids: Minters for ids and seeded draws, this twin's own.
        clock: The universe's clock.
        org: The organisation the seed was built from.
        universe: The universe it is part of.
    """

    __slots__ = ("ids", "org", "pack", "seed_name", "tables", "universe")

    def __init__(
        self,
        pack: "Pack",
        universe: "Universe",
        seed_name: str,
        organisation: Org,
        ids: Ids,
        tables: Tables,
    ) -> None:
        self.pack = pack
        self.universe = universe
        self.seed_name = seed_name
        self.org = organisation
        self.ids = ids
        self.tables = tables

    def __getitem__(self, name: str) -> Table:
        return self.tables[name]

    @property
    def clock(self) -> Clock:
        """The universe's clock."""
        return self.universe.clock

    def page_size(self, asked: int | None, default: int, largest: int) -> int:
        """How many rows a page holds, from what was asked for (``None`` = nothing).

        In a universe that varies ``pages`` default and maximum are small, so that lists that
        usually fit into one page do not. Never below 1.
        """
        small = self.universe.small_page
        if small:
            default, largest = min(default, small), min(largest, small)
        return max(1, min(default if asked is None else asked, largest))

    def emit(
        self,
        kind: str,
        payload: Any,
        *,
        id: str = "",  # noqa: A002 - the vendors' word
        to: Iterable[Subscription] | None = None,
    ) -> Event:
        """Queue an event for everybody who has subscribed, or for ``to``; it leaves later.

        Args:
            kind: As the vendor names it.
            payload: JSON-able, not changed afterwards.
            id: The vendor's; minted (``event``, 10 letters) when it is "".
            to: Instead of what :meth:`Pack.subscriptions` says: a response URL, a slash command.
        """
        return self.universe.emit(self, kind, payload, id, to)


class Call:
    """One request on its way through a pack.

    Attributes:
        twin: The state it acts on.
        request: What was sent.
        operation: The vendor's name, "" if nothing is described there.
        params: Path parameters, percent-decoded.
        principal: What :meth:`Pack.principal` said.
        allowed: When only the method is wrong: the methods the path knows.
        allowance: Where the caller stands, in a universe that enforces rate limits.
        plan: What the pack made of the request's head, if it keeps that here.
        session: What the pack knows of the caller, if it keeps that here.
        scratch: Free for the pack, for this request only.
    """

    __slots__ = (
        "allowance",
        "allowed",
        "gaps",
        "handler",
        "operation",
        "params",
        "plan",
        "principal",
        "request",
        "scratch",
        "session",
        "twin",
    )

    def __init__(self, twin: Twin, request: Request) -> None:
        self.twin = twin
        self.request = request
        self.operation = ""
        self.params: dict[str, str] = {}
        self.principal = ""
        self.handler: Handler | None = None
        self.allowed: tuple[str, ...] = ()
        self.allowance: Allowance | None = None
        self.gaps: list[str] = []
        self.plan: Any = None
        self.session: Any = None
        self.scratch: dict[str, Any] = {}

    def gap(self, what: str) -> None:
        """Record that the twin lacks ``what`` of this operation."""
        self.gaps.append(what)


def route(method: str, template: str, operation: str) -> Callable[[_F], _F]:
    """Make a pack's method the handler of an operation. May be stacked."""

    def mark(function: _F) -> _F:
        known = getattr(function, "_routes", ())
        function._routes = (*known, (method, template, operation))  # type: ignore[attr-defined]
        return function

    return mark


def op(name: str) -> Callable[[_F], _F]:
    """Make a pack's method an operation for scenarios: ``universe.apply(twin, name, args)``."""

    def mark(function: _F) -> _F:
        function._op = name  # type: ignore[attr-defined]
        return function

    return mark


class Pack:
    """Base of every twin pack; see the module's docstring for how to write one."""

    name: ClassVar[str]
    tables: ClassVar[Mapping[str, Mapping[str, IndexFn]]] = {}
    """Table name to its indexes: index name to a function of key and row."""
    seeds: ClassVar[tuple[str, ...]] = ()
    """Names of seeds the pack knows besides the organisations'."""

    hosts: ClassVar[tuple[str, ...]] = ()
    """Names of the real service's hosts: ``slack.com``, ``*.slack.com`` (any depth)."""

    def __init__(self) -> None:
        self.routes: Routes[Handler] = Routes()
        self.ops: dict[str, Operation] = {}
        _refuse_shadows(type(self))
        for attribute in dir(type(self)):
            function = getattr(type(self), attribute, None)
            for method, template, operation in getattr(function, "_routes", ()):
                self.routes.add(method, template, operation, getattr(self, attribute))
            name = getattr(function, "_op", None)
            if name is not None:
                self.ops[name] = getattr(self, attribute)

    # -- what every pack writes

    def seed(self, seed: Seed) -> SeedTables:
        """The frozen rows of a named seed, by table."""
        raise NotImplementedError

    def principal(self, twin: Twin, request: Request) -> str:
        """Who calls, for faults and traffic; "" if unknown."""
        raise NotImplementedError

    def identify(self, call: Call) -> str:
        """Who calls; a pack that keeps more of it in ``call.session`` overrides this."""
        return self.principal(call.twin, call.request)

    def fault_response(self, call: Call, status: int, headers: Mapping[str, str]) -> Response:
        """An error of that status as the vendor words it. The kernel adds ``headers``."""
        raise NotImplementedError

    def gap_response(self, call: Call) -> Response:
        """The vendor-shaped answer of an operation that is described and not implemented."""
        raise NotImplementedError

    def unknown_response(self, call: Call) -> Response:
        """The vendor's answer to a path or method it does not know."""
        raise NotImplementedError

    def env(self, twin: Twin, url: str) -> dict[str, str]:
        """Environment variables that tell a program where the twin is and how to log in."""
        raise NotImplementedError

    def view(self, twin: Twin) -> dict[str, list[Row]]:
        """The state in words of the vendor, as the facts of scenarios see it."""
        raise NotImplementedError

    def stand_alone(self, twin: Twin) -> None:
        """Prepare a twin that is served outside the factory; may be called again.

        What people would click together in the vendor's admin pages before they start:
        credentials of every kind with every permission. :meth:`env` tells them.
        """

    # -- what a pack may change

    def match(self, call: Call) -> None:
        """Set ``call.operation``, ``params``, ``handler`` and ``allowed`` from the request."""
        found = call.request.derived(self._routed)
        if found is not None:
            call.operation = found.operation
            call.params = found.params
            call.handler = found.handler
            call.allowed = found.allowed

    def _routed(self, request: Request) -> Match[Handler] | None:
        return self.routes.match(request.method, request.segments)

    def before(self, call: Call) -> Response | None:
        """Checks ahead of every known operation (authentication); ``None`` lets it pass."""
        return None

    def answer(self, call: Call) -> Response:
        """Answer a request. Override only where this order is not the vendor's."""
        if not call.operation:
            return self.before(call) or self.unknown_response(call)
        early = self.before(call)
        if early is not None:
            return early
        if call.handler is None:
            call.gap(call.operation)
            return self.gap_response(call)
        return call.handler(call)

    def finish(self, call: Call, response: Response) -> None:
        """Headers that every answer carries, faults included. ``Date`` is the kernel's."""

    # -- events, see factory_tui.universe.outbox

    def subscriptions(self, twin: Twin, event: Event) -> Iterable[Subscription]:
        """Who is told of an event, in a fixed order."""
        return ()

    def outgoing(self, twin: Twin, delivery: Delivery, timestamp: int) -> Outgoing:
        """What is sent, without the signature. ``timestamp`` is what :meth:`sign` may bind.

        It is real time (seconds since 1970) when sent to a real receiver, whose library compares
        it with its own clock.
        """
        return Outgoing.json(delivery.subscription.url, delivery.event.payload)

    def sign(self, delivery: Delivery, outgoing: Outgoing, secret: str, timestamp: int) -> None:
        """Add the vendor's signature to the headers. ``secret`` is wrong for a mis-signed one."""

    def outcome(self, twin: Twin, delivery: Delivery, reply: Reply) -> Outcome:
        """What an attempt came to; called once after each. It may change the state."""
        return "delivered" if reply.ok else "retry"

    # -- WebSockets, see factory_tui.universe.sockets

    def socket_channel(self, call: Call) -> str | None:
        """The channel of a WebSocket that a client wants to open; ``None`` refuses.

        A refused one gets the answer of an ordinary request.
        """
        return None

    def socket_opened(self, twin: Twin, socket: "Socket") -> None:
        """A client has connected."""

    def socket_message(self, twin: Twin, socket: "Socket", data: str | bytes) -> None:
        """A client has sent a message."""

    def socket_closed(self, twin: Twin, socket: "Socket") -> None:
        """A client has gone."""

    # -- time

    def next_due(self, twin: Twin) -> datetime | None:
        """When the clock next brings something about (a scheduled message); ``None``: never."""
        return None

    def catch_up(self, twin: Twin) -> None:
        """Let happen what the clock has reached."""

    # -- limits and credentials

    def limit(self, call: Call) -> Limit | None:
        """The published rate limit that a request counts against; ``None``: none."""
        return None

    def limited_response(self, call: Call, allowance: Allowance) -> Response:
        """The answer beyond the limit."""
        headers = {"retry-after": str(allowance.retry_after)}
        response = self.fault_response(call, 429, headers)
        response.headers = [pair for pair in response.headers if pair[0].lower() not in headers]
        response.headers += headers.items()
        return response

    def revoke(self, call: Call) -> bool:
        """Make the caller's credentials invalid; ``False``: the kernel refuses the principal."""
        return False

    def revoked_response(self, call: Call) -> Response:
        """The answer to a principal whom the kernel refuses."""
        return self.fault_response(call, 401, {})

    # -- what there is

    def coverage(self) -> dict[str, bool]:
        """Every operation the vendor describes, and whether the pack implements it."""
        return {name: found[2] for name, found in sorted(self.routes.operations.items()) if name}

    def apply(self, twin: Twin, operation: str, args: dict[str, Any]) -> Any:
        """Change the state as a scenario asks. Raises :class:`ApplyError`."""
        function = self.ops.get(operation)
        if function is None:
            known = ", ".join(sorted(self.ops))
            raise ApplyError(f'{self.name} has no operation "{operation}"; there are {known}')
        return function(twin, args)


def _refuse_shadows(pack: type[Pack]) -> None:
    """Raise where two classes a pack is made of give one name to different operations.

    Python would keep one of them without a word and the other's routes would be gone.
    """
    for part in pack.__mro__:
        for name, function in vars(part).items():
            kept = getattr(pack, name)
            for mark in ("_routes", "_op"):
                marked = getattr(function, mark, None)
                if marked and getattr(kept, mark, None) != marked:
                    raise TypeError(f"{part.__name__}.{name} is shadowed by another {name}")
