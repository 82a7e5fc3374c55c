"""What plans of faults have in common: which of the matching things are hit."""

from collections.abc import Callable
from typing import Generic, Protocol, Self, TypeVar

from factory_tui.universe.ids import Ids

__all__ = ["FaultError", "Plan", "check_share", "which"]


class FaultError(ValueError):
    """A fault that cannot be understood; the message says which field and why."""


class Hitting(Protocol):
    """The fields that say how often a fault strikes."""

    @property
    def nth(self) -> int | list[int] | str | None:
        """Which matching things, from 1: a number, a list, or ``"from N"``; ``None`` = all."""

    @property
    def probability(self) -> float | None:
        """Of those that ``nth`` leaves, the seeded share that is hit."""

    @property
    def times(self) -> int | None:
        """At most so many hits."""


F = TypeVar("F", bound=Hitting)


def which(nth: int | list[int] | str | None) -> tuple[frozenset[int], int | None]:
    """``nth`` as a set of ordinals and the ordinal from which all are hit.

    Raises :class:`FaultError`.
    """
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


def check_share(probability: float | None) -> None:
    """Raise :class:`FaultError` for a probability that is none."""
    if probability is not None and not 0 <= probability <= 1:
        raise FaultError(f"probability: {probability} is not between 0 and 1")


class Plan(Generic[F]):
    """Faults and how often each has matched and struck."""

    __slots__ = ("_hits", "_seen", "faults")

    def __init__(self) -> None:
        self.faults: list[F] = []
        self._seen: list[int] = []
        self._hits: list[int] = []

    def _insert(self, fault: F) -> None:
        self.faults.append(fault)
        self._seen.append(0)
        self._hits.append(0)

    def clear(self) -> None:
        """Forget every fault."""
        self.faults, self._seen, self._hits = [], [], []

    def _strike(self, matches: Callable[[F], bool], ids: Ids, kind: str) -> F | None:
        """Count one thing against every fault that matches it; the first that strikes."""
        struck: F | None = None
        for index, fault in enumerate(self.faults):
            if not matches(fault):
                continue
            self._seen[index] += 1
            ordinals, start = which(fault.nth)
            seen = self._seen[index]
            if seen not in ordinals and (start is None or seen < start):
                continue
            if fault.probability is not None and ids.chance(f"{kind}{index}") >= fault.probability:
                continue
            if fault.times is not None and self._hits[index] >= fault.times:
                continue
            if struck is None:
                self._hits[index] += 1
                struck = fault
        return struck

    def fork(self) -> Self:
        """An independent copy with the same counts."""
        twin = type(self)()
        twin.faults, twin._seen, twin._hits = self.faults[:], self._seen[:], self._hits[:]
        return twin
