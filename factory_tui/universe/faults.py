"""The fault plan: which requests of a universe go wrong, and how."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any, Literal, Self

from factory_tui.universe.ids import Ids

__all__ = ["Fault", "FaultError", "FaultPlan"]

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "*"})


class FaultError(ValueError):
    """A fault that cannot be understood; the message says which field and why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        twin: The twin it concerns; ``*`` for every one.
        match: An operation name (``chat.postMessage``, ``createIssue``) or method and path
            (``POST /api/conversations.*``); globs allowed. A path matches without its query.
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

    def __post_init__(self) -> None:
        if self.reply is not None and not 200 <= self.reply <= 599:
            raise FaultError(f"reply: {self.reply} is not a status from 200 to 599")
        if self.drop not in ("", "before", "after-commit"):
            raise FaultError(f'drop: "{self.drop}" is neither "before" nor "after-commit"')
        if self.probability is not None and not 0 <= self.probability <= 1:
            raise FaultError(f"probability: {self.probability} is not between 0 and 1")
        if self.delay < 0:
            raise FaultError("delay: seconds cannot be negative")
        if self.reply is None and not (self.drop or self.delay or self.reset):
            raise FaultError("nothing goes wrong: give reply, drop, delay or reset")
        if self.reply is None and (self.body is not None or self.html):
            raise FaultError("body and html need a reply status")
        _which(self.nth)

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
}


def _flag(value: object, kinds: type | tuple[type, ...]) -> bool:
    """True for a bool where a number is wanted (bool is an int in Python)."""
    return isinstance(value, bool) and kinds is not bool


def _which(nth: int | list[int] | str | None) -> tuple[frozenset[int], int | None]:
    """``nth`` as a set of ordinals and the ordinal from which all are hit."""
    if nth is None:
        return frozenset(), 1
    if isinstance(nth, int):
        ordinals = [nth]
    elif isinstance(nth, list):
        ordinals = nth
    else:
        word, _, number = nth.strip().partition(" ")
        if word == "from" and number.strip().isdecimal() and int(number) > 0:
            return frozenset(), int(number)
        if not nth.strip().isdecimal():
            raise FaultError(f'nth: "{nth}" is not a number, a list or "from N"')
        ordinals = [int(nth)]
    if not ordinals or any(
        isinstance(n, bool) or not isinstance(n, int) or n < 1 for n in ordinals
    ):
        raise FaultError(f"nth: {nth!r} must hold numbers from 1")
    return frozenset(ordinals), None


class FaultPlan:
    """The faults of one universe and how often each has matched and struck."""

    __slots__ = ("_hits", "_seen", "faults")

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._seen: list[int] = []
        self._hits: list[int] = []

    def add(self, fault: Fault | Mapping[str, Any]) -> None:
        """Add a fault, or a scenario's mapping of one. Raises :class:`FaultError`."""
        self.faults.append(fault if isinstance(fault, Fault) else Fault.parse(fault))
        self._seen.append(0)
        self._hits.append(0)

    def clear(self) -> None:
        """Forget every fault."""
        self.faults, self._seen, self._hits = [], [], []

    def pick(
        self, ids: Ids, twin: str, operation: str, method: str, path: str, principal: str
    ) -> Fault | None:
        """Count the request against every fault; the first that strikes, or ``None``."""
        struck: Fault | None = None
        for index, fault in enumerate(self.faults):
            if not fault.matches(twin, operation, method, path, principal):
                continue
            self._seen[index] += 1
            ordinals, start = _which(fault.nth)
            seen = self._seen[index]
            if seen not in ordinals and (start is None or seen < start):
                continue
            if fault.probability is not None and ids.chance(f"fault{index}") >= fault.probability:
                continue
            if fault.times is not None and self._hits[index] >= fault.times:
                continue
            if struck is None:
                self._hits[index] += 1
                struck = fault
        return struck

    def fork(self) -> "FaultPlan":
        """An independent copy with the same counts."""
        twin = FaultPlan()
        twin.faults, twin._seen, twin._hits = self.faults[:], self._seen[:], self._hits[:]
        return twin
