"""The fault plan: which requests of a universe go wrong, and how."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any, Literal, Self

from factory_tui.universe.event_faults import EventFault, EventPlan
from factory_tui.universe.ids import Ids
from factory_tui.universe.plans import FaultError, Plan, check_share, which

__all__ = ["Fault", "FaultError", "FaultPlan"]

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "*"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        twin: The twin it concerns; ``*`` for every one.
        match: An operation name (``chat.postMessage``, ``createIssue``) or method and path
            (``POST /api/conversations.*``); globs allowed. A path matches without its query.
            Some packs let a part of an answer fail, too (Jira: ``field:customfield_10050``).
        principal: Only requests of this caller (glob); "" for everybody.
        nth: Which matching requests, from 1: a number, a list, or ``"from N"``; ``None`` = all.
        probability: Of the requests that ``nth`` leaves, the seeded share that is hit.
        times: At most so many hits; ``None`` = no limit.
        reply: Answer with this status in the vendor's dialect; the request has no effect.
        headers: Added to the reply, for instance ``Retry-After``.
        body: The reply's body instead of the vendor's (a mapping or list is sent as JSON).
        html: The reply is an HTML error page, as a proxy in front of the service sends it.
        drop: Close the connection, ``"before"`` the request has an effect or
            ``"after-commit"``: it was carried out and the caller does not learn it.
        delay: Real seconds before the answer (the virtual clock moves as far).
        reset: Send half of the answer's body, then reset the connection; the request counts.
        stale: Answer a read from the state of so many virtual seconds ago; a request that
            changes something is not stale.
        revoke: From this request on the caller's credentials are no longer valid.
    """

    twin: str
    match: str = "*"
    principal: str = ""
    nth: int | list[int] | str | None = None
    probability: float | None = None
    times: int | None = None
    reply: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    html: bool = False
    drop: Literal["", "before", "after-commit"] = ""
    delay: float = 0.0
    reset: bool = False
    stale: float = 0.0
    revoke: bool = False

    def __post_init__(self) -> None:
        if self.reply is not None and not 200 <= self.reply <= 599:
            raise FaultError(f"reply: {self.reply} is not a status from 200 to 599")
        if self.drop not in ("", "before", "after-commit"):
            raise FaultError(f'drop: "{self.drop}" is neither "before" nor "after-commit"')
        check_share(self.probability)
        if self.delay < 0:
            raise FaultError("delay: seconds cannot be negative")
        if self.stale < 0:
            raise FaultError("stale: seconds cannot be negative")
        struck = (self.drop, self.delay, self.reset, self.stale, self.revoke)
        if self.reply is None and not any(struck):
            raise FaultError("nothing goes wrong: give reply, drop, delay, reset, stale or revoke")
        if self.reply is None and (self.body is not None or self.html):
            raise FaultError("body and html need a reply status")
        which(self.nth)

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """Build a fault from a scenario's mapping. Raises :class:`FaultError`."""
        known = {item.name for item in fields(cls)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise FaultError(f"{unknown[0]}: no such field; there are {', '.join(sorted(known))}")
        if not isinstance(data.get("twin"), str):
            raise FaultError("twin: name the twin this fault concerns")
        values = dict(data)
        if values.get("drop") is True:
            values["drop"] = "before"
        headers = values.get("headers", {})
        if not isinstance(headers, Mapping):
            raise FaultError("headers: must be a mapping of name to value")
        values["headers"] = {str(name): str(value) for name, value in headers.items()}
        for name, kinds in _KINDS.items():
            value = values.get(name)
            if value is not None and (not isinstance(value, kinds) or _flag(value, kinds)):
                raise FaultError(f"{name}: {value!r} has the wrong type")
        return cls(**values)

    def matches(self, twin: str, operation: str, method: str, path: str, principal: str) -> bool:
        """Whether a request is one of those this fault counts."""
        if self.twin not in (twin, "*"):
            return False
        if self.principal and not fnmatchcase(principal, self.principal):
            return False
        wanted_method, _, wanted_path = self.match.partition(" ")
        if wanted_path and wanted_method.upper() in _METHODS:
            return wanted_method.upper() in (method, "*") and fnmatchcase(path, wanted_path.strip())
        if self.match.startswith("/"):
            return fnmatchcase(path, self.match)
        return fnmatchcase(operation, self.match)

    def describe(self) -> str:
        """One short phrase for the traffic view: ``429``, ``dropped after commit``."""
        parts = []
        if self.reply is not None:
            parts.append(f"{self.reply} html" if self.html else str(self.reply))
        if self.drop:
            parts.append("dropped before" if self.drop == "before" else "dropped after commit")
        if self.reset:
            parts.append("reset mid-body")
        if self.stale:
            parts.append(f"stale by {self.stale:g} s")
        if self.revoke:
            parts.append("credentials revoked")
        if self.delay:
            parts.append(f"delayed {self.delay:g} s")
        return ", ".join(parts)


_KINDS: dict[str, type | tuple[type, ...]] = {
    "twin": str,
    "match": str,
    "principal": str,
    "nth": (int, list, str),
    "probability": (int, float),
    "times": int,
    "reply": int,
    "html": bool,
    "drop": str,
    "delay": (int, float),
    "reset": bool,
    "stale": (int, float),
    "revoke": bool,
}


def _flag(value: object, kinds: type | tuple[type, ...]) -> bool:
    """True for a bool where a number is wanted (bool is an int in Python)."""
    return isinstance(value, bool) and kinds is not bool


class FaultPlan(Plan[Fault]):
    """The faults of one universe and how often each has matched and struck.

    Attributes:
        events: The faults of deliveries, which are added here too.
        revoked: Twin and principal whose credentials a fault has revoked.
    """

    __slots__ = ("events", "revoked")

    def __init__(self) -> None:
        super().__init__()
        self.events = EventPlan()
        self.revoked: frozenset[tuple[str, str]] = frozenset()

    def add(self, fault: Fault | EventFault | Mapping[str, Any]) -> None:
        """Add a fault, or a scenario's mapping of one; with ``event`` it concerns deliveries.

        Raises :class:`FaultError`.
        """
        if isinstance(fault, EventFault):
            self.events.add(fault)
        elif isinstance(fault, Fault):
            self._insert(fault)
        elif "event" in fault:
            self.events.add(EventFault.parse(fault))
        else:
            self._insert(Fault.parse(fault))

    def clear(self) -> None:
        """Forget every fault."""
        super().clear()
        self.events.clear()
        self.revoked = frozenset()

    def pick(
        self, ids: Ids, twin: str, operation: str, method: str, path: str, principal: str
    ) -> Fault | None:
        """Count the request against every fault; the first that strikes, or ``None``."""
        return self._strike(
            lambda fault: fault.matches(twin, operation, method, path, principal), ids, "fault"
        )

    def pick_part(self, ids: Ids, twin: str, part: str) -> Fault | None:
        """The fault that strikes a part of an answer, as a pack names its parts (``field:x``).

        Only faults whose ``match`` has the same prefix count it.
        """
        prefix = part.partition(":")[0] + ":"
        return self._strike(
            lambda fault: fault.match.startswith(prefix) and fault.matches(twin, part, "", "", ""),
            ids,
            "part",
        )

    def fork(self) -> Self:
        """An independent copy with the same counts."""
        twin = super().fork()
        twin.events = self.events.fork()
        twin.revoked = self.revoked
        return twin
