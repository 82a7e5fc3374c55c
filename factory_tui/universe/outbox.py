"""Events on their way out of a universe: webhooks and the like, on the virtual clock.

A pack emits while it answers a request; the delivery is queued and leaves later, whatever the
request came to. Everything here is plain, immutable data without sockets, so that forks and
snapshots carry what is still on its way; :mod:`factory_tui.universe.courier` does the sending.

What a pack does::

    class Notes(Pack):
        def create_note(self, call):
            ...
            call.twin.emit("note.created", {"note": row})          # once per subscription

        def subscriptions(self, twin, event):                      # who is told
            for hook in twin["hooks"].rows():
                if event.kind in hook["events"]:
                    yield Subscription(hook["id"], hook["url"], hook["secret"],
                                       Retries((0, 60, 300), timeout=3))

        def outgoing(self, twin, delivery, timestamp):             # what is sent
            headers = [("x-attempt", str(delivery.attempt))]
            return Outgoing.json(delivery.subscription.url, delivery.event.payload, headers)

        def sign(self, delivery, outgoing, secret, timestamp):     # kept apart to be mis-signed
            outgoing.headers.append(("x-signature", digest(secret, outgoing.body)))

        def outcome(self, twin, delivery, reply):                  # after every attempt
            return "delivered" if reply.status == 200 else "retry"

A handler whose answer depends on what the outside says (Okta's hook verification) raises
:class:`Ask`; the request waits for the reply while others go on.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson

from factory_tui.universe.event_faults import EventFault
from factory_tui.universe.http import heft
from factory_tui.universe.reading import BadBodyError, read_json

if TYPE_CHECKING:
    from factory_tui.universe.http import Response

__all__ = [
    "Ask",
    "Delivery",
    "Event",
    "Outbox",
    "Outcome",
    "Outgoing",
    "Reply",
    "Retries",
    "Subscription",
]

HOLD: Final = timedelta(seconds=5)
"""How long (virtually) a delivery to be reordered waits for one that may overtake it."""

Outcome = Literal["delivered", "retry", "failed"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a twin.

    Attributes:
        id: Of the event; the same in every delivery and attempt.
        kind: As the vendor names it: ``message``, ``user.lifecycle.create``.
        payload: JSON-able; what it holds is the pack's business.
        at: Virtual time.
    """

    id: str
    kind: str
    payload: Any
    at: datetime


@dataclass(frozen=True, slots=True)
class Retries:
    """How a vendor repeats a delivery that failed.

    Attributes:
        delays: Virtual seconds before the second, third, … attempt.
        timeout: Real seconds that an attempt may take.
    """

    delays: tuple[float, ...] = ()
    timeout: float = 3.0


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who is told of an event.

    Attributes:
        id: Of the hook or app; deliveries are put in order within it.
        url: ``http://…``, ``https://…``, or ``socket:CHANNEL`` for whoever holds a WebSocket of
            that channel open (:mod:`factory_tui.universe.sockets`).
        secret: For :meth:`Pack.sign`.
        retries: The vendor's plan.
        data: Free for the pack; read-only.
    """

    id: str
    url: str
    secret: str = ""
    retries: Retries = Retries()
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Attributes:
        status: 0 when nothing did.
        error: Why not: ``timeout``, ``connection refused``, …; "" otherwise.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    error: str = ""

    @classmethod
    def nothing(cls, error: str) -> "Reply":
        """No reply, and why."""
        return cls(0, error=error)

    @property
    def ok(self) -> bool:
        """Whether the status is of the 2xx kind."""
        return 200 <= self.status < 300

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def json(self) -> Any:
        """The body as JSON; ``None`` when it is empty or none, or no reader's business."""
        try:
            return read_json(self.body)
        except BadBodyError:
            return None


@dataclass(slots=True)
class Outgoing:
    """A request that a twin sends.

    Attributes:
        ack: For a ``socket:`` URL: the id under which the receiver confirms
            (:meth:`Socket.ack`); "" when sending is enough.
    """

    url: str
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    method: str = "POST"
    ack: str = ""

    @property
    def target(self) -> str:
        """The URL."""
        return self.url

    @property
    def header_pairs(self) -> tuple[tuple[str, str], ...]:
        """The headers in the order of sending."""
        return tuple(self.headers)

    @property
    def weight(self) -> int:
        """About how many bytes of memory it holds besides the body."""
        return heft(self.headers) + len(self.url)

    @classmethod
    def json(
        cls, url: str, value: Any, headers: Iterable[tuple[str, str]] = (), method: str = "POST"
    ) -> "Outgoing":
        """A request with a JSON body."""
        kind = ("content-type", "application/json")
        return cls(url, orjson.dumps(value), [kind, *headers], method)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one subscription.

    Attributes:
        n: Number in this universe; a retry keeps it.
        attempt: From 1.
        due: Virtual time at which it leaves.
        order: Breaks ties of ``due``.
        last: What the attempt before came to, ``None`` for the first.
        missign: To be signed with a wrong secret.
        fault: What the fault plan did, "" if nothing.
        held: Waits for one that may overtake it.
    """

    n: int
    twin: str
    event: Event
    subscription: Subscription
    due: datetime
    order: int
    attempt: int = 1
    last: Reply | None = None
    missign: bool = False
    fault: str = ""
    held: bool = False


class Ask(Exception):
    """Raised by a handler whose answer needs a reply from outside.

    Args:
        outgoing: What to send.
        then: Makes the answer from the reply (:attr:`Reply.status` 0: nothing came). It may
            change the state, refuse or ask again.
        timeout: Real seconds.
    """

    def __init__(
        self, outgoing: Outgoing, then: "Callable[[Reply], Response]", timeout: float = 3.0
    ) -> None:
        super().__init__(outgoing.url)
        self.outgoing = outgoing
        self.then = then
        self.timeout = timeout


class Outbox:
    """The deliveries of one universe that have not left yet.

    Attributes:
        epoch: Changes when the state goes back; what left before then is settled no more.
        wake: Called when something may have become due; set by whoever delivers.
        failed: Deliveries given up, with the last reply, oldest first (the latest 1,000).
    """

    __slots__ = ("_count", "_heap", "_held", "_order", "_queue", "epoch", "failed", "wake")

    def __init__(self) -> None:
        self._queue: dict[int, Delivery] = {}
        # When they leave, in order and number; what is no longer so is passed over.
        self._heap: list[tuple[datetime, int, int]] = []
        self._held: set[int] = set()
        self._count = 0
        self._order = 0
        self.epoch = 0
        self.failed: list[tuple[Delivery, Reply]] = []
        self.wake: Callable[[], None] | None = None

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def made(self) -> int:
        """How many deliveries were ever queued here; retries do not count."""
        return self._count

    @property
    def pending(self) -> list[Delivery]:
        """What is on its way, in the order in which it will leave."""
        return sorted(self._queue.values(), key=_leaves)

    def put(
        self, twin: str, event: Event, subscription: Subscription, fault: EventFault | None
    ) -> None:
        """Queue a delivery as the fault, if any, has it."""
        if fault is not None and fault.drop:
            return
        due = event.at
        if fault is not None and fault.delay:
            due = _later(due, fault.delay)
        held = fault is not None and fault.reorder
        told = fault.describe() if fault is not None else ""
        missign = fault is not None and fault.missign
        for _ in range(1 + (fault.duplicate if fault is not None else 0)):
            self._count += 1
            delivery = Delivery(
                self._count,
                twin,
                event,
                subscription,
                due + HOLD if held else due,
                self._next(),
                missign=missign,
                fault=told,
                held=held,
            )
            self._put(delivery)
        if not held and self._held:
            self._overtaken(twin, subscription.id, due)

    def _put(self, delivery: Delivery) -> None:
        self._queue[delivery.n] = delivery
        heappush(self._heap, (delivery.due, delivery.order, delivery.n))
        if delivery.held:
            self._held.add(delivery.n)

    def _overtaken(self, twin: str, subscription: str, due: datetime) -> None:
        """Let go what waited to be overtaken by a delivery to the same subscription."""
        for n in sorted(self._held):
            waiting = self._queue[n]
            if (waiting.twin, waiting.subscription.id) == (twin, subscription):
                self._held.discard(n)
                self._put(replace(waiting, due=due, order=self._next(), held=False))

    def _next(self) -> int:
        self._order += 1
        return self._order

    def next_due(self, after: datetime | None = None) -> datetime | None:
        """When the next delivery (due later than ``after``) leaves, ``None``: there is none."""
        first = self._first()
        if first is None or after is None or first.due > after:
            return None if first is None else first.due
        moments = (delivery.due for delivery in self._queue.values())
        return min((due for due in moments if due > after), default=None)

    def _first(self) -> Delivery | None:
        """The delivery that leaves next, due or not."""
        heap = self._heap
        while heap:
            _, order, n = heap[0]
            delivery = self._queue.get(n)
            if delivery is not None and delivery.order == order:
                return delivery
            heappop(heap)
        return None

    def take(self, now: datetime) -> Delivery | None:
        """The delivery that leaves next, if it is due; it is on nobody's list any more."""
        delivery = self._first()
        if delivery is None or delivery.due > now:
            return None
        heappop(self._heap)
        del self._queue[delivery.n]
        self._held.discard(delivery.n)
        return delivery

    def settle(self, delivery: Delivery, reply: Reply, outcome: Outcome, now: datetime) -> None:
        """Queue the next attempt of what failed, or give it up."""
        if outcome == "delivered":
            return
        delays = delivery.subscription.retries.delays
        if outcome == "retry" and delivery.attempt <= len(delays):
            again = replace(
                delivery,
                attempt=delivery.attempt + 1,
                due=_later(max(now, delivery.due), delays[delivery.attempt - 1]),
                order=self._next(),
                last=reply,
                held=False,
            )
            self._put(again)
            return
        self.failed.append((delivery, reply))
        if len(self.failed) >= 2000:
            del self.failed[:-1000]

    def fork(self) -> "Outbox":
        """An independent copy; nobody delivers it yet."""
        twin = Outbox()
        twin._queue = self._queue.copy()
        twin._heap = self._heap.copy()
        twin._held = self._held.copy()
        twin._count, twin._order = self._count, self._order
        twin.failed = self.failed[:]
        return twin

    def reset(self, earlier: "Outbox") -> None:
        """Become what :meth:`fork` returned, keeping :attr:`wake`."""
        self._queue = earlier._queue.copy()
        self._heap = earlier._heap.copy()
        self._held = earlier._held.copy()
        self._count, self._order = earlier._count, earlier._order
        self.failed = earlier.failed[:]
        self.epoch += 1


def _leaves(delivery: Delivery) -> tuple[datetime, int]:
    return delivery.due, delivery.order


def _later(moment: datetime, seconds: float) -> datetime:
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=moment.tzinfo)
