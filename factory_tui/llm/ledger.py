"""The budget's book: reserve before every model call, commit or forfeit after it.

A limit holds because nothing starts that could break it: what is spent, plus the most that
running calls may still cost, plus the most this call may cost, must fit. A call whose cost
never becomes known has cost its whole reservation.
"""

import asyncio
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal, Protocol

from factory_tui.llm.errors import BudgetExhausted, UnknownPrice
from factory_tui.llm.types import Usage

__all__ = ["Book", "Ledger", "Limits", "MemoryBook", "Reservation", "Totals"]

USEFUL_TOKENS = 1024
"""An answer shorter than this is not worth its prompt: rather stop than lower further."""

MOST_TOKENS = 10**15
"""More than this is booked as this: absurd either way, and a database must hold the sum."""

WorstCase = Callable[[int, int], Decimal | None]
"""(input tokens, output tokens) → the dearest dollars, ``None`` if the price is unknown."""


class Book(Protocol):
    """Where entries are kept, write-ahead: an entry is open before its call starts.

    A book opened again after a crash must count entries still open as spent.
    """

    def open(self, *, role: str, model: str, key: str, tokens: int, usd: Decimal | None) -> int:
        """Write an open entry durably; return its number."""
        ...

    def close(
        self,
        entry: int,
        *,
        state: Literal["committed", "forfeited"],
        tokens: int,
        usd: Decimal | None,
        usage: Mapping[str, Any],
    ) -> None:
        """Settle an entry: what it did cost, or what is charged because nobody knows."""
        ...

    def together(self) -> AbstractContextManager[None]:
        """What is written inside, here or in the same store, is written whole or not at all."""
        ...

    def totals(self) -> tuple[int, Decimal, int, Decimal, bool]:
        """Spent tokens, spent dollars, held tokens, held dollars, any cost unknown."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """A run's budget; ``None`` is no limit. ``warn``: fractions at which to say so."""

    tokens: int | None = None
    usd: Decimal | None = None
    warn: tuple[float, ...] = (0.75, 0.9)


@dataclass(frozen=True, slots=True)
class Totals:
    """What is spent and what running calls may still cost; dollars leave out unknown costs."""

    spent_tokens: int
    spent_usd: Decimal
    held_tokens: int
    held_usd: Decimal
    unknown_cost: bool


@dataclass(frozen=True, slots=True)
class Reservation:
    """Room for one attempt. ``max_tokens`` may be lower than what was asked for."""

    entry: int
    role: str
    model: str
    key: str
    tokens: int
    usd: Decimal | None
    input_tokens: int
    max_tokens: int
    opened: float


class Ledger:
    """One budget shared by everyone who calls models.

    ``on_event(kind, data)`` gets ``spend``, ``budget.warned``, ``budget.exhausted`` and
    ``budget.overbilled`` in the shape of the journal's vocabulary (``spend`` also carries the
    call's ``key``).

    ``warned`` are the marks ("tokens" | "usd", fraction) that were said to be crossed before a
    restart.

    ``commit`` and ``forfeit`` are plain functions on purpose: a cancelled call must still be
    booked, and an ``await`` could be cancelled again.
    """

    def __init__(
        self,
        book: Book,
        limits: Limits,
        on_event: Callable[[str, dict[str, Any]], None],
        *,
        warned: Iterable[tuple[str, float]] = (),
    ) -> None:
        self._book = book
        self._limits = limits
        self._on_event = on_event
        self._lock = asyncio.Lock()
        self._moved = asyncio.Event()  # set and replaced whenever room may have appeared
        self._open: set[int] = set()
        self._warned: set[tuple[str, float]] = set(warned)
        self._said_exhausted = False

    @property
    def limits(self) -> Limits:
        """The limits in force."""
        return self._limits

    def totals(self) -> Totals:
        """The book's totals now."""
        return Totals(*self._book.totals())

    def set_limits(self, limits: Limits) -> None:
        """Put other limits in force; calls already running keep what they reserved."""
        self._limits = limits
        self._said_exhausted = False
        totals = self.totals()
        self._warned = {mark for mark in self._warned if self._crossed(totals, *mark)}
        self._warn(totals)
        self._wake()

    async def reserve(
        self,
        *,
        role: str,
        model: str,
        key: str = "",
        input_tokens: int,
        max_tokens: int,
        worst: WorstCase,
        useful: int = USEFUL_TOKENS,
    ) -> Reservation:
        """Hold the most this call may cost, or refuse.

        Args:
            role: Who asks ("builder", "judge", …), for the book.
            model: The model's name, for the book.
            key: The call's name, for the book.
            input_tokens: Upper bound of the prompt's tokens.
            max_tokens: Most output tokens wanted.
            worst: The model's dearest price.
            useful: Least output worth having; ``max_tokens`` is lowered down to it to fit.

        While only other calls' reservations are in the way, this waits for them to be settled:
        most calls cost far less than they hold.

        Raises:
            BudgetExhausted: Even without the calls that are still running it would not fit.
            UnknownPrice: There is a dollar limit and the model's price is unknown.
        """
        useful = min(useful, max_tokens)
        while True:
            async with self._lock:
                moved, totals = self._moved, self.totals()
                now = self._fits(totals, input_tokens, max_tokens, worst, model, held=True)
                later = self._fits(totals, input_tokens, max_tokens, worst, model, held=False)
                if not self._open:  # nobody is left who could make room
                    later = now
                if now == max_tokens or (now == later and now >= useful):
                    return self._admit(role, model, key, input_tokens, now, worst)
                if later < useful:
                    raise self._refuse(totals, input_tokens, useful, worst)
            await moved.wait()

    def commit(self, reservation: Reservation, usage: Usage, cost: Decimal | None) -> None:
        """Book what the call did cost. More than was reserved is booked too, and flagged.

        Numbers that count nothing (negative ones) leave the cost unknown: all of it is forfeited.
        """
        if not usage.sound or (cost is not None and not (cost.is_finite() and cost >= 0)):
            self.forfeit(reservation)
            return
        self._settle(reservation, "committed", usage.budget_tokens, cost, usage)

    def forfeit(
        self, reservation: Reservation, least: Usage | None = None, cost: Decimal | None = None
    ) -> Usage:
        """Book the whole reservation: nobody knows what the call did cost. Returns that usage.

        Args:
            reservation: The call's.
            least: What the server has owned up to so far; more than was reserved is booked too,
                and flagged.
            cost: The dollars of that.
        """
        usage = Usage(reservation.input_tokens, reservation.max_tokens, estimated=True)
        tokens, usd = reservation.tokens, reservation.usd
        if least is not None and least.budget_tokens > tokens:
            usage, tokens = replace(least, estimated=True), least.budget_tokens
        if cost is not None and usd is not None:
            usd = max(usd, cost)
        self._settle(reservation, "forfeited", tokens, usd, usage)
        return usage

    def _settle(
        self,
        reservation: Reservation,
        state: Literal["committed", "forfeited"],
        tokens: int,
        usd: Decimal | None,
        usage: Usage,
    ) -> None:
        """Book it and tell of it, both or neither."""
        tokens = min(tokens, MOST_TOKENS)
        with self._book.together():
            self._close(reservation, state, tokens, usd, usage)
            self._flag(reservation, tokens, usd)
        self._open.discard(reservation.entry)
        self._wake()

    def _flag(self, reservation: Reservation, tokens: int, cost: Decimal | None) -> None:
        over_usd = cost is not None and reservation.usd is not None and cost > reservation.usd
        if tokens > reservation.tokens or over_usd:
            self._on_event(
                "budget.overbilled",
                {
                    "reserved_tokens": reservation.tokens,
                    "billed_tokens": tokens,
                    "reserved_usd": _money(reservation.usd),
                    "billed_usd": _money(cost),
                },
            )

    # what fits

    def _fits(
        self,
        totals: Totals,
        input_tokens: int,
        wanted: int,
        worst: WorstCase,
        model: str,
        *,
        held: bool,
    ) -> int:
        """Most output tokens (≤ wanted) that fit; negative if not even the prompt does."""
        fits = wanted
        if self._limits.tokens is not None:
            room = self._limits.tokens - totals.spent_tokens - (totals.held_tokens if held else 0)
            fits = min(fits, room - input_tokens)
        if self._limits.usd is not None:
            if worst(input_tokens, 0) is None:
                raise UnknownPrice(
                    f"The price of {model} is unknown, so the limit of ${self._limits.usd} cannot "
                    "be kept: give its price in factory.toml, or remove the dollar limit."
                )
            left = self._limits.usd - totals.spent_usd - (totals.held_usd if held else 0)
            full = worst(input_tokens, max(fits, 0))
            if full is None or full > left:
                outputs = range(max(fits, 0) + 1)
                fits = (
                    bisect_right(outputs, left, key=lambda n: worst(input_tokens, n) or Decimal(0))
                    - 1
                )
        return fits

    def _admit(
        self,
        role: str,
        model: str,
        key: str,
        input_tokens: int,
        max_tokens: int,
        worst: WorstCase,
    ) -> Reservation:
        tokens, usd = input_tokens + max_tokens, worst(input_tokens, max_tokens)
        entry = self._book.open(role=role, model=model, key=key, tokens=tokens, usd=usd)
        self._open.add(entry)
        return Reservation(
            entry, role, model, key, tokens, usd, input_tokens, max_tokens, time.monotonic()
        )

    def _refuse(
        self, totals: Totals, input_tokens: int, useful: int, worst: WorstCase
    ) -> BudgetExhausted:
        tokens, usd = input_tokens + useful, worst(input_tokens, useful)
        limit = self._limits.tokens
        of = "tokens" if limit is not None and totals.spent_tokens + tokens > limit else "usd"
        if not self._said_exhausted:  # once for all workers, until the limits change
            self._said_exhausted = True
            self._on_event(
                "budget.exhausted",
                {"of": of, "needed_tokens": tokens, "needed_usd": _money(usd)},
            )
        return BudgetExhausted(of, tokens, usd)

    # settling

    def _close(
        self,
        reservation: Reservation,
        state: Literal["committed", "forfeited"],
        tokens: int,
        usd: Decimal | None,
        usage: Usage,
    ) -> None:
        if reservation.entry not in self._open:
            raise ValueError(f"ledger entry {reservation.entry} is already settled")
        self._book.close(
            reservation.entry,
            state=state,
            tokens=tokens,
            usd=usd,
            usage={
                "input": usage.fresh_tokens,
                "output": usage.billed_output_tokens,
                "cache_read": usage.cache_read_tokens or 0,
                "cache_write": usage.cache_write_tokens or 0,
                "reasoning": usage.reasoning_tokens or 0,
                "estimated": usage.estimated,
            },
        )
        totals = self.totals()
        self._on_event(
            "spend",
            {
                "role": reservation.role,
                "model": reservation.model,
                "key": reservation.key,
                "tokens": tokens,
                "usd": _money(usd),
                "input": usage.fresh_tokens,
                "output": usage.billed_output_tokens,
                "cache_read": usage.cache_read_tokens or 0,
                "cache_write": usage.cache_write_tokens or 0,
                "estimated": usage.estimated,
                "state": state,
                "spent_tokens": totals.spent_tokens,
                "spent_usd": _money(totals.spent_usd),
                "held_tokens": totals.held_tokens,
                "held_usd": _money(totals.held_usd),
                "ms": round((time.monotonic() - reservation.opened) * 1000),
            },
        )
        self._warn(totals)

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    # warnings

    def _crossed(self, totals: Totals, of: str, fraction: float) -> bool:
        share = Decimal(str(fraction))
        if of == "tokens":
            return self._limits.tokens is not None and (
                totals.spent_tokens >= self._limits.tokens * share
            )
        return self._limits.usd is not None and totals.spent_usd >= self._limits.usd * share

    def _warn(self, totals: Totals) -> None:
        for of in ("tokens", "usd"):
            for fraction in self._limits.warn:
                mark = (of, fraction)
                if mark not in self._warned and self._crossed(totals, of, fraction):
                    self._warned.add(mark)
                    self._on_event("budget.warned", {"percent": round(fraction * 100), "of": of})


class MemoryBook:
    """A book without a disk: for single calls and for tests of everything above it."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def open(self, *, role: str, model: str, key: str, tokens: int, usd: Decimal | None) -> int:
        """Write an open entry and return its number."""
        self.rows.append(
            {"role": role, "model": model, "key": key, "state": "open"}
            | {"tokens": tokens, "usd": usd, "usage": {}}
        )
        return len(self.rows) - 1

    def close(
        self,
        entry: int,
        *,
        state: Literal["committed", "forfeited"],
        tokens: int,
        usd: Decimal | None,
        usage: Mapping[str, Any],
    ) -> None:
        """Settle an entry."""
        self.rows[entry].update(state=state, tokens=tokens, usd=usd, usage=dict(usage))

    def together(self) -> AbstractContextManager[None]:
        """See ``Book.together``."""
        return nullcontext()

    def totals(self) -> tuple[int, Decimal, int, Decimal, bool]:
        """See ``Book.totals``."""
        spent = [row for row in self.rows if row["state"] != "open"]
        held = [row for row in self.rows if row["state"] == "open"]
        return (
            sum(row["tokens"] for row in spent),
            sum((row["usd"] or Decimal(0) for row in spent), Decimal(0)),
            sum(row["tokens"] for row in held),
            sum((row["usd"] or Decimal(0) for row in held), Decimal(0)),
            any(row["usd"] is None for row in self.rows),
        )


def _money(usd: Decimal | None) -> str | None:
    return None if usd is None else f"{usd:f}"
