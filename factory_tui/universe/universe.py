"""A universe: one isolated set of twin states with its own clock, ids, faults and traffic."""

import re
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from factory_tui.universe.clock import Clock
from factory_tui.universe.faults import Fault, FaultPlan
from factory_tui.universe.http import Request, Response
from factory_tui.universe.ids import Ids
from factory_tui.universe.pack import ApplyError, Call, Pack, Refused, Seed, Twin
from factory_tui.universe.people import ORGS, Org, org
from factory_tui.universe.tables import Base, Change, Key, Row, Table
from factory_tui.universe.tap import Exchange

__all__ = ["VARIES", "Snapshot", "Universe"]

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

    Attributes:
        tap: Every exchange so far, or the latest :attr:`tap_limit` to twice as many.
        tap_limit: How many to keep; 0 keeps all.
        on_exchange: Called with each exchange as it happens.
        step: Stamped on exchanges; set by whoever performs a scenario.
        crashes: Tracebacks of handlers that raised: a bug of the twin, never of its caller.

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
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot of this universe. The traffic stays: it did happen."""
        self.clock.set(snapshot.clock)
        self._requests = snapshot.requests
        self.step = snapshot.step
        self.faults = snapshot.faults.fork()
        self._ids.reset(snapshot.fault_ids)
        for name, (tables, counts) in snapshot.twins.items():
            state = self.twins[name]
            state.ids.reset(counts)
            for table, changes in tables.items():
                state.tables[table].reset(changes)

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
        """Answer one request and record it. Never raises for anything a caller can send."""
        started = time.perf_counter()
        state = self.twins[twin]
        pack = state.pack
        self.clock.tick()
        self._requests += 1
        t_virtual = self.clock.iso()
        call = Call(state, request)
        fault: Fault | None = None
        try:
            pack.match(call)
            call.principal = pack.principal(state, request)
            fault = self._fault(call, twin)
            response = self._respond(call, fault)
            pack.finish(call, response)
        except Exception:  # a bug of the pack must not take the other universes down
            self.crashes.append(traceback.format_exc())
            response = Response.json({"error": "the twin failed; this is a bug of the twin"}, 500)
        if response.header("date") is None:
            response.headers.append(("date", self.clock.http_date()))
        if fault is not None:
            _strike(fault, response)
        self._record(call, response, fault, t_virtual, (time.perf_counter() - started) * 1e3)
        return response

    def _fault(self, call: Call, twin: str) -> Fault | None:
        if not self.faults.faults:
            return None
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
        try:
            return pack.answer(call)
        except Refused as refused:
            return refused.response

    def _record(
        self, call: Call, response: Response, fault: Fault | None, t_virtual: str, ms: float
    ) -> None:
        request = call.request
        exchange = Exchange(
            self._requests,
            self.step,
            t_virtual,
            call.twin.pack.name,
            call.operation,
            request.method,
            request.target,
            response.status,
            ms,
            fault.describe() if fault is not None else "",
            "; ".join(call.gaps),
            call.principal,
            tuple(request.headers.items()),
            request.body,
            tuple(response.headers),
            response.body,
        )
        self.tap.append(exchange)
        if self.tap_limit and len(self.tap) >= 2 * self.tap_limit:
            del self.tap[: -self.tap_limit]
        if exchange.gap:
            self._gaps[f"{exchange.twin}: {exchange.gap}"] = None
        if self.on_exchange is not None:
            self.on_exchange(exchange)

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
