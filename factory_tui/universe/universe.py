"""A universe: one isolated set of twin states with its own clock, ids, faults and traffic."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from factory_tui.universe.answering import Answering, Waiting
from factory_tui.universe.clock import START, clock_at
from factory_tui.universe.faults import FaultPlan
from factory_tui.universe.ids import Ids
from factory_tui.universe.limits import Windows
from factory_tui.universe.outbox import Delivery, Event, Outbox, Outgoing, Reply, Subscription
from factory_tui.universe.pack import Pack, Twin
from factory_tui.universe.past import Past
from factory_tui.universe.seeding import seeded
from factory_tui.universe.sockets import Sockets
from factory_tui.universe.staging import Staging
from factory_tui.universe.tables import Change, Key, Tables
from factory_tui.universe.tap import Exchange, Tap

if TYPE_CHECKING:
    from factory_tui.universe.courier import Courier

__all__ = ["VARIES", "Snapshot", "Universe", "Waiting"]

VARIES: Final = frozenset({"ids", "names", "order", "pages", "clock"})
"""What ``vary`` may name."""


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


class Universe(Answering, Staging):
    """Twins, isolated from every other universe.

    Args:
        packs: By name, as :func:`load_packs` gives them.
        seeds: Twin to named seed (default ``acme-12``).
        seed: Everything that is drawn is drawn from this.
        clock: Virtual start time, ISO 8601; ``now``: the real time, which it follows.
        vary: What else the seed changes: ``ids``, ``names``, ``order``, ``pages``, ``clock``.
        strict: Gaps fail whoever asks :attr:`failures`.
        debug: Hand out frozen rows, so that a handler that changes one in place raises.
        limits: Enforce the rate limits that the vendors publish.

    Attributes:
        tap: Every exchange so far, or the latest ones, as its bounds say.
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
        clock: str = START,
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
        self.clock = clock_at(clock)
        self.faults = FaultPlan()
        self.tap = Tap()
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
            organisation, bases = seeded(pack, seed_name, seed, self.vary, debug)
            # Without "ids" every universe mints the same ids for the same calls.
            salt = seed if "ids" in self.vary else 0
            self.twins[name] = Twin(
                pack,
                self,
                seed_name,
                organisation,
                Ids(f"{salt}/{name}"),
                Tables(bases, debug=debug),
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
        twin.clock = self.clock.fork()
        twin.faults = self.faults.fork()
        twin.tap = self.tap.fork()
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
                state.tables.fork(),
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
                name: (state.tables.changes(), state.ids.state())
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
            state.tables.reset(tables)

    def forget(self) -> None:
        """Forget the traffic, gaps and crashes so far."""
        self.tap.clear()
        self._gaps.clear()
        self.crashes.clear()

    def diff(self, snapshot: Snapshot) -> dict[str, dict[str, dict[Key, Change]]]:
        """What changed since a snapshot: twin, table, key to (before, after). O(changes)."""
        found: dict[str, dict[str, dict[Key, Change]]] = {}
        for name, (tables, _) in snapshot.twins.items():
            changed = self.twins[name].tables.diff(tables)
            if changed:
                found[name] = changed
        return found

    def _keep_past(self, horizon: float) -> None:
        self._past.keep(self, horizon)

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
        except Exception as error:
            self._crashed(error)
            return Outgoing("")
        return outgoing

    def settle(self, delivery: Delivery, outgoing: Outgoing, reply: Reply, ms: float = 0.0) -> None:
        """Record what an attempt came to and queue the next, if there is to be one."""
        state = self.twins[delivery.twin]
        self._requests += 1
        self._tap(
            Exchange.of(
                self._requests,
                self.step,
                self.clock.micros,
                delivery.twin,
                delivery.event.kind,
                outgoing,
                outgoing.body,
                reply.status,
                ms,
                "; ".join(part for part in (delivery.fault, reply.error) if part),
                "",
                delivery.subscription.id,
                reply.headers,
                reply.body,
                "out",
            )
        )
        try:
            outcome = state.pack.outcome(state, delivery, reply)
        except Exception as error:
            self._crashed(error)
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
        later = self.clock.fork()
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
    def failures(self) -> list[str]:
        """Why a trial in this universe says nothing about its product; empty when all is well."""
        crashed = [f"a twin crashed: {text.strip().splitlines()[-1]}" for text in self.crashes]
        return crashed + ([f"gap in {gap}" for gap in self.gaps] if self.strict else [])
