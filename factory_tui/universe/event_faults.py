"""The fault plan's other half: which events go astray on their way out, and how."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Any, Self

from factory_tui.universe.ids import Ids
from factory_tui.universe.plans import FaultError, Plan, check_share, which

__all__ = ["EventFault", "EventPlan"]


@dataclass(frozen=True, slots=True)
class EventFault:
    """One thing that goes wrong with deliveries of events.

    Attributes:
        twin: The twin that emits; ``*`` for every one.
        event: The event's kind; globs allowed.
        subscription: Only deliveries to this one (glob); "" for all.
        nth: Which matching deliveries, as in :class:`Fault`.
        probability: Of those, the seeded share that is hit.
        times: At most so many hits; ``None`` = no limit.
        delay: Virtual seconds by which it leaves later.
        drop: It never leaves.
        duplicate: How many further times it is delivered.
        reorder: The next delivery to the same subscription overtakes it.
        missign: It is signed with a wrong secret.
    """

    twin: str
    event: str = "*"
    subscription: str = ""
    nth: int | list[int] | str | None = None
    probability: float | None = None
    times: int | None = None
    delay: float = 0.0
    drop: bool = False
    duplicate: int = 0
    reorder: bool = False
    missign: bool = False

    def __post_init__(self) -> None:
        if self.delay < 0 or self.duplicate < 0:
            raise FaultError("delay and duplicate cannot be negative")
        if self.duplicate > 100:
            raise FaultError("duplicate: at most 100")
        check_share(self.probability)
        if not (self.delay or self.drop or self.duplicate or self.reorder or self.missign):
            raise FaultError("nothing goes wrong: give delay, drop, duplicate, reorder or missign")
        which(self.nth)

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """Build one from a mapping that has ``event``. Raises :class:`FaultError`."""
        known = {item.name for item in fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise FaultError(
                f"{unknown[0]}: no such field of an event's fault; "
                f"there are {', '.join(sorted(known))}"
            )
        if not isinstance(data.get("twin"), str):
            raise FaultError("twin: name the twin this fault concerns")
        for name, value in data.items():
            if value is not None and not _right(name, value):
                raise FaultError(f"{name}: {value!r} has the wrong type")
        return cls(**data)

    def describe(self) -> str:
        """One short phrase for the traffic view: ``duplicated``, ``mis-signed``."""
        parts = []
        if self.drop:
            parts.append("dropped")
        if self.duplicate:
            parts.append("duplicated")
        if self.reorder:
            parts.append("reordered")
        if self.missign:
            parts.append("mis-signed")
        if self.delay:
            parts.append(f"delayed {self.delay:g} s")
        return ", ".join(parts)


def _right(name: str, value: object) -> bool:
    if name in ("drop", "reorder", "missign"):
        return isinstance(value, bool)
    if name in ("twin", "event", "subscription"):
        return isinstance(value, str)
    if name == "nth":
        return isinstance(value, int | list | str) and not isinstance(value, bool)
    kinds = int if name in ("times", "duplicate") else (int, float)
    return isinstance(value, kinds) and not isinstance(value, bool)


class EventPlan(Plan[EventFault]):
    """The event faults of one universe and how often each has matched and struck."""

    __slots__ = ()

    def add(self, fault: EventFault) -> None:
        """Add a fault."""
        self._insert(fault)

    def pick(self, ids: Ids, twin: str, event: str, subscription: str) -> EventFault | None:
        """Count the delivery against every fault; the first that strikes, or ``None``."""

        def matches(fault: EventFault) -> bool:
            return (
                fault.twin in (twin, "*")
                and fnmatchcase(event, fault.event)
                and (not fault.subscription or fnmatchcase(subscription, fault.subscription))
            )

        return self._strike(matches, ids, "event fault")
